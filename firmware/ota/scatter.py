# SPDX-License-Identifier: MIT
"""Blocks that come in any order, straight into flash. Loaded for sources that bring them so.

A block before its turn is programmed but for its head, which is kept in RAM until all blocks before it are there. So
heads get into flash in order, and after a power cut they tell where the image ends (remains.py). The digest gets each
block when its turn comes: from RAM, or back from flash. docs/decisions/0008-blocks-in-any-order.md
"""

from ota.errors import TransferError
from ota.remains import HEAD, SPAN
from ota.slot import BLOCK


class Scatter:
    """What of an image is in flash. `first`: the block whose turn it is."""

    def __init__(self, slot):
        self._slot = slot
        self.first = slot.offset // BLOCK
        self._is_there = bytearray(SPAN)  # of blocks from `first` on, each in its place modulo SPAN; so are the heads
        self._heads = bytearray(SPAN * HEAD)
        view = memoryview(slot.block)
        self._head = view[:HEAD]
        self._body = view[HEAD:]

    def has(self, index):
        """Whether a block is in flash; of those from `first + SPAN` on none may be, nor be asked for."""
        return index < self.first or self._is_there[index % SPAN]

    def keep(self, index, n):
        """Programs `slot.block` before its turn; `n` bytes of it are the image's."""
        self._slot.pad(n)
        place = index % SPAN
        for i in range(HEAD):
            self._heads[place * HEAD + i] = self._head[i]
        self._slot.put(index, self._body, HEAD)
        self._is_there[place] = 1

    def recall(self):
        """Reads the block whose turn it is, and which came before, back into `slot.block`."""
        place = self.first % SPAN
        self._slot.read(self.first, self._slot.block)
        for i in range(HEAD):
            self._head[i] = self._heads[place * HEAD + i]

    def seal(self, n):
        """Programs the head of what was recalled: now its `n` bytes are part of what is whole."""
        self._slot.put(self.first, self._head, 0)
        self._slot.offset += n
        self.advance()

    def advance(self):
        """The turn of `first` has come and gone."""
        self._is_there[self.first % SPAN] = 0
        self.first += 1


def stream(install, source):
    """Generator: the block loop of Install for such a source.

    Unless the job has a mark to know the bytes by, a transfer that breaks off is begun anew from the start.
    """
    try:
        yield from _stream(install, source)
    except TransferError:
        if install.job.mark == "":
            install.from_start()
        raise


def _stream(install, source):
    """Generator: allocates nothing while blocks come in."""
    slot, size, attend = install.slot, install.job.size, install.agent.attend
    scatter = install.scatter
    if scatter is None or scatter.first != slot.offset // BLOCK:
        scatter = install.scatter = Scatter(slot)
    source.begin(scatter)
    while slot.offset < size:
        if scatter.has(scatter.first):
            scatter.recall()
            n = min(BLOCK, size - slot.offset)
            install.digest(n)
            scatter.seal(n)
        else:
            n = source.readinto(slot.block)
            if n is not None and source.at < 0:
                yield from install.first()  # not a block yet, but its beginning, to be judged
            elif n is not None:
                _take(install, scatter, source.at, n)
        attend(slot.offset, size)
        yield


def _take(install, scatter, index, n):
    """Puts a block where it belongs."""
    if index > scatter.first:
        scatter.keep(index, n)
        return
    slot = install.slot
    if not index:
        slot.check(install.job)  # is it what its beginning has promised?
    install.digest(n)
    slot.commit(n)
    scatter.advance()
