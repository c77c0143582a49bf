# SPDX-License-Identifier: MIT
"""Which trees of software are whole, as the cells of flash and NVS tell: nothing here asks the agent."""

import functools
from typing import NamedTuple

from littlefs import LittleFS, LittleFSError, UserContext

from simulator.board.flash import SECTOR
from simulator.campaign import stories
from simulator.campaign.application import BUILT_IN

LABELS = (BUILT_IN, "a", "b")
_STATES = ("valid", "new", "trial", "reverted", "damaged")
_ROOT = "/sw"
_MANIFEST = "MANIFEST"
TORN = "torn"


class Choice(NamedTuple):
    """What NVS says of the trees (decision 6): `tree` is to run, `before` ran before it."""

    state: str
    tree: str
    before: str

    @classmethod
    def of(cls, number: int | None) -> "Choice":
        """From the number as NVS has it; None, or one that makes no sense: the firmware's own application."""
        if number is None or number >> 4 not in range(len(_STATES)) or 3 in (number & 3, number >> 2 & 3):
            number = 0
        return cls(_STATES[number >> 4], LABELS[number & 3], LABELS[number >> 2 & 3])


@functools.lru_cache(maxsize=1024)  # runs of one campaign leave the same file systems
def whole_trees(cells: bytes) -> dict[str, str]:
    """The version of each tree that has a manifest, by label; TORN if it has not all files of it and no other.

    `cells`: of a littlefs.
    """
    context = UserContext(buffer=bytearray(cells))
    disk = LittleFS(context=context, block_size=SECTOR, block_count=len(cells) // SECTOR, mount=False)
    try:
        disk.mount()
    except LittleFSError:
        return {}  # blank, or lost
    found = {label: _version(disk, f"{_ROOT}/{label}") for label in LABELS[1:]}
    return {label: version for label, version in found.items() if version}


def places(cells: bytes, version: str | None) -> list[int]:
    """The sectors, from the first of `cells`, that hold the first block of the largest file of a version."""
    block = max(stories.trees().get(version or "", {}).values(), key=len, default=b"")[:SECTOR]
    return [n for n in range(len(cells) // SECTOR) if block and cells[n * SECTOR : (n + 1) * SECTOR] == block]


def _version(disk: LittleFS, folder: str) -> str | None:
    try:
        files = dict(_below(disk, folder))
    except LittleFSError:
        return None  # not there, or not readable
    if files.pop(_MANIFEST, None) is None:
        return None
    return next((version for version, tree in stories.trees().items() if tree == files), TORN)


def _below(disk: LittleFS, folder: str):
    for root, _, names in disk.walk(folder):
        for name in names:
            path = f"{root}/{name}"
            with disk.open(path, "rb") as file:
                yield path.removeprefix(f"{folder}/"), file.read()
