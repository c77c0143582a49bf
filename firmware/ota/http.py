# SPDX-License-Identifier: MIT
"""What a client of HTTP/1.1 says: a URL taken apart, the head of a request. What it hears: answer.py, body.py."""

from ota.errors import JobError
from ota.port import const

_PIECE = const(256)  # of a long path


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
