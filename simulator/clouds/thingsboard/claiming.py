# SPDX-License-Identifier: MIT
"""Claiming: a device offers itself to whoever knows the secret, for a while (thingsboard.md 6.3)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.clouds.thingsboard import bodies
from simulator.clouds.thingsboard.devices import Device

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard
    from simulator.clouds.thingsboard.session import Request, Session


@dataclass(frozen=True, slots=True)
class Offer:
    """Good until `end_ms`, unix time."""

    secret: str
    end_ms: int


def post(session: "Session", request: "Request") -> None:
    offer(session.cloud, session.device, request.payload)
    request.ack()


def offer(cloud: "ThingsBoard", device: Device, payload: bytes) -> None:
    """Takes what the device wants. One that is somebody's already learns nothing of its refusal."""
    secret, duration_ms = bodies.claim(payload)
    cloud.spend(device)
    end_ms = cloud.now_ms + (duration_ms if duration_ms is not None else cloud.settings.claim_ms)
    if device.owner is None:
        device.offer = Offer(secret, end_ms)
    cloud.log("claim_offered", device=device.name, end_ms=end_ms, accepted=device.owner is None)


def take(cloud: "ThingsBoard", name: str, secret: str, user: str) -> str:
    """A user claims a device by its name: "SUCCESS", "CLAIMED" (it is somebody's already) or "FAILURE"."""
    device = cloud.devices.get(name)
    result = "FAILURE"
    if device and device.owner is not None:
        result = "CLAIMED"
    elif device and device.offer and device.offer.secret == secret and cloud.now_ms < device.offer.end_ms:
        device.owner, device.offer = user, None
        result = "SUCCESS"
    cloud.log("claim", device=name, user=user, result=result)
    return result
