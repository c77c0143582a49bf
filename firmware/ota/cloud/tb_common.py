# SPDX-License-Identifier: MIT
"""What ThingsBoard's telemetry says, whatever carries it (thingsboard.md 5.1), and what else all ways to it share."""

import json

from ota.job import FIRMWARE, SOFTWARE
from ota.log import log
from ota.port import const

PREFIXES = {FIRMWARE: "fw", SOFTWARE: "sw"}
_ERROR_TEXT = const(200)
_SMALLEST_CHUNK = const(512)
_USUAL_CHUNK = const(4096)
_LARGEST_CHUNK = const(65536)  # more is refused over MQTT; 0 would be the whole file at once


def chunk_size(wanted):
    """The nearest number of bytes that may be asked for at once (thingsboard.md A15)."""
    return min(max(wanted, _SMALLEST_CHUNK), _LARGEST_CHUNK)


def chunk_at(chunk, offset):
    """The bytes to ask for at once from byte `offset` on.

    In the midst of a large chunk small ones: what is there already shall not come again, or a line that breaks often
    would get nowhere.
    """
    return _USUAL_CHUNK if offset % chunk and chunk > _USUAL_CHUNK else chunk


def current(cloud):
    """What runs, as telemetry: `identity` and `software` of a cloud."""
    values = _running("fw", cloud.identity)
    if cloud.software:
        values.update(_running("sw", cloud.software))
    return values


def state(cloud, event, kind):
    """An event as telemetry. No `ts`, for the server's clock is the right one."""
    prefix = PREFIXES[kind]
    values = {prefix + "_state": event["state"]}
    if event.get("error"):
        values[prefix + "_error"] = event["error"][:_ERROR_TEXT]
    if event["state"] in ("UPDATED", "FAILED"):
        values.update(_running(prefix, cloud.identity if kind == FIRMWARE else cloud.software))
    return values


def _running(prefix, identity):
    return {"current_" + prefix + "_title": identity[0], "current_" + prefix + "_version": identity[1]}


def parse(payload):
    """A JSON object, or None: bad input is ignored."""
    try:
        message = json.loads(payload) if payload else None
    except (ValueError, RuntimeError):  # RuntimeError: nested too deep
        message = None
    if not isinstance(message, dict):
        log("warning", "code", "bad_message")
        return None
    return message
