# SPDX-License-Identifier: MIT
"""Calls in both directions: from the device to the server, and from the server to the device (thingsboard.md 6.1)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.clouds import mqtt
from simulator.clouds.thingsboard import bodies

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard
    from simulator.clouds.thingsboard.devices import Device
    from simulator.clouds.thingsboard.session import Request, Session

_V1_ANSWER = "v1/devices/me/rpc/response/"
PENDING_LIMIT = 100  # packets a session may queue before its login is through


# From the device to the server


def call(session: "Session", request: "Request") -> None:
    """Answers `getSessionLimits` on v1 topics at once; no rule chain answers anything else."""
    cloud = session.cloud
    method, params = bodies.rpc_request(request.payload)
    request_id = bodies.request_id(request.route.parts[0])
    cloud.log("rpc_request", device=session.device.name, method=method, params=params, request_id=request_id)

    def reply(body: dict) -> None:
        session.publish(f"{request.route.answer}{request_id}", json.dumps(body).encode())

    if method == "getSessionLimits" and request.route.answer == _V1_ANSWER:
        request.ack()
        reply(_session_limits(cloud))
        return
    cloud.spend(session.device)
    request.ack()
    session.later(cloud.settings.rpc_timeout_ms, lambda: reply({"error": "timeout"}))


def _session_limits(cloud: "ThingsBoard") -> dict:
    limits = cloud.settings.rate_limits
    rates = {
        "messages": limits.messages,
        "telemetryMessages": limits.telemetry_messages,
        "telemetryDataPoints": limits.data_points,
    }
    return {"maxPayloadSize": mqtt.LIMIT, "maxInflightMessages": PENDING_LIMIT, "rateLimits": rates}


# From the server to the device


@dataclass(eq=False)
class Call:
    """`state` is WAITING, SENT, then ANSWERED, TIMEOUT (sent, no answer) or NO_ACTIVE_CONNECTION; one way ends at SENT.

    `answer` is the text of the device's answer. `on_end` is called once, with the call.
    """

    id: int
    method: str
    params: object
    is_oneway: bool
    on_end: "Callable[[Call], None] | None" = None
    state: str = "WAITING"
    answer: str | None = None


class Calls:
    """The calls a device has not answered yet, and the HTTP requests that wait for one."""

    def __init__(self) -> None:
        self.open: dict[int, Call] = {}
        self.polls: list[Callable[[Call], None]] = []
        self._count = 0

    def next_id(self) -> int:
        self._count += 1
        return self._count - 1


def start(
    cloud: "ThingsBoard",
    device: "Device",
    method: str,
    params: object,
    timeout_ms: int,
    is_oneway: bool,
    on_end: Callable[[Call], None] | None,
) -> Call:
    """Calls the device, now or as soon as it listens, if that is before the time is over."""
    new = Call(device.calls.next_id(), method, params, is_oneway, on_end)
    device.calls.open[new.id] = new
    cloud.log("rpc_call", device=device.name, request_id=new.id, method=method, params=params)
    cloud.schedule(timeout_ms, lambda: _time_out(cloud, device, new))
    session = device.session
    if session and session.subscriptions.rpc_topic:
        _publish(session, new)
    elif device.calls.polls:
        sent(cloud, device, new)
        device.calls.polls.pop(0)(new)
    return new


def send_open(session: "Session") -> None:
    """The device has subscribed: everything it has not answered goes out, be it for the second time."""
    for waiting in list(session.device.calls.open.values()):
        _publish(session, waiting)


def sent(cloud: "ThingsBoard", device: "Device", one: Call) -> None:
    """It is on its way, which is all that a one-way call wants."""
    one.state = "SENT"
    if one.is_oneway:
        _end(cloud, device, one)


def result(session: "Session", request: "Request") -> None:
    """The device's answer over MQTT."""
    session.cloud.spend(session.device)
    answered(session.cloud, session.device, request.route.parts[0], request.payload)
    request.ack()


def answered(cloud: "ThingsBoard", device: "Device", id_text: str, payload: bytes) -> None:
    """Any text is an answer; one that nobody waits for (any more) is only put on record. BadBody for an odd id."""
    request_id = bodies.request_id(id_text)
    text = payload.decode(errors="replace")
    cloud.log("rpc_response", device=device.name, request_id=id_text, body=text)
    waiting = device.calls.open.get(request_id)
    if waiting:
        waiting.state, waiting.answer = "ANSWERED", text
        _end(cloud, device, waiting)


def _publish(session: "Session", one: Call) -> None:
    topic = session.subscriptions.rpc_topic
    if topic.endswith("/p/+"):
        return
    body = {"method": one.method, "params": one.params}
    session.publish(topic.removesuffix("+") + str(one.id), json.dumps(body).encode())
    sent(session.cloud, session.device, one)


def _time_out(cloud: "ThingsBoard", device: "Device", one: Call) -> None:
    if one.id in device.calls.open:
        one.state = "TIMEOUT" if one.state == "SENT" else "NO_ACTIVE_CONNECTION"
        _end(cloud, device, one)


def _end(cloud: "ThingsBoard", device: "Device", one: Call) -> None:
    del device.calls.open[one.id]
    cloud.log("rpc_end", device=device.name, request_id=one.id, state=one.state, answer=one.answer)
    if one.on_end:
        one.on_end(one)
