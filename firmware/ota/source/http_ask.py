# SPDX-License-Identifier: MIT
"""What comes before the bytes of source/http.py: asks for them, until an answer has those that are wanted.

Redirects are followed, but not from https to http unless the setting `allow_http` is 1. The bytes from before an
interruption are only kept while the server still calls what it has by the same name (ETag or Last-Modified); the digest
over the flash has the last word anyway.
"""

from ota.errors import JobError, TransferError, VerifyError
from ota.job import LARGEST
from ota.port import const, forget, ticks_diff, ticks_ms

_HOPS = const(5)
_ASKS = const(3)  # of a busy server, until it counts as a broken transfer
_PAUSE_S = const(5)
_LONGEST_PAUSE_S = const(600)
_MOVED = (301, 302, 303, 307, 308)


class Asking:
    """`stream`: what is connected, or None. `skip`: bytes of the body that are in flash already."""

    def __init__(self, board, job, offset):
        self._board = board
        self._job = job
        self._offset = self._ask_from = offset
        from ota import http

        self._place = http.split(job.url)
        self._answer = None
        self._hops = self._asks = self._pause_ms = 0
        self._since = ticks_ms()  # of the pause
        self.stream = None
        self.skip = 0

    def step(self, patience_ms):
        """A step ahead; the Body at the end, None until then. `patience_ms`: without a byte."""
        answer, board = self._answer, self._board
        if self.stream is None:
            if ticks_diff(ticks_ms(), self._since) < self._pause_ms:
                board.sleep_ms(board.step_ms)
            else:
                self._ask()
        elif answer.body.readable(board.step_ms, patience_ms) and answer.head():
            answer.body.allow()
            if self._judge(answer.status, answer.headers):
                return answer.body
        return None

    def close(self):
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def _ask(self):
        """Connects and asks; blocks as long as `open_stream` does."""
        from ota import http

        forget("ota.http")
        tls, host, port = self._place[:3]
        wanted = "Connection: close\r\n"
        if self._ask_from:
            wanted += "Range: bytes=%d-\r\n" % self._ask_from
            if self._job.seen:
                wanted += "If-Range: %s\r\n" % self._job.seen
        try:
            self.stream = self._board.open_stream(host, port, tls)
            for piece in http.request("GET", self._place, wanted):
                self.stream.write(piece)
            self.stream.wait(False)
        except TransferError as error:
            if error.code in ("tls_no_ca", "tls_unsupported", "tls_bad_settings"):
                raise JobError(error.code, error.detail)  # somebody has to do something first
            raise
        except OSError as error:
            raise TransferError("link_lost", str(error))
        del http
        from ota.answer import Answer

        forget("ota.answer")
        self._answer = Answer(self.stream)

    def _judge(self, status, headers):
        """The head is there: what now? True when its body is what is wanted."""
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
            return True
        else:
            raise JobError("http_%d" % status)
        return False

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
        self.skip = self._offset - start

    def _learn_size(self, status, headers):
        """The job did not tell. Without a length nobody could say when the image is complete."""
        size = int(headers.get("content-length", 0)) if status == 200 else 0
        if not 0 < size <= LARGEST:
            raise JobError("no_size", "neither the job nor the server tells one")
        self._job.size = size
        return size


def _name(headers):
    """What the server calls this version of the bytes, None without a word for that. A weak tag promises no bytes."""
    tag = headers.get("etag")
    return tag if tag and not tag.startswith("W/") else headers.get("last-modified")


def _pause_s(text):
    """Retry-After in seconds, within bounds. A date would need a clock that is right: then a minute has to do."""
    if text is None:
        return _PAUSE_S
    return min(int(text[:9]), _LONGEST_PAUSE_S) if text.isdigit() else 60
