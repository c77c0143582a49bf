# SPDX-License-Identifier: MIT
"""AWS IoT file streams on the connection of the cloud, as ESP RainMaker uses them (rainmaker.md 6.2).

As the vendor's own: the first 289 bytes first, to be judged; then batches of 16 blocks of 4096 bytes, by a bitmap of
those that are missing. They may come in any order. The next batch is asked for shortly before this one is complete.
On a slow line it is a few blocks at a time, and none is asked for again while it may be on its way (Mqtt.is_quiet).
Requests carry no token: an answer tells its block, and the same stream has the same bytes whenever it was asked.
"""

import struct

from ota.errors import TransferError
from ota.port import const, ticks_diff, ticks_ms
from ota.slot import BLOCK

_BEGINNING = const(289)  # image header, segment header, app descriptor, and one byte
_FILE = const(1)
_BATCH = const(16)
_AHEAD = const(12)  # so many blocks of a batch in a row, and the next is asked for: its last is 19 ahead then
_FEW = const(2)  # blocks at a time on a slow line
_SLOW_MS = const(2500)  # for a block
_SLOW_START_MS = const(500)  # for the beginning, which is short
_PATIENCE_MS = const(10000)  # without a block
_ROUNDS = const(3)  # of silence, and what is missing is asked for again in between
_QOS_1 = const(0x32)  # PUBLISH
_FRONT = const(3)  # bytes of a packet before the topic's length


class AwsStream:
    """Source of `job` from byte `offset` on, a multiple of 4096; `job.stream`: id of the stream. See ota.source.

    Of the cloud: `mqtt`, whose client id is the thing's name; `poll_chunk()`, true when a message on a topic of
    $aws/things/ is next in the socket. `form`: how messages are written, Cbor or Json.
    """

    def __init__(self, cloud, job, offset, form):
        self.at = -1
        self._scatter = None
        self._cloud = cloud
        self._mqtt = cloud.mqtt
        self._form = form(cloud.mqtt)
        self._size = job.size
        self._last = (job.size - 1) // BLOCK
        self._has_beginning = offset > 0
        self._asked = -1  # the blocks before it were asked for; -1: nothing was
        self._rounds = 0
        self._slow = self._has_beginning  # until the line has shown what it can: the beginning is no load
        topic = b"$aws/things/%s/streams/%s/" % (_bytes(self._mqtt.client_id), _bytes(job.stream))
        self._data = topic + b"data/" + form.name
        self._rejected = topic + b"rejected/" + form.name
        self._prepare(topic + b"get/" + form.name)
        if len(self._mqtt.topic) <= len(self._rejected):  # one more, or a longer topic would look the same
            self._mqtt.topic = bytearray(len(self._rejected) + 1)
        self._since = ticks_ms()
        # Blocks with QoS 0: the broker would repeat those that a slow line has not brought yet, and fill it.
        self._waits_for = self._mqtt.subscribe(((self._data, 0), (self._rejected, 1)))

    def _prepare(self, topic):
        """A packet with all but its lengths, its id and what it asks for."""
        self._get = topic
        self._id_at = _FRONT + 2 + len(topic)
        self._packet = bytearray(bytes(_FRONT) + struct.pack(">H", len(topic)) + topic + bytes(66))
        self._short = memoryview(self._packet)[1:]  # the same with a length of one byte

    def stream(self, install):
        from ota import scatter

        return scatter.stream(install, self)

    def begin(self, scatter):
        self._scatter = scatter

    def readinto(self, block):
        """See ota.source. Waits a moment at most; raises TransferError when the answers stay out, or are a refusal."""
        self._ask()
        if self._cloud.poll_chunk() and self._read(block) and self._is_wanted():
            self._rounds = 0
            now = ticks_ms()
            self._slow = ticks_diff(now, self._since) > (_SLOW_START_MS if self.at < 0 else _SLOW_MS)
            self._since = now
            return self._form.size
        if self._mqtt.is_quiet(self._since, _PATIENCE_MS):
            self._lose_patience()
        return None

    def close(self):
        """Leaves the connection fit for other messages; ends it if they would be long behind what nobody wants now."""
        if self._cloud.mqtt is not self._mqtt:
            return  # it has ended
        try:
            if not self._slow or self._scatter.first >= self._asked:
                self._mqtt.skip()
                return
        except TransferError:
            pass
        self._cloud.close()

    def _read(self, block):
        """Reads the message at hand; whether it is an answer with a block. Never raises for what is in it."""
        is_refusal = self._is_topic(self._rejected)
        is_read = False
        if is_refusal or self._is_topic(self._data):
            try:
                self._form.read(block)
                is_read = True
            except ValueError:
                pass  # no answer of a stream
        self._mqtt.skip()
        if is_refusal:
            raise TransferError("stream_rejected", self._form.code)
        return is_read and self._form.file == _FILE

    def _is_topic(self, topic):
        return self._mqtt.topic_size == len(topic) and self._mqtt.topic.startswith(topic)

    def _is_wanted(self):
        """Whether the block was asked for, is missing, and has the length that it must have."""
        index, size = self._form.index, self._form.size
        if not self._has_beginning:
            self._has_beginning = not index and size == min(_BEGINNING, self._size)
            return self._has_beginning
        if not self._scatter.first <= index < self._asked or index > self._last or self._scatter.has(index):
            return False
        if size != min(BLOCK, self._size - index * BLOCK):
            return False
        self.at = index
        return True

    def _ask(self):
        """Asks for what is due."""
        if self._waits_for:
            if self._mqtt.granted != self._waits_for:
                return
            self._waits_for = 0
        if not self._has_beginning:
            if self._asked < 0:
                self._asked = 0
                self._since = ticks_ms()
                self._mqtt.send(self._get, self._form.head)
            return
        first = self._scatter.first
        batch = first - first % _BATCH
        if self._asked <= first:
            self._ask_for(batch)
        elif not self._slow and self._asked == batch + _BATCH <= self._last and first >= batch + _AHEAD:
            self._ask_for(self._asked)

    def _ask_for(self, batch):
        """Requests what is missing of a batch, or the first of it, given by its first block. Allocates nothing."""
        bits = end = count = 0
        while end < _BATCH and batch + end <= self._last and not (self._slow and count == _FEW):
            if not self._scatter.has(batch + end):
                bits |= 1 << end
                count += 1
            end += 1
        packet, at, pid = self._packet, self._id_at, self._mqtt.next_id()
        packet[at] = pid >> 8
        packet[at + 1] = pid & 0xFF
        size = self._form.batch(packet, at + 2, batch, bits) - _FRONT
        self._asked = batch + (end if self._slow else _BATCH)
        self._since = ticks_ms()
        if size < 128:
            packet[1] = _QOS_1
            packet[2] = size
            self._mqtt.write(self._short, size + 2)
        else:
            packet[0] = _QOS_1
            packet[1] = size & 0x7F | 0x80
            packet[2] = size >> 7
            self._mqtt.write(packet, size + _FRONT)

    def _lose_patience(self):
        self._rounds += 1
        if self._rounds >= _ROUNDS:
            raise TransferError("stream_silence", "block %d" % (self._scatter.first if self._has_beginning else 0))
        self._since = ticks_ms()
        self._asked = -1  # what is missing is asked for again


def _bytes(text):
    return text.encode() if isinstance(text, str) else text
