# SPDX-License-Identifier: MIT
"""A package's URI (lwm2m.md 3.2): which way it asks for, and for coap what goes into a request's options."""

from ota.errors import JobError
from ota.port import const

_INITIAL = const(0)
_BAD_URI = const(7)
_UNSUPPORTED = const(9)
_LONGEST = const(255)
_SCHEMES = ("coap", "coaps", "http", "https")  # the index is the number of /5/0/8
_PORTS = (5683, 5684)


def scheme(uri):
    """Its scheme in small letters, "" for none."""
    return uri[: max(uri.find("://"), 0)].lower()


def check(uri):
    """Raises JobError `bad_url` for what is none of ours' form; `url_unsupported` for another scheme."""
    name = scheme(uri)
    if not name or len(uri) > _LONGEST or not all("!" <= c <= "~" for c in uri):
        raise JobError("bad_url")
    if name not in _SCHEMES:
        raise JobError("url_unsupported", name[:20])
    if name[0] == "c":
        split(uri)
    else:
        from ota import http

        http.split(uri)


def judge(uri, protocols):
    """The Result of object 5 that speaks against it; `protocols`: of /5/0/8."""
    try:
        check(uri)
    except JobError as error:
        return _UNSUPPORTED if error.code == "url_unsupported" else _BAD_URI
    return _INITIAL if _SCHEMES.index(scheme(uri)) in protocols else _UNSUPPORTED


def split(uri):
    """(is it coaps, host, port, path, query) of a coap URI, the last two as lists of bytes. Raises JobError."""
    name = scheme(uri)
    rest = uri[len(name) + 3 :].partition("#")[0]
    rest, _, query = rest.partition("?")
    place, _, path = rest.partition("/")
    host, _, port = place.partition(":")
    if not host or "@" in host or "[" in host or (port and not (port.isdigit() and 0 < int(port) < 0x10000)):
        raise JobError("bad_url")
    secure = name == "coaps"
    return (
        secure,
        host.lower(),
        int(port or _PORTS[secure]),
        [_plain(part) for part in path.split("/")] if path else [],
        [_plain(part) for part in query.split("&")] if query else [],
    )


def _plain(text):
    """Bytes of a text whose escapes are resolved."""
    first, *others = text.split("%")
    made = first.encode()
    for part in others:
        try:
            made += bytes((int(part[:2], 16),)) + part[2:].encode()
        except ValueError:
            raise JobError("bad_url")
    return made
