# SPDX-License-Identifier: MIT
"""ThingsBoard over HTTP (thingsboard.md 4.2), where MQTT does not get through: slower, and one connection for all.

One request at a time. While there is nothing to say, the server holds a request back until an attribute changes; what
changes between two of these is never told, so each is followed by a look at all attributes. A report takes precedence.
"""

import json

from ota.cloud import tb_common, tb_offers
from ota.errors import TransferError
from ota.exchange import Exchange
from ota.job import Offers
from ota.port import const, ticks_diff, ticks_ms

_WATCH_MS = const(20000)  # how long the server holds a request back, and how old the attributes may be in a download
_PATIENCE_MS = const(10000)
_WAITING = const(8)  # reports and telemetry
_LOSSY = const(3)  # of them, when more that may be lost is

_TELL = const(1)
_ASK = const(2)
_WATCH = const(3)
_LENT = const(4)


class ThingsBoardHttp(Offers):
    """See ota.cloud for the promises. `token`: the access token; "": from the settings, or provisioned (prov_key).

    `window` is there for whoever can use either ThingsBoard: here it is always 1.
    """

    def __init__(self, board, host, port, token, identity, chunk=4096, window=1, allow_no_checksum=False):
        super().__init__(allow_no_checksum)
        self.board = board
        self.identity = identity
        self.software = None  # (title, version) of the software that runs, where software packages are used
        self.linked = False
        self.ready = False
        self._address = (host, port)
        self._token = token
        self._chunk = tb_common.chunk_size(chunk)
        self._exchange = None
        self._doing = 0
        self._has_head = False
        self._waiting = []  # number, end point and JSON of requests that are to be sent
        self._number = 0
        self._delivered = 0
        self._is_stale = True
        self._looked = 0

    def connect(self):
        self.close()
        self._exchange = Exchange(self.board, bool(self.board.number("tls", 0)), *self._address)
        self._exchange.connect()
        self._token = self._token or self.board.text("token", "")
        if not self._token:
            from ota.cloud import tb_provision

            self._token = tb_provision.over_http(self.board, self._exchange)
        self.linked = True
        self.refresh()
        self.publish(tb_common.current(self))

    def close(self):
        self.linked = self.ready = False
        self._waiting = []
        self._doing = 0
        if self._exchange is not None:
            self._exchange.close()

    def refresh(self):
        self.ready = False
        self._is_stale = True

    def poll(self, ms):
        if not self.linked:
            raise TransferError("offline")
        if self._doing == _LENT:
            return
        if not self._doing or (self._doing == _WATCH and (self._waiting or self._is_stale)):
            self._begin()
        self._go_on(ms)

    def source(self, job, offset):
        if job.url is not None:
            from ota.source.http import Http

            return Http(self.board, self, job, offset)
        from ota.source.tb_http_chunks import HttpChunks

        chunk = tb_common.chunk_at(self._chunk, offset)
        what = "/%s?title=%s&version=%s&size=%d&chunk=" % (job.kind, quote(job.title), quote(job.version), chunk)
        return HttpChunks(self, self._path(what), job, offset, chunk)

    def lend(self):
        """For a source: the connection, or None while there is something more urgent, which goes on by a step."""
        if ticks_diff(ticks_ms(), self._looked) > _WATCH_MS:
            self._is_stale = True  # nobody watches meanwhile
        if self._waiting or self._is_stale or self._doing:
            self._is_stale = self._is_stale or self._doing == _WATCH
            self.poll(self.board.step_ms)
            return None
        self._doing = _LENT
        return self._exchange

    def take_back(self):
        self._doing = 0

    def report(self, event, kind):
        return self.publish(tb_common.state(self, event, kind))

    def delivered(self, handle):
        return self._delivered >= handle

    def is_quiet(self, since, ms):
        return ticks_diff(ticks_ms(), since) > ms

    def publish(self, values, qos=1):
        """Sends a dict as telemetry, the application's own too; returns a handle for `delivered`."""
        if not qos and len(self._waiting) >= _LOSSY:
            return 0
        return self.post("/telemetry", json.dumps(values).encode())

    def post(self, what, body):
        """Lines up a request with this JSON; returns a handle for `delivered`. Raises TransferError."""
        if not self.linked:
            raise TransferError("offline")
        if len(self._waiting) >= _WAITING:
            raise TransferError("too_much_telemetry")
        self._number += 1
        self._waiting.append((self._number, what, body))
        return self._number

    @staticmethod
    def words():
        from ota.cloud import tb_control

        return tb_control

    def progress(self, percent, kind):
        self.publish({tb_common.PREFIXES[kind] + "_progress": percent}, 0)

    def _path(self, what):
        return "/api/v1/" + quote(self._token) + what

    def _begin(self):
        """The next request: what is to be said, else what is to be known, else the wait for a change."""
        self._stop_watching()
        self._has_head = False
        if self._waiting:
            _, path, body = self._waiting[0]
            self._doing = _TELL
            self._exchange.ask("POST", self._path(path), body, _PATIENCE_MS)
        elif self._is_stale:
            self._doing = _ASK
            self._exchange.ask("GET", self._path("/attributes?sharedKeys=" + tb_offers.keys()), None, _PATIENCE_MS)
        else:
            self._doing = _WATCH
            path = self._path("/attributes/updates?timeout=%d" % _WATCH_MS)
            self._exchange.ask("GET", path, None, _WATCH_MS + _PATIENCE_MS)

    def _stop_watching(self):
        if self._doing == _WATCH:
            self._exchange.close()
            self._is_stale = True  # whatever changes until the next look is told to nobody
        self._doing = 0

    def _go_on(self, ms):
        if not self._has_head:
            self._has_head = self._exchange.answered(ms)
        if self._has_head:
            status = self._exchange.answer.status
            body = self._exchange.text(0)
            if body is not None:
                done, self._doing = self._doing, 0
                self._take(done, status, body)

    def _take(self, done, status, body):
        """A whole answer."""
        if done == _WATCH and status in (200, 408):
            self._is_stale = True
            return
        if status != 200:
            raise TransferError("http_%d" % status, 5 if status == 401 else "")  # 5: as MQTT refuses, see ota.link
        if done == _TELL:
            self._delivered = self._waiting.pop(0)[0]
        elif done == _ASK:
            self._is_stale = False
            self._looked = ticks_ms()
            self.ready = True  # after a useless answer too: asking again would bring the same
            if b'"ota_' in body:
                self.words().told(self, body)
            tb_offers.answered(self, body)


def quote(text):
    """Text as a part of a URL."""
    quoted = ""
    for byte in text.encode():
        is_plain = 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte in b"-._~"
        quoted += chr(byte) if is_plain else "%%%02X" % byte
    return quoted
