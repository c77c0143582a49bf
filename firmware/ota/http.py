# SPDX-License-Identifier: MIT
"""HTTP/1.1 as a client needs it: a URL taken apart, one answer read as its bytes come in.

An Answer never waits: what is not there yet is None. Nothing here allocates while a body flows. What an answer says
about itself is believed only when it says it once: two lengths, or a length and chunks, are refused.
"""

from ota.errors import JobError, TransferError
from ota.port import const

_LINE = const(2600)  # a location of 2 KiB fits
_HEAD = const(8192)  # bytes of all heads before a body, answers 1xx among them
_PIECE = const(256)  # of a long path
_KNOWN = const(
    " content-length content-range content-encoding transfer-encoding location etag last-modified retry-after"
    " connection "
)


def split(url):
    """(is it https, host, port, text, where in it the path begins) of a URL. Raises JobError `bad_url`.

    The text is the URL: it may be long, and memory may be short, so it is not copied.
    """
    begin = url.find("://") + 3
    scheme = url[: begin - 3].lower() if begin > 2 else ""
    tls = scheme == "https"
    end = min([at for at in [url.find(c, begin) for c in "/?#"] if at >= 0] or [len(url)])
    host, colon, port = url[begin:end].partition(":")
    if not (tls or scheme == "http") or not host or "@" in host or "[" in host:
        raise JobError("bad_url")
    if colon and not (port.isdigit() and 0 < int(port) < 0x10000):
        raise JobError("bad_url")
    if "#" in url:
        url = url[: url.find("#")]
    for at in range(0, len(url), _PIECE):  # as bytes: each character of a text would stay in memory as a name
        if not all(0x21 <= c <= 0x7E for c in url[at : at + _PIECE].encode()):
            raise JobError("bad_url")  # a line break would be a header of somebody else's
    return tls, host, int(port) if colon else _default(tls), url, end


def request(method, place, headers=""):
    """The head of a request, in pieces of bytes; `headers`: further lines, each with its line end."""
    tls, host, port, text, at = place
    if port != _default(tls):
        host = "%s:%d" % (host, port)
    yield (method + (" " if text[at : at + 1] == "/" else " /")).encode()
    for i in range(at, len(text), _PIECE):
        yield text[i : i + _PIECE].encode()
    yield (" HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: identity\r\n%s\r\n" % (host, headers)).encode()


def _default(tls):
    return 443 if tls else 80


class Answer:
    """`head()` until it is True; then `status`, `headers` (those of _KNOWN) and `readinto` for the body.

    `left`: bytes of the body that are still to come, None when that is not known. `started`: anything came at all.
    Every method raises TransferError: link_lost, http_bad_answer, http_encoded.
    """

    def __init__(self, stream):
        self._stream = stream
        self._byte = bytearray(1)
        self._line = bytearray()
        self._size = 0
        self.started = False
        self.status = 0
        self.headers = {}
        self.left = None
        self._chunks = None  # where the body comes in chunks
        self._ended = False

    def head(self):
        """Reads on in the head as far as it has come; True when it is complete."""
        while self._next():
            self.started = True
            self._size += 1
            if self._size > _HEAD or len(self._line) > _LINE:
                raise TransferError("http_bad_answer", "head too long")
            if self._byte[0] != 10:
                self._line.append(self._byte[0])
            elif self._take_line():
                return True
        return False

    def readinto(self, buf, size):
        """The next bytes of the body, `size` at most, into the start of `buf`; None: nothing yet; 0: the end."""
        if self._chunks and not self.left and not self._ended:
            chunk = self._chunks.next()
            if chunk is None:
                return None
            self.left = chunk
            self._ended = not chunk  # what may follow, trailers, nobody reads
        if self._ended or self.left == 0:
            return 0
        if self.left is None:
            got = self._read(buf, size)
            self._ended = got == 0
            return got
        got = self._read(buf, min(size, self.left))
        if got == 0:
            raise TransferError("link_lost", "closed by the server")
        if got is not None:
            self.left -= got
        return got

    @property
    def reusable(self):
        """Whether the next request may use the same connection."""
        return not self._chunks and self.left == 0 and self.headers.get("connection", "").lower() != "close"

    def _take_line(self):
        """One line of the head is complete; True when it was the last one."""
        try:
            line = bytes(self._line).decode().strip()
        except ValueError:
            raise TransferError("http_bad_answer", "no text")
        self._line = bytearray()
        if not self.status:
            self._status_line(line)
        elif line:
            name, _, value = line.partition(":")
            self._header(name.strip().lower(), value.strip())
        elif self.status < 200:
            self.status = 0  # an interim answer, the real one follows
            self.headers = {}
        else:
            self._measure()
            return True
        return False

    def _status_line(self, line):
        words = line.split(None, 2)
        if len(words) < 2 or words[0][:7].lower() != "http/1." or len(words[1]) != 3 or not words[1].isdigit():
            raise TransferError("http_bad_answer", "no status")
        self.status = int(words[1])
        if self.status < 100:
            raise TransferError("http_bad_answer", "no status")

    def _header(self, name, value):
        if " %s " % name in _KNOWN:
            if name == "content-length" and name in self.headers:
                raise TransferError("http_bad_answer", "two lengths")
            self.headers[name] = value

    def _measure(self):
        """How long the body is, and how that will be known."""
        length = self.headers.get("content-length")
        coding = self.headers.get("transfer-encoding", "").lower()
        if coding not in ("", "identity", "chunked") or self.headers.get("content-encoding", "identity") != "identity":
            raise TransferError("http_encoded")
        if coding == "chunked":
            from ota.chunked import Chunks

            self._chunks = Chunks(self._byte, self._next)
            self.left = 0
        if length is not None:
            if self._chunks or not length.isdigit() or len(length) > 9:
                raise TransferError("http_bad_answer", "bad length")
            self.left = int(length)
        if self.status in (204, 304):
            self.left = 0

    def _next(self):
        """Reads one byte; False: there is none yet."""
        got = self._read(self._byte, 1)
        if got == 0:
            raise TransferError("link_lost", "closed by the server")
        return got is not None

    def _read(self, buf, size):
        try:
            return self._stream.readinto(buf, size)
        except OSError as error:
            raise TransferError("link_lost", str(error))
