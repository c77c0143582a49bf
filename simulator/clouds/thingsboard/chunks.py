# SPDX-License-Identifier: MIT
"""The download over MQTT: remembered sizes, pinned request ids, odd ends, errors that cost the connection (4.1)."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from simulator.clouds import mqtt
from simulator.clouds.thingsboard import bodies, topics
from simulator.clouds.thingsboard.packages import PREFIXES, Package

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.faults import Rule
    from simulator.clouds.thingsboard.session import Request, Session

_TYPES = {prefix: name for name, prefix in PREFIXES.items()}
_INT_MAX = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """One chunk request: topic prefix, request id as text (`1` is not `01`), index, and size in bytes (0: the file)."""

    prefix: str
    request_id: str
    index: int
    size: int


def answer(session: "Session", request: "Request") -> None:
    """Answers one chunk request. What is no number raises BadNumber, which ends the connection without a message."""
    cloud = session.cloud
    wanted = _wanted(session, request)
    rules = cloud.strike("chunk", wanted.index)
    for rule in rules:
        if rule.action == "reassign":
            cloud.assign(session.device, cloud.find(rule.argument), cloud.now_ms)
    if session.disturbed(rules):
        return
    error = next((rule.argument for rule in rules if rule.action == "error"), None)
    if error or wanted.size > mqtt.LIMIT:
        _refuse(session, error or "PAYLOAD_TOO_LARGE")
    elif wanted.request_id in session.pins:
        _serve(session, request, wanted, session.pins[wanted.request_id], rules)
    else:
        # Only an id seen for the first time is looked up, on other threads: several such answers may change places.
        session.later(cloud.lookup_ms(), partial(_look_up, session, request, wanted, rules))


def _wanted(session: "Session", request: "Request") -> Wanted:
    prefix, request_id, index_text = request.route.parts
    text = request.payload.decode(errors="replace")
    size = bodies.int32(text) if text else 0
    index = bodies.int32(index_text)
    if size > 0:
        session.chunk_sizes[request_id] = size
    else:
        size = session.chunk_sizes.get(request_id, 0)
    session.cloud.log(
        "chunk_request", device=session.device.name, type=_TYPES[prefix], request_id=request_id, index=index, size=size
    )
    return Wanted(prefix, request_id, index, size)


def _refuse(session: "Session", error: str) -> None:
    """No PUBACK; and software errors come on the firmware topic too."""
    session.cloud.log("download_error", device=session.device.name, error=error)
    session.publish(topics.ERROR, error.encode())
    session.close(0x83, error)


def _look_up(session: "Session", request: "Request", wanted: Wanted, rules: "list[Rule]") -> None:
    """Pins the request id to the package assigned now, device before profile, for the rest of the session."""
    if not session.cloud.allows(session.device):
        return session.limited()
    package = session.device.package(_TYPES[wanted.prefix])
    if package is None:
        return _refuse(session, "NOT_FOUND")
    if package.data is None:
        return _refuse(session, "FAILURE")
    session.cloud.cache.load(package, session.cloud.now_ms)
    session.pins[wanted.request_id] = package
    _serve(session, request, wanted, package, rules)


def _serve(session: "Session", request: "Request", wanted: Wanted, package: Package, rules: "list[Rule]") -> None:
    """PUBACK, then the chunk, the way the fault rules leave it."""
    cloud = session.cloud
    request.ack()
    for rule in rules:
        if rule.action == "from":
            package = cloud.find(rule.argument)
            cloud.cache.load(package, cloud.now_ms)
    payload = _piece(cloud.cache.data(package, cloud.now_ms), wanted)
    if payload is None or any(rule.action == "drop" for rule in rules):
        return
    topic_id, topic_index = wanted.request_id, wanted.index
    copies, delay_ms = 1, 0
    for rule in rules:
        payload = rule.spoil(payload)
        topic_id = topic_id + "0" if rule.action == "other-id" else topic_id
        topic_index += rule.action == "other-index"
        copies += rule.action == "duplicate"
        delay_ms += int(rule.argument) if rule.action == "delay" else 0

    about = {
        "device": session.device.name,
        "type": _TYPES[wanted.prefix],
        "request_id": topic_id,
        "index": topic_index,
    }

    def send() -> None:
        for _ in range(copies):
            cloud.log("chunk", **about, length=len(payload))
            session.publish(f"v2/{wanted.prefix}/response/{topic_id}/chunk/{topic_index}", payload)

    session.later(delay_ms, send)


def _piece(data: bytes | None, wanted: Wanted) -> memoryview | None:
    """The bytes to send, none past the end or once the cache forgot them; None where the server stays silent."""
    if wanted.size == 0:
        return memoryview(data) if data is not None else None
    start = wanted.size * wanted.index
    if start > _INT_MAX:
        return None
    return memoryview(data or b"")[start : start + wanted.size]
