# SPDX-License-Identifier: MIT
"""TLS: a stream whose peer was checked against the provisioned CA and by its name, or none at all.

Loaded for each secure connection. The settings are in credentials.py. There is no way to leave the check out.
The handshake blocks, 1 to 2 s on a chip (style.md C1); a peer that falls silent in it ends it after 10 s.
"""

import gc

from ota.errors import TransferError


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
        """The secure stream over a connected `sock`. Raises tls_untrusted, tls_failed or tls_unsupported."""
        try:
            return self.context.wrap_socket(sock, server_hostname=host)
        except MemoryError:  # some 40 KiB of it are C's; its own shortage is an OSError
            gc.collect()
            raise TransferError("tls_failed", "no memory")
        except ValueError as error:  # MicroPython's way to say what is wrong with a certificate
            raise TransferError("tls_untrusted", line(error))
        except OSError as error:
            is_number = bool(error.args) and isinstance(error.args[0], int)
            # Without one it is no error of TLS: this socket cannot carry it, as in the simulator's lockstep.
            raise TransferError("tls_failed" if is_number else "tls_unsupported", line(error))


def line(error):
    """What an exception says, as one short line."""
    return " ".join(str(error).split())[:80]
