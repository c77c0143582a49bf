# SPDX-License-Identifier: MIT
"""The maker's own MQTT broker: its retained messages are the cloud (docs/broker.md has topics and messages).

No session is kept, so everything is subscribed again after each connect, and what is retained comes with it.
Settings in NVS "ota_cfg": product, device_id (else the board's name), user, password, tls (see ota.secure), window,
refresh_h.
"""

import json

from ota.errors import JobError, TransferError
from ota.job import FIRMWARE, Offers
from ota.mqtt import PUBACK, PUBLISH, SUBACK, Mqtt
from ota.port import const, forget, ticks_diff, ticks_ms

_TOPIC = const(144)  # the longest of ours, with names of 32 characters
_LIMIT = const(4096)  # bytes of a message; a longer one is refused
_COMMANDS = const(8)
_HOUR_MS = const(3600000)
_LATE = const(("ota.cloud.br_read", "ota.cloud.br_choice", "ota.versions"))  # an update needs their place


class _Client(Mqtt):
    """Goes without a word: so the broker tells that we are away, whatever the reason."""

    def retain(self, topic, payload):
        """PUBLISH with QoS 1 of what the broker keeps; returns the packet id."""
        pid = self.next_id()
        self._send(0x33, bytes((len(topic) >> 8, len(topic) & 0xFF)) + topic + bytes((pid >> 8, pid & 0xFF)) + payload)
        return pid

    def close(self):
        self._stream.close()


class Broker(Offers):
    """See ota.cloud for the promises. `identity`: (title, version) of what runs.

    For br_read.py: `base` and `own`: what topics of the product and of this device begin with; `config`: of this
    device, None while unknown; `places`: topic -> (kind, rank) of each release that counts; `origin`: kind -> topic of
    what is offered; `held`: topics whose newest release is for the next connect; `asked`: commands, until `ready`, as
    they are for the line whose offers are known; `echo`: packet id of our answer to "forced", and what it said.
    """

    def __init__(self, board, identity):
        super().__init__(False)
        self.board = board
        self.identity = identity
        self.software = None
        self.base = "ota/%s/" % board.text("product", "product")
        self._device = board.text("device_id", "") or board.name
        self.own = "%sdevice/%s/" % (self.base, self._device)
        self._images = (self.base + "image/").encode()
        self._window = board.number("window", 4)
        self._refresh_ms = min(max(board.number("refresh_h", 24), 1), 144) * _HOUR_MS
        self.mqtt = None
        self.ready = False
        self.config = None
        self.places = {}
        self.origin = {}
        self.held = set()
        self._reading = None
        self._code = bytearray(1)
        self._read_at = ticks_ms()
        self._facts = {}  # what control says, see availability
        self.asked = []
        self._unacked = -1  # packet id of the report under way
        self.echo = (-1, False)

    def connect(self):
        self.close()
        board = self.board
        host, port = board.text("host", "127.0.0.1"), board.number("port", 1883)
        stream = board.open_stream(host, port, board.number("tls", 0))
        user = board.text("user", "").encode() or None
        self.mqtt = _Client(stream, self._device.encode(), user, board.text("password", "").encode())
        self.mqtt.topic = bytearray(_TOPIC)
        self.mqtt.set_last_will(self.own.encode() + b"online", b"false", True, 1)
        try:
            self.mqtt.connect()
        except TransferError:
            self.close()
            raise
        self.tell("online", "true")
        self._facts = {}
        self.availability(self._facts)
        self.commands, self.asked = (), []
        self.config = None
        self._read()

    def close(self):
        self.ready = False
        self._reading = None
        self._unacked = -1
        self.echo = (-1, False)
        if self.mqtt is not None:
            self.mqtt.close()
            self.mqtt = None

    @property
    def linked(self):
        return self.mqtt is not None

    def refresh(self):
        """Reads all releases anew; a gradual one that came meanwhile still has to wait."""
        self.ready = False
        self._read()

    def poll(self, ms):
        if self._poll(ms):
            self.mqtt.skip()  # a late chunk that nobody waits for
        if self.ready and ticks_diff(ticks_ms(), self._read_at) > self._refresh_ms:
            self.held.clear()
            self.refresh()

    def poll_chunk(self):
        """For the source: True when a chunk's payload is next in the socket."""
        return self._poll(self.board.step_ms)

    def job(self, kind):
        known = self.known[kind]
        if "refused" in known:
            self.changed.discard(kind)
            self.offer_id = known["id"]
            raise JobError(known["refused"])
        return super().job(kind)

    @staticmethod
    def words():
        """Small enough to be always there: the functions of this class, which is given to them."""
        return Broker

    def source(self, job, offset):
        if job.url:
            from ota.source.http import Http

            return Http(self.board, self, job, offset)
        from ota.source.br_chunks import BrChunks

        return BrChunks(self, job, offset, self.known[job.kind]["chunk_size"], self._window)

    # what we say

    def report(self, event, kind):
        """`event`: dict with id, state and perhaps error; kept by the broker until the next one. QoS 1."""
        title, version = self.identity if kind == FIRMWARE else self.software or ("unknown", "unknown")
        told = {name: event[name] for name in ("id", "state", "error") if event.get(name)}
        told["title"], told["version"] = title, version
        self._unacked = self.tell(_of(kind, "job"), json.dumps(told))
        return self._unacked

    def delivered(self, handle):
        return handle != self._unacked

    def progress(self, percent, kind):
        self.publish_text(_of(kind, "progress"), str(percent))

    def publish(self, values, qos=1):
        """The application's own, a dict, on `data`."""
        return self.publish_text("data", json.dumps(values), qos)

    def publish_text(self, name, text, qos=0):
        """On the device's topic `name`; returns the packet id. Raises TransferError."""
        return self._line().send((self.own + name).encode(), text.encode(), qos)

    def tell(self, name, text):
        """The same with QoS 1, kept by the broker."""
        return self._line().retain((self.own + name).encode(), text.encode())

    def _line(self):
        if self.mqtt is None:
            raise TransferError("offline")
        return self.mqtt

    def availability(self, facts):
        """Keeps `facts` up to date on the broker, see ota.cloud, and what runs beside them."""
        self._facts.update(facts)
        told = dict(self._facts)
        told["firmware"] = list(self.identity)
        if self.software:
            told["software"] = list(self.software)
        self.tell("status", json.dumps(told))

    def explained(self, token, lines):
        self.publish_text("explained", json.dumps({"token": token, "lines": lines}), 1)

    # what we hear

    def _read(self):
        from ota.cloud import br_read

        self._read_at = ticks_ms()
        self._reading = br_read.Reading(self)

    def _poll(self, ms):
        """Handles one packet; True when it is a chunk, whose payload is then left to the caller."""
        kind = self._line().poll(ms)
        if kind == PUBLISH:
            if self.mqtt.topic.startswith(self._images):
                return True
            self._message()
        elif kind == PUBACK:
            self._acknowledged(self.mqtt.acked)
        elif kind == SUBACK:
            self._granted()
        if self._reading is not None and not self.mqtt.left and self._reading.is_over():
            self._reading = None
            forget(*_LATE)
            self.ready = True
        if self.asked and self.ready:
            self.commands = (list(self.commands) + self.asked)[-_COMMANDS:]
            self.asked = []
        return False

    def _granted(self):
        if self._reading is not None and self._reading.asked == self.mqtt.granted:
            self._reading.granted(self.mqtt.payload(_LIMIT) or b"\x80")
            return
        self.mqtt.read_payload(self._code, min(self.mqtt.left, 1))
        self.mqtt.skip()
        if self._code[0] >= 0x80:
            raise TransferError("subscription_refused")  # of a chunk

    def _acknowledged(self, packet_id):
        if packet_id == self._unacked:
            self._unacked = -1
        elif packet_id == self.echo[0]:
            self.asked.append(("forced", self.echo[1]))
            self.echo = (-1, False)

    def _message(self):
        from ota.cloud import br_read

        topic = bytes(self.mqtt.topic[: self.mqtt.topic_size])
        br_read.take(self, self._reading, topic, self.mqtt.payload(_LIMIT))
        if self._reading is None:
            forget(*_LATE)


def _of(kind, name):
    return name if kind == FIRMWARE else kind + "/" + name
