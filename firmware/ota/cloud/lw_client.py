# SPDX-License-Identifier: MIT
"""The line to a LwM2M server: one endpoint, who is asked to answer, and who speaks first. What they say is elsewhere:
here is only what stays in memory during a download (ota.lwm2m)."""

# pyright: reportAttributeAccessIssue=false

from ota.coap.endpoint import Endpoint
from ota.errors import TransferError
from ota.job import Offers
from ota.journal import Journal
from ota.lwm2m import tidy
from ota.port import const, ticks_diff, ticks_ms

_GET = const(1)
_PUT = const(3)
_DELETE = const(4)
_NOT_ALLOWED = const(133)  # 4.05
_INCOMPLETE = const(136)  # 4.08
_URI_PATH = const(11)
_URI_QUERY = const(15)
_REBOOT_MS = const(1000)
_SAY_MS = const(5000)  # for what is left to say before (lwm2m.md 7)
_NOBODY = const(0)
_REGISTRATION = const(1)
_NOTIFY = const(2)
_SEND = const(3)
_NOWHERE = const((0xFFFF, 0, 0))


class Client(Offers):
    """See ota.cloud for the promises; the job is in lwm2m.py. `upload`: what is being pushed (lw_push.py), or None."""

    def __init__(self, board, identity):
        super().__init__(True)
        self.board = board
        self.identity = identity
        self.software = self.upload = None
        self.todo = 0  # see settle
        self.past = 0, _INCOMPLETE  # of the last upload, see lw_push.py
        self.data = b"{}"
        from ota.lwm2m import facts

        self.facts = facts.fresh()
        self.journal = Journal(board.nvs, "lwm2m")
        self.line = self.endpoint = self.reboot_at = None
        self.speaker = _NOBODY  # whose message is on its way

    def connect(self):
        from ota.lwm2m import line

        line.close(self)
        line.connect(self)
        self.endpoint = Endpoint(self.line, self._serve)
        tidy()

    def close(self):
        from ota.lwm2m import line

        line.close(self)
        tidy()

    @property
    def linked(self):
        return self.line is not None

    @property
    def ready(self):
        return self.facts.is_up

    def refresh(self):
        """There is nothing to ask for: the server says what it wants."""

    def poll(self, ms):
        endpoint = self.endpoint
        if endpoint is None:
            raise TransferError("offline")
        self._speak(endpoint)
        endpoint.poll(ms)
        self._speak(endpoint)
        at = self.reboot_at
        if at is not None and ticks_diff(ticks_ms(), at) > (_REBOOT_MS if self.is_told else _SAY_MS):
            from ota.lwm2m import line

            line.restart(self)

    # what the server asks for

    def _serve(self, m, out):
        """See Endpoint."""
        path = _path(m)
        if not path or m.code > _DELETE or len(path) > 4:
            return _NOT_ALLOWED
        if m.code == _PUT and path in ((5, 0, 0), (9, 0, 2)) and (m.start < m.end or not m.has(_URI_QUERY)):
            from ota.cloud import lw_push

            return lw_push.take(self, m, out, path[0])  # pyright: ignore[reportGeneralTypeIssues]
        try:
            if m.code == _GET:
                from ota.lwm2m import reading

                return reading.get(self, m, path, out)
            if m.code == _DELETE:
                return _NOT_ALLOWED
            from ota.lwm2m import writing

            return writing.serve(self, m, path, out)
        finally:
            self.settle()

    # what we say, the most important first: the server hears of us before anything else

    def _speak(self, endpoint):
        if self.upload is not None:
            self.upload.tick()
        if not endpoint.is_idle:
            return
        facts, now = self.facts, ticks_ms()
        if not facts.is_up or facts.is_due or ticks_diff(now, facts.heard_at) >= facts.period_ms:
            self.speaker = _REGISTRATION
        elif 0 <= facts.watch_ms <= ticks_diff(now, facts.watch_at):
            self.speaker = _NOTIFY
        elif facts.sends:
            self.speaker = _SEND
        else:
            return
        if not self.board.has_network():
            facts.is_due = True  # an Update goes first when it is back, perhaps with another address (lwm2m.md 4.1)
            self.speaker = _NOBODY
        elif self._module().say(self, endpoint):
            endpoint.go(self._ended, self._again if self.speaker == _NOTIFY else None)
        else:
            self.speaker = _NOBODY
        tidy()

    def _module(self):
        if self.speaker == _REGISTRATION:
            from ota.lwm2m import registration as found
        elif self.speaker == _NOTIFY:
            from ota.lwm2m import notify as found
        else:
            from ota.lwm2m import send as found
        return found

    def _ended(self, m):
        found, self.speaker = self._module(), _NOBODY
        try:
            found.ended(self, m)
        finally:
            tidy()

    def _again(self):
        from ota.lwm2m import notify

        notify.again(self, self.endpoint)
        tidy()

    @property
    def is_told(self):
        """Whether the server has heard all that there is to say."""
        facts = self.facts
        is_idle = self.endpoint is not None and self.endpoint.is_idle and self.speaker == _NOBODY
        return is_idle and not facts.is_due and not facts.has_news and not facts.sends

    def is_quiet(self, since, ms):
        return ticks_diff(ticks_ms(), since) >= ms

    def publish(self, values, qos=1):
        """The application's own: a dict, for whoever observes object 19."""
        from ota.lwm2m import news

        news.publish(self, values)
        tidy()

    def settle(self):
        """What object 5 has come to is dealt with, once the code that brought it there has made room."""
        tidy()
        if self.todo:
            from ota.lwm2m import books

            todo, self.todo = self.todo, 0
            books.settle(self, todo)
            tidy()

    # what the objects ask for

    def now(self):
        return self.board.now()

    def reboot(self):
        """In a moment, when the answer is out."""
        self.reboot_at = ticks_ms()

    def check_uri(self, uri):
        from ota.lwm2m.uri import judge

        return judge(uri, self.facts.protocols)


def _path(m):
    """Its numbers as a tuple; a place without a number is none that anybody knows."""
    parts = m.values(_URI_PATH)
    for part in parts:
        if len(part) > 5 or not part.isdigit():
            return _NOWHERE
    return tuple([int(part) for part in parts])
