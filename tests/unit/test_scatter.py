# SPDX-License-Identifier: MIT
"""Blocks in any order go straight into flash, and a power cut at any operation costs time, never truth (decision 8)."""

import hashlib

from fakes import Partition, raises, run

from ota import scatter
from ota.errors import FlashError, JobError
from ota.remains import HEAD, SPAN
from ota.slot import BLOCK, Slot

IMAGE = b"".join([hashlib.sha256(b"%d" % i).digest() * 128 for i in range(9)])[: 8 * BLOCK + 100]
BLANKS = IMAGE[: 2 * BLOCK] + b"\xff" * BLOCK + IMAGE[3 * BLOCK : 4 * BLOCK] + b"\xff" * 64 + IMAGE[4 * BLOCK + 64 :]
ORDERS = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8),
    (8, 7, 6, 5, 4, 3, 2, 1, 0),
    (0, 2, 1, 4, 3, 6, 5, 8, 7),
    (3, 0, 4, 8, 1, 2, 7, 5, 6),
)


class PowerCut(BaseException):
    pass


class Chip(Partition):
    """Flash that must never be told to set a bit, and whose power goes at operation number `cut`, torn somehow."""

    def __init__(self, blocks, salt=0):
        Partition.__init__(self, blocks * BLOCK)
        self.operations = 0
        self.cut = 0
        self.salt = salt
        self._seed = 1

    def writeblocks(self, index, buf, offset):
        self.programs.append(index)
        start = index * BLOCK + offset
        old, new = bytes(self.data[start : start + len(buf)]), bytes(buf)
        if old.count(b"\xff") != len(old):
            new = bytes([a & b for a, b in zip(old, new)])
            assert new == bytes(buf), "block %d was not erased" % index
        self._change(start, old, new)

    def ioctl(self, op, index):
        self.erases.append(index)
        start = index * BLOCK
        self._change(start, bytes(self.data[start : start + BLOCK]), b"\xff" * BLOCK, True)
        return 0

    def _change(self, start, old, new, is_erase=False):
        self.operations += 1
        is_cut = self.operations == self.cut
        if is_cut:
            new = self._torn(old, new, is_erase)
        self.data[start : start + len(new)] = new
        if is_cut:
            raise PowerCut

    def _torn(self, old, new, is_erase):
        """Each cut is torn in another way."""
        way = (self.operations + self.salt) % 4
        if way == 0:
            return new
        if way == 1:
            return new[: len(new) // 2] + old[len(new) // 2 :]
        torn = bytearray(old)
        if way == 2:  # the second half only
            torn[len(new) // 2 :] = new[len(new) // 2 :]
            return torn
        for i in range(0, len(torn), 1 if len(torn) < 100 else 7):
            noise = self._noise()
            torn[i] = noise if is_erase else new[i] | (old[i] & noise)
        return torn

    def _noise(self):
        self._seed = self._seed * 1103515245 + 12345 & 0x3FFFFFFF
        return self._seed >> 16 & 0xFF


class Source:
    """Brings the blocks that are missing in an order of its own, again from its start after each cut."""

    def __init__(self, image, order):
        self._image = image
        self._order = order
        self.at = 0
        self.brought = []

    def begin(self, places):
        self._scatter = places

    def readinto(self, block):
        for index in self._order:
            if not self._scatter.has(index):
                self.at = index
                self.brought.append(index)
                data = self._image[index * BLOCK : index * BLOCK + BLOCK]
                block[: len(data)] = data
                return len(data)
        raise AssertionError("all is there, and nobody noticed")


class Job:
    mark = None

    def __init__(self, image):
        self.size = len(image)


class Install:
    """What scatter.py needs of one."""

    def __init__(self, chip, image):
        self.slot = Slot(chip)
        self.slot.check = lambda job: None
        self.job = Job(image)
        self.agent = self
        self.scatter = None
        self.sha256 = hashlib.sha256()

    def attend(self, offset, size):
        pass

    def digest(self, n):
        self.sha256.update(memoryview(self.slot.block)[:n])

    def resume(self):
        run(self.slot.find(self.job.size))
        run(self.slot.feed(self.sha256, self.slot.offset))


def finish(chip, image, order):
    """What a boot does: takes up what is there, fetches the rest. Returns the source."""
    install = Install(chip, image)
    source = Source(image, order)
    install.resume()
    run(scatter.stream(install, source))
    assert install.sha256.digest() == hashlib.sha256(image).digest()
    assert bytes(chip.data[: len(image)]) == image
    return source


def survives(image, order, cuts, salt=0):
    """Boots with a cut at each of the given operations in turn, then to the end; how often the power went."""
    chip = Chip(-(-len(image) // BLOCK), salt)
    gone = 0
    for cut in cuts:
        chip.cut = chip.operations + cut
        try:
            finish(chip, image, order)
            return gone
        except PowerCut:
            gone += 1
    chip.cut = 0
    finish(chip, image, order)
    return gone


def test_scatter_any_order_ends_in_the_same_image():
    for image in (IMAGE, BLANKS):
        for order in ORDERS:
            assert survives(image, order, ()) == 0


def test_scatter_blocks_in_order_cost_nothing_more():
    chip = Chip(9)
    finish(chip, IMAGE, ORDERS[0])
    assert chip.programs == list(range(9))


def test_scatter_block_before_its_turn_is_programmed_but_for_its_head():
    chip = Chip(9)
    install = Install(chip, IMAGE)
    steps = scatter.stream(install, Source(IMAGE, ORDERS[3]))
    next(steps)
    assert bytes(chip.data[3 * BLOCK : 4 * BLOCK]) == b"\xff" * HEAD + IMAGE[3 * BLOCK + HEAD : 4 * BLOCK]
    assert install.slot.offset == 0
    run(steps)
    assert chip.programs == [3, 0, 4, 8, 1, 2, 3, 4, 7, 5, 6, 7, 8]


def test_scatter_power_cut_at_every_operation():
    for image in (IMAGE, BLANKS):
        for order in ORDERS:
            cut = 1
            while survives(image, order, (cut,)):
                cut += 1
            assert cut > 9


def test_scatter_power_cut_at_every_operation_and_soon_again():
    """The second cut meets what the first has left: above all the erasing of what is in doubt."""
    for order in (ORDERS[1], ORDERS[3]):
        for first in range(1, 17):
            for second in range(1, 8):
                for salt in range(4):
                    survives(IMAGE, order, (first, second), salt)


def test_scatter_three_power_cuts_in_a_row():
    for first in range(3, 12, 2):
        for second in range(1, 8):
            for third in range(1, 8):
                survives(BLANKS, ORDERS[3], (first, second, third), first)


def test_scatter_power_cut_costs_what_was_ahead_and_one_block():
    for cut in range(1, 9):
        chip = Chip(9)
        chip.cut = cut
        install = Install(chip, IMAGE)
        source = Source(IMAGE, (0, 1, 2, 5, 3, 4, 6, 7, 8))
        try:
            run(scatter.stream(install, source))
        except PowerCut:
            chip.cut = 0
        again = Install(chip, IMAGE)
        again.resume()
        assert install.slot.offset - BLOCK <= again.slot.offset <= install.slot.offset, cut


def test_scatter_as_far_ahead_as_may_be():
    image = (IMAGE * 4)[: (SPAN + 3) * BLOCK]
    order = [0] + list(range(SPAN, 0, -1)) + [SPAN + 2, SPAN + 1]  # noqa: RUF005 (MicroPython)
    for cut in range(0, 45, 3):
        survives(image, order, (cut,) if cut else ())


def test_scatter_taken_up_after_a_lost_link_knows_what_is_there():
    chip = Chip(9)
    install = Install(chip, IMAGE)
    first = Source(IMAGE, ORDERS[3])
    steps = scatter.stream(install, first)
    for _ in range(4):
        next(steps)
    steps.close()
    second = Source(IMAGE, ORDERS[0])
    run(scatter.stream(install, second))
    assert first.brought == [3, 0, 4, 8]
    assert second.brought == [1, 2, 5, 6, 7]
    assert bytes(chip.data[: len(IMAGE)]) == IMAGE


def test_scatter_link_lost_while_its_blocks_are_recalled_goes_on_with_them():
    """`attend` may find that the link is gone after any block."""
    chip = Chip(9)
    install = Install(chip, IMAGE)
    steps = scatter.stream(install, Source(IMAGE, ORDERS[1]))
    while install.slot.offset < 3 * BLOCK:
        next(steps)
    steps.close()
    source = Source(IMAGE, ORDERS[0])
    run(scatter.stream(install, source))
    assert source.brought == []
    assert install.sha256.digest() == hashlib.sha256(IMAGE).digest()


def test_scatter_another_way_may_go_on_in_between():
    """A web server fetches a few blocks in order, over what came before its turn; then the stream is back."""
    chip = Chip(9)
    install = Install(chip, IMAGE)
    steps = scatter.stream(install, Source(IMAGE, (2, 4, 0, 1)))
    for _ in range(3):
        next(steps)
    steps.close()
    for index in range(1, 4):
        install.slot.block[:] = IMAGE[index * BLOCK : index * BLOCK + BLOCK]
        install.digest(BLOCK)
        install.slot.commit(BLOCK)
    run(scatter.stream(install, Source(IMAGE, ORDERS[1])))
    assert install.sha256.digest() == hashlib.sha256(IMAGE).digest()
    assert bytes(chip.data[: len(IMAGE)]) == IMAGE


def test_scatter_first_block_has_to_be_what_its_beginning_has_promised():
    install = Install(Chip(9), IMAGE)

    def check(job):
        raise JobError("not_an_app")

    install.slot.check = check
    raises(JobError, "not_an_app", run, scatter.stream(install, Source(IMAGE, ORDERS[0])))
    assert install.slot.offset == 0


def test_scatter_flash_that_refuses_a_block_before_its_turn_stops():
    chip = Partition(9 * BLOCK)
    install = Install(chip, IMAGE)
    chip.refuse = "writeblocks"
    chip.writeblocks = lambda index, buf, at: chip._maybe_refuse("writeblocks")
    error = raises(FlashError, "flash_write_failed", run, scatter.stream(install, Source(IMAGE, ORDERS[3])))
    assert error.detail.startswith("at %d:" % (3 * BLOCK))
