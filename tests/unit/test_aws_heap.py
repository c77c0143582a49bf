# SPDX-License-Identifier: MIT
"""Blocks of a stream stream in with the heap locked, whatever order they come in. On CPython they just stream in."""

import gc

try:
    import micropython
except ImportError:
    micropython = None

from aws import BLOCK, IMAGE, Aws, Install, Job, block
from fakes import Partition, run

from ota import scatter
from ota.source import aws_stream


class Quiet(Aws):
    """An end that allocates nothing while it is read: answers that were laid out before, and nobody listens."""

    _laid_out = ()
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


def locked(install, cloud, order):
    """Blocks in this order, with the heap locked where it can be, but for the last. Returns bytes allocated."""
    source = aws_stream.AwsStream(cloud, install.job, 0)
    steps = scatter.stream(install, source)
    cloud.answer = lambda request: cloud.honest(request) if request["l"] == 289 else []
    while len(cloud.requests) < 2:
        next(steps)
    next(steps)  # the request's acknowledgement
    answers = [cloud.publication(block(index, cloud.part(index)), b"data/cbor") for index in order]
    cloud.lay_out(answers)
    gc.collect()
    if not micropython:
        return run(steps) * 0
    before = gc.mem_alloc()
    gc.disable()
    micropython.heap_lock()
    try:
        while install.slot.offset < 19 * BLOCK:
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
