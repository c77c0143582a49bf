# SPDX-License-Identifier: MIT
"""MicroPython's `select.poll` over CPython's: answers carry the registered object itself."""

import select as _select
from select import *  # noqa: F403


class poll:
    def __init__(self) -> None:
        self._poll = _select.poll()
        self._objects = {}

    def register(self, obj, mask: int = _select.POLLIN | _select.POLLOUT) -> None:
        self._poll.register(obj, mask)
        self._objects[obj.fileno()] = obj

    modify = register

    def unregister(self, obj) -> None:
        for fd in [fd for fd, known in self._objects.items() if known is obj]:
            del self._objects[fd]
            self._poll.unregister(fd)

    def poll(self, ms: int = -1) -> list:
        """What a TLS socket has decrypted already no system call knows of, so it is asked first."""
        pending = [sock for sock in self._objects.values() if hasattr(sock, "pending") and sock.pending()]
        if pending:
            return [(sock, _select.POLLIN) for sock in pending]
        return [(self._objects[fd], events) for fd, events in self._poll.poll(ms)]

    def ipoll(self, ms: int = -1, flags: int = 0):
        return iter(self.poll(ms))
