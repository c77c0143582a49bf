# SPDX-License-Identifier: MIT
"""The device's end of the link: one request to the chip, one reply, through two pipes.

`call` allocates nothing, so what is free of allocation on the board is so here. A request is six 32-bit numbers
(operation, handle, a, b, bytes that follow, heap in use), a reply four (value, clock, flags, bytes that follow).
In a request that may wait, `b` is the longest wait in ms, -1 for ever. The other end is `simulator/board/link.py`.
"""

import gc
import sys
from array import array

from micropython import const, schedule

_OP_READY = const(30)
_OP_TIMERS = const(31)
_LAST_FLASH_OP = const(4)  # these operations carry the heap in use

_MASKED = const(0x100)  # in the operation: a timer callback is running, do not interrupt
_DUE = const(1)  # flags of a reply: a timer is due
_ERROR = const(2)  # value is an errno, the bytes are its name
_AGAIN = const(4)  # a timer interrupted the wait: ask again with b = value

_request = array("i", [0] * 6)
_reply = array("i", [0] * 4)
_heap = getattr(gc, "mem_alloc", None)
_busy = False
_masked = 0
timers = {}  # number: Timer, those with a callback
virtual = False
started_ms = 0  # the chip's age when this process started: what the real part of the clock has to add


def connect(replies, requests, interrupts):
    """Opens the link and learns which clock rules. `interrupts` is None where signals do that."""
    global _get, _read, _write, _irq, virtual, started_ms
    _get = replies.read
    _read = replies.readinto
    _write = requests.write
    _irq = interrupts
    started_ms = call(_OP_READY)
    virtual = started_ms < 0


def clock_ms():
    """The part of the chip's clock that only the host knows: all of it in lockstep, else what flash work cost."""
    return _reply[1]


def call(op, handle=0, a=0, b=0, out=None, more=None, into=None):
    """One request; `out` and `more` go with it, the answer's bytes come into `into`. Returns the answer's number.

    Without `into` bytes are returned, if there are any: made once, in their own size, as a socket makes them.
    """
    global _busy
    while True:
        _busy = True
        _ask(op, handle, a, b, out, more)
        flags = _reply[2]
        value = _reply[0]
        if flags & _ERROR:
            name = bytearray(_reply[3])
            if name:
                _read(name, len(name))
            _busy = False
            raise OSError(value, name.decode()) if name else OSError(value)
        if _reply[3]:
            if into is None:
                value = _get(_reply[3])
            else:
                _read(into, _reply[3])
        _busy = False
        if flags & _DUE:
            run_timers()
        if not flags & _AGAIN:
            return value
        b = value


def _ask(op, handle, a, b, out, more):
    request = _request
    request[0] = op | _masked
    request[1] = handle
    request[2] = a
    request[3] = b
    request[4] = (len(out) if out else 0) + (len(more) if more else 0)
    request[5] = _heap() if _heap and op <= _LAST_FLASH_OP else 0
    _write(request, 24)
    if out:
        _write(out, len(out))
    if more:
        _write(more, len(more))
    _read(_reply, 16)


def run_timers(_=None):
    """Runs the callbacks that are due. Also the interrupt's entry: within a request the reply tells it again."""
    global _masked
    if _busy or _masked:
        return
    _masked = _MASKED
    try:
        due = call(_OP_TIMERS)
        while due:
            for number in sorted(timers):
                if due >> number & 1:
                    try:
                        timers[number].callback(timers[number])
                    except Exception as error:
                        sys.print_exception(error)
            due = call(_OP_TIMERS)
    finally:
        _masked = 0


def listen():
    """Starts the interrupt line, once: from now on a byte in its pipe interrupts whatever Python runs."""
    global _irq
    if _irq:
        import _thread

        _thread.start_new_thread(_listen, (_irq.readinto,))
        _irq = None


def _listen(wait):
    byte = bytearray(1)
    while wait(byte):
        try:
            schedule(run_timers, None)
        except RuntimeError:
            pass  # the queue is full: it will run anyway
        gc.collect()  # wakes the main thread out of a blocking system call, as a side effect
