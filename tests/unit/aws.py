# SPDX-License-Identifier: MIT
"""The other end of a stream's connection, for tests on both interpreters: a broker with one file (rainmaker.md 6.2)."""

import hashlib
import struct

from fakes import run

from ota import mqtt, scatter
from ota.slot import BLOCK, Slot
from ota.source import aws_stream
from ota.source.cbor import Cbor

THING = b"A1B2C3D4E5F6A1B2C3D4E5"  # 22 characters
STREAM = "St4kZ8"
IMAGE = b"".join([hashlib.sha256(b"%d" % i).digest() * 128 for i in range(38)])[: 37 * BLOCK + 1234]


def head(kind, number):
    """The head of a CBOR item, in its shortest form."""
    if number < 24:
        return bytes([kind << 5 | number])
    size = 0
    while number >> (8 << size):
        size += 1
    return bytes([kind << 5 | 24 + size]) + number.to_bytes(1 << size, "big")


def encode(value):
    """CBOR of what answers are made of; a list of pairs is a map, so that its order is told."""
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, str):
        return head(3, len(value)) + value.encode()
    if isinstance(value, list):
        return head(5, len(value)) + b"".join([encode(key) + encode(item) for key, item in value])
    return head(2, len(value)) + bytes(value)


def decode(data):
    """A request as dict: a map of letters to numbers and byte strings, each in its shortest form."""
    at = 1
    result = {}

    def number():
        nonlocal at
        first, at = data[at], at + 1
        value = first & 31
        if value >= 24:
            size = 1 << value - 24
            value, at = int.from_bytes(data[at : at + size], "big"), at + size
        assert head(first >> 5, value)[0] == first, "not its shortest form"
        return first >> 5, value

    for _ in range(data[0] & 31):
        assert data[at] == 0x61
        key = chr(data[at + 1])
        at += 2
        kind, value = number()
        if kind == 2:
            value, at = data[at : at + value], at + value
        result[key] = value
    assert at == len(data)
    return result


def block(index, data, file=1):
    """An answer with a block."""
    return encode([("f", file), ("i", index), ("l", len(data)), ("p", data)])


class Aws:
    """Cloud of the source, and the stream below its Mqtt. `requests`: as dicts, with their packets in `packets`.

    `form`: how the last part of topics is called; `read_request`: from a payload to such a dict.

    `answer(request)` returns payloads for the data topic, or pairs of the last parts of a topic and payload.
    """

    step_ms = 0
    form = b"cbor"
    read_request = staticmethod(decode)

    def __init__(self, image=IMAGE, answer=None):
        self.image = image
        self.answer = answer or self.honest
        self.requests = []
        self.packets = []
        self.topics = []
        self.acknowledged = []
        self.grants = True
        self.closed = False
        self._in = [b"\x20\x02\x00\x00"]  # packets that the device has not read yet
        self._at = 0  # bytes of the first that it has
        self._pid = 0
        self.mqtt = mqtt.Mqtt(self, THING, None, None, 3600)
        self.mqtt.connect()

    # what the service does

    def honest(self, request):
        return [block(index, self.part(index, request["l"])) for index in self.wanted(request)]

    def wanted(self, request):
        bits = int.from_bytes(request.get("b", b"\xff\xff"), "little")
        count = -(-len(self.image) // request["l"])
        indices = [request["o"] + i for i in range(16) if bits >> i & 1]
        return [index for index in indices if index < count][: request["n"]]

    def part(self, index, size=BLOCK):
        return self.image[index * size : index * size + size]

    def say(self, payload, ending=b"", qos=1):
        self._in.append(self.publication(payload, ending or b"data/" + self.form, qos))

    def publication(self, payload, ending, qos=1):
        return self.packet(b"$aws/things/" + THING + b"/streams/" + STREAM.encode() + b"/" + ending, payload, qos)

    def hear(self, topic):
        """The device gets a message."""
        self._in.append(self.packet(topic, b"", 1))

    def packet(self, topic, payload, qos):
        self._pid = self._pid % 0xFFFF + 1
        body = struct.pack(">H", len(topic)) + topic + (struct.pack(">H", self._pid) if qos else b"") + payload
        size, length = len(body), b""
        while size > 127:
            length += bytes([size & 127 | 128])
            size >>= 7
        return bytes([0x30 | qos << 1]) + length + bytes([size]) + body

    # the stream

    def readable(self, ms):
        return bool(self._in)

    def read(self, size):
        if not self._in:
            return b""
        data = self._in[0][self._at : self._at + size]
        self._at += len(data)
        if self._at == len(self._in[0]):
            self._in.pop(0)
            self._at = 0
        return data

    def readinto(self, buf, size):
        data = self.read(size)
        buf[: len(data)] = data
        return len(data)

    def write(self, data, size=None):
        packet = data.encode() if isinstance(data, str) else bytes(data)
        self._take(packet if size is None else packet[:size])

    def settimeout(self, seconds):
        pass

    connect = settimeout

    def close(self):
        self.closed = True

    def _take(self, packet):
        kind = packet[0] & 0xF0
        at = 2 if len(packet) < 2 or packet[1] < 128 else 3
        if kind == 0x80 and self.grants:
            self.topics.append(packet)
            self._in.append(b"\x90\x04" + packet[at : at + 2] + b"\x01\x01")
        elif kind == 0xC0:
            self._in.append(b"\xd0\x00")
        elif packet[:2] == b"\x40\x02":
            self.acknowledged.append(packet[2] << 8 | packet[3])
        elif kind == 0x30:
            length = packet[1] if at == 2 else packet[1] & 127 | packet[2] << 7
            assert length == len(packet) - at
            assert packet[0] == 0x32
            size = packet[at] << 8 | packet[at + 1]
            topic = packet[at + 2 : at + 2 + size]
            assert topic.endswith(b"/streams/" + STREAM.encode() + b"/get/" + self.form), topic
            body = at + 2 + size
            self._in.append(b"\x40\x02" + packet[body : body + 2])
            self.packets.append(packet)
            self.requests.append(self.read_request(packet[body + 2 :]))
            for told in self.answer(self.requests[-1]):
                if isinstance(told, tuple):
                    self.say(told[1], told[0])
                else:
                    self.say(told)

    # the cloud

    def poll_chunk(self):
        kind = self.mqtt.poll(0)
        if kind == mqtt.SUBACK:
            self.mqtt.payload(100)
        return kind == mqtt.PUBLISH


class Job:
    algorithm = checksum = mark = None

    def __init__(self, size=0, stream=STREAM):
        self.size = size or len(IMAGE)
        self.stream = stream


class Install:
    """What scatter.py asks of an install: a running digest, its agent. `judged`: the beginnings that it was shown."""

    def __init__(self, partition, job=None):
        self.slot = Slot(partition)
        self.slot.check = lambda job: None
        self.job = job or Job()
        self.agent = self
        self.scatter = None
        self.judged = []
        self.sha256 = hashlib.sha256()
        self.told = 0  # bytes that the digest got
        self.steps = 0
        self.limit = 2000

    def attend(self, offset, size):
        self.steps += 1
        assert self.steps < self.limit, "no progress"

    def digest(self, n):
        assert self.told == self.slot.offset
        self.told += n
        self.sha256.update(memoryview(self.slot.block)[:n])

    def holds(self, image):
        """Whether the digest got all of the image, and flash has it."""
        data = memoryview(self.slot._partition.data)[: len(image)]
        return self.sha256.digest() == hashlib.sha256(image).digest() and data == image

    def from_start(self):
        self.scatter = None
        self.slot.offset = self.told = 0
        self.sha256 = hashlib.sha256()
        self.judged = []

    def first(self):
        self.judged.append(bytes(self.slot.block[:289]))
        if len(self.judged) == 1:
            yield from self.slot.erase(self.job.size)

    def download(self, cloud, form=Cbor):
        """Everything from `slot.offset` on; returns the source."""
        source = aws_stream.AwsStream(cloud, self.job, self.slot.offset, form)
        try:
            run(scatter.stream(self, source))
        finally:
            source.close()
        return source


class Clock:
    """Replaces the source's clock by one that gains `step` ms at each look. A context manager."""

    def __init__(self, step):
        self._step = step
        self._now = self.passed = 0

    def ticks(self):
        self._now += self._step
        self.passed += self._step
        return self._now

    def __enter__(self):
        self._real = aws_stream.ticks_ms
        self._now = self._real()  # what was noted before it began still is before
        aws_stream.ticks_ms = mqtt.ticks_ms = self.ticks
        return self

    def __exit__(self, *_):
        aws_stream.ticks_ms = mqtt.ticks_ms = self._real
