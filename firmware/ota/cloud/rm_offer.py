# SPDX-License-Identifier: MIT
"""RainMaker's offers (rainmaker.md 2.1): one JSON object, of which nothing is believed that has the wrong type.

Loaded when one comes.
"""

import json
import os

from ota.job import FIRMWARE
from ota.log import log
from ota.port import const, forget

_LONGEST_ID = const(63)
_LONGEST_WAIT_S = const(604800)
_TLS_BYTES = const(49152)  # in one piece, for a second session beside that to the cloud


def take(cloud, payload):
    """An otaurl message: what is offered, for `cloud.job` to judge. Bad input is ignored: nobody could be told."""
    try:
        message = json.loads(payload) if payload else None
    except (ValueError, RuntimeError, MemoryError):  # nested too deep for the interpreter, or for the heap
        message = None
    if not isinstance(message, dict):
        log("warning", "code", "bad_message")
    elif message.get("action") == "wait":
        _wait(cloud, message)
    elif not is_id(message.get("ota_job_id")):
        log("warning", "code", "no_job_id")
    elif cloud.busy:
        log("warning", "code", "busy")
    else:
        message["id"] = message["ota_job_id"]
        put(cloud, message)


def put(cloud, message):
    """What is offered takes its place; `message` has the fields of an otaurl and an id."""
    version = message.get("fw_version")
    fields = {
        "id": message["id"],
        "title": cloud.identity[0],
        "version": version if isinstance(version, str) and version else "unknown",
        "size": whole(message.get("file_size")) or 0,
        "url": message.get("url"),
        "stream_id": message.get("stream_id"),
        "algorithm": "MD5",
        "checksum": message.get("file_md5"),
    }
    kind = FIRMWARE
    refused = _unfit(cloud.board, fields)
    if isinstance(message.get("metadata"), dict):
        from ota.cloud import rm_metadata

        forget("ota.cloud.rm_metadata")
        kind = rm_metadata.take(cloud, message["metadata"], fields)
    if refused:
        fields["refused"] = refused
    cloud.known[kind] = fields
    cloud.changed.add(kind)
    cloud.busy = True
    cloud.attempt = 1
    cloud.failures = 0
    cloud.step = 0


def _unfit(board, fields):
    """Code of what is wrong with the ways to the image; None if there is one."""
    stream = fields["stream_id"]
    if not isinstance(stream, str) or not stream or not board.number("streams", 1):
        fields["stream_id"] = None
    if fields["url"] is None and fields["stream_id"] is None:
        return "no_url"
    if not fields["size"]:
        fields["stream_id"] = None  # a stream does not tell where it ends; a web server does
        if fields["url"] is None:
            return "no_size"
    if str(fields["url"]).startswith("http:") and not board.number("allow_http", 0):
        return "bad_url"
    return None


def _wait(cloud, message):
    """The cloud serves a network's nodes one after the other: our turn comes later (9)."""
    least, most = whole(message.get("min_wait")) or 0, whole(message.get("max_wait")) or 0
    spread = max(min(most, _LONGEST_WAIT_S) - least, 0)
    cloud.fetch.after(min(least, _LONGEST_WAIT_S) + int.from_bytes(os.urandom(3), "big") % (spread + 1))


def is_id(value):
    """Whether it is a job id that fits into a status, as it is."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_ID
        and all("!" <= c <= "~" and c not in '"\\' for c in value)
    )


def whole(value):
    """`value` if it is an integer that is not negative, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def goes_by_stream(cloud, job):
    """Whether this attempt goes by MQTT streams. Of two ways each gets its turn."""
    if job.url is None or job.stream is None:
        return job.url is None
    return _prefers_streams(cloud.board) == (cloud.attempt % 2 == 1)


def _prefers_streams(board):
    """Whether images come over MQTT first. Setting `ways`: 1 streams first, 2 HTTPS first, 0 by the memory there is."""
    ways = board.number("ways", 0)
    if ways:
        return ways == 1
    room = board.room()
    return room is not None and room < _TLS_BYTES
