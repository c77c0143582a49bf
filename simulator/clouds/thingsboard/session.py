# SPDX-License-Identifier: MIT
"""One MQTT connection of a device: what each packet means, and every way it ends."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from simulator.clouds import mqtt
from simulator.clouds.mqtt import session as mqtt_session
from simulator.clouds.thingsboard import (
    attributes,
    bodies,
    chunks,
    claiming,
    login,
    provisioning,
    rpc,
    telemetry,
    topics,
)
from simulator.clouds.thingsboard.devices import Device
from simulator.clouds.thingsboard.packages import Package
from simulator.clouds.thingsboard.rate_limits import RateLimited
from simulator.clouds.thingsboard.subscriptions import Subscriptions

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard

# Reason codes of version 5; before that a connection just goes (thingsboard.md 1.3, 1.5).
_OTHER, _CRASHED, _TOPIC_INVALID, _QUOTA, _PAYLOAD_INVALID = 0x83, 0x8B, 0x90, 0x97, 0x99


@dataclass(slots=True)
class Request:
    """A publish and where it goes. `ack` sends the PUBACK, if it wants one."""

    route: topics.Route
    payload: bytes
    ack: Callable[[], None]


class Session(mqtt_session.Session):
    """Lives as long as the connection; what the server remembers per session dies with it.

    `certificate` is the client's, in DER, if it has shown one. `is_provisioning`: it can only ask for credentials.
    """

    cloud: "ThingsBoard"

    def __init__(self, cloud: "ThingsBoard", conn: int, certificate: bytes | None = None) -> None:
        super().__init__(cloud, conn)
        self.certificate = certificate
        self.is_provisioning = False
        self.device: Device | None = None
        self.subscriptions = Subscriptions()
        self.chunk_sizes: dict[str, int] = {}
        self.pins: dict[str, Package] = {}
        self._pending: list[mqtt.Packet] = []
        self._packet_id = 0
        self._active_ms = cloud.now_ms

    # What comes in

    def packet(self, packet: mqtt.Packet) -> None:
        if isinstance(packet, mqtt.Connect):
            if login.connect(self, packet):
                self._start()
        elif self.is_provisioning:
            provisioning.handle(self, packet)
        elif self.device is None:
            self._postpone(packet)
        else:
            self._handle(packet)

    def _postpone(self, packet: mqtt.Packet) -> None:
        """What comes before the login waits for it, up to a limit."""
        self._pending.append(packet)
        if len(self._pending) > rpc.PENDING_LIMIT:
            self.close(_QUOTA, "too many packets before CONNECT")

    def _start(self) -> None:
        self._active()
        self.later(self.cloud.settings.inactivity_ms, self._check_activity)
        pending, self._pending = self._pending, []
        for packet in pending:
            if self.is_open:
                self._handle(packet)

    def _handle(self, packet: mqtt.Packet) -> None:
        if isinstance(packet, mqtt.Publish):
            self._publish(packet)
        elif isinstance(packet, mqtt.Subscribe):
            self._subscribe(packet)
        elif isinstance(packet, mqtt.Unsubscribe):
            self._unsubscribe(packet)
        elif packet.kind == "pingreq":
            self._active()
            self.send(mqtt.pingresp())
        elif packet.kind == "disconnect":
            self.end("device", "disconnect")

    def _subscribe(self, packet: mqtt.Subscribe) -> None:
        self._active()
        self.grant(packet)
        for name, _ in packet.filters:
            if self.is_open:
                self._listen(name)

    def grant(self, packet: mqtt.Subscribe) -> None:
        """Answers a SUBSCRIBE."""
        codes = [self.subscriptions.add(name, qos, self.level) for name, qos in packet.filters]
        names = [name for name, _ in packet.filters]
        self.cloud.log("subscribe", device=self.name, filters=dict(zip(names, codes, strict=True)))
        if not self.disturbed(self.cloud.strike("subscribe")):
            self.send(mqtt.suback(self.level, packet.packet_id, codes))

    def _listen(self, name: str) -> None:
        """Pushes and calls begin, unless the rate limit is reached: then they never will, and nobody says so."""
        if name not in (*topics.ATTRIBUTES, *topics.RPC):
            return
        if not self.cloud.allows(self.device):
            self.cloud.log("rate_limit", device=self.name, filter=name)
            return
        self.subscriptions.listen(name)
        if name in topics.RPC:
            rpc.send_open(self)

    def _unsubscribe(self, packet: mqtt.Unsubscribe) -> None:
        self._active()
        codes = [self.subscriptions.remove(name) for name in packet.filters]
        self.cloud.log("unsubscribe", device=self.device.name, filters=list(packet.filters))
        self.send(mqtt.unsuback(self.level, packet.packet_id, codes))

    def _publish(self, packet: mqtt.Publish) -> None:
        if packet.topic.startswith(topics.GATEWAY):
            self.cloud.log("ignored", device=self.device.name, topic=packet.topic)
            return
        route = topics.route(packet.topic)
        if route is None or route.kind != "chunk":  # a device that only downloads counts as idle
            self._active()
        if route is None:
            self.cloud.log("ignored", device=self.device.name, topic=packet.topic)
            self.ack(packet, _TOPIC_INVALID)
            return
        try:
            if route.protobuf:
                raise bodies.BadBody("not protobuf")
            _HANDLERS[route.kind](self, Request(route, packet.payload, partial(self.ack, packet)))
        except bodies.BadNumber as error:
            self.close(_CRASHED, f"bad number: {error}")
        except RateLimited:
            self.limited()
        except bodies.BadBody as error:
            self._bad_body(packet, str(error))

    def _bad_body(self, packet: mqtt.Publish, reason: str) -> None:
        if packet.qos and (self.level == mqtt.V5 or self.device.profile.ack_bad_payload):
            self.cloud.log("bad_body", device=self.device.name, topic=packet.topic, reason=reason)
            self.ack(packet, _PAYLOAD_INVALID)
        else:
            self.close(_PAYLOAD_INVALID, f"{packet.topic}: {reason}")

    def limited(self) -> None:
        """The device has said too much."""
        self.cloud.log("rate_limit", device=self.name)
        self.close(_OTHER, "rate limit")

    def ack(self, packet: mqtt.Publish, reason: int = 0) -> None:
        """PUBACK for QoS 1, and oddly for QoS 2 as well."""
        if packet.qos:
            self.send(mqtt.puback(self.level, packet.packet_id, reason))

    # What goes out

    @property
    def name(self) -> str | None:
        """The device's, for the record."""
        return self.device.name if self.device else None

    def publish(self, topic: str, payload: bytes | memoryview) -> None:
        """Packet ids count up, QoS 0 included, and after 65,535 comes 0: the server never wraps them properly."""
        self._packet_id = (self._packet_id + 1) & 0xFFFF
        self.send(mqtt.publish(self.level, topic, payload, self.subscriptions.qos(topic), self._packet_id))

    # Beginning and end

    def attach(self, device: Device) -> None:
        self.detach()
        self.device = device
        device.session = self

    def detach(self) -> None:
        if self.device is not None and self.device.session is self:
            self.device.session = None

    def _active(self) -> None:
        self._active_ms = self.cloud.now_ms

    def _check_activity(self) -> None:
        idle_ms = self.cloud.now_ms - self._active_ms
        limit_ms = self.cloud.settings.inactivity_ms
        if idle_ms >= limit_ms:
            self.close(_OTHER, "inactivity")
        else:
            self.later(limit_ms - idle_ms, self._check_activity)


_HANDLERS: dict[str, Callable[[Session, Request], None]] = {
    "telemetry": telemetry.post,
    "attributes": attributes.post,
    "attribute_request": attributes.answer,
    "rpc_request": rpc.call,
    "rpc_response": rpc.result,
    "chunk": chunks.answer,
    "claim": claiming.post,
}
