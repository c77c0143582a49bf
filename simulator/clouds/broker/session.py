# SPDX-License-Identifier: MIT
"""One connection to the broker: what each packet means, and every way it ends."""

import re
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from simulator.clouds import mqtt
from simulator.clouds.broker.acl import WRITE
from simulator.clouds.broker.clients import Client, Message, encode
from simulator.clouds.mqtt import session as mqtt_session
from simulator.clouds.mqtt.filters import is_filter

if TYPE_CHECKING:
    from simulator.clouds.broker.broker import Broker

_PACKET_LIMIT = 1 << 20
_BAD_ID, _BAD_LOGIN = 2, 5  # return codes of CONNACK (MQTT 3.1.1, table 3.1); mosquitto says 5 for a wrong password
_BAD_LOGIN_V5, _BAD_ID_V5 = 0x87, 0x85
_PROTOCOL, _KEEPALIVE, _NO_QOS_2, _BAD_FILTER = 0x82, 0x8D, 0x9B, 0x8F
_REFUSED = 0x80  # in a SUBACK
_CHUNK = re.compile(r".*/image/[0-9a-f]{64}/([0-9]+)")


class Session(mqtt_session.Session):
    """`client` is who has logged in, None before."""

    PEER: ClassVar = "client"
    TAKEN_OVER: ClassVar = 0x8E
    cloud: "Broker"

    def __init__(self, cloud: "Broker", conn: int) -> None:
        super().__init__(cloud, conn, _PACKET_LIMIT)
        self.client: Client | None = None
        self.will: mqtt.Will | None = None
        self._keepalive_s = 0
        self._heard_ms = cloud.now_ms

    @property
    def name(self) -> str | None:
        return self.client.id if self.client else None

    # What comes in

    def packet(self, packet: mqtt.Packet) -> None:
        self._heard_ms = self.cloud.now_ms
        if isinstance(packet, mqtt.Connect):
            self._connect(packet)
        elif self.client is None:
            self.close(_PROTOCOL, "packet before CONNECT")
        elif isinstance(packet, mqtt.Publish):
            self._publish(packet)
        elif isinstance(packet, mqtt.Subscribe):
            self._subscribe(packet)
        elif isinstance(packet, mqtt.Unsubscribe):
            known = [self.client.filters.pop(name, None) is not None for name in packet.filters]
            self.send(mqtt.unsuback(self.level, packet.packet_id, [0 if one else 0x11 for one in known]))
        elif packet.kind == "puback":
            self.client.acked(packet.packet_id)
        elif packet.kind == "pingreq":
            self.send(mqtt.pingresp())
        elif packet.kind == "disconnect":
            self.will = None
            self.end("client", "disconnect")

    def _connect(self, packet: mqtt.Connect) -> None:
        if self.client is not None:
            self.close(_PROTOCOL, "second CONNECT")
        elif self.disturbed(self.cloud.strike("connect")):
            return
        elif not packet.client_id and not packet.clean:
            self._refuse(packet, _BAD_ID, _BAD_ID_V5, "no client id")
        elif not self._knows(packet):
            self._refuse(packet, _BAD_LOGIN, _BAD_LOGIN_V5, "user or password")
        else:
            self._accept(packet)

    def _knows(self, packet: mqtt.Connect) -> bool:
        users = self.cloud.users
        return users is None or (packet.username in users and users[packet.username] == packet.password)

    def _refuse(self, packet: mqtt.Connect, code: int, code_v5: int, reason: str) -> None:
        self.cloud.log("refused", conn=self.conn, client_id=packet.client_id, reason=reason)
        self.send(mqtt.connack(packet.level, False, code_v5 if packet.level == mqtt.V5 else code))
        self.end("broker", "refused")

    def _accept(self, packet: mqtt.Connect) -> None:
        cloud = self.cloud
        client_id = packet.client_id or f"auto-{self.conn}"
        cloud.take_over(client_id, cloud.now_ms)
        known = cloud.clients.get(client_id)
        is_resumed = known is not None and not packet.clean
        limits = (cloud.settings.in_flight, cloud.settings.queued)
        client = known if is_resumed else Client(client_id, not packet.clean, limits=limits)
        cloud.clients[client_id] = client
        client.user, client.session = packet.username, self
        self.client, self.will, self._keepalive_s = client, packet.will, packet.keepalive_s
        cloud.log("connect", client=client_id, conn=self.conn, user=packet.username, clean=packet.clean,
                  resumed=is_resumed, keepalive_s=packet.keepalive_s)  # fmt: skip
        self.send(mqtt.connack(packet.level, is_resumed, 0))
        client.resume()
        if self._keepalive_s:
            self.later(self._patience_ms, self._check_keepalive)

    def _subscribe(self, packet: mqtt.Subscribe) -> None:
        if bad := [name for name, _ in packet.filters if not name or not is_filter(name)]:
            self.close(_BAD_FILTER, f"{bad[0]!r} is no filter")
            return
        self.cloud.log("subscribe", client=self.name, filters=dict(packet.filters))
        rules = self.cloud.strike("subscribe")
        if self.disturbed(rules):
            return
        if any(rule.action == "refuse" for rule in rules):
            self.send(mqtt.suback(self.level, packet.packet_id, [_REFUSED] * len(packet.filters)))
            return
        granted = [min(qos, 1) for _, qos in packet.filters]
        self.send(mqtt.suback(self.level, packet.packet_id, granted))
        for (name, _), qos in zip(packet.filters, granted, strict=True):
            self.client.filters[name] = qos
            for message in self.cloud.kept_for(self.client, name, qos):
                self.client.give(message)

    def _publish(self, packet: mqtt.Publish) -> None:
        if packet.qos == 2:
            self.close(_NO_QOS_2, "publishes with QoS 2")
            return
        actions = {rule.action for rule in self.cloud.strike("publish")} if packet.qos else set()
        if "drop" in actions:
            return
        if packet.qos and not actions & {"mute", "close"}:
            self.send(mqtt.puback(self.level, packet.packet_id))
        message = Message(packet.topic, packet.payload, packet.qos, packet.is_retained)
        if self.cloud.may(self.client, WRITE, packet.topic):
            self.cloud.take_in(message, self.client.id)
        else:
            self.cloud.log("denied", client=self.name, topic=packet.topic)
        if self.is_open and "close" in actions:
            self.close(self.OTHER, "fault")

    # What goes out

    def deliver(self, message: Message, packet_id: int, flags: int = 0) -> None:
        """On its way to the client, as the faults leave it."""
        chunk = _CHUNK.fullmatch(message.topic)
        index = int(chunk[1]) if chunk else None
        rules = []
        if chunk or message.topic.endswith("/release"):
            rules = self.cloud.strike("chunk" if chunk else "release", index)
        payload, copies, delay_ms = memoryview(message.payload), 1, 0
        for rule in rules:
            payload = rule.spoil(payload)
            copies += {"duplicate": 1, "drop": -1}.get(rule.action, 0)
            delay_ms += int(rule.argument) if rule.action == "delay" else 0
        spoilt = Message(message.topic, bytes(payload), message.qos, message.is_retained)
        data = encode(self.level, spoilt, packet_id, flags)
        for _ in range(copies):
            self.later(delay_ms, partial(self._deliver, spoilt, data))
        if any(rule.action == "close" for rule in rules):
            self.close(self.OTHER, "fault")

    def _deliver(self, message: Message, data: bytes) -> None:
        if self.is_open:
            self.send(data)
            self.cloud.log("deliver", client=self.name, topic=message.topic, qos=message.qos,
                           retain=message.is_retained, size=len(message.payload))  # fmt: skip

    # The end

    def detach(self) -> None:
        """A connection that ends without a word leaves its will; a session that is not kept is forgotten."""
        client, will = self.client, self.will
        if client is None:
            return
        client.session, self.will = None, None
        if not client.is_kept:
            self.cloud.clients.pop(client.id, None)
        if will and self.cloud.may(client, WRITE, will.topic):
            self.cloud.take_in(Message(will.topic, will.payload, will.qos, will.is_retained), client.id)

    @property
    def _patience_ms(self) -> int:
        return self._keepalive_s * 1500

    def _check_keepalive(self) -> None:
        silent_ms = self.cloud.now_ms - self._heard_ms
        if silent_ms >= self._patience_ms:
            self.close(_KEEPALIVE, "keep-alive")
        else:
            self.later(self._patience_ms - silent_ms, self._check_keepalive)
