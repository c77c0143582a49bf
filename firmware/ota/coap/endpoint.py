# SPDX-License-Identifier: MIT
"""One CoAP peer over one line of datagrams: what it asks is served, what we say is repeated until it is heard.

RFC 7252 section 4: each of ours is confirmable, one at a time (NSTART 1). Nothing here waits but `poll`.
`line`: receive(ms) -> bytes or None, send(buf, size) -> whether it went out (udp.py).
"""

import os

from ota.coap.message import Message, Writer
from ota.coap.replies import Replies
from ota.errors import TransferError
from ota.port import const, ticks_diff, ticks_ms

_CON = const(0)
_NON = const(1)
_ACK = const(2)
_RST = const(3)
_EMPTY = const(0)
_GET = const(1)
_BAD_OPTION = const(130)  # 4.02
_LARGEST = const(1152)  # a longer datagram may be cut short, so it does not count (RFC 7252 4.6)
_ACK_MS = const(2000)  # times 1 to 1.5 by chance, then doubled
_REPEATS = const(4)
_SEPARATE_MS = const(93000)  # for an answer that was promised by an empty acknowledgement
_UP_MS = const(30000)  # for a line that takes nothing yet, as in a handshake
_BUSY_MS = const(1000)  # until a request that is not answered yet is acknowledged
_REQUEST = const(320)  # bytes of the longest message of ours, unless somebody says otherwise
_REPLY = const(560)  # of the longest answer
IGNORE = const(-1)  # an answer of `serve`: as if it had been lost

_NOTHING = const(0)
_SENT = const(1)
_ACKED = const(2)


class Endpoint:
    """`serve(message, out)` -> code of the answer, whose options and payload it puts into `out`; EMPTY: `answer` later.

    `size`: bytes of the longest message of ours.
    """

    _message = Message()  # one for all: it counts only while it is handled

    def __init__(self, line, serve=None, size=_REQUEST):
        self._line = line
        self._serve = serve
        self._out = Writer(size)
        self._reply = Writer(_REPLY if serve else 48)
        self._replies = Replies(6 if serve else 2)
        seed = os.urandom(6)
        self._mid = seed[0] << 8 | seed[1]
        self._token = bytearray(seed[2:6])
        self._state = _NOTHING
        self._done = self._renew = self._later = None  # the last: token of what is answered later
        self._repeats = self._timeout = self._since = self._begun = 0
        self._is_out = self._is_notice = self._is_later_acked = False
        self._later_mid = self._later_at = 0

    # what we say

    @property
    def is_idle(self):
        """Whether something may be said now."""
        return self._state == _NOTHING

    def ask(self, code):
        """Begins a request; a Writer for its options and payload, then `go`. Only while idle."""
        for i in range(3, -1, -1):
            self._token[i] = (self._token[i] + 1) & 0xFF
            if self._token[i]:
                break
        self._is_notice = False
        self._out.begin(_CON, code, self._next_mid(), self._token, 4)
        return self._out

    def tell(self, code, token):
        """The same for what answers an earlier request: its end is the acknowledgement."""
        self._is_notice = True
        self._out.begin(_CON, code, self._next_mid(), token)
        return self._out

    def go(self, done, renew=None):
        """Sends what was begun. `done(message)`: of the answer or the reset; None when the peer stays silent.

        `renew()` may `tell` anew what is about to be repeated (RFC 7641 4.5.2).
        """
        self._done, self._renew = done, renew
        self._state = _SENT
        self._repeats = 0
        self._begun = ticks_ms()
        self._timeout = _ACK_MS + os.urandom(1)[0] * (_ACK_MS // 2) // 255
        self._put_out()

    def drop(self):
        """Nobody wants the answer any more."""
        self._state = _NOTHING
        self._done = self._renew = None

    # what is answered later

    def answer(self, code, fill):
        """Answers what `serve` left open; `fill(out)` puts in the options. False: not now."""
        if self._later is None:
            return True
        if self._is_later_acked:
            if not self.is_idle:
                return False
            fill(self.tell(code, self._later))
            self._later = None
            self.go(_ignore)
            return True
        reply = self._reply
        reply.begin(_ACK, code, self._later_mid, self._later)
        fill(reply)
        token, self._later = self._later, None
        self._replies.keep(self._later_mid, token, reply.buf, reply.size, ticks_ms())
        self._line.send(reply.buf, reply.size)
        return True

    # time and datagrams

    def poll(self, ms):
        """Waits at most `ms` for a datagram and handles one; whether there was one. Raises TransferError."""
        try:
            self.tick()
            data = self._line.receive(ms)
            if data is None:
                return False
            if len(data) <= _LARGEST:
                self._take(data)
                self._message.buf = b""  # the next one needs the place
            return True
        except OSError as error:
            raise TransferError("link_lost", str(error))

    def tick(self):
        """What is due by now."""
        now = ticks_ms()
        if self._later is not None and not self._is_later_acked and ticks_diff(now, self._later_at) >= _BUSY_MS:
            self._is_later_acked = True
            self._empty(_ACK, self._later_mid, self._later)
        if self._state == _SENT and not self._is_out and ticks_diff(now, self._begun) < _UP_MS:
            self._put_out()
            return
        if self._state == _NOTHING or ticks_diff(now, self._since) < self._timeout:
            return
        if self._state == _SENT and self._is_out and self._repeats < _REPEATS:
            self._repeats += 1
            self._timeout *= 2
            if self._renew is not None:
                self._renew()
            self._put_out()
        else:
            self._end(None)

    def _put_out(self):
        self._since = ticks_ms()
        self._is_out = self._line.send(self._out.buf, self._out.size)

    def _next_mid(self):
        self._mid = (self._mid + 1) & 0xFFFF
        return self._mid

    def _take(self, data):
        m = self._message
        if not m.parse(data, len(data)):
            if len(data) >= 4 and data[0] >> 4 == 4:  # a confirmable one of this version
                self._empty(_RST, data[2] << 8 | data[3])
            return
        kind = m.code >> 5
        if m.type == _CON or m.type == _NON:
            known = self._replies.of(m, ticks_ms())
            if known is not None:
                self._line.send(known, len(known))
            elif 0 < m.code < 32:
                self._request(m)
            elif m.code == _EMPTY or not 2 <= kind <= 5 or not self._is_awaited(m) or m.is_strange:
                if m.type == _CON:
                    self._empty(_RST, m.mid)
            else:
                if m.type == _CON:
                    self._empty(_ACK, m.mid, m.token)
                self._end(m)
        elif self._state == _SENT and m.mid == self._sent_mid:
            if m.type == _RST or (self._is_notice and m.code == _EMPTY):
                self._end(m)
            elif m.code == _EMPTY:
                self._state = _ACKED
                self._since, self._timeout = ticks_ms(), _SEPARATE_MS
            elif self._is_awaited(m) and not m.is_strange:
                self._end(m)

    @property
    def _sent_mid(self):
        return self._out.buf[2] << 8 | self._out.buf[3]

    def _is_awaited(self, m):
        return self._state != _NOTHING and not self._is_notice and m.token == self._token

    def _end(self, m):
        """What we said has come to its end."""
        done = self._done
        self.drop()
        if done is not None:
            done(m)

    def _request(self, m):
        if self._serve is None:
            if m.type == _CON:
                self._empty(_RST, m.mid)
            return
        if self._later is not None and m.mid == self._later_mid and m.token == self._later:
            return  # it is in work
        reply = self._reply
        is_con = m.type == _CON
        token = m.token
        reply.begin(_ACK if is_con else _NON, _EMPTY, m.mid if is_con else self._next_mid(), token)
        if m.is_strange:
            if not is_con:
                return
            code = _BAD_OPTION
        else:
            code = self._serve(m, reply)
            if code == IGNORE:
                return
        if code == _EMPTY:
            self._later, self._later_mid, self._later_at = token, m.mid, ticks_ms()
            self._is_later_acked = not is_con
            return
        reply.buf[1] = code
        if m.code != _GET:
            self._replies.keep(m.mid, token, reply.buf, reply.size, ticks_ms())
        self._line.send(reply.buf, reply.size)

    def _empty(self, type, mid, token=None):
        """An empty message; with a `token`, it is what duplicates of `mid` are answered."""
        reply = self._reply
        reply.begin(type, _EMPTY, mid)
        if token is not None:
            self._replies.keep(mid, token, reply.buf, 4, ticks_ms())
        self._line.send(reply.buf, 4)


def _ignore(message):
    """Whether it was heard does not matter."""
