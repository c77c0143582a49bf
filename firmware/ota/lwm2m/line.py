# SPDX-License-Identifier: MIT
"""Lines to a LwM2M server or its file server: plain datagrams, or DTLS with what was provisioned (lwm2m.md 6)."""

from ota.errors import JobError, TransferError
from ota.port import const

NOSEC = "nosec"
_IS_DIRTY = const(3)  # of an observation, see observe.py
_LONGEST_NAME = const(150)  # bytes (lwm2m.md 1.1)
_TOO_LONG = const(-4364)  # ESP_ERR_NVS_INVALID_LENGTH: the value is longer than the buffer


def connect(cloud):
    """To the server. Raises TransferError."""
    board = cloud.board
    check(board)
    is_secure = mode(board) != NOSEC
    host, port = board.text("host", "127.0.0.1"), board.number("port", 5684 if is_secure else 5683)
    cloud.line = open_line(board, is_secure, host, port)
    facts = cloud.facts
    facts.protocols = protocols(board)
    for known in facts.watches:
        known[_IS_DIRTY] = known[_IS_DIRTY] and facts.is_storing  # what came while there was no line


def close(cloud):
    facts = cloud.facts
    if facts.under_way is not None:
        from ota.lwm2m import observe

        observe.lost(facts)
    if cloud.reboot_at is not None:  # nobody is left who has to be told, and another line may be long in coming
        restart(cloud)
    facts.is_up = False  # the server hears of us first of all on the next line
    cloud.speaker, facts.parts, facts.sent = 0, None, None
    cloud.endpoint = None
    if cloud.line is not None:
        cloud.line.close()
        cloud.line = None


def restart(cloud):
    """What the server has ordered is due."""
    cloud.reboot_at = None
    cloud.commands = [("restart_soon", None)]  # a trial outlives it


def open_line(board, is_secure, host, port):
    """A line of udp.py. Raises TransferError; no_address where the name means nothing."""
    from ota.coap.udp import Udp

    if not is_secure:
        return Udp(host, port)
    from ota.coap import dtls

    return Udp(host, port, dtls.session_maker(board, mode(board)))


def mode(board):
    """How this board is known to its server: "nosec", "cert" or "psk"."""
    return board.text("security", NOSEC)


def check(board):
    """Raises TransferError where the settings ask for what this build does not have, or what no server takes."""
    if len(board.text("endpoint", "").encode()) > _LONGEST_NAME:
        raise TransferError("bad_settings", "endpoint")
    if mode(board) == NOSEC:
        return
    from ota.coap import dtls

    dtls.check(mode(board))


def protocols(board):
    """What /5/0/8 says: the ways by which this board can fetch."""
    made = [0, 2]
    if mode(board) != NOSEC:
        made.append(1)
    if _is_set(board, "ca"):
        made.append(3)
    return sorted(made)


def _is_set(board, name):
    """Also of a setting that is longer than `board.text` reads, as certificates are."""
    try:
        board.settings.get_blob(name, bytearray(1))
    except OSError as error:
        return error.args[0] == _TOO_LONG
    return True


def lookup(host, port):
    """Raises TransferError `no_address` for a name that means nothing."""
    import socket

    try:
        if socket.getaddrinfo(host, port):
            return
    except (OSError, ValueError) as error:  # as in udp.py
        raise TransferError("no_address", str(error))
    raise TransferError("no_address")


def nowhere(error, offset):
    """What `no_address` is to a download from byte `offset` on: wrong, or a name that was good and will be again."""
    if not offset:
        return JobError(error.code, error.detail)
    made = TransferError("connect_failed", error.code)
    made.beside = True
    return made
