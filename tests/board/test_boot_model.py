# SPDX-License-Identifier: MIT
"""The twin against a second reading of esp32.md 2.2, 2.3 and 3.2: a model of plain lists, on seeded random boards.

The model shares no code with the twin. It knows records as four numbers and partitions as names.
"""

import random
import struct
import zlib
from dataclasses import dataclass

import pytest

from simulator.board.partition_table import APP, FACTORY, OTA_0, TEST, Partition
from tests.board.boards import KIB64, NVS, OTADATA, board, failure

FREE = 0xFFFFFFFF
SEQS = (0, 1, 2, 3, 4, 5, 6, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, FREE)
STATES = (0, 1, 2, 3, 4, FREE, 5, 7, 0x100)


def crc(seq: int) -> int:
    return zlib.crc32(struct.pack("<I", seq), 0xFFFFFFFF)


@dataclass
class Model:
    """`records`: two lists [seq, label, state, crc]; `slots`: numbers of the OTA rows; `dead`: what does not load."""

    records: list[list]
    slots: list[int]
    others: set[str]
    dead: set[str]
    running: str | None = None

    def is_dead_record(self, record: list) -> bool:
        return record[0] == FREE or record[2] in (3, 4)

    def active(self) -> int:
        good = [not self.is_dead_record(r) and r[3] == crc(r[0]) for r in self.records]
        if all(good):
            return 0 if self.records[0][0] >= self.records[1][0] else 1
        return good.index(True) if any(good) else -1

    def boot(self) -> str | None:
        for _ in range(4):  # without an app the chip resets until nothing changes
            self.running = self.one_pass()
            if self.running:
                break
        return self.running

    def one_pass(self) -> str | None:
        count, has_factory, is_initial = len(self.slots), "factory" in self.others, False
        for record in self.records:
            if record[2] == 1:
                record[2] = 4
        if count == 0 or all(map(self.is_dead_record, self.records)):
            start = -1 if has_factory else 0
            is_initial = not has_factory and all(r[0] == FREE or r[3] != crc(r[0]) for r in self.records)
        else:
            which = self.active()
            start = -1
            if which >= 0:
                start = (self.records[which][0] - 1) % 2**32 % count
                if self.records[which][2] == 0:
                    self.records[which][2] = 1
        for index in [*range(start, -2, -1), *range(start + 1, count), -2]:
            name = {-1: "factory", -2: "test"}.get(index, f"ota_{index}")
            is_there = index in self.slots if index >= 0 else name in self.others
            if is_there and name not in self.dead:
                if is_initial and index >= 0:
                    self.records[0] = [index + 1, b"\xff" * 20, 2, crc(index + 1)]
                return name
        return None

    def app_count(self) -> int:
        return next(n for n in range(17) if n not in self.slots)

    def selected(self) -> str:
        """What Partition.BOOT is."""
        which = self.active()
        if which >= 0 and self.app_count():
            return f"ota_{(self.records[which][0] - 1) % 2**32 % self.app_count()}"
        return "factory" if "factory" in self.others else "test" if not self.slots else f"ota_{self.slots[0]}"

    def set_boot(self, name: str) -> int:
        """0 or the errno."""
        if name in self.dead:
            return -5379
        if name == "factory":
            self.records = [[FREE, b"\xff" * 20, FREE, FREE] for _ in range(2)]
            return 0
        slot, count = 0 if name == "test" else int(name[4:]), self.app_count()
        if slot >= count:
            return -258
        which = self.active()
        seq = slot + 1
        if which >= 0:
            seq = next(s for s in range(self.records[which][0], 2**33) if (s - 1 - slot) % count == 0)
        target = 1 - which if which >= 0 else 0
        self.records[target] = [seq % 2**32, self.records[target][1], 0, crc(seq % 2**32)]
        return 0

    def mark(self) -> int:
        which = self.active()
        if which < 0 or not self.app_count():
            return 1
        self.records[which][2] = 2
        return 0


def random_record(rng: random.Random) -> list:
    if rng.random() < 0.15:
        return [FREE, b"\xff" * 20, FREE, FREE]
    if rng.random() < 0.1:
        return list(struct.unpack("<I20sII", rng.randbytes(32)))
    seq = rng.choice(SEQS[:8] if rng.random() < 0.7 else SEQS)
    check = crc(seq) if rng.random() < 0.8 else rng.choice((0, FREE, crc(seq) ^ 1))
    label = rng.choice((b"\xff" * 20, bytes(20), rng.randbytes(20)))
    record = [seq, label, rng.choice(STATES), check]
    if rng.random() < 0.15:  # a write that was cut short
        packed = struct.pack("<I20sII", *record)[: rng.randrange(33)].ljust(32, b"\xff")
        record = list(struct.unpack("<I20sII", packed))
    return record


def random_board(rng: random.Random):
    first = rng.random() < 0.1
    slots = list(range(first, first + rng.randrange(0 if rng.random() < 0.1 else 1, 5)))
    if len(slots) > 2 and rng.random() < 0.1:
        slots.remove(rng.choice(slots))
    others = {name for name, share in (("factory", 0.4), ("test", 0.2)) if rng.random() < share or not slots}
    names = [f"ota_{slot}" for slot in slots] + sorted(others)
    dead = {name for name in names if rng.random() < rng.choice((0, 0.2, 0.7))}
    subtypes = {"factory": FACTORY, "test": TEST} | {f"ota_{slot}": OTA_0 + slot for slot in slots}
    rows = [Partition(name, APP, subtypes[name], KIB64 * place, KIB64) for place, name in enumerate(names, 1)]
    rng.shuffle(rows)
    model = Model([random_record(rng), random_record(rng)], slots, others, dead)
    chip = board([NVS, OTADATA, *rows], broken=dead)
    for index, record in enumerate(model.records):
        chip.flash.program(OTADATA.offset + 0x1000 * index, struct.pack("<I20sII", *record))
    return model, chip, names


def records_in_flash(chip) -> list[list]:
    return [list(struct.unpack("<I20sII", chip.flash.read(OTADATA.offset + 0x1000 * i, 32))) for i in (0, 1)]


def outcome(action, *args) -> int:
    try:
        return failure(action, *args)[0]
    except AssertionError:
        return 0


def play(seed: int) -> None:
    """One random board: boots it, then chooses, confirms and resets at random; the model must agree all the way."""
    rng = random.Random(seed)
    model, chip, names = random_board(rng)
    for _ in range(rng.randrange(1, 8)):
        booted = chip.boot().slot
        assert (booted.label if booted else None) == model.boot()
        assert records_in_flash(chip) == model.records
        if not booted:
            return
        assert chip.info(chip.boot_partition())[4] == model.selected()
        for _ in range(rng.randrange(4)):
            if rng.random() < 0.6:
                name = rng.choice(names)
                assert outcome(chip.set_boot, chip.lookup(name)) == model.set_boot(name)
            else:
                assert outcome(chip.mark_valid) == model.mark()
            assert records_in_flash(chip) == model.records
        chip.reset(rng.choice((1, 2, 3)))


@pytest.mark.parametrize("block", range(4))
def test_twin_agrees_with_the_model_on_random_boards(block):
    for seed in range(block * 250, block * 250 + 250):
        play(seed)
