# SPDX-License-Identifier: MIT
"""How a connection begins. Loaded for that: nobody needs it while there is one, and then memory is short."""

import socket

from ota import port
from ota.errors import TransferError


def dial(board, host, port_number, tls):
    """A connected stream, see Board.open_stream."""
    verifier = sock = None
    if tls:
        from ota import secure

        verifier = secure.Verifier(board, board.context)
        port.forget("ota.secure")
        board.context = None  # kept while it serves: what was provisioned may have changed, if it does not
    try:
        address = socket.getaddrinfo(host, port_number, 0, socket.SOCK_STREAM)[0][-1]
        sock = socket.socket()
        sock.settimeout(board.silence_s)
        if hasattr(socket, "TCP_NODELAY"):  # or a request waits until the one before is acknowledged
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address)
        if verifier is None:
            return port.Stream(sock, board.silence_s)
        stream = port.Stream(verifier.wrap(sock, host), board.silence_s, sock.settimeout)
        board.context = verifier.context
        return stream
    except (OSError, IndexError, TransferError) as error:
        if sock is not None:
            sock.close()
        raise error if isinstance(error, TransferError) else TransferError("connect_failed", str(error))
