# SPDX-License-Identifier: MIT
"""ThingsBoard over MQTT: shared attributes in, chunks in, telemetry out (thingsboard.md).

Not a broker: no session is kept, so everything is subscribed and asked for again after each connect.
Settings in NVS "ota_cfg": token, tls (1: verified against `ca`, see ota.secure); without a token see tb_login.py.
"""

import json
import os

from ota.cloud import tb_common
from ota.errors import TransferError
from ota.job import Offers
from ota.log import log
from ota.mqtt import PUBLISH, SUBACK, Mqtt
from ota.port import const, forget, ticks_ms

_ATTRIBUTES = const(b"v1/devices/me/attributes")
_ASK = const(b"v1/devices/me/attributes/request/")
_ANSWER = const(b"v1/devices/me/attributes/response/")
_TELEMETRY = const(b"v1/devices/me/telemetry")
_CALL = const(b"v1/devices/me/rpc/request/")
_ERROR = const(b"v2/fw/error")  # of software too
_V2 = const(b"v2/")
_SHORTEST = const(15)  # longer topics that begin with it are of chunks
# Chunks come with QoS 0: the server repeats none anyway, and an acknowledgement for each would make Nagle's algorithm
# hold the next request back until the server's delayed ACK, 40 ms on Linux.
_FILTERS = (
    (_ATTRIBUTES, 1),
    (_ANSWER + b"+", 1),
    (b"v2/fw/response/+/chunk/+", 0),
    (b"v2/sw/response/+/chunk/+", 0),
    (_ERROR, 1),
    (_CALL + b"+", 1),
)
_OURS = const(b'"ota_')  # in what is said to the board itself
_LIMIT = const(4096)  # bytes of a JSON message; a longer one is skipped
_ANSWER_MS = const(10000)
_ASKS = const(3)


class ThingsBoard(Offers):
    """See ota.cloud for the promises. `token`: the device's access token. `identity`: (title, version) of what runs."""

    def __init__(self, board, host, port, token, identity, chunk=4096, window=4, allow_no_checksum=False):
        super().__init__(allow_no_checksum)
        self._board = board
        self._address = (host, port)
        self._token = token
        self.identity = identity
        self.chunk = tb_common.chunk_size(chunk)
        self._window = window
        self.mqtt = None
        self.ready = False
        self.software = None  # (title, version) of the software that runs, where software packages are used
        self.on_rpc = None  # the application's function(method, params) -> answer
        self._request = int.from_bytes(os.urandom(2), "big") + 1
        self._asked = 0
        self._asks = 0

    def connect(self):
        self.close()
        self.mqtt = self._client()
        try:
            self.mqtt.connect()
        except TransferError:
            self.close()
            raise
        self.mqtt.subscribe(_FILTERS)
        self._asks = 0
        self.refresh()
        self.publish(tb_common.current(self))

    def _client(self):
        """An open connection that has not logged in yet, and who logs in."""
        token = self._token or self._board.text("token", "")
        if not token:
            from ota.cloud import tb_login

            return tb_login.client(self._board, self._address)
        stream = self._board.open_stream(*self._address, self._board.number("tls", 0))
        return Mqtt(stream, self._board.name.encode(), token.encode(), b"")

    def close(self):
        self.ready = False
        if self.mqtt is not None:
            self.mqtt.close()
            self.mqtt = None

    def refresh(self):
        self.ready = False
        self._asked = ticks_ms()
        topic = _ASK + b"%d" % self.next_request_id()
        self.mqtt.send(topic, json.dumps({"sharedKeys": _offers().keys()}).encode())

    def next_request_id(self):
        """A number that was not used before in this session, for attributes and chunks alike."""
        self._request += 1
        return self._request

    def poll(self, ms):
        if self._poll(ms):
            self.mqtt.skip()  # a late chunk that nobody waits for
        if not self.ready and self.mqtt.is_quiet(self._asked, _ANSWER_MS):
            self._asks += 1
            if self._asks >= _ASKS:
                raise TransferError("attributes_unanswered")
            self.refresh()

    def poll_chunk(self):
        """For the source: True when a chunk's payload is next in the socket. Raises what the server calls an error."""
        return self._poll(self._board.step_ms)

    def source(self, job, offset):
        if job.url is not None:
            from ota.source.http import Http

            return Http(self._board, self, job, offset)
        from ota.source.tb_chunks import TbChunks

        prefix = tb_common.PREFIXES[job.kind].encode()
        chunk = tb_common.chunk_at(self.chunk, offset)
        return TbChunks(self, job.size, offset, self.next_request_id(), chunk, self._window, prefix)

    def report(self, event, kind):
        """`event`: dict with state and perhaps error. QoS 1."""
        return self.publish(tb_common.state(self, event, kind))

    def delivered(self, handle):
        return self.mqtt.acked == handle

    def publish(self, values, qos=1):
        """Sends a dict as telemetry, the application's own too; returns a handle for `delivered`."""
        if self.mqtt is None:
            raise TransferError("offline")
        return self.mqtt.send(_TELEMETRY, json.dumps(values).encode(), qos)

    @staticmethod
    def words():
        from ota.cloud import tb_control

        return tb_control

    def progress(self, percent, kind):
        """A number for the dashboard; nobody waits for its arrival."""
        self.publish({tb_common.PREFIXES[kind] + "_progress": percent}, 0)

    @property
    def linked(self):
        return self.mqtt is not None

    def _poll(self, ms):
        """Handles one packet; True when it is a chunk, whose payload is then left to the caller."""
        if self.mqtt is None:
            raise TransferError("offline")
        kind = self.mqtt.poll(ms)
        if kind == PUBLISH:
            if self.mqtt.topic_size > _SHORTEST and self.mqtt.topic.startswith(_V2):
                return True
            self._message()
        elif kind == SUBACK:
            for code in self.mqtt.payload(_LIMIT) or b"":
                if code >= 0x80:
                    log("warning", "code", "subscription_refused")
        return False

    def _message(self):
        topic = bytes(self.mqtt.topic[: self.mqtt.topic_size])
        payload = self.mqtt.payload(_LIMIT)
        if topic.startswith(_CALL):
            self.words().called(self, topic, payload)
            return
        if payload and _OURS in payload:
            self.words().told(self, payload)
        if topic.startswith(_ANSWER):
            self._asks = 0
            self.ready = True  # with a useless answer too: asking again would bring the same
            _offers().answered(self, payload)
        elif topic == _ATTRIBUTES:
            _offers().pushed(self, payload)
        elif topic == _ERROR:
            _offers().failed(self, payload)


def _offers():
    from ota.cloud import tb_offers

    forget("ota.cloud.tb_offers")
    return tb_offers
