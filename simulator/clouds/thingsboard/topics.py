# SPDX-License-Identifier: MIT
"""Every topic a device may publish to and every filter it may subscribe to (thingsboard.md 2.1, 4.1, 6.1)."""

import re
from dataclasses import dataclass

ATTRIBUTES = ("v1/devices/me/attributes", "v2/a", "v2/a/j", "v2/a/p")
RPC = ("v1/devices/me/rpc/request/+", "v2/r/req/+", "v2/r/req/j/+", "v2/r/req/p/+")  # calls from the server
ERROR = "v2/fw/error"  # software errors arrive here too
FILTERS = frozenset(
    (
        *ATTRIBUTES,
        *("v1/devices/me/attributes/response/+", "v2/a/res/+", "v2/a/res/j/+", "v2/a/res/p/+"),
        *RPC,
        *("v1/devices/me/rpc/response/+", "v2/r/res/+", "v2/r/res/j/+", "v2/r/res/p/+"),
        *("v2/fw/response/+/chunk/+", "v2/fw/error", "v2/sw/response/+/chunk/+", "v2/sw/error"),
    )
)
GATEWAY = "v1/gateway"

_EXACT = {
    "v1/devices/me/claim": "claim",
    **dict.fromkeys(("v1/devices/me/telemetry", "v2/t", "v2/t/j", "v2/t/p"), "telemetry"),
    **dict.fromkeys(ATTRIBUTES, "attributes"),
}
# Published prefix, its meaning, and where the answer goes. Longer ones first: "v2/a/req/" is a prefix of the others.
_PREFIXES = (
    ("v1/devices/me/attributes/request/", "attribute_request", "v1/devices/me/attributes/response/"),
    ("v2/a/req/j/", "attribute_request", "v2/a/res/j/"),
    ("v2/a/req/p/", "attribute_request", "v2/a/res/p/"),
    ("v2/a/req/", "attribute_request", "v2/a/res/"),
    ("v1/devices/me/rpc/response/", "rpc_response", ""),
    ("v2/r/res/j/", "rpc_response", ""),
    ("v2/r/res/p/", "rpc_response", ""),
    ("v2/r/res/", "rpc_response", ""),
    ("v1/devices/me/rpc/request/", "rpc_request", "v1/devices/me/rpc/response/"),
    ("v2/r/req/j/", "rpc_request", "v2/r/res/j/"),
    ("v2/r/req/p/", "rpc_request", "v2/r/res/p/"),
    ("v2/r/req/", "rpc_request", "v2/r/res/"),
)
_CHUNK = re.compile(r"v2/(fw|sw)/request/([0-9]+)/chunk/([0-9]+)")


@dataclass(frozen=True, slots=True)
class Route:
    """What a published topic means. `parts` is what the topic carries: an id as text, or prefix, id and index."""

    kind: str
    parts: tuple[str, ...] = ()
    answer: str = ""
    protobuf: bool = False


def route(topic: str) -> Route | None:
    """None for a topic the server does not know; a chunk request with a non-digit id is one of these."""
    if topic in _EXACT:
        return Route(_EXACT[topic], protobuf=topic.endswith("/p"))
    if match := _CHUNK.fullmatch(topic):
        return Route("chunk", match.groups())
    for prefix, kind, answer in _PREFIXES:
        if topic.startswith(prefix):
            return Route(kind, (topic.removeprefix(prefix),), answer, prefix.endswith("/p/"))
    return None


def matches(name: str, topic: str) -> bool:
    """Does a granted filter, whose only wildcard is `+`, cover the topic?"""
    levels, wanted = topic.split("/"), name.split("/")
    return len(levels) == len(wanted) and all(w in ("+", level) for w, level in zip(wanted, levels, strict=True))
