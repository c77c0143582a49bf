# SPDX-License-Identifier: MIT
"""Chunks that a broker keeps as retained messages (docs/broker.md): to subscribe to one is to ask for it.

A window of them is subscribed ahead; a chunk that was read is unsubscribed before the next request, so that the broker
has no more than a window of subscriptions. QoS 0: TCP loses nothing, what the broker drops is asked for
again, and an acknowledgement for each chunk would only slow it down.
"""

import struct

from ota.errors import TransferError
from ota.port import const
from ota.source.tb_chunks import TbChunks, put_number

_BROKEN = const(6)  # chunks of the wrong length in a row
_SUBSCRIBE = const(0x82)
_UNSUBSCRIBE = const(0xA2)


class BrChunks(TbChunks):
    """Source of a job's image from byte `offset` on. `chunk`: bytes of each, `window`: how many are under way."""

    def __init__(self, cloud, job, offset, chunk, window):
        self._checksum = job.checksum
        super().__init__(cloud, job.size, offset, 0, chunk, window)
        self._first = self._wanted

    def _set_id(self, request_id):
        self._prefix = ("%simage/%s/" % (self._cloud.base, self._checksum)).encode()
        # kind, length, packet id, topic's length, topic, QoS. With the longest names it still is below 128 bytes.
        self._packet = bytearray(b"\x00\x00\x00\x00\x00\x00" + self._prefix + b"0000000\x00")

    def close(self):
        super().close()
        if self._cloud.mqtt is not self._mqtt:
            return  # the line has ended, and all that was subscribed with it
        try:
            for index in range(max(self._first, self._wanted - self._window), self._asked):
                self._say(_UNSUBSCRIBE, index)
        except TransferError:
            pass  # whoever polls next will notice

    def _request(self, index):
        if index - self._window >= self._first:
            self._say(_UNSUBSCRIBE, index - self._window)
        self._say(_SUBSCRIBE, index)

    def _say(self, kind, index):
        packet, at = self._packet, 6 + len(self._prefix)
        n = put_number(packet, at, index)
        topic = len(self._prefix) + n
        packet[0] = kind
        packet[1] = 4 + topic
        if kind == _SUBSCRIBE:
            packet[at + n] = 0  # QoS
            packet[1] += 1
        struct.pack_into(">HH", packet, 2, self._mqtt.next_id(), topic)
        self._mqtt.write(packet, 2 + packet[1])

    def _reject(self, left):
        self._broken += 1
        if self._broken > _BROKEN:
            raise TransferError("broken_chunks", "chunk %d" % self._wanted)
        self._again()
