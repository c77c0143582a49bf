# SPDX-License-Identifier: MIT
"""A software update loses its power at flash operations everywhere, in the file system, NVS and otadata alike.

Whatever the moment and whatever it tears: one whole tree runs, it is the one that is reported, and that once.
"""

import random
from pathlib import Path

import pytest
from littlefs import LittleFS, UserContext

from simulator import software
from simulator.board import flash_file, tear
from simulator.board.flash import SECTOR, Flash, Tear
from simulator.board.inprocess import InProcess
from simulator.board.lockstep import Lockstep, at_bench
from simulator.board.net import EPOCH_MS
from simulator.board.story import says
from simulator.campaign import stories
from simulator.clouds.thingsboard import ThingsBoard

MODES = ("before", "after", "prefix", "random")
STRIDE = 11  # of all cuts; a prime, so that each mode comes everywhere
BEFORE, AFTER = "2.0.0", "2.1.0"
TABLE = """nvs,data,nvs,0x9000,0x6000,
otadata,data,ota,0xf000,0x2000,
ota_0,app,ota_0,0x20000,0x10000,
ota_1,app,ota_1,0x30000,0x10000,
vfs,data,fat,0x40000,0x20000,
"""
VFS, VFS_SIZE = 0x40000, 0x20000
SETTINGS = {"token": "T1", "trial_s": 60}
APP = stories.sources()["app.py"]


def files(version: str) -> dict[str, bytes]:
    """An application in three files, one of several blocks; what the version before had besides is gone."""
    return {
        "app.py": APP,
        "lib/part.py": b"VERSION = '%s'\n" % version.encode(),
        f"data/{version}.bin": random.Random(version).randbytes(9000),
    }


class Play:
    """One board, one cloud; the application is updated to one version after the other."""

    def __init__(self, flash: Flash) -> None:
        self.cloud = ThingsBoard(seed=1, now_ms=EPOCH_MS)
        self.device = self.cloud.add_device("board-1", "T1")
        self.twin = Lockstep(InProcess(stories.sources(), 1), flash, self.cloud)
        self.twin.site.join_ms = 60

    def update(self, version: str) -> None:
        """Ends when a terminal state was acknowledged, whatever it is."""
        package = self.cloud.add_package("app", version, software.pack(files(version), "app", version), type="SOFTWARE")
        self.cloud.assign(self.device, package, self.twin.now_ms)
        boots = self.twin.board.boots
        while not self.twin.run(lambda event: says(event, "reported"), timeout_s=600, max_boots=8):
            assert self.twin.why == "power_cut" and self.twin.board.boots < boots + 8, self.twin.story.lines[-20:]
        self.twin.run_for(1)

    @property
    def ends(self) -> list[str]:
        told = [event["values"].get("sw_state") for event in self.cloud.events if event["event"] == "telemetry"]
        return [state for state in told if state in ("UPDATED", "FAILED")]

    def tree(self, label: str) -> dict[str, bytes]:
        """What the file system holds below a tree, without its manifest."""
        context = UserContext(buffer=bytearray(self.twin.flash.peek(VFS, VFS_SIZE)))
        disk = LittleFS(context=context, block_size=SECTOR, block_count=VFS_SIZE // SECTOR, mount=False)
        disk.mount()
        found = {}
        for root, _, names in disk.walk(f"/sw/{label}"):
            for name in names:
                path = f"{root}/{name}"
                found[path.removeprefix(f"/sw/{label}/")] = disk.open(path, "rb").read()
        assert found.pop("MANIFEST", None), f"tree {label} is not whole"
        return found


def installed(table: Path) -> bytes:
    """The flash of a board that runs the first version of the software, confirmed."""
    table.write_text(TABLE)
    play = Play(at_bench(stories.image(stories.OLD), SETTINGS, str(table)))
    with play.twin:
        play.update(BEFORE)
        assert play.ends == ["UPDATED"]
        return bytes(play.twin.flash.peek(0, flash_file.layout(str(table)).flash_size))


class Knife:
    """Counts the operations, and cuts at one of them."""

    def __init__(self, flash: Flash, at: int = 0, mode: str = "") -> None:
        self.count = 0
        self._at, self._mode = at, mode
        self._rng = random.Random(at)
        flash.on_op = self

    def __call__(self, kind: str, address: int, size: int) -> Tear | None:
        self.count += 1
        if self.count != self._at:
            return None
        torn = {
            "before": tear.prefix(0),
            "after": tear.after,
            "prefix": tear.prefix(self._rng.random()),
            "random": (tear.program if kind == "program" else tear.erase)(self._rng),
        }
        return torn[self._mode]


def updated(cells: bytes, at: int = 0, mode: str = "") -> int:
    """Plays the update with a cut, judges it; returns how many operations it had."""
    play = Play(Flash(len(cells), cells=bytearray(cells)))
    with play.twin:
        play.twin.run(lambda event: says(event, "idle"), timeout_s=60)
        knife = Knife(play.twin.flash, at, mode)
        play.update(AFTER)
        count = knife.count
        play.twin.flash.on_op = None
        for _ in range(2):  # and it stays that way
            judge(play, bool(at))
            play.twin.cut()
            play.twin.run(lambda event: says(event, "idle"), timeout_s=60)
            play.twin.run_for(1)
    return count


def judge(play: Play, is_cut: bool) -> None:
    version, label = play.twin.story.software
    assert set(play.ends) == {"UPDATED" if version == AFTER else "FAILED"}
    assert len(play.ends) <= (2 if is_cut else 1)  # again only when the power went before its answer was noted
    assert label == ("b" if version == AFTER else "a")
    assert play.tree(label) == files(version)
    assert not any("Traceback" in line for line in play.twin.story.lines), play.twin.story.lines
    told = [event["values"] for event in play.cloud.events if event["event"] == "telemetry"]
    assert [values["current_sw_version"] for values in told if "current_sw_version" in values][-1] == version


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return installed(tmp_path_factory.mktemp("board") / "table.csv")


def test_without_a_cut_the_update_is_one_report(cells: bytes):
    assert updated(cells) > 100


def test_a_tree_that_was_damaged_gives_way_and_is_fetched_again(cells: bytes):
    context = UserContext(buffer=bytearray(cells[VFS : VFS + VFS_SIZE]))
    disk = LittleFS(context=context, block_size=SECTOR, block_count=VFS_SIZE // SECTOR, mount=False)
    disk.mount()
    disk.remove("/sw/a/MANIFEST")
    play = Play(Flash(len(cells), cells=bytearray(cells[:VFS] + context.buffer + cells[VFS + VFS_SIZE :])))
    with play.twin:
        play.update(BEFORE)
        lines = play.twin.story.lines
        assert next(line for line in lines if "ota software" in line) == "ota software tree=built-in version=1.0.0"
        assert play.ends == ["UPDATED"]
        assert play.tree("a") == files(BEFORE)


@pytest.mark.parametrize("part", range(4))
def test_one_cut_anywhere_leaves_one_whole_tree_and_one_report(cells: bytes, part: int):
    cuts = [(at, mode) for at in range(1, updated(cells) + 1) for mode in MODES]
    for at, mode in cuts[part * STRIDE // 4 :: STRIDE]:
        updated(cells, at, mode)
