# SPDX-License-Identifier: MIT
"""ThingsBoard's chunks over MQTT (thingsboard.md 4.1): requests kept ahead of the answers, by a window.

Chunk 0 is asked for alone: while the server looks the package up, answers to further requests may come out of
order. The first answer pins the package, from then on they come in order and the window opens, as far as the line
brings in soon what it holds: on a slow one chunks are asked for one by one.
Nothing is asked for again while it may be on its way (Mqtt.is_quiet).
Each attempt has a request id of its own, for the server pins an id to a package for the whole session.
"""

from ota.errors import TransferError
from ota.port import const, ticks_diff, ticks_ms
from ota.source.filler import Filler

_PATIENCE_MS = const(8000)  # silence until a chunk may be asked for again; doubles each time
_ASKS = const(4)
_BROKEN = const(6)  # answers of the wrong length in a row
_BLOCK = const(4096)
_SLOW_MS = const(2500)  # a line that takes longer for a block is a slow one
_AHEAD = const(16384)  # bytes that are asked for at once, unless a chunk has more
_LAST = const(8192)  # so many of a large chunk are left when the next is asked for
_STEP_MS = const(50)


def put_number(packet, at, number):
    """Writes the digits of a number; how many. Allocates nothing."""
    n, rest = 1, number
    while rest >= 10:
        rest //= 10
        n += 1
    for i in range(n - 1, -1, -1):
        packet[at + i] = 48 + number % 10
        number //= 10
    return n


class TbChunks:
    """Source of `size` bytes from `offset` on. `chunk`: bytes a request, `window`: requests under way.

    `prefix`: b"fw" or b"sw", of the package's type.
    """

    def __init__(self, cloud, size, offset, request_id, chunk=4096, window=4, prefix=b"fw"):
        self._cloud = cloud
        self._mqtt = cloud.mqtt
        self._size = size
        self._type = prefix
        self._chunk = chunk
        self._window = max(1, min(window, _AHEAD // chunk))  # without any request nothing would come
        self._wanted = offset // chunk  # the chunk that is to be read next
        self._skip = offset % chunk  # its first bytes are in flash already
        self._open = False  # a payload of ours is being read
        self._rest = size - offset  # bytes that are still to be handed out
        self._filler = Filler()
        self._asks = 0
        self._broken = 0
        self._since = self._began = ticks_ms()  # of the last byte or request; of the chunk's first byte
        self._again()
        self._set_id(request_id)

    def _set_id(self, request_id):
        self._prefix = b"v2/%s/response/%d/chunk/" % (self._type, request_id)
        topic = b"v2/%s/request/%d/chunk/" % (self._type, request_id)
        size = b"%d" % self._chunk
        # topic and payload change in the digits of the index only; the buffer has room for seven
        self._packet = bytearray(b"\x30\x00\x00\x00" + topic + b"0000000" + size)
        self._digits_at = 4 + len(topic)
        self._payload = size

    def readinto(self, block):
        """See ota.source. Waits a moment at most; raises TransferError when the server stays silent."""
        if not self._open:
            self._ask(self._wanted)
            self._open = self._arrived()
            if not self._open:
                return None
        else:
            self._mqtt.keep_alive()  # a large chunk on a slow link takes longer than the server waits
            if self._mqtt.left <= _LAST and not self._slow:
                self._ask(self._wanted + 1)
        want = min(len(block), self._rest)
        filler, mqtt = self._filler, self._mqtt
        if mqtt.readable(_STEP_MS):
            if self._skip:
                got = filler.drop(block, self._skip, mqtt)
                self._skip -= got
            else:
                got = filler.take(block, min(want - filler.filled, mqtt.left), mqtt)
            if got:
                self._since = ticks_ms()
        if not mqtt.left:
            self._complete()
        if filler.filled < want:
            return None
        self._rest -= want
        filler.filled = 0
        return want

    def close(self):
        """Leaves the connection fit for other messages; ends it if they would be long behind what nobody wants now."""
        if self._cloud.mqtt is not self._mqtt or self._asked == self._wanted:
            return  # it has ended, or all has come
        try:
            if not self._slow:
                self._mqtt.skip()
                return
        except TransferError:
            pass
        self._cloud.close()

    def _complete(self):
        """The chunk is there: how long did its bytes take? How long the server did says nothing of the line."""
        self._open = False
        self._wanted += 1
        self._slow = ticks_diff(self._since, self._began) > _SLOW_MS * (self._chunk // _BLOCK or 1)

    def _arrived(self):
        """True when the wanted chunk's payload is next in the socket."""
        if not self._cloud.poll_chunk():
            self._check_silence()
            return False
        index = self._index()
        left = self._mqtt.left
        if index != self._wanted or left != min(self._chunk, self._size - index * self._chunk):
            self._mqtt.skip()  # a duplicate, a stale answer, another length: never appended
            if index == self._wanted:
                self._reject(left)
            elif index > self._wanted and not self._slow:
                self._again()  # one was lost; what is still under way behind it is skipped
            return False
        self._asks = self._broken = 0
        self._since = self._began = ticks_ms()
        return True

    def _ask(self, first):
        """For what is due, when `first` is the first chunk that is to come."""
        last = (self._size - 1) // self._chunk
        ahead = 1 if self._slow else self._window
        while self._asked <= last and self._asked < first + ahead:
            self._since = ticks_ms()
            self._request(self._asked)
            self._asked += 1

    def _request(self, index):
        packet, at = self._packet, self._digits_at
        n = put_number(packet, at, index)
        for i in range(len(self._payload)):
            packet[at + n + i] = self._payload[i]
        topic = at - 4 + n
        packet[1] = 2 + topic + len(self._payload)
        packet[3] = topic
        self._mqtt.write(packet, at + n + len(self._payload))

    def _index(self):
        """The chunk number in the topic at hand; -1 when the topic is not an answer to our request id."""
        topic, size, prefix = self._mqtt.topic, self._mqtt.topic_size, self._prefix
        if not len(prefix) < size <= len(prefix) + 7 or not topic.startswith(prefix):
            return -1
        index = 0
        for i in range(len(prefix), size):
            if not 48 <= topic[i] <= 57:
                return -1
            index = index * 10 + topic[i] - 48
        return index

    def _check_silence(self):
        if not self._mqtt.is_quiet(self._since, _PATIENCE_MS << self._asks):
            return
        self._asks += 1
        if self._asks >= _ASKS:
            raise TransferError("chunk_silence", "chunk %d" % self._wanted)
        self._again()

    def _again(self):
        self._asked = self._wanted  # the first chunk that was not asked for yet
        self._slow = True  # until the line has shown what it can

    def _reject(self, left):
        self._broken += 1
        if self._broken > _BROKEN:
            raise TransferError("broken_chunks", "chunk %d" % self._wanted)
        self._again()
        if not left:
            # The server's cache has lost the package; only a new id makes it load it again (thingsboard.md 4.1).
            self._set_id(self._cloud.next_request_id())
