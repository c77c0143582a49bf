# SPDX-License-Identifier: MIT
"""Blocks of a stream stream in with the heap locked, whatever order they come in. On CPython they just stream in."""

import binascii
import gc
import json

try:
    import micropython
except ImportError:
    micropython = None

from aws import BLOCK, IMAGE, Aws, Install, Job, block
from fakes import Partition, run

from ota import scatter
from ota.source import aws_stream
from ota.source.aws_json import Json
from ota.source.cbor import Cbor


class Quiet(Aws):
    """An end that allocates nothing while it is read: answers that were laid out before, and nobody listens."""

    _laid_out = ()

    def block(self, index):
        return block(index, self.part(index))

    _next = 0

    def lay_out(self, answers):
        self._in = []
        self._next = 0
        self._laid_out = answers

    def readable(self, ms):
        return self._next < len(self._laid_out) or Aws.readable(self, ms)

    def readinto(self, buf, size):
        if not self._laid_out:
            return Aws.readinto(self, buf, size)
        packet = self._laid_out[self._next]
        for i in range(size):
            buf[i] = packet[self._at + i]
        self._at += size
        if self._at == len(packet):
            self._at = 0
            self._next += 1
        return size

    def write(self, data, size=None):
        if not self._laid_out:
            Aws.write(self, data, size)


class Sink(Partition):
    """Takes blocks without allocating anything, and gives them back."""

    def writeblocks(self, index, buf, offset):
        for i in range(len(buf)):
            self.data[index * BLOCK + offset + i] &= buf[i]

    def readblocks(self, index, buf, offset=0):
        for i in range(len(buf)):
            buf[i] = self.data[index * BLOCK + offset + i]


def locked(install, cloud, order, form=Cbor):
    """Blocks in this order, with the heap locked where it can be, but for the last. Returns bytes allocated."""
    source = aws_stream.AwsStream(cloud, install.job, 0, form)
    steps = scatter.stream(install, source)
    cloud.answer = lambda request: cloud.honest(request) if request["l"] == 289 else []
    while len(cloud.requests) < 2:
        next(steps)
    next(steps)  # the request's acknowledgement
    answers = [cloud.publication(cloud.block(index), b"data/" + cloud.form) for index in order]
    cloud.lay_out(answers)
    gc.collect()
    if not micropython:
        return run(steps) * 0
    before = gc.mem_alloc()
    gc.disable()
    micropython.heap_lock()
    try:
        while install.slot.offset < install.job.size // BLOCK * BLOCK:
            next(steps)
    finally:
        micropython.heap_unlock()
        gc.enable()
    return gc.mem_alloc() - before


def test_stream_blocks_in_order_and_out_of_it_allocate_nothing():
    orders = (range(20), [i ^ 1 for i in range(20)], list(range(15, -1, -1)) + list(range(19, 15, -1)))
    image = IMAGE[: 19 * BLOCK + 77]
    sink = Sink(20 * BLOCK)
    for order in orders:
        gc.collect()
        cloud = Quiet(image)
        install = Install(sink, Job(len(image)))
        install.digest = lambda n: None  # a short one needs a slice, the last only
        assert locked(install, cloud, order) == 0
        whole = 19 * BLOCK
        assert memoryview(sink.data)[:whole] == memoryview(image)[:whole]


class QuietJson(Quiet):
    form = b"json"
    read_request = staticmethod(json.loads)

    def block(self, index, size=BLOCK):
        data = self.part(index, size)
        text = binascii.b2a_base64(data).strip().decode()
        return ('{"f":1,"i":%d,"l":%d,"p":"%s"}' % (index, len(data), text)).encode()

    def honest(self, request):
        return [self.block(0, request["l"])]


def test_stream_of_json_allocates_nothing():
    gc.collect()
    image = IMAGE[: 9 * BLOCK + 77]
    install = Install(Sink(10 * BLOCK), Job(len(image)))
    install.digest = lambda n: None
    assert locked(install, QuietJson(image), [i ^ 1 for i in range(10)], Json) == 0
    whole = 9 * BLOCK
    assert memoryview(install.slot._partition.data)[:whole] == memoryview(image)[:whole]
