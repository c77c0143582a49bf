# SPDX-License-Identifier: MIT
"""Who a connection is, by its certificate, and what CONNECT says to that (rainmaker.md section 1).

AWS IoT says nothing to a client it does not let in: before version 5 the connection just goes, without a CONNACK
(cesanta/mongoose-os#178, aws/aws-iot-device-sdk-js-v2#101). It knows 3.1.1 and 5 only.
"""

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID

from simulator.clouds import mqtt
from simulator.clouds.rainmaker import topics
from simulator.clouds.rainmaker.nodes import Node

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.cloud import RainMaker
    from simulator.clouds.rainmaker.session import Session

_BAD_PROTOCOL, _NOT_AUTHORIZED, _TAKEN_OVER, _QUOTA = 0x84, 0x87, 0x8E, 0x97
_PROTOCOLS = {mqtt.V311: "3.1.1", mqtt.V5: "5"}

# Keep-alive in seconds: the least and the most a client may have; none is the most (AWS IoT Core quotas; the firmware's
# own setting has the same bounds, rainmaker.md section 1).
_KEEPALIVE_S = range(30, 1201)


def owner(cloud: "RainMaker", der: bytes | None) -> tuple[Node | None, str]:
    """The node whose certificate this is, or None and why nobody's."""
    if der is None:
        return None, "no certificate"
    certificate = x509.load_der_x509_certificate(der)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    node = cloud.nodes.get(str(names[0].value)) if names else None
    if node is None or node.certificate not in (None, der):
        return None, "unknown certificate"
    now_s = cloud.now_ms / 1000
    if not certificate.not_valid_before_utc.timestamp() <= now_s <= certificate.not_valid_after_utc.timestamp():
        return None, "certificate not valid today"
    return node, ""


def connect(session: "Session", packet: mqtt.Connect) -> bool:
    """Accepts or refuses. True if the node's session may begin."""
    if session.disturbed(session.cloud.strike("connect")):
        return False
    if packet.level not in _PROTOCOLS:
        session.send(mqtt.connack(packet.level, False, 1))
        return _refuse(session, packet, _BAD_PROTOCOL, "protocol 3.1")
    if problem := _problem(session.owner, packet):
        return _refuse(session, packet, _NOT_AUTHORIZED, problem)
    if not _is_slow_enough(session):
        return _refuse(session, packet, _QUOTA, "connects too often")
    if session.owner.session:
        end_other(session.owner)
    session.attach(session.owner)
    _accept(session, packet)
    return True


def end_other(node: Node) -> None:
    """Two clients with the same id cannot be connected: the older one goes."""
    node.session.close(_TAKEN_OVER, "session taken over")


def _problem(node: Node, packet: mqtt.Connect) -> str | None:
    """What the node's policy has against this login; user name and password do not count."""
    if packet.client_id != node.id:
        return "client id is not the node's"
    if packet.will and not topics.may_publish(node.id, packet.will.topic):
        return "will on a topic of somebody else"
    return None


def _is_slow_enough(session: "Session") -> bool:
    """A client id may connect once a second (AWS IoT Core quotas)."""
    last_ms = session.owner.connected_ms
    return last_ms is None or session.cloud.now_ms - last_ms >= session.cloud.settings.connect_interval_ms


def _accept(session: "Session", packet: mqtt.Connect) -> None:
    cloud, wanted_s = session.cloud, packet.keepalive_s
    if wanted_s == 0 or wanted_s > _KEEPALIVE_S[-1]:
        session.keepalive_s = _KEEPALIVE_S[-1]
    else:
        session.keepalive_s = max(wanted_s, _KEEPALIVE_S[0])
    session.owner.connected_ms = cloud.now_ms
    cloud.log(
        "connect",
        node=session.owner.id,
        conn=session.conn,
        protocol=_PROTOCOLS[packet.level],
        clean=packet.clean,
        keepalive_s=session.keepalive_s,
        username=packet.username,
    )
    session.send(mqtt.connack(packet.level, False, 0, _properties(session, wanted_s)))


def _properties(session: "Session", wanted_s: int) -> bytes:
    """What version 5 lets a server say of itself: QoS 1 at most, and another keep-alive than was wanted."""
    properties = b"\x24\1"
    if session.keepalive_s != wanted_s:
        properties += b"\x13" + session.keepalive_s.to_bytes(2)
    return properties


def _refuse(session: "Session", packet: mqtt.Connect, code: int, reason: str) -> bool:
    session.cloud.log("refused", conn=session.conn, client_id=packet.client_id, reason=reason)
    if packet.level == mqtt.V5:
        session.send(mqtt.connack(packet.level, False, code))
    session.end("cloud", "refused")
    return False
