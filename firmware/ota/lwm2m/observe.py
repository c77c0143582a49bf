# SPDX-License-Identifier: MIT
"""Observations (RFC 7641, lwm2m.md 1.8): who wants to be told of what, how often, and when it is due.

Every notification is confirmable. What has changed while one is on its way goes out with its repetition, or after it;
so the last value always arrives, and none is told of the past.
"""

from ota.coap import message as coap
from ota.errors import TransferError
from ota.port import const, ticks_diff, ticks_ms

_MOST = const(12)
_NAMES = ("pmin", "pmax", "epmin", "epmax")
_BLOCK = const(512)
_LONGEST_S = const(500000)  # ticks tell no more


class _Observation:
    def __init__(self, path, token, accept):
        self.path = path
        self.token = token
        self.accept = accept
        self.is_dirty = False
        self.told_at = ticks_ms()


class Observations:
    """`server`: of objects.py, for the default periods."""

    def __init__(self, server):
        self._server = server
        self._known = []
        self._notes = {}  # path -> {name: seconds}
        self._count = 0
        self._endpoint = self._service = self._under_way = None

    def add(self, path, token, accept):
        """Starts one, or renews it; its number, 0 where there are too many."""
        self._known = [known for known in self._known if known.path != path and known.token != token]
        if len(self._known) >= _MOST:
            return 0
        self._known.append(_Observation(path, token, accept))
        return self._next()

    def cancel(self, path, token):
        self._known = [known for known in self._known if known.path != path and known.token != token]

    def clear(self):
        """The server has forgotten them."""
        self._known = []
        self._under_way = None

    def changed(self, oid, *rids):
        """These resources may have another value, or are to be told anyway."""
        for known in self._known:
            if known.path[0] == oid and (len(known.path) < 3 or known.path[2] in rids):
                known.is_dirty = True

    @property
    def is_told(self):
        """Whether nothing is left to say."""
        return self._under_way is None and not any(known.is_dirty for known in self._known)

    def lost(self):
        """The line is: what was on its way is still to be said."""
        if self._under_way is not None:
            self._under_way.is_dirty = True
            self._under_way = None

    # attributes

    def write(self, path, queries):
        """Write-Attributes. A code."""
        notes = dict(self._notes.get(path, {}))
        for query in queries:
            name, equals, value = query.decode().partition("=")
            if name not in _NAMES or (equals and not (value.isdigit() and len(value) < 9)):
                return coap.BAD_REQUEST
            if equals:
                notes[name] = int(value)
            else:
                notes.pop(name, None)
        if notes.get("pmax") and notes["pmax"] < notes.get("pmin", 0):
            return coap.BAD_REQUEST
        if path not in self._notes and len(self._notes) >= _MOST:
            return coap.SERVER_ERROR
        self._notes[path] = notes
        return coap.CHANGED

    def notes(self, path):
        """The attributes of a place, as Discover tells them."""
        notes = self._notes.get(path, {})
        return "".join([";%s=%d" % (name, notes[name]) for name in _NAMES if name in notes])

    def _period(self, path, name, default):
        """In seconds; what is written nearest to the place counts."""
        for n in range(len(path), 0, -1):
            value = self._notes.get(path[:n], {}).get(name)
            if value is not None:
                return value
        return default

    # telling

    def step(self, endpoint, service):
        """Says what is due, if anything is, as `service` has it; `endpoint` is idle."""
        self._endpoint, self._service = endpoint, service
        for known in self._known:
            if self._is_due(known):
                self._known.remove(known)  # the others' turn comes first next time
                self._known.append(known)
                self._under_way = known
                self._compose()
                endpoint.go(self._heard, self._again)
                return True
        return False

    def _is_due(self, known):
        seconds = ticks_diff(ticks_ms(), known.told_at) // 1000
        if known.is_dirty:
            return seconds >= min(self._period(known.path, "pmin", self._server.pmin), _LONGEST_S)
        most = min(self._period(known.path, "pmax", self._server.pmax), _LONGEST_S)
        return 0 < most <= seconds

    def _compose(self):
        known = self._under_way
        known.is_dirty = False
        known.told_at = ticks_ms()
        code, number, body = self._service.body(known.path, known.accept)
        out = self._endpoint.tell(code, known.token)
        if code == coap.CONTENT:
            out.uint(coap.OBSERVE, self._next())
            out.uint(coap.CONTENT_FORMAT, number)
            if len(body) > _BLOCK:
                out.uint(coap.BLOCK2, 8 | 5)
                body = body[:_BLOCK]
            out.payload(body)
        else:  # it is gone, and with it the observation (RFC 7641 4.2)
            self._known = [other for other in self._known if other is not known]

    def _again(self):
        """Before a repetition: a newer value takes the place of the old one (RFC 7641 4.5.2)."""
        if self._under_way is not None and self._under_way.is_dirty:
            self._compose()

    def _heard(self, m):
        known, self._under_way = self._under_way, None
        if m is None:
            if known is not None:
                known.is_dirty = True
            raise TransferError("notify_unanswered")
        if m.type == coap.RST:
            self._known = [other for other in self._known if other is not known]

    def _next(self):
        self._count = (self._count + 1) & 0xFFFFFF or 1
        return self._count
