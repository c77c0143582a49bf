# SPDX-License-Identifier: MIT
"""One MQTT connection of a node, under AWS IoT's rules: what each packet means, and every way it ends.

What breaks a rule costs the connection, be it a topic of somebody else (awslabs/aws-crt-python#229 for PUBLISH,
aws/aws-iot-device-sdk-js#125 for SUBSCRIBE), a second CONNECT or too much payload ("CLIENT_ERROR" of its life cycle
events). Sessions are clean ones, whatever CONNECT says: the node's policy has no PersistentConnect.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from simulator.clouds import mqtt
from simulator.clouds.mqtt import session as mqtt_session
from simulator.clouds.rainmaker import login, reports, streams, topics
from simulator.clouds.rainmaker.nodes import Node
from simulator.clouds.rainmaker.outbox import Outbox

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.cloud import RainMaker

PAYLOAD_LIMIT = 128 << 10  # bytes (AWS IoT Core quotas)
_PACKET_LIMIT = PAYLOAD_LIMIT + (16 << 10)  # a little too much payload is still read, to say what is wrong
_FILTERS_A_PACKET, _FILTERS = 8, 50  # the same quotas

# Reason codes of version 5; before that a connection just goes.
_PROTOCOL, _NOT_AUTHORIZED, _KEEPALIVE, _TOO_LARGE = 0x82, 0x87, 0x8D, 0x95
_QUOTA, _NO_RETAIN, _NO_QOS_2 = 0x97, 0x9A, 0x9B
_NO_SUBSCRIPTION = 0x11


class Session(mqtt_session.Session):
    """`owner` is the node whose certificate came with the connection, `node` the same once it has logged in."""

    PEER: ClassVar = "node"
    cloud: "RainMaker"

    def __init__(self, cloud: "RainMaker", conn: int, owner: Node) -> None:
        super().__init__(cloud, conn, _PACKET_LIMIT)
        self.owner = owner
        self.node: Node | None = None
        self.keepalive_s = 0
        self._filters: dict[str, int] = {}
        self._will: mqtt.Will | None = None
        self._heard_ms = cloud.now_ms
        self._outbox = Outbox(self)

    @property
    def name(self) -> str:
        return self.owner.id

    # What comes in

    def packet(self, packet: mqtt.Packet) -> None:
        self._heard_ms = self.cloud.now_ms
        if isinstance(packet, mqtt.Connect):
            self._connect(packet)
        elif self.node is None:
            self.close(_PROTOCOL, "packet before CONNECT")
        elif isinstance(packet, mqtt.Publish):
            self._publish(packet)
        elif isinstance(packet, mqtt.Subscribe):
            self._subscribe(packet)
        elif isinstance(packet, mqtt.Unsubscribe):
            self._unsubscribe(packet)
        elif packet.kind == "puback":
            self._outbox.acked(packet.packet_id)
        elif packet.kind == "pingreq":
            self.send(mqtt.pingresp())
        elif packet.kind == "disconnect":
            self._will = None
            self.end("node", "disconnect")

    def _connect(self, packet: mqtt.Connect) -> None:
        if self.node is not None:
            self.close(_PROTOCOL, "second CONNECT")
        elif login.connect(self, packet):
            self._will = packet.will
            self.later(self._patience_ms, self._check_keepalive)

    def _subscribe(self, packet: mqtt.Subscribe) -> None:
        names = dict(packet.filters)
        if len(packet.filters) > _FILTERS_A_PACKET or len(self._filters | names) > _FILTERS:
            self.close(_QUOTA, f"{len(packet.filters)} more filters")
        elif bad := [name for name in names if not topics.may_subscribe(self.node.id, name)]:
            self.close(_NOT_AUTHORIZED, f"may not subscribe to {bad[0]}")
        elif 2 in names.values():
            self.close(_NO_QOS_2, "subscribes with QoS 2")
        else:
            self._grant(packet)

    def _grant(self, packet: mqtt.Subscribe) -> None:
        self._filters.update(packet.filters)
        self.cloud.log("subscribe", node=self.node.id, filters=dict(packet.filters))
        rules = self.cloud.strike("subscribe")
        if any(rule.action == "push" for rule in rules):
            self.cloud.ota.fetch(self.node)
        if self.disturbed(rules):
            return
        self.send(mqtt.suback(self.level, packet.packet_id, [qos for _, qos in packet.filters]))
        for name, _ in packet.filters:
            if retained := self.cloud.retained.get(name):
                self.publish(name, retained, is_retained=True)

    def _unsubscribe(self, packet: mqtt.Unsubscribe) -> None:
        """Of what was never subscribed, too: the firmware does that at its start."""
        codes = [0 if self._filters.pop(name, None) is not None else _NO_SUBSCRIPTION for name in packet.filters]
        self.cloud.log("unsubscribe", node=self.node.id, filters=list(packet.filters))
        self.send(mqtt.unsuback(self.level, packet.packet_id, codes))

    def _publish(self, packet: mqtt.Publish) -> None:
        if packet.qos == 2:
            self.close(_NO_QOS_2, "publishes with QoS 2")
        elif not topics.may_publish(self.node.id, packet.topic):
            self.close(_NOT_AUTHORIZED, f"may not publish to {packet.topic}")
        elif len(packet.payload) > PAYLOAD_LIMIT:
            self.close(_TOO_LARGE, f"payload of {len(packet.payload)} bytes")
        elif packet.is_retained and packet.topic.startswith("$"):
            self.close(_NO_RETAIN, f"retained on {packet.topic}")
        else:
            self._take_in(packet)

    def _take_in(self, packet: mqtt.Publish) -> None:
        """Handled and acknowledged, the way the faults leave it. PUBACK says that the broker has it, no more."""
        route = topics.route(self.node.id, packet.topic)
        actions = {rule.action for rule in self.cloud.strike(reports.occasion(route.kind, packet.payload))}
        if "drop" in actions:
            return
        if packet.qos and not actions & {"mute", "close"}:
            self.send(mqtt.puback(self.level, packet.packet_id))
        if packet.is_retained:
            self.cloud.retain(packet.topic, packet.payload)
        if not packet.topic.startswith("$"):
            self.deliver(packet.topic, packet.payload)
        self._handle(packet.topic, packet.payload)
        if self.is_open and actions & {"close", "kick"}:
            self.close(self.OTHER, "fault")

    def _handle(self, topic: str, payload: bytes) -> None:
        route = topics.route(self.node.id, topic)
        handler = _HANDLERS.get(route.kind)
        if route.stream_id:
            streams.Exchange(self, route).answer(payload)
        elif handler:
            handler(self.cloud, self.node, payload)
        elif route.kind:
            self.cloud.log("published", node=self.node.id, what=route.kind)
        else:
            self.cloud.ignore("no_rule", self.node, topic=topic)

    # What goes out

    def deliver(self, topic: str, payload: bytes) -> bool:
        """Sends it if a filter covers the topic; to nobody else, and never again. Says whether it went out."""
        is_wanted = any(topics.matches(name, topic) for name in self._filters)
        if is_wanted:
            self.publish(topic, payload)
        return is_wanted

    def publish(self, topic: str, payload: bytes, is_retained: bool = False) -> None:
        """With the best QoS that a filter for the topic has."""
        qos = max((qos for name, qos in self._filters.items() if topics.matches(name, topic)), default=0)
        self._outbox.send(topic, payload, qos, is_retained)

    # Beginning and end

    def attach(self, node: Node) -> None:
        self.node = node
        node.session, node.changed_ms = self, self.cloud.now_ms

    def detach(self) -> None:
        """A connection that ends without a word leaves its will."""
        if self.node is None:
            return
        self.node.session, self.node.changed_ms = None, self.cloud.now_ms
        if will := self._will:
            self._will = None
            self._handle(will.topic, will.payload)

    @property
    def _patience_ms(self) -> int:
        return self.keepalive_s * 1500

    def _check_keepalive(self) -> None:
        silent_ms = self.cloud.now_ms - self._heard_ms
        if silent_ms >= self._patience_ms:
            self.close(_KEEPALIVE, "keep-alive")
        else:
            self.later(self._patience_ms - silent_ms, self._check_keepalive)


_HANDLERS: dict[str, Callable[["RainMaker", Node, bytes], object]] = {
    "config": reports.config,
    "params/local": reports.params,
    "params/local/init": partial(reports.params, is_init=True),
    "otafetch": reports.fetch,
    "otastatus": reports.status,
}
