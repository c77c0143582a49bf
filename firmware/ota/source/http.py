# SPDX-License-Identifier: MIT
"""An image behind an http:// URL, from any byte on by Range. For now without TLS, redirects and chunked answers:
these are refused with a code (https_unsupported, http_302, http_chunked)."""

from ota.errors import JobError, TransferError
from ota.port import const, ticks_diff, ticks_ms

_PORT = const(80)
_LINE = const(512)
_LINES = const(40)
_SILENCE_MS = const(20000)
_NO_SUCH_RANGE = const(416)


def split(url):
    """(host, port, path) of an http URL. Raises JobError `bad_url` or `https_unsupported`."""
    if url.startswith("https://"):
        raise JobError("https_unsupported")
    host, slash, path = url[7:].partition("/")
    host, colon, port = host.partition(":")
    if not host or (colon and not port.isdigit()) or "@" in host or " " in url:
        raise JobError("bad_url")
    return host, int(port) if colon else _PORT, slash + path or "/"


class Http:
    """Source of the bytes from `offset` to `size` of what is behind `url`; polls `cloud` in passing."""

    def __init__(self, board, cloud, url, size, offset):
        self._url = split(url)
        self._board = board
        self._cloud = cloud
        self._size = size
        self._offset = offset
        self._since = ticks_ms()
        self._stream = None
        try:
            status, headers = self._ask(offset)
            if status == _NO_SUCH_RANGE and offset:
                status, headers = self._ask(0)  # then all of it; what we have already is thrown away
            self._skip = self._accept(status, headers)
        except OSError as error:
            self.close()
            raise TransferError("link_lost", str(error))
        except TransferError:
            self.close()
            raise

    def readinto(self, block):
        """See ota.source."""
        self._cloud.poll(0)
        n = min(len(block), self._skip or self._size - self._offset)
        try:
            if not self._stream.readable(self._board.step_ms):
                if ticks_diff(ticks_ms(), self._since) > _SILENCE_MS:
                    raise TransferError("http_silence")
                return None
            got = self._stream.readinto(block, n)
        except OSError as error:
            raise TransferError("link_lost", str(error))
        if got != n:
            raise TransferError("link_lost", "closed by the server")
        self._since = ticks_ms()
        if self._skip:
            self._skip -= n
            return None
        self._offset += n
        return n

    def close(self):
        if self._stream is not None:
            self._stream.close()

    def _ask(self, start):
        """Status and headers of the answer to a request from byte `start` on, over a connection of its own."""
        self.close()
        host, port, path = self._url
        self._stream = self._board.open_stream(host, port)
        if port != _PORT:
            host = "%s:%d" % (host, port)
        request = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nAccept-Encoding: identity\r\n" % (path, host)
        if start:
            request += "Range: bytes=%d-\r\n" % start
        self._stream.write((request + "\r\n").encode())
        return self._head()

    def _head(self):
        """Status and the headers that matter, all in lower case."""
        status = self._line().split(" ")
        if len(status) < 2 or not status[0].startswith("http/1.") or not status[1].isdigit():
            raise TransferError("http_bad_answer")
        headers = {}
        for _ in range(_LINES):
            line = self._line()
            if not line:
                return int(status[1]), headers
            name, _, value = line.partition(":")
            name = name.strip()
            if name == "content-length" and name in headers:
                raise TransferError("http_bad_answer", "two lengths")
            headers[name] = value.strip()
        raise TransferError("http_bad_answer", "too many headers")

    def _line(self):
        line = bytearray()
        byte = bytearray(1)
        while self._stream.readinto(byte, 1) == 1 and len(line) < _LINE:
            if byte == b"\n":
                try:
                    return bytes(line).decode().strip().lower()
                except ValueError:
                    break
            line += byte
        raise TransferError("http_bad_answer", "bad header")

    def _accept(self, status, headers):
        """Bytes to skip before the ones that are wanted. Raises TransferError when the answer is another thing."""
        if "transfer-encoding" in headers:
            raise TransferError("http_chunked")
        if headers.get("content-encoding", "identity") != "identity":
            raise TransferError("http_encoded")
        if status == 206 and self._offset:
            if headers.get("content-range") != "bytes %d-%d/%d" % (self._offset, self._size - 1, self._size):
                raise TransferError("http_wrong_range")
            return 0
        if status != 200:
            raise TransferError("http_%d" % status)
        if headers.get("content-length") != str(self._size):
            raise TransferError("http_wrong_size", headers.get("content-length", "unknown"))
        return self._offset  # the server ignored the range: what we have already is read and thrown away
