# SPDX-License-Identifier: MIT
"""What the campaign plays: which versions are offered one after the other, and how each should end without faults."""

import functools
from dataclasses import dataclass
from pathlib import Path

from simulator.board import flash_file, image_writer
from simulator.board.bootloader import write_record
from simulator.board.flash import Flash
from simulator.board.nvs import Nvs
from simulator.board.otadata import VALID, make
from simulator.board.partition_table import Partition
from simulator.breakage import FIRMWARE, TITLE
from simulator.errors import UserError

BOARD = str(Path(__file__).parent / "board.csv")
OLD = "1.0.0"
SIZE = 20_000  # four blocks and a tail
_BANNER = b"MicroPython v1.25.0 on 2025-04-15 "
_HEALTH = b"product.works"
_LOGGED = 39  # times; then two sectors of NVS are erased in the course of `chain`


@dataclass(frozen=True)
class Step:
    """One offer. `end`: "updated" or "rolled_back"; `breaks`: None, "crash" or "unhealthy"."""

    version: str
    end: str = "updated"
    breaks: str | None = None


@dataclass(frozen=True)
class Story:
    """`steps` in order. `is_fallback`: the board begins with a selected slot that the bootloader refuses.

    `is_old`: its NVS has been written to for long, so that records of ours make it erase sectors.
    `setting`: what is so in every case of this story, written like a fault.
    """

    steps: tuple[Step, ...]
    is_fallback: bool = False
    is_old: bool = False
    setting: tuple[str, ...] = ()


_GOOD = Step("1.1.0")
STORIES = {
    "update": Story((_GOOD,)),
    "url": Story((_GOOD,), setting=("packages=links",)),
    "rollback": Story((Step("1.1.0", "rolled_back", "crash"),)),
    "unhealthy": Story((Step("1.1.0", "rolled_back", "unhealthy"),)),
    "fallback": Story((Step("1.2.0", "rolled_back", "crash"), Step("1.3.0")), is_fallback=True),
    "chain": Story((_GOOD, Step("1.2.0", "rolled_back", "crash"), Step("1.3.0")), is_old=True),
}


def find(name: str) -> Story:
    """Raises UserError("bad_case")."""
    if name not in STORIES:
        raise UserError("bad_case", f"story {name!r} is not one of {', '.join(STORIES)}")
    return STORIES[name]


@functools.cache
def sources() -> dict[str, bytes]:
    """Our firmware, by path."""
    return {path.relative_to(FIRMWARE).as_posix(): path.read_bytes() for path in FIRMWARE.rglob("*.py")}


@functools.cache
def image(version: str) -> bytes:
    """A small image without an archive: what runs is given to the run. Of a MicroPython that invents no file system."""
    return image_writer.build(_BANNER + version.encode(), TITLE, version, size=SIZE)


def overlays(story: Story) -> dict[str, dict[str, bytes]]:
    """For each version that is broken, its main.py."""
    return {step.version: {"main.py": _broken(step.breaks)} for step in story.steps if step.breaks}


def _broken(how: str) -> bytes:
    if how == "crash":
        return b"raise RuntimeError('a planted bug')\n"
    good = sources()["main.py"]
    assert good.count(_HEALTH) == 1, "main.py names its health check where it is expected"
    return good.replace(_HEALTH, b"lambda: False")


@functools.cache
def partitions() -> dict[str, Partition]:
    """The rows of the campaign's board, by label."""
    return {row.label: row for row in flash_file.layout(BOARD).partitions}


def prepare(story: Story, flash: Flash) -> None:
    """Puts the board into the state that the story begins with; nothing of this counts as an operation."""
    if story.is_fallback:
        flash.program(partitions()["ota_1"].offset, image("1.1.0")[: SIZE // 2])
        for index in (0, 1):
            write_record(flash, partitions()["otadata"], index, make(index + 1, VALID))
    if story.is_old:
        _write_log(flash)


def _write_log(flash: Flash) -> None:
    """The product has kept a few values up to date until hardly a sector of NVS is free."""
    row = partitions()["nvs"]
    nvs = Nvs(flash, row.offset, row.size)
    namespace = nvs.open("product")
    for number in range(_LOGGED):
        nvs.set_blob(namespace, f"log{number % 8}", bytes((number,)) * 400)
