# SPDX-License-Identifier: MIT
"""A node's line to RainMaker (rainmaker.md 1): connected, configured, subscribed, and what is said over it.

The order is that of RainMaker's own firmware: node configuration, reports of an earlier boot, subscription, question.
"""

from ota.cloud.rm_fetch import Fetch
from ota.errors import TransferError
from ota.job import Offers
from ota.mqtt import PUBACK, PUBLISH, SUBACK, Mqtt
from ota.port import const, forget

_HOST = "mqtt.rainmaker.espressif.com"
_PORT = const(8883)  # 443 would need ALPN, which MicroPython's tls does not have
_DATA = const(1)  # type of partitions that are no apps
_TRIAL_MS = const(102858)  # after seven eighths of it the agent gives up: 90 s (7)
_KEEPALIVE_S = const(120)
_LIMIT = const(6144)  # bytes of a message; a longer one is skipped
_FIRST_FETCH_S = const(5)
_REPORTS_S = const(5)  # so long the subscription waits for the acknowledgement of a report
_SUBACK_S = const(20)
_NEVER = const(-1)


class Line(Offers):
    """See ota.cloud for the promises; what is offered is in rainmaker.py. `node_id`: client id, part of each topic."""

    is_controlled = False  # somebody has a say (ota.control), and will tell what
    standing = None  # commands that hold on the next line, too, by name

    def __init__(self, board):
        super().__init__(True)
        self.board = board
        factory = board.running.find(_DATA, label="fctry")
        if factory:
            from ota.cloud import rm_factory

            board.settings = rm_factory.Factory(factory[0], board.settings)
        if not board.number("trial_s", 0):
            board.trial_ms = _TRIAL_MS
        self._address = (board.text("host", _HOST), board.number("port", _PORT))
        self.node_id = board.text("node_id", "") or board.name[-12:].upper()
        self.mqtt = None
        self.ready = False
        self.fetch = Fetch(self, board.number("fetch_h", 24))
        self._ingest = board.number("ingest", 1)
        self._notes = []  # what is to be said besides reports, oldest first: [topic, body, packet id or 0]
        self._unacked = _NEVER  # packet id of the report under way
        self._configured = self._subscribed = self._started = False
        self._since_s = 0  # when it was connected, or subscribed

    def connect(self):
        self.close()
        stream = self.board.open_stream(*self._address, self.board.number("tls", 1))
        self.mqtt = Mqtt(stream, self.node_id.encode(), None, b"", _KEEPALIVE_S)
        try:
            self.mqtt.connect()
        except TransferError:
            self.close()
            raise
        self._since_s = self.fetch.uptime_s()
        if not self._configured:
            from ota.cloud import rm_config

            self._configured = True
            rm_config.tell(self)
            forget("ota.cloud.rm_config")

    def close(self):
        self.ready = self._subscribed = False
        self._unacked = _NEVER
        if self._notes:
            self._notes[0][2] = 0  # sent again on the next line
        self.fetch.lost()
        if self.mqtt is not None:
            self.mqtt.close()
            self.mqtt = None

    @property
    def linked(self):
        return self.mqtt is not None

    def refresh(self):
        """Nothing to ask: an answer in the midst of a job would not be heard (2.5)."""

    def poll(self, ms):
        if self._poll(ms):
            self.mqtt.skip()  # a late block that nobody waits for

    def poll_chunk(self):
        """For the source of streams: True when a message of a stream is next in the socket."""
        return self._poll(self.board.step_ms)

    @staticmethod
    def words():
        from ota.cloud import rm_control

        forget("ota.cloud.rm_control")
        return rm_control

    def note(self, topic, body):
        """Says something as soon as it can be said, in order, and again until it is acknowledged."""
        self._notes.append([topic, body, 0])

    def publish_text(self, name, body, qos=1):
        """Sends `body` on the node's topic `name`; returns the packet id. Raises TransferError."""
        if self.mqtt is None:
            raise TransferError("offline")
        topic = "node/%s/%s" % (self.node_id, name)
        if self._ingest:  # not fanned out to subscribers, so cheaper for who runs the cloud
            rule = {"params/local": "esp_set_params", "params/local/init": "esp_init_params"}.get(name)
            topic = "$aws/rules/%s/%s" % (rule or "esp_node_" + name, topic)
        return self.mqtt.send(topic.encode(), body.encode(), qos)

    def delivered(self, handle):
        return handle != self._unacked

    def _poll(self, ms):
        """Handles one packet; True when it is of a stream, and its payload is left to the caller."""
        if self.mqtt is None:
            raise TransferError("offline")
        kind = self.mqtt.poll(ms)
        if kind == PUBLISH:
            if self.mqtt.topic.startswith(b"$aws/things/"):
                return True
            self._message()
        elif kind == PUBACK:
            self._acknowledged(self.mqtt.acked)
        elif kind == SUBACK:
            self._granted(self.mqtt.payload(_LIMIT))
        if not self.mqtt.left:
            self._speak()
        return False

    def _message(self):
        topic = bytes(self.mqtt.topic[: self.mqtt.topic_size])
        payload = self.mqtt.payload(_LIMIT)
        if topic.endswith(b"/otaurl"):
            from ota.cloud import rm_offer

            rm_offer.take(self, payload)
            forget("ota.cloud.rm_offer")
        elif topic.endswith(b"/params/remote"):
            self.words().written(self, payload)

    def _acknowledged(self, packet_id):
        if packet_id == self._unacked:
            self._unacked = _NEVER
        elif self._notes and packet_id == self._notes[0][2]:
            self._notes.pop(0)
        else:
            self.fetch.acknowledged(packet_id)

    def _granted(self, codes):
        if not codes or codes[0] >= 0x80:
            raise TransferError("subscription_refused")
        self.ready = True
        if self.standing:
            self.commands = list(self.standing.items())
        if not self._started:
            self._started = True
            self.fetch.after(_FIRST_FETCH_S)

    def _speak(self):
        """What is due, one thing at a time; allocates nothing while there is none."""
        now = self.fetch.uptime_s()
        if self._notes and not self._notes[0][2]:
            self._notes[0][2] = self.publish_text(self._notes[0][0], self._notes[0][1])
        elif not self._subscribed:
            if self._unacked < 0 or now - self._since_s > _REPORTS_S:
                self._subscribe(now)
        elif self.ready:
            self.fetch.send_if_due(now)
        elif now - self._since_s > _SUBACK_S:
            raise TransferError("subscription_unanswered")

    def _subscribe(self, now):
        """After the reports of an earlier boot, if there are any, so that none of these jobs is offered once more."""
        self._subscribed = True
        self._since_s = now
        is_written = self.board.number("control", 1) or self.board.number("params", 0)
        names = ("otaurl", "params/remote") if is_written else ("otaurl",)
        self.mqtt.subscribe([(("node/%s/%s" % (self.node_id, name)).encode(), 1) for name in names])
