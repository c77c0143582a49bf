# SPDX-License-Identifier: MIT
"""Calls from the device to the server: one method the server knows, the rest times out (thingsboard.md 1.4, 6.1)."""

import json
from typing import TYPE_CHECKING

from simulator.clouds import mqtt
from simulator.clouds.thingsboard import bodies

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.session import Request, Session

_V1_ANSWER = "v1/devices/me/rpc/response/"
PENDING_LIMIT = 100  # packets a session may queue before its login is through
_NO_LIMITS = {"messages": None, "telemetryMessages": None, "telemetryDataPoints": None}
_SESSION_LIMITS = {"maxPayloadSize": mqtt.LIMIT, "maxInflightMessages": PENDING_LIMIT, "rateLimits": _NO_LIMITS}


def call(session: "Session", request: "Request") -> None:
    """Answers `getSessionLimits` on v1 topics at once; no rule chain answers anything else."""
    method, params = bodies.rpc_request(request.payload)
    request_id = bodies.request_id(request.route.parts[0])
    session.cloud.log("rpc_request", device=session.device.name, method=method, params=params, request_id=request_id)
    request.ack()

    def reply(body: dict) -> None:
        session.publish(f"{request.route.answer}{request_id}", json.dumps(body).encode())

    if method == "getSessionLimits" and request.route.answer == _V1_ANSWER:
        reply(_SESSION_LIMITS)
    else:
        session.later(session.cloud.settings.rpc_timeout_ms, lambda: reply({"error": "timeout"}))


def result(session: "Session", request: "Request") -> None:
    """What the device answers to a call of the server; only logged."""
    session.cloud.log(
        "rpc_response",
        device=session.device.name,
        request_id=request.route.parts[0],
        body=request.payload.decode(errors="replace"),
    )
    request.ack()
