# SPDX-License-Identifier: MIT
"""Power cuts in NVS: before, inside and after every single flash operation, a value is the old or the new one."""

import random
from dataclasses import dataclass

import pytest

from simulator.board import tear
from simulator.board.errors import PowerCut
from simulator.board.flash import Flash, Tear
from simulator.board.nvs import Nvs

SIZE = 0x3000  # three pages, so that collecting happens often
KEYS = ("count", "blob", "other")
Values = dict[str, int | bytes | None]


@dataclass
class Moment:
    """One flash operation of the run: the cells before it, what it was, and the values around it."""

    cells: bytes
    kind: str
    address: int
    new: bytes
    before: Values
    after: Values


class Recorder(Flash):
    """A flash that keeps the state before each operation."""

    moments: list[tuple[bytes, str, int, bytes]]

    def _change(self, kind, address, old, new):
        self.moments.append((bytes(self._cells), kind, address, new))
        super()._change(kind, address, old, new)


def steps():
    """Enough work to fill pages, replace blobs by numbers and back, and collect several times."""
    rng = random.Random(5)
    for number in range(20):
        yield "count", number
        if number % 3 == 0:
            yield "blob", rng.randbytes(1200 + 10 * number)
        if number % 5 == 0:
            yield "other", b"short" + bytes([number])
        if number % 5 == 2:
            yield "other", number
        if number % 5 == 4:
            yield "other", None


def apply(nvs: Nvs, space: int, key: str, value: int | bytes | None) -> None:
    if value is None:
        nvs.erase_key(space, key)
    elif isinstance(value, int):
        nvs.set_i32(space, key, value)
    else:
        nvs.set_blob(space, key, value)


def values(nvs: Nvs) -> Values:
    space = nvs.open("ota")
    found: Values = {}
    for key in KEYS:
        found[key] = None
        for read in (nvs.get_i32, nvs.get_blob):
            try:
                found[key] = read(space, key)
            except Exception as error:
                assert error.args[0] == -4354
    return found


@pytest.fixture(scope="module")
def moments() -> list[Moment]:
    flash = Recorder(SIZE)
    flash.moments = []
    nvs = Nvs(flash, 0, SIZE)
    space = nvs.open("ota")
    now: Values = dict.fromkeys(KEYS)
    seen: list[Moment] = []
    for key, value in steps():
        flash.moments.clear()
        apply(nvs, space, key, value)
        after = now | {key: value}
        seen += [Moment(*moment, now, after) for moment in flash.moments]
        now = after
    assert any(moment.kind == "erase" for moment in seen)  # pages were collected
    return seen


def flash_after(moment: Moment, cut: Tear) -> Flash:
    flash = Flash(SIZE)
    flash.program(0, moment.cells)
    old = moment.cells[moment.address : moment.address + len(moment.new)]
    flash._cells[moment.address : moment.address + len(moment.new)] = cut(old, moment.new)
    return flash


def cuts(moment: Moment, seed: int) -> list[Tear]:
    rng = random.Random(seed)
    inside = tear.erase if moment.kind == "erase" else tear.program
    usual = [_nothing, tear.after, tear.prefix(0.5), tear.prefix(0.9), inside(rng), inside(rng)]
    return [*usual, _page_looks_full] if moment.kind == "erase" else usual


def _nothing(old: bytes, new: bytes) -> bytes:
    return old


def _page_looks_full(old: bytes, new: bytes) -> bytes:
    """Erasing has raised one bit of the page's state, from FREEING to FULL, and nothing else."""
    return b"\xfc" + old[1:]


def test_nvs_cut_at_any_operation_leaves_the_old_or_the_new_value(moments):
    for number, moment in enumerate(moments):
        for kind, cut in enumerate(cuts(moment, number)):
            flash = flash_after(moment, cut)
            found = values(Nvs(flash, 0, SIZE))
            assert found in (moment.before, moment.after), (number, kind, moment.kind)
            assert values(Nvs(flash, 0, SIZE)) == found, (number, kind)  # and it stays


def test_nvs_works_on_after_any_cut(moments):
    for number, moment in enumerate(moments[::3]):
        flash = flash_after(moment, cuts(moment, number)[4])
        nvs = Nvs(flash, 0, SIZE)
        expected = values(nvs)
        space = nvs.open("ota")
        for key, value in (("count", 77), ("blob", b"z" * 1500), ("other", b"end")):
            apply(nvs, space, key, value)
            expected[key] = value
            assert values(nvs) == expected
        assert values(Nvs(flash, 0, SIZE)) == expected


def test_nvs_second_cut_while_recovering_from_the_first_loses_nothing(moments):
    recoveries = 0
    for number, moment in enumerate(moments):
        first = flash_after(moment, cuts(moment, number)[4])
        cells = first.read(0, SIZE)
        before = first.operations
        values(Nvs(first, 0, SIZE))
        for at in range(first.operations - before):
            flash = Flash(SIZE)
            flash.program(0, cells)
            _cut_at(flash, at, random.Random(number + at))
            with pytest.raises(PowerCut):
                values(Nvs(flash, 0, SIZE))
            flash.on_op = None
            flash.power_on()
            assert values(Nvs(flash, 0, SIZE)) in (moment.before, moment.after), (number, at)
            recoveries += 1
    assert recoveries > 50


def _cut_at(flash: Flash, at: int, rng: random.Random) -> None:
    """Tears operation number `at` from now on."""
    start = flash.operations + at + 1

    def observe(kind: str, address: int, size: int) -> Tear | None:
        if flash.operations != start:
            return None
        return tear.erase(rng) if kind == "erase" else tear.program(rng)

    flash.on_op = observe
