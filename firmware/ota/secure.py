# SPDX-License-Identifier: MIT
"""TLS: a stream whose peer was checked against the provisioned CA and by its name, or none at all.

Loaded for each secure connection. The settings are in credentials.py. There is no way to leave the check out.
The handshake blocks, 1 to 2 s on a chip (style.md C1); a peer that falls silent in it ends it after 10 s.
"""

import gc

from ota.errors import TransferError
from ota.port import const

_ENOMEM = const(12)
_NO_BIGNUM = const(0x10)  # MBEDTLS_ERR_MPI_ALLOC_FAILED, in the low seven bits of what failed for that
_LOW = const(0x7F)


class Verifier:
    """Trusts the provisioned CA and nobody else. Raises TransferError before anything is connected (credentials.py).

    `context`: of TLS, with all that was provisioned; one that has served may serve the next connection too.
    """

    def __init__(self, board, context=None):
        if context is None:
            from ota import credentials
            from ota.port import forget

            forget("ota.credentials")
            context = credentials.context(board)
        self.context = context

    def wrap(self, sock, host):
        """The secure stream over a connected `sock`. Raises tls_untrusted, tls_failed, tls_unsupported or no_memory."""
        try:
            return self.context.wrap_socket(sock, server_hostname=host)
        except MemoryError:
            gc.collect()
            raise TransferError("no_memory", "tls")
        except ValueError as error:  # MicroPython's way to say what is wrong with a certificate
            raise TransferError("tls_untrusted", line(error))
        except OSError as error:
            raise TransferError(_code(error), line(error))


def _code(error):
    """Of an OSError. Without a number it is none of TLS: this socket cannot carry it, as in the simulator."""
    if is_no_memory(error):
        return "no_memory"
    return "tls_failed" if error.args and isinstance(error.args[0], int) else "tls_unsupported"


def is_no_memory(error):
    """Whether an OSError says that C's memory did not suffice: a session of TLS takes some 40 KiB of it."""
    number = error.args[0] if error.args else 0
    if not isinstance(number, int):
        return False
    return number == _ENOMEM or (number < 0 and -number & _LOW == _NO_BIGNUM) or "ALLOC_FAILED" in str(error)


def line(error):
    """What an exception says, as one short line."""
    return " ".join(str(error).split())[:80]
