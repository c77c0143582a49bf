# SPDX-License-Identifier: MIT
"""What the server does right after a registration: discover and read what the device has (lwm2m.md 1.2)."""

from typing import TYPE_CHECKING

from simulator.clouds.lwm2m.manners import ALL, DEVICE, NOTHING
from simulator.clouds.lwm2m.script import Steps

if TYPE_CHECKING:
    from simulator.clouds.lwm2m.devices import Device

_UNREADABLE = 0  # the Security object is nobody's to read


def refresh(device: "Device", extent: str, accept: int | None) -> Steps:
    """Stops at the first request that is not answered at all, or once the device is gone."""
    registration = device.registration
    numbers = {ALL: sorted(registration.objects), DEVICE: [3], NOTHING: []}[extent] if registration else []
    for number in numbers:
        if number == _UNREADABLE:
            continue
        if extent == ALL:
            reply = yield device.discover(f"/{number}")
            if not reply.is_answered or device.registration is not registration:
                return
        paths = [path for path in registration.instances if path.startswith(f"/{number}/")]
        for path in paths or ([f"/{number}/0"] if extent == DEVICE else []):
            reply = yield device.read(path, accept)
            if not reply.is_answered or device.registration is not registration:
                return
