# SPDX-License-Identifier: MIT
"""CONNECT: who it is, which code refuses it, what becomes of the device's older session (thingsboard.md 1.1-1.4)."""

from typing import TYPE_CHECKING

from simulator.clouds import mqtt
from simulator.clouds.thingsboard import credentials, provisioning

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.devices import Device
    from simulator.clouds.thingsboard.session import Session

_PROTOCOLS = {mqtt.V31: "3.1", mqtt.V311: "3.1.1", mqtt.V5: "5"}
_FAULT_CODES_V5 = {1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
_TAKEN_OVER = 0x8E
_NOT_AUTHORIZED, _NOT_AUTHORIZED_V5 = 5, 0x87
_LIMITED, _LIMITED_V5 = 3, 0x9F


def connect(session: "Session", packet: mqtt.Connect) -> bool:
    """Accepts or refuses. True if the session of a device may begin."""
    cloud = session.cloud
    rules = cloud.strike("connect")
    for rule in rules:
        if rule.action == "refuse":
            code = int(rule.argument)
            return _refuse(session, packet, _FAULT_CODES_V5[code] if packet.level == mqtt.V5 else code)
    if session.disturbed(rules):
        return False
    if provisioning.LOGIN in (packet.username, packet.client_id):
        provisioning.begin(session)
        _accept(session, packet, None)
        return False
    device = _device(session, packet)
    if device is None:
        return _refuse(session, packet, _refusal(session, packet))
    if not cloud.allows(device):
        return _refuse(session, packet, _LIMITED_V5 if packet.level == mqtt.V5 else _LIMITED)
    if device.session not in (None, session):
        device.session.close(_TAKEN_OVER, "session taken over")
    session.attach(device)
    _accept(session, packet, device)
    return True


def _device(session: "Session", packet: mqtt.Connect) -> "Device | None":
    """A client certificate alone says who it is; without one, what is in the packet."""
    cloud = session.cloud
    if session.certificate:
        return credentials.by_certificate(cloud.device_by_credentials, session.certificate, cloud.now_ms)
    return credentials.by_login(cloud.device_by_credentials, packet.client_id, packet.username, packet.password)


def _accept(session: "Session", packet: mqtt.Connect, device: "Device | None") -> None:
    session.cloud.log(
        "connect",
        device=device.name if device else None,
        conn=session.conn,
        protocol=_PROTOCOLS[packet.level],
        client_id=packet.client_id,
        clean=packet.clean,
        keepalive_s=packet.keepalive_s,
    )
    session.send(mqtt.connack(packet.level, not packet.clean, 0))


def _refusal(session: "Session", packet: mqtt.Connect) -> int:
    """The code for credentials nobody has, in the packet's own version."""
    is_v5 = packet.level == mqtt.V5
    if session.certificate:
        return _NOT_AUTHORIZED_V5 if is_v5 else _NOT_AUTHORIZED
    if packet.username is not None or packet.password is not None:
        return 0x86 if is_v5 else 5
    if packet.client_id.strip():
        return 0x85 if is_v5 else 2
    return _NOT_AUTHORIZED_V5 if is_v5 else _NOT_AUTHORIZED


def _refuse(session: "Session", packet: mqtt.Connect, code: int) -> bool:
    session.cloud.log("refused", conn=session.conn, code=code, client_id=packet.client_id)
    session.send(mqtt.connack(packet.level, not packet.clean, code))
    session.end("cloud", "refused")
    return False
