# SPDX-License-Identifier: MIT
"""What a cut leaves in NVS is mended at the next start: of cuts that come to the same, one is played."""

import random

import pytest

from simulator.board.flash import SECTOR, Flash, Operation
from simulator.board.nvs import Nvs
from simulator.board.nvs_page import ENTRIES, ENTRY_SIZE, living
from simulator.campaign import branches, cuts, torn_nvs
from simulator.campaign.case import Case
from simulator.campaign.run import execute
from simulator.campaign.stories import partitions

SIZE = 4 * SECTOR
NVS = partitions()["nvs"].offset
MODES = ("before", "after", "byte:7", "random", "half")


def entries_written() -> list[int]:
    """The operations of an update that write one entry of NVS."""
    operations = execute(Case("update")).entries_of("op")
    return [entry["number"] for entry in operations if entry["area"] == "nvs" and entry["size"] == ENTRY_SIZE]


def likes(cases: list[Case]) -> list[str | None]:
    """What each is like; each record is what the case has alone."""
    records = branches.records(cases)
    assert [record | {"like": None} for record in records] == [execute(case).record() for case in cases]
    return [record["like"] for record in records]


def test_entry_that_is_torn_at_any_byte_is_like_one_that_nobody_has_marked():
    at = entries_written()[8]
    torn = [Case("update", 1, (f"cut={at}:{mode}",)) for mode in ("after", "half", "byte:1", "byte:30", "random")]
    first = str(torn[0])
    assert likes([*torn, Case("update", 1, (f"cut={at}:before",))]) == [None, first, first, first, first, None]


def test_so_it_is_in_a_run_that_cannot_be_kept():
    """A task of the LwM2M server is in the midst of a function: each run begins anew, but not each case has one."""
    operations = execute(Case("lwm2m-software")).entries_of("op")
    at = [entry["number"] for entry in operations if entry["area"] == "nvs" and entry["size"] == ENTRY_SIZE][20]
    modes = ("before", "after", "byte:5", "byte:20", "random")
    cases = [Case("lwm2m-software", 1, (cuts.ONCE, f"cut={at}:{mode}")) for mode in modes]
    never = Case("lwm2m-software", 1, (cuts.ONCE, "cut=99999:after"))
    after = str(cases[1])
    assert likes([*cases, never]) == [None, None, after, after, after, None]


def test_second_cut_after_different_first_ones_is_like_one_of_them_too():
    at = entries_written()[8]
    pairs = [Case("update", 1, (cuts.ONCE, f"cut={at}:{mode}", f"cut={at + 20}:after")) for mode in MODES]
    before, after, *others = likes(pairs)
    assert (before, after) == (None, None)
    assert others == [str(pairs[1])] * 3


def test_cut_that_is_not_the_last_one_leaves_what_it_leaves():
    """The next cut may strike while the entry is being marked as erased: then what it holds counts."""
    at = entries_written()[8]
    twice = [Case("update", 1, (cuts.ONCE, f"cut={at}:{mode}", f"cut={at + 1}:random")) for mode in MODES]
    assert likes(twice) == [None] * len(MODES)


def test_page_that_is_erased_is_torn_in_many_ways_and_each_case_has_its_own_record():
    """Two pages of NVS are collected in this story: all single cuts there, and some after an entry that was torn."""
    operations = execute(Case("chain")).entries_of("op")
    nvs = [entry for entry in operations if entry["area"] == "nvs"]
    erased = [entry["number"] for entry in nvs if entry["operation"] == "erase"]
    torn = next(entry["number"] for entry in reversed(nvs) if entry["number"] < erased[0] and entry["size"] == 32)
    assert erased
    cases = [Case("chain", 1, (cuts.ONCE, f"cut={at}:{mode}")) for at in erased for mode in cuts.MODES]
    for one, other in (("random", "random"), ("prefix", "random"), ("after", "half"), ("random", "half")):
        cases += [Case("chain", 1, (cuts.ONCE, f"cut={torn}:{one}", f"cut={at}:{other}")) for at in erased]
    likes(cases)


def test_dead_entries_count_while_their_page_is_erased():
    flash = full_of_history(3)
    sectors = {NVS: flash.peek(0, SECTOR)}
    program = Operation("program", NVS + 5 * SECTOR, b"\xff", b"\0")
    erase = Operation("erase", NVS, flash.peek(0, SECTOR), b"\xff" * SECTOR)
    assert torn_nvs.looked_at(sectors, program) != sectors
    assert torn_nvs.looked_at(sectors, erase) == sectors


def full_of_history(seed: int) -> Flash:
    flash = Flash(SIZE)
    work(flash, seed, 60)
    return flash


def work(flash: Flash, seed: int, count: int) -> list:
    """What a board does with NVS, now and then after a start: the answers, and what became of the cells."""
    rng = random.Random(f"{seed} {count}")
    seen: list = []
    flash.on_op = lambda *operation: seen.append(operation)
    nvs = Nvs(flash, 0, SIZE)
    for _ in range(count):
        if not rng.randrange(10):
            nvs = Nvs(flash, 0, SIZE)
        space, key = nvs.open("ota"), rng.choice("abc")
        if rng.randrange(3):
            nvs.set_blob(space, key, rng.randbytes(rng.choice((3, 40, 200, 900))))
        else:
            nvs.set_i32(space, key, rng.randrange(99))
        seen += [item.pack() + item.payload for item in nvs._items.values()]
    flash.on_op = None
    return seen


@pytest.mark.parametrize("seed", range(12))
def test_nobody_ever_looks_at_what_is_dead(seed):
    """Two boards whose NVS differs in nothing but that: all that they do and read from then on is the same."""
    flash = full_of_history(seed)
    other = Flash(SIZE, cells=bytearray(flash.peek(0, SIZE)))
    rng = random.Random(seed)
    flash.program(
        SIZE - SECTOR, bytes(4)
    )  # the page that is kept free: it has no good header now, so all of it is dead
    other._cells[SIZE - SECTOR :] = bytes(4) + rng.randbytes(SECTOR - 4)
    for at in range(0, SIZE - SECTOR, SECTOR):
        page = flash.peek(at, SECTOR)
        for index in range(ENTRIES):
            start = 64 + index * ENTRY_SIZE
            if living(page)[start : start + ENTRY_SIZE] != page[start : start + ENTRY_SIZE]:
                other._cells[at + start : at + start + ENTRY_SIZE] = rng.randbytes(ENTRY_SIZE)
    assert other.peek(0, SIZE) != flash.peek(0, SIZE)
    assert work(other, seed, 400) == work(flash, seed, 400)
    pages = [[living(it.peek(at, SECTOR)) for at in range(0, SIZE, SECTOR)] for it in (flash, other)]
    assert pages[0] == pages[1]
