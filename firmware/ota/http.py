# SPDX-License-Identifier: MIT
"""HTTP/1.1 as a client needs it: a URL taken apart, one answer read as its bytes come in.

An Answer never waits: what is not there yet is None. Nothing here allocates while a body flows. What an answer says
about itself is believed only when it says it once: two lengths, or a length and chunks, are refused.
"""

from ota.errors import JobError, TransferError
from ota.port import const

_LINE = const(2600)  # a location of 2 KiB fits
_HEAD = const(8192)  # bytes of all heads before a body, answers 1xx among them
_MOST_DIGITS = const(7)  # of a chunk's size: 256 MiB
_CHUNK_LINE = const(128)
_SIZE = const(0)  # where in the line before a chunk
_EXTENSION = const(1)
_GAP = const(2)  # the line end behind the chunk before
_KNOWN = (
    "content-length",
    "content-range",
    "content-encoding",
    "transfer-encoding",
    "location",
    "etag",
    "last-modified",
    "retry-after",
    "connection",
)


def split(url):
    """(is it https, host, port, path) of a URL. Raises JobError `bad_url`."""
    scheme, mark, rest = url.partition("://")
    tls = scheme.lower() == "https"
    end = min([rest.find(c) for c in "/?#" if c in rest] or [len(rest)])
    host, colon, port = rest[:end].partition(":")
    path = rest[end:].partition("#")[0]
    if not mark or not (tls or scheme.lower() == "http") or not host or "@" in host or "[" in host:
        raise JobError("bad_url")
    if colon and not (port.isdigit() and 0 < int(port) < 0x10000):
        raise JobError("bad_url")
    if not all("!" <= c <= "~" for c in host + path):  # a line break would be a header of somebody else's
        raise JobError("bad_url")
    return tls, host, int(port) if colon else _default(tls), path if path[:1] == "/" else "/" + path


def join(place, location):
    """Where `location`, absolute or relative to `place` (as from `split`), leads. Raises JobError `bad_url`."""
    tls, host, port, path = place
    if location.startswith("//"):
        return split(("https:" if tls else "http:") + location)
    if "://" in location.partition("?")[0]:
        return split(location)
    path = path.partition("?")[0]
    if location.startswith("?"):
        location = path + location
    elif not location.startswith("/"):
        location = path[: path.rfind("/") + 1] + location
    return split("%s://%s:%d%s" % ("https" if tls else "http", host, port, location))


def request(method, place, headers=""):
    """The head of a request as bytes; `headers`: further lines, each with its line end."""
    tls, host, port, path = place
    if port != _default(tls):
        host = "%s:%d" % (host, port)
    line = "%s %s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: identity\r\n%s\r\n"
    return (line % (method, path, host, headers)).encode()


def _default(tls):
    return 443 if tls else 80


def _hex(byte):
    """The value of a hex digit, -1 if it is none."""
    if 48 <= byte <= 57:
        return byte - 48
    byte |= 0x20
    return byte - 87 if 97 <= byte <= 102 else -1


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
        self._chunked = False
        self._ended = False
        self._phase = _SIZE
        self._value = 0  # of the size that is being read
        self._digits = 0
        self._count = 0

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
        if self._chunked and not self.left and not self._ended and not self._next_chunk():
            return None
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
        return not self._chunked and self.left == 0 and self.headers.get("connection", "").lower() != "close"

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
        if name in _KNOWN:
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
            self._chunked = True
            self.left = 0
        if length is not None:
            if self._chunked or not length.isdigit() or len(length) > 9:
                raise TransferError("http_bad_answer", "bad length")
            self.left = int(length)
        if self.status in (204, 304):
            self.left = 0

    def _next_chunk(self):
        """Reads on in the line before a chunk; True when it is complete and `left` is the chunk's size."""
        while self._next():
            byte = self._byte[0]
            self._count += 1
            if self._count > _CHUNK_LINE:
                break
            if self._phase == _GAP:
                if byte == 10:
                    self._phase = _SIZE
                elif byte != 13:
                    break
            elif byte == 10 and self._digits:
                self._begin_chunk()
                return True
            elif self._phase == _SIZE:
                digit = _hex(byte)
                if digit >= 0 and self._digits < _MOST_DIGITS:
                    self._value = self._value << 4 | digit
                    self._digits += 1
                elif self._digits and byte in b"\r; \t":
                    self._phase = _EXTENSION
                else:
                    break
        else:
            return False
        raise TransferError("http_bad_answer", "bad chunk")

    def _begin_chunk(self):
        self.left = self._value
        self._ended = not self.left  # what may follow, trailers, nobody reads
        self._phase = _GAP
        self._value = self._digits = self._count = 0

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
