# SPDX-License-Identifier: MIT
"""An image behind a URL, http or https, from any byte on by Range.

Redirects are followed, but not from https to http unless the setting `allow_http` is 1. A server that is busy is asked
again by this source itself, so the line to the cloud stays up. The bytes from before an interruption are only kept
while the server still calls what it has by the same name (ETag or Last-Modified); the digest over the flash has the
last word anyway.
"""

from ota import http
from ota.errors import JobError, TransferError, VerifyError
from ota.job import LARGEST
from ota.port import const, ticks_diff, ticks_ms
from ota.source.filler import Filler

_SILENCE_MS = const(20000)  # without a byte
_SLOW_MS = const(120000)  # for a head, and for each block: whoever sends less than 34 bytes a second is as good as dead
_HOPS = const(5)
_ASKS = const(3)  # of a busy server, until it counts as a broken transfer
_PAUSE_S = const(5)
_LONGEST_PAUSE_S = const(600)
_MOVED = (301, 302, 303, 307, 308)


class Http:
    """Source of `job`, from byte `offset` on; polls `cloud` in passing. Raises JobError for a URL that is none."""

    def __init__(self, board, cloud, job, offset):
        self._board = board
        self._cloud = cloud
        self._job = job
        self._offset = offset
        self._ask_from = offset
        self._place = http.split(job.url)
        self._stream = None
        self._answer = None
        self._accepted = False
        self._hops = self._asks = 0
        self._pause_ms = 0
        self._since = self._began = ticks_ms()  # of the last byte; of the head or the block that is being read
        self._skip = 0  # bytes of the body that are in flash already
        self._filler = Filler()

    def readinto(self, block):
        """See ota.source."""
        self._cloud.poll(0)
        try:
            return self._go_on(block)
        except (TransferError, MemoryError) as failure:
            error = failure if isinstance(failure, TransferError) else TransferError("no_memory")
            error.beside = True
            raise error

    def _go_on(self, block):
        if self._stream is None:
            if ticks_diff(ticks_ms(), self._since) < self._pause_ms:
                self._board.sleep_ms(self._board.step_ms)
            else:
                self._ask()
            return None
        try:
            is_readable = self._stream.readable(self._board.step_ms)
        except OSError as error:
            raise TransferError("link_lost", str(error))
        now = ticks_ms()
        if is_readable:
            self._since = now
        elif ticks_diff(now, self._since) > _SILENCE_MS:
            raise TransferError("http_silence")
        if ticks_diff(now, self._began) > _SLOW_MS:
            raise TransferError("http_slow")
        if not is_readable:
            return None
        if not self._accepted:
            if self._answer.head():
                self._began = now
                self._judge(self._answer.status, self._answer.headers)
            return None
        return self._fill(block)

    def close(self):
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _ask(self):
        """Connects and asks; blocks as long as `open_stream` does."""
        tls, host, port = self._place[:3]
        wanted = "Connection: close\r\n"
        if self._ask_from:
            wanted += "Range: bytes=%d-\r\n" % self._ask_from
            if self._job.seen:
                wanted += "If-Range: %s\r\n" % self._job.seen
        try:
            self._stream = self._board.open_stream(host, port, tls)
            for piece in http.request("GET", self._place, wanted):
                self._stream.write(piece)
            self._stream.wait(False)
        except TransferError as error:
            if error.code in ("tls_no_ca", "tls_unsupported", "tls_bad_settings"):
                raise JobError(error.code, error.detail)  # somebody has to do something first
            raise
        except OSError as error:
            raise TransferError("link_lost", str(error))
        self._answer = http.Answer(self._stream)
        self._since = self._began = ticks_ms()

    def _judge(self, status, headers):
        """The head is there: what now?"""
        if status in _MOVED and headers.get("location"):
            self._follow(headers["location"])
        elif status in (412, 416) and self._ask_from:
            self._ask_from = 0  # all of it then; what is in flash already is thrown away
            self._again(0)
        elif status in (408, 425, 429) or status >= 500:
            self._asks += 1
            if self._asks >= _ASKS:
                raise TransferError("http_%d" % status)
            self._again(_pause_s(headers.get("retry-after")) * 1000)
        elif status in (200, 206):
            self._accept(status, headers)
        else:
            raise JobError("http_%d" % status)

    def _again(self, pause_ms):
        self.close()
        self._since = ticks_ms()
        self._pause_ms = pause_ms

    def _follow(self, location):
        self._hops += 1
        if self._hops > _HOPS:
            raise JobError("http_redirects", "more than %d" % _HOPS)
        from ota import redirect

        place = redirect.join(self._place, location)
        if self._place[0] and not place[0] and not self._board.number("allow_http", 0):
            raise JobError("http_downgrade", "https leads to http")
        self._place = place
        self._again(0)

    def _accept(self, status, headers):
        """Raises TransferError when the bytes are not the ones that were asked for, VerifyError when they changed."""
        size, start = self._job.size or self._learn_size(status, headers), 0
        if status == 206:
            start = self._ask_from
            if not start or headers.get("content-range") != "bytes %d-%d/%d" % (start, size - 1, size):
                raise TransferError("http_wrong_range")
        name = _name(headers)
        if self._offset and self._job.seen and name and name != self._job.seen:
            self._job.seen = None
            raise VerifyError("http_changed")
        if headers.get("content-length", str(size - start)) != str(size - start):
            raise TransferError("http_wrong_size", headers["content-length"])
        if name or not self._offset:
            self._job.seen = name
        self._skip = self._offset - start
        self._accepted = True

    def _learn_size(self, status, headers):
        """The job did not tell. Without a length nobody could say when the image is complete."""
        size = int(headers.get("content-length", 0)) if status == 200 else 0
        if not 0 < size <= LARGEST:
            raise JobError("no_size", "neither the job nor the server tells one")
        self._job.size = size
        return size

    def _fill(self, block):
        """Moves what has come into `block`; its size when that is full."""
        filler = self._filler
        if self._skip:
            self._skip -= filler.drop(block, self._skip, self._answer)
            self._began = self._since
            return None
        want = min(len(block), self._job.size - self._offset)
        filler.take(block, want - filler.filled, self._answer)
        if filler.filled < want:
            return None
        filler.filled = 0
        self._offset += want
        self._began = self._since
        return want


def _name(headers):
    """What the server calls this version of the bytes, None without a word for that. A weak tag promises no bytes."""
    tag = headers.get("etag")
    return tag if tag and not tag.startswith("W/") else headers.get("last-modified")


def _pause_s(text):
    """Retry-After in seconds, within bounds. A date would need a clock that is right: then a minute has to do."""
    if text is None:
        return _PAUSE_S
    return min(int(text[:9]), _LONGEST_PAUSE_S) if text.isdigit() else 60
