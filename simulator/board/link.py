# SPDX-License-Identifier: MIT
"""The host's end of the link to a device process: requests in, replies out, over two pipes.

Device and host run on one machine: all numbers are in its byte order. `device/_chip.py` is the other end.
"""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from simulator.board.errors import EspError

_REQUEST = struct.Struct("=6i")
_REPLY = struct.Struct("=4i")
_MASKED = 0x100
_DUE, _ERROR, _AGAIN = 1, 2, 4


class Op(IntEnum):
    """What a device asks for. The modules in `device/` name the ones they use in the same way, as _OP_..."""

    WRITE = 1
    ERASE = 2
    ERASE_WRITE = 3
    SET_BOOT = 4
    READ = 5
    FIND = 6
    LOOKUP = 7
    INFO = 8
    BOOT = 9
    RUNNING = 10
    NEXT_UPDATE = 11
    MARK_VALID = 12
    NVS_OPEN = 13
    NVS_SET_I32 = 14
    NVS_GET_I32 = 15
    NVS_SET_BLOB = 16
    NVS_GET_BLOB = 17
    NVS_ERASE = 18
    START = 29
    READY = 30
    TIMERS = 31
    RESET = 32
    SOFT_RESET = 33
    RESET_CAUSE = 34
    UNIQUE_ID = 35
    WATCHDOG = 36
    FEED = 37
    TIMER = 38
    RTC_READ = 39
    RTC_WRITE = 40
    TIME = 41
    SET_TIME = 42
    DEEPSLEEP = 43
    SLEEP = 44
    REPL = 45
    WLAN_ACTIVE = 50
    WLAN_CONNECT = 51
    WLAN_DISCONNECT = 52
    WLAN_STATUS = 53
    NTP = 54
    RESOLVE = 60
    SOCKET = 61
    CONNECT = 62
    SEND = 63
    RECV = 64
    CLOSE = 65
    POLL = 66
    TLS_CONTEXT = 70
    TLS_TRUST = 71
    TLS_SHOW = 72
    TLS_WRAP = 73
    TLS_SHAKE = 74
    TLS_KEY = 75


@dataclass(slots=True)
class Request:
    """`data` came with it; `heap`: bytes of the device's heap in use, 0 if not told; `masked`: in a timer callback."""

    op: int
    handle: int
    a: int
    b: int
    data: bytes
    heap: int
    masked: bool

    @property
    def text(self) -> str:
        """`data` as text; what is no UTF-8 cannot be the name of anything."""
        return self.data.decode(errors="replace")


@dataclass(slots=True)
class Reply:
    """A number, and bytes for the buffer that the device has named."""

    value: int = 0
    data: bytes = b""


DONE = Reply()
NOTHING_YET = Reply(-1)  # of a read or a write that would have to wait, and may not


@dataclass(slots=True)
class Wait:
    """An answer that is not there yet: `ready()` gives it or None; after `ms` (-1: never) it is `expired()`.

    Both may raise EspError. `is_repl` tells that no Python code is in the midst of anything.
    """

    ready: Callable[[], Reply | None]
    expired: Callable[[], Reply]
    ms: int
    is_repl: bool = False


Handler = Callable[[Request], Reply | Wait]


class Link:
    """One device process's pipes. `EOFError` when the process is gone."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd

    def receive(self) -> Request:
        op, handle, a, b, size, heap = _REQUEST.unpack(self._exactly(_REQUEST.size))
        return Request(op & ~_MASKED, handle, a, b, self._exactly(size), heap, bool(op & _MASKED))

    def answer(self, reply: Reply, clock_ms: int, *, is_due: bool = False) -> None:
        """`clock_ms` is the host's part of the device's clock; `is_due` makes it run its timers."""
        self._send(reply.value, clock_ms, _DUE * is_due, reply.data)

    def refuse(self, error: EspError, clock_ms: int, *, is_due: bool = False) -> None:
        """The request ends in `OSError(errno, name)`."""
        self._send(error.errno, clock_ms, _ERROR | _DUE * is_due, error.name.encode())

    def interrupt_wait(self, ms: int, clock_ms: int) -> None:
        """A timer is due in the midst of a wait: the device runs it, then asks again with this `b`."""
        self._send(ms, clock_ms, _DUE | _AGAIN, b"")

    def _send(self, value: int, clock_ms: int, flags: int, data: bytes) -> None:
        self._write(_REPLY.pack(value, clock_ms & 0x3FFFFFFF, flags, len(data)) + data)

    def _write(self, packet: bytes) -> None:
        try:
            while packet:
                packet = packet[os.write(self._write_fd, packet) :]
        except BrokenPipeError:
            raise EOFError from None

    def _exactly(self, size: int) -> bytes:
        data = os.read(self._read_fd, size) if size else b""
        while len(data) < size:
            part = os.read(self._read_fd, size - len(data))
            if not part:
                raise EOFError
            data += part
        return data
