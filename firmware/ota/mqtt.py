# SPDX-License-Identifier: MIT
"""Our layer over umqtt.simple, which keeps CONNECT, PINGREQ and DISCONNECT; reading is ours.

umqtt.simple reads a payload whole into new memory, forgets the time-out after the first byte, runs callbacks
while it waits and never wraps its packet ids (style.md C1). Here `poll` takes one packet's head and leaves the
payload in the socket, to be read straight into the caller's buffer. Nothing here allocates while data flows.
Works with umqtt.simple 1.3.4 and later: it is given a stand-in for its `socket` module, so it never opens one
(mqtt_login.py).
"""

# We narrow its methods on purpose:
# pyright: reportIncompatibleMethodOverride=false

import struct

from umqtt import simple

from ota.errors import TransferError
from ota.port import const, forget, ticks_diff, ticks_ms

PUBLISH = const(0x30)
PUBACK = const(0x40)
SUBACK = const(0x90)
_PINGRESP = const(0xD0)
_PING = const(b"\xc0\x00")
_LONG_MS = const(600000)  # then answers to pings were lost, in a payload that was too short
_TOPIC = const(96)  # the longest topic that most clouds send


class Mqtt(simple.MQTTClient):
    """One connection. After `poll` returned PUBLISH: `topic[:topic_size]`, `left` bytes of payload still to read.

    `topic` may be replaced by a longer one: of each topic it takes as much as it has room for.
    """

    def __init__(self, stream, client_id, user, password, keepalive_s=60):
        super().__init__(client_id, "", 1883, user, password, keepalive_s)
        self._stream = stream
        self._head = bytearray(4)
        self._out = bytearray(4)
        self._scratch = bytearray(64)
        self.topic = bytearray(_TOPIC)
        self.topic_size = 0
        self.left = 0
        self.acked = 0  # packet id of the last PUBACK
        self.granted = 0  # packet id of the last SUBACK
        self._answer = 0  # packet id that a QoS 1 payload will be acknowledged with, 0: none
        self._ping_ms = keepalive_s * 500
        self._pinged = ticks_ms()
        self._is_heard = True  # something came since the last ping
        self._owed = 0  # pings without an answer

    def connect(self):
        """Logs in. Raises TransferError; code mqtt_refused has the return code as detail."""
        from ota import mqtt_login

        forget("ota.mqtt_login")
        mqtt_login.connect(self, self._stream)
        self._pinged = ticks_ms()

    def subscribe(self, topics):
        """One SUBSCRIBE for all `topics`, pairs of bytes and QoS; returns the packet id to look for in `granted`.

        The answer comes through `poll` as SUBACK.
        """
        pid = self.next_id()
        body = struct.pack(">H", pid)
        for topic, qos in topics:
            body += struct.pack(">H", len(topic)) + topic + bytes((qos,))
        self._send(0x82, body)
        return pid

    def send(self, topic, payload, qos=1):
        """PUBLISH of bytes; returns the packet id to look for in `acked`, 0 for QoS 0. Never waits for the answer."""
        pid = self.next_id() if qos else 0
        body = struct.pack(">H", len(topic)) + topic
        if qos:
            body += struct.pack(">H", pid)
        self._send(0x30 | qos << 1, body + payload)
        return pid

    def poll(self, ms):
        """Handles at most one packet that arrives within `ms`: PUBLISH, PUBACK, SUBACK, or 0 for anything else.

        Does nothing but keep the connection alive while a payload is being read. Raises TransferError.
        """
        self.keep_alive()
        if self.left or not self.readable(ms):
            return 0
        self._read(self._head, 1)
        kind = self._head[0] & 0xF0
        qos = self._head[0] >> 1 & 3
        self.left = self._length()
        if kind == PUBLISH:
            return self._begin_publish(qos)
        if kind == PUBACK:
            self.acked = self._take_short()
        elif kind == SUBACK:
            self.granted = self._take_short()
            return SUBACK
        elif kind == _PINGRESP and self._owed:
            self._owed -= 1
        self.skip()
        return kind if kind == PUBACK else 0

    def _begin_publish(self, qos):
        size = self._take_short()
        self.topic_size = min(size, len(self.topic))
        self._take(self.topic, self.topic_size)
        for _ in range(size - self.topic_size):
            self._take(self._head, 1)  # longer than any topic of ours: what is kept will match none
        self._answer = self._take_short() if qos else 0  # the server's ids reach 0 too, which nobody may acknowledge
        if not self.left:
            self._acknowledge()
        return PUBLISH

    def read_payload(self, buf, size):
        """Reads the next `size` bytes of the payload into the start of `buf`."""
        self._take(buf, size)
        if not self.left:
            self._acknowledge()

    def readinto(self, buf, size):
        """Reads what has come of the payload, `size` bytes at most; how many, None for none. Waits for nothing."""
        self._stream.wait(False)
        got = self._some(buf, min(size, self.left))
        self._stream.wait(True)
        if got:
            self.left -= got
            if not self.left:
                self._acknowledge()
        return got

    def payload(self, limit):
        """The rest of the payload as bytes; None (and it is skipped) when longer than `limit`."""
        if self.left > limit:
            self.skip()
            return None
        buf = bytearray(self.left)
        if self.left:
            self.read_payload(buf, self.left)
        return bytes(buf)

    def skip(self):
        """Throws the rest of this packet away."""
        while self.left:
            self.read_payload(self._scratch, min(self.left, len(self._scratch)))

    def keep_alive(self):
        """PINGREQ every half keep-alive, whatever else flows: chunk requests do not count for the server."""
        now = ticks_ms()
        if ticks_diff(now, self._pinged) >= self._ping_ms:
            if not self._is_heard and not self.readable(0):  # an answer may be behind a window of chunks
                raise TransferError("ping_unanswered")
            self._ping(now)

    def is_quiet(self, since, ms):
        """Whether what was asked for at `since` is not on its way any more: a ping was sent `ms` later, and answered.

        For answers come in order, however long the line takes for those before. A line that is dead is no quiet one.
        """
        now = ticks_ms()
        if ticks_diff(now, since) < ms:
            return False
        if ticks_diff(self._pinged, since) < ms:
            self._ping(now)
        return not self._owed or ticks_diff(now, since) > _LONG_MS

    def _ping(self, now):
        self._pinged = now
        self._is_heard = False
        self._owed += 1
        self.write(_PING)

    def readable(self, ms):
        """Whether there is something to read within `ms`."""
        try:
            return self._stream.readable(ms)
        except OSError as error:
            raise TransferError("link_lost", str(error))

    def close(self):
        """Says goodbye if it still can."""
        try:
            self.disconnect()
        except (OSError, AttributeError):
            self._stream.close()

    def next_id(self):
        """Packet id for what is not QoS 0."""
        self.pid = self.pid % 0xFFFF + 1
        return self.pid

    def _acknowledge(self):
        if self._answer:
            struct.pack_into(">BBH", self._out, 0, PUBACK, 2, self._answer)
            self.write(self._out, 4)
        self._answer = 0

    def _send(self, first, body):
        packet = bytearray((first,))
        size = len(body)
        while size > 0x7F:
            packet.append(size & 0x7F | 0x80)
            size >>= 7
        packet.append(size)
        self.write(packet + body)

    def write(self, data, size=None):
        """Sends a packet that the caller has built, or the first `size` bytes of it. Allocates nothing."""
        try:
            self._stream.write(data) if size is None else self._stream.write(data, size)
        except OSError as error:
            raise TransferError("link_lost", str(error))

    def _length(self):
        value = shift = 0
        while shift < 28:
            self._read(self._head, 1)
            value |= (self._head[0] & 0x7F) << shift
            if self._head[0] < 0x80:
                return value
            shift += 7
        raise TransferError("mqtt_bad_packet")

    def _take_short(self):
        self._take(self._head, 2)
        return self._head[0] << 8 | self._head[1]

    def _take(self, buf, size):
        if size > self.left:
            raise TransferError("mqtt_bad_packet")
        self._read(buf, size)
        self.left -= size

    def _read(self, buf, size):
        if size and self._some(buf, size) != size:
            raise TransferError("link_lost", "closed by the server")

    def _some(self, buf, size):
        """As the stream's `readinto`, but raises at the end of it."""
        try:
            got = self._stream.readinto(buf, size)
        except OSError as error:
            raise TransferError("link_lost", str(error))
        if got == 0:
            raise TransferError("link_lost", "closed by the server")
        self._is_heard = True
        return got
