# SPDX-License-Identifier: MIT
"""CONNECT: who it is, which code refuses it, what becomes of the device's older session (thingsboard.md 1.1, 1.3)."""

from typing import TYPE_CHECKING

from simulator.clouds import mqtt

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.session import Session

_PROTOCOLS = {mqtt.V31: "3.1", mqtt.V311: "3.1.1", mqtt.V5: "5"}
_FAULT_CODES_V5 = {1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
_TAKEN_OVER = 0x8E


def connect(session: "Session", packet: mqtt.Connect) -> bool:
    """Accepts or refuses; password and client id are not looked at. True if the session may go on."""
    cloud = session.cloud
    rules = cloud.strike("connect")
    for rule in rules:
        if rule.action == "refuse":
            code = int(rule.argument)
            return _refuse(session, packet, _FAULT_CODES_V5[code] if packet.level == mqtt.V5 else code)
    if session.disturbed(rules):
        return False
    device = cloud.device_by_token(packet.username)
    if device is None:
        return _refuse(session, packet, _refusal(packet))
    if device.session not in (None, session):
        device.session.close(_TAKEN_OVER, "session taken over")
    session.attach(device)
    cloud.log(
        "connect",
        device=device.name,
        conn=session.conn,
        protocol=_PROTOCOLS[packet.level],
        client_id=packet.client_id,
        clean=packet.clean,
        keepalive_s=packet.keepalive_s,
    )
    session.send(mqtt.connack(packet.level, not packet.clean, 0))
    return True


def _refusal(packet: mqtt.Connect) -> int:
    """The code for credentials nobody has, in the packet's own version."""
    is_v5 = packet.level == mqtt.V5
    if packet.username is not None or packet.password is not None:
        return 0x86 if is_v5 else 5
    if packet.client_id.strip():
        return 0x85 if is_v5 else 2
    return 0x87 if is_v5 else 5


def _refuse(session: "Session", packet: mqtt.Connect, code: int) -> bool:
    session.cloud.log("refused", conn=session.conn, code=code, client_id=packet.client_id)
    session.send(mqtt.connack(packet.level, not packet.clean, code))
    session.end("cloud", "refused")
    return False
