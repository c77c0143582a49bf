# SPDX-License-Identifier: MIT
"""The line to a LwM2M server: one endpoint, who is asked to answer, and who speaks first. What they say is elsewhere:
here is only what stays in memory during a download (ota.lwm2m)."""

from ota.coap import message as coap
from ota.coap.endpoint import Endpoint
from ota.errors import TransferError
from ota.job import Offers
from ota.journal import Journal
from ota.lwm2m import tidy
from ota.lwm2m.facts import Facts
from ota.port import const, ticks_diff, ticks_ms

_REBOOT_MS = const(1000)
_NOBODY, _REGISTRATION, _NOTIFY, _SEND = const(0), const(1), const(2), const(3)
_NOWHERE = const((0xFFFF, 0, 0))


class Client(Offers):
    """See ota.cloud for the promises; the job is in lwm2m.py. `upload`: what is being pushed (lw_push.py), or None."""

    def __init__(self, board, identity):
        super().__init__(True)
        self.board = board
        self.identity = identity
        self.software = self.upload = None
        self.past = 0, coap.INCOMPLETE  # of the last upload, see lw_push.py
        self.data = b"{}"
        self.facts = Facts()
        self.journal = Journal(board.nvs, "lwm2m")
        self._line = self.endpoint = self._reboot_at = None
        self._speaker = _NOBODY  # whose message is on its way

    def connect(self):
        from ota.lwm2m import line

        self.close()
        board = self.board
        line.check(board)
        is_secure = line.mode(board) != line.NOSEC
        host, port = board.text("host", "127.0.0.1"), board.number("port", 5684 if is_secure else 5683)
        self._line = line.open_line(board, is_secure, host, port)
        self.endpoint = Endpoint(self._line, self._serve)
        tidy()

    def close(self):
        if self.facts.under_way is not None:
            from ota.lwm2m import observe

            observe.lost(self.facts)
            tidy()
        self.facts.is_up = False  # the server hears of us first of all on the next line
        self._speaker = _NOBODY
        self.endpoint = None
        if self._line is not None:
            self._line.close()
            self._line = None

    @property
    def linked(self):
        return self._line is not None

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
        if self.upload is not None:
            self.upload.tick()
        if self._reboot_at is not None and ticks_diff(ticks_ms(), self._reboot_at) > _REBOOT_MS:
            self.board.reset()

    # what the server asks for

    def _serve(self, m, out):
        """See Endpoint."""
        path = _path(m)
        if not path or m.code > coap.DELETE or len(path) > 4:
            return coap.NOT_ALLOWED
        if m.code == coap.PUT and path == (5, 0, 0) and (m.start < m.end or not m.has(coap.URI_QUERY)):
            from ota.cloud import lw_push

            return lw_push.take(self, m, out)
        try:
            if m.code == coap.GET:
                from ota.lwm2m import reading

                return reading.get(self, m, path, out)
            if m.code == coap.DELETE or len(path) < 2:
                return coap.NOT_ALLOWED
            from ota.lwm2m import writing

            return writing.serve(self, m, path, out)
        finally:
            tidy()

    # what we say, the most important first: the server hears of us before anything else

    def _speak(self, endpoint):
        if not endpoint.is_idle:
            return
        facts, now = self.facts, ticks_ms()
        if not facts.is_up or facts.is_due or ticks_diff(now, facts.heard_at) >= facts.period_ms:
            self._speaker = _REGISTRATION
        elif 0 <= facts.watch_ms <= ticks_diff(now, facts.watch_at):
            self._speaker = _NOTIFY
        elif facts.sends:
            self._speaker = _SEND
        else:
            return
        if self._module().say(self, endpoint):
            endpoint.go(self._ended, self._again if self._speaker == _NOTIFY else None)
        else:
            self._speaker = _NOBODY
        tidy()

    def _module(self):
        if self._speaker == _REGISTRATION:
            from ota.lwm2m import registration as found
        elif self._speaker == _NOTIFY:
            from ota.lwm2m import notify as found
        else:
            from ota.lwm2m import send as found
        return found

    def _ended(self, m):
        found, self._speaker = self._module(), _NOBODY
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
        is_idle = self.endpoint is not None and self.endpoint.is_idle and self._speaker == _NOBODY
        return is_idle and not facts.is_due and not facts.has_news and not facts.sends

    def is_quiet(self, since, ms):
        return ticks_diff(ticks_ms(), since) >= ms

    def publish(self, values, qos=1):
        """The application's own: a dict, for whoever observes object 19."""
        import json

        self.data = json.dumps(values).encode()
        if self.facts.watches:
            from ota.lwm2m import observe

            observe.changed(self.facts, 19, 0)
            tidy()

    # what the objects ask for

    def now(self):
        return self.board.now()

    def reboot(self):
        """In a moment, when the answer is out."""
        self._reboot_at = ticks_ms()

    def check_uri(self, uri):
        from ota.lwm2m.uri import judge

        return judge(uri, self.protocols)

    @property
    def protocols(self):
        """Of /5/0/8."""
        from ota.lwm2m import line

        return line.protocols(self.board)


def _path(m):
    """Its numbers as a tuple; a place without a number is none that anybody knows."""
    parts = m.values(coap.URI_PATH)
    for part in parts:
        if not 0 < len(part) < 6 or not all(48 <= c <= 57 for c in part):
            return _NOWHERE
    return tuple([int(part) for part in parts])
