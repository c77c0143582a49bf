# SPDX-License-Identifier: MIT
"""The registration interface: who is let in, and how strictly (lwm2m.md 1.1)."""

import re
from dataclasses import dataclass, field

from aiocoap import Message
from aiocoap.numbers.codes import Code

from simulator.clouds.lwm2m import coap

LENIENT, LESHAN, WAKAAMA = MANNERS = ("coiote", "leshan", "wakaama")
_LIFETIME_S = 86_400
_LONGEST_S = (1 << 32) - 1
_LONGEST_NAME = 150  # of an endpoint, in Coiote
_LINK = re.compile(r"<([^>]*)>((?:;[^,;\"]+(?:\"[^\"]*\")?)*)")
_ONE_FORMAT = ("110", "112", "11543", "1543")


class Refused(Exception):
    """No. `code` is what to say."""

    def __init__(self, code: Code, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass
class Registration:
    """What a device has said of itself. `objects`: versions by number, "" if it has told none; `instances`: paths.

    `root`: the path that all these are below, if it has one.
    """

    endpoint: str
    id: str
    lifetime_s: int = _LIFETIME_S
    version: str = "1.1"
    binding: str = "U"
    is_queued: bool = False
    objects: dict[int, str] = field(default_factory=dict)
    instances: list[str] = field(default_factory=list)
    root: tuple[str, ...] = ()
    formats: tuple[int, ...] = ()  # of the root link
    expires_ms: int = 0


def parse(message: Message, manners: str, identity: str | None, registration_id: str) -> Registration:
    """Of a Register. `identity`: what DTLS knows of the peer. Raises Refused."""
    query = _query(message, manners)
    if manners == LESHAN and message.mtype is not coap.CON:
        raise Refused(Code.BAD_REQUEST, "Register has to be confirmable")
    endpoint = query.get("ep") or identity or ""
    if not endpoint:
        raise Refused(Code.FORBIDDEN if manners == LESHAN else Code.BAD_REQUEST, "no endpoint name")
    if len(endpoint) > _LONGEST_NAME:
        raise Refused(Code.BAD_REQUEST, f"endpoint name of {len(endpoint)} characters")
    if identity is not None and endpoint != identity:
        raise Refused(Code.FORBIDDEN, f"endpoint {endpoint} with the identity {identity}")
    if "lwm2m" not in query:
        raise Refused(Code.BAD_REQUEST, "no version")
    if query["lwm2m"] not in ("1.0", "1.1") and not (manners == LENIENT and query["lwm2m"] == "1.2"):
        raise Refused(Code.PRECONDITION_FAILED, f"version {query['lwm2m']}")
    found = Registration(endpoint, registration_id, version=query["lwm2m"])
    _apply(found, query, manners)
    if not message.payload:
        raise Refused(Code.BAD_REQUEST, "no objects")
    _links(found, message.payload, manners)
    return found


def update(known: Registration, message: Message, manners: str) -> list[str]:
    """Of an Update: only what has changed. Returns the names of what was said. Raises Refused."""
    query = _query(message, manners)
    _apply(known, query, manners)
    if message.payload:
        _links(known, message.payload, manners)
        return [*query, "objects"]
    return list(query)


def _query(message: Message, manners: str) -> dict[str, str]:
    query: dict[str, str] = {}
    for part in message.opt.uri_query:
        name, equals, value = part.partition("=")
        if name == "Q" and equals and manners != LENIENT:
            raise Refused(Code.BAD_REQUEST, "Q has a value")
        query[name] = value
    return query


def _apply(known: Registration, query: dict[str, str], manners: str) -> None:
    binding, lifetime = query.get("b", known.binding), query.get("lt", str(known.lifetime_s))
    if manners == LESHAN and "Q" in binding and known.version != "1.0":
        raise Refused(Code.BAD_REQUEST, f"binding {binding} in version {known.version}")
    if not lifetime.isdecimal() or not 0 < int(lifetime) <= _LONGEST_S:
        raise Refused(Code.BAD_REQUEST, f"lifetime {lifetime!r}")
    known.binding, known.lifetime_s = binding, int(lifetime)
    known.is_queued = known.is_queued or "Q" in query or "Q" in binding


def _links(known: Registration, payload: bytes, manners: str) -> None:
    """</>;ct=112,</1/0>,</5>;ver=1.1,</5/0> and so on; the third kind of server wants one format that it knows.

    </lw>;rt="oma.lwm2m",</lw/1/0> are objects below another path; what is not below it is something else.
    """
    text = payload.decode("utf-8", "replace")
    links = [(coap.segments(target), _attributes(rest)) for target, rest in _LINK.findall(text)]
    if not links:
        raise Refused(Code.BAD_REQUEST, f"no links in {text!r}")
    root = next((path for path, attributes in links if "oma.lwm2m" in attributes.get("rt", "").split()), ())
    known.objects, known.instances, known.root = {}, [], root
    for path, attributes in links:
        parts = path[len(root) :]
        if path[: len(root)] != root:
            continue
        if not parts:
            known.formats = _formats(attributes.get("ct", ""), manners)
        elif not all(part.isdecimal() for part in parts) or len(parts) > 2:
            raise Refused(Code.BAD_REQUEST, f"link {'/'.join(path)!r}")
        else:
            number = int(parts[0])
            known.objects[number] = attributes.get("ver", "") or known.objects.get(number, "")
            known.instances += ["/" + "/".join(parts)] if len(parts) == 2 else []


def _attributes(text: str) -> dict[str, str]:
    """Of a link, without quotes."""
    found = (part.partition("=") for part in text.split(";") if part)
    return {name: value.strip('"') for name, _, value in found}


def _formats(text: str, manners: str) -> tuple[int, ...]:
    if manners == WAKAAMA and text and text not in _ONE_FORMAT:
        raise Refused(Code.BAD_REQUEST, f"root link with ct={text}")
    return tuple(int(one) for one in re.findall(r"[0-9]+", text))
