# SPDX-License-Identifier: MIT
"""Where a node may publish and listen, and what a topic means (rainmaker.md section 1, 6.2; AWS IoT's limits)."""

import re
from dataclasses import dataclass

from simulator.clouds.mqtt.filters import is_filter

_MAX_LEVELS = 8  # seven slashes, not counting `$aws/rules/<rule>/` (AWS IoT Core quotas)
_MAX_BYTES = 256

# A rule of Basic Ingest takes only its own topic; the same topic without a rule's name reaches the same rule.
_RULES = {
    "config": "esp_node_config",
    "params/local": "esp_set_params",
    "params/local/init": "esp_init_params",
    "otafetch": "esp_node_otafetch",
    "otastatus": "esp_node_otastatus",
    "user/mapping": "esp_user_node_mapping",
    "alert": "esp_node_alert",
}
_INGEST = re.compile(r"\$aws/rules/([^/+#]+)/(node/.+)", re.DOTALL)
_STREAM = re.compile(r"streams/([^/]+)/(get|describe)/(cbor|json)")


@dataclass(frozen=True, slots=True)
class Route:
    """What a published topic means. `kind`: a key of the rules, "get", "describe", or "" for nothing the cloud knows.

    `stream_id` and `format` ("cbor", "json") are those of a stream's topic.
    """

    kind: str
    stream_id: str = ""
    format: str = ""


def may_publish(node_id: str, topic: str) -> bool:
    """Does the node's policy allow it? What is not allowed costs the connection."""
    plain = _plain(topic)
    return _is_short(plain) and plain.startswith((f"node/{node_id}/", f"$aws/things/{node_id}/streams/"))


def may_subscribe(node_id: str, name: str) -> bool:
    """The same for a filter. Its wildcards cannot reach out of what is the node's own."""
    return is_filter(name) and may_publish(node_id, name)


def route(node_id: str, topic: str) -> Route:
    """For a topic that the node may publish to."""
    match = _INGEST.fullmatch(topic)
    plain = match[2] if match else topic
    kind = plain.removeprefix(f"node/{node_id}/")
    if kind in _RULES and (match is None or match[1] == _RULES[kind]):
        return Route(kind)
    if stream := _STREAM.fullmatch(topic.removeprefix(f"$aws/things/{node_id}/")):
        return Route(stream[2], stream[1], stream[3])
    return Route("")


def matches(name: str, topic: str) -> bool:
    """Does a filter cover the topic? Unlike the standard's, AWS IoT's `a/#` does not cover `a`."""
    wanted, levels = name.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        if len(levels) <= len(wanted):
            return False
        levels = levels[: len(wanted)]
    return len(levels) == len(wanted) and all(w in ("+", level) for w, level in zip(wanted, levels, strict=True))


def _plain(topic: str) -> str:
    match = _INGEST.fullmatch(topic)
    return match[2] if match else topic


def _is_short(topic: str) -> bool:
    return topic.count("/") < _MAX_LEVELS and len(topic.encode()) <= _MAX_BYTES
