# SPDX-License-Identifier: MIT
"""What the campaign plays: which versions are offered one after the other, and how each should end without faults."""

import functools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from simulator.board import filesystem, flash_file, image_writer
from simulator.board.bootloader import write_record
from simulator.board.flash import SECTOR, Flash
from simulator.board.nvs import Nvs
from simulator.board.otadata import VALID, make
from simulator.board.partition_table import Partition
from simulator.breakage import FIRMWARE, TITLE
from simulator.campaign import application, failing, leaving, switched, watched
from simulator.campaign.application import BUILT_IN
from simulator.errors import UserError

BOARD = str(Path(__file__).parent / "board.csv")
BOARD_WITH_FILES = str(Path(__file__).parent / "board-files.csv")
OLD = "1.0.0"
SIZE = 20_000  # four blocks and a tail
SHORTEST = 400  # no image with our descriptor is smaller
_BANNER = b"MicroPython v1.25.0 on 2025-04-15 "
_HEALTH = b"product.works"
_STREAM = "ota/source/aws_stream.py"
_BOARD = "ota/board.py"
_STEP = b"    step_ms = 50"
_SMALL_BATCHES = {b"_BATCH = const(16)": b"_BATCH = const(4)", b"_AHEAD = const(12)": b"_AHEAD = const(3)"}
_LOGGED = 39  # times; then two sectors of NVS are erased in the course of `chain`


@dataclass(frozen=True)
class Step:
    """One offer. `end`: "updated", "rolled_back" or "failed"; `breaks`: None, "crash", "unhealthy", "later", when it
    was confirmed, or "leaves", which is none; `kind`: in KINDS.

    `is_beside`: offered together with the step before it. Versions of firmware begin with 1, those of software with 2.
    `length`: of an image of firmware, in bytes.
    """

    version: str
    end: str = "updated"
    breaks: str | None = None
    kind: str = "FIRMWARE"
    is_beside: bool = False
    length: int = SIZE

    @property
    def size(self) -> int:
        """Bytes of its package."""
        return len(package(self))


@dataclass(frozen=True)
class Story:
    """`steps` in order. `is_fallback`: the board begins with a selected slot that the bootloader refuses.

    `is_old`: its NVS has been written to for long, so that records of ours make it erase sectors.
    `setting`: what is so in every case of this story, written like a fault.
    `board`: its partition table. `before`: the story whose end is the beginning of this one.
    `cloud`: who offers, one of sides.SIDES; `settings`: numbers that the board has besides those for its cloud.
    `step_ms`: its agent waits for so long in one step, which costs less to play; 0: for as long as ours does.
    `main`: the main.py of the firmware that it begins with, b"": ours.
    """

    steps: tuple[Step, ...]
    is_fallback: bool = False
    is_old: bool = False
    setting: tuple[str, ...] = ()
    board: str = BOARD
    before: str = ""
    cloud: str = "thingsboard"
    settings: tuple[tuple[str, int], ...] = ()
    step_ms: int = 500
    main: bytes = b""

    def of(self, kind: str) -> tuple[Step, ...]:
        """The steps of one kind."""
        return tuple(step for step in self.steps if step.kind == kind)

    @property
    def blocks(self) -> int:
        """Sectors of a slot that its images take, each counted as often as it is offered."""
        return sum(-(-step.length // SECTOR) for step in self.of("FIRMWARE"))

    def offers(self) -> list[list[Step]]:
        """The steps that are offered together."""
        groups: list[list[Step]] = []
        for step in self.steps:
            if step.is_beside:
                groups[-1].append(step)
            else:
                groups.append([step])
        return groups

    @property
    def kinds(self) -> list[str]:
        """What is offered in it, of KINDS."""
        return [kind for kind in KINDS if self.of(kind)]

    @property
    def has_files(self) -> bool:
        return self.board == BOARD_WITH_FILES

    @property
    def begins_with(self) -> str:
        """The version of the software that the board begins with."""
        return find(self.before).steps[-1].version if self.before else BUILT_IN


KINDS = {"FIRMWARE": "fw", "SOFTWARE": "sw"}  # types of packages, and how their names begin in attributes


def _software(*steps: Step, before: str = "software-first") -> Story:
    return Story(steps, board=BOARD_WITH_FILES, before=before)


def _rainmaker(*steps: Step, ways: int, step_ms: int = 0, **settings: int) -> Story:
    """`ways`: 1 by MQTT first, 2 by HTTPS first (docs/rainmaker.md). Faults of theirs are timed to steps of ours."""
    return Story(steps, cloud="rainmaker", settings=(("ways", ways), *settings.items()), step_ms=step_ms)


_GOOD = Step("1.1.0")
_ROLLED_BACK = Step("1.1.0", "rolled_back", "crash")
_APP = Step("2.1.0", kind="SOFTWARE")
_BROKEN_APP = Step("2.2.0", "rolled_back", "crash", "SOFTWARE")
_UNHEALTHY_APP = Step("2.3.0", "rolled_back", "unhealthy", "SOFTWARE")
STORIES = {
    "update": Story((_GOOD,), step_ms=0),
    "url": Story((_GOOD,), setting=("packages=links",)),
    "rollback": Story((_ROLLED_BACK,)),
    "unhealthy": Story((Step("1.1.0", "rolled_back", "unhealthy"),)),
    "fallback": Story((Step("1.2.0", "rolled_back", "crash"), Step("1.3.0")), is_fallback=True),
    "chain": Story((_GOOD, Step("1.2.0", "rolled_back", "crash"), Step("1.3.0")), is_old=True),
    "software-first": _software(
        Step("2.0.0", kind="SOFTWARE"), Step("2.0.1", kind="SOFTWARE"), before=""
    ),  # a board that never had any
    "software": _software(_APP),  # from here on both trees are there: one that runs, one to be emptied
    "software-broken": _software(_BROKEN_APP),
    "software-unhealthy": _software(_UNHEALTHY_APP),
    "both": _software(_GOOD, replace(_APP, is_beside=True)),
    "rainmaker": _rainmaker(_GOOD, ways=2),
    "rainmaker-rollback": _rainmaker(_ROLLED_BACK, ways=2),
    "rainmaker-stream": _rainmaker(_GOOD, ways=1),
    "broker": Story((_GOOD,), cloud="broker"),
    "broker-rollback": Story((_ROLLED_BACK,), cloud="broker"),
}
# One update with the smallest image: what is said in them is short enough to be cut at every byte.
_SHORT = (Step("1.1.0", length=SHORTEST),)
SHORT = {
    "short-mqtt": Story(_SHORT),
    "short-url": Story(_SHORT, setting=("packages=links",)),
    "short-http": Story(_SHORT, cloud="thingsboard-http"),
    "short-https": _rainmaker(*_SHORT, ways=2, step_ms=500),
    "short-stream": _rainmaker(*_SHORT, ways=1, step_ms=500, control=0),  # its service is in `rainmaker-stream`
    "short-broker": Story(_SHORT, cloud="broker"),
    "short-broker-url": Story(_SHORT, cloud="broker", setting=("packages=links",)),
}
# The product and its cloud have their say, and all that is kept of it over a reset is written.
CONTROL = {
    "control": Story((_GOOD,), settings=switched.SETTINGS, step_ms=5000, main=switched.main()),
}
# What was confirmed crashes and is left; its flash rests; and it is not taken again.
_LATER = Step("1.1.0", "rolled_back", "later", length=SHORTEST)
MANNERS = {
    "manners": Story(
        (_LATER, Step("1.2.0", length=SHORTEST), replace(_LATER, end="failed")),
        settings=watched.SETTINGS,
        step_ms=watched.STEP_MS,
    ),
}
# The node's user switches updates off before there is a job, and on again when it has waited.
PARAMS = {
    "rainmaker-switched": replace(
        _rainmaker(*_SHORT, ways=2, step_ms=500),
        setting=("later=4000:params=Enabled:false", "later=40000:params=Enabled:true"),
    ),
}
# What is offered restarts in good order on its trial.
LEAVING = {
    "leaving": Story((Step("1.1.0", breaks="leaves", length=SHORTEST),), step_ms=500),
}
# What the board begins with cannot start; what is offered can.
FAILING = {
    "safe-mode": Story(_SHORT, step_ms=500, main=failing.main()),
}
# A package needs newer firmware than what runs, and is refused; when that has come it goes in by itself, and not before
# that is confirmed.
NEEDED = _SHORT[0].version
_NEEDY = Step("2.1.0", "failed", kind="SOFTWARE")
_REFUSED = replace(_software(_NEEDY, before=""), setting=(f"requires={NEEDED}",), step_ms=500)
_GONE = Step(NEEDED, "rolled_back", "unhealthy", length=SHORTEST)
RUNTIME = {
    "runtime-refused": _REFUSED,
    "runtime": replace(_REFUSED, steps=(_NEEDY, *_SHORT, replace(_NEEDY, end="updated", is_beside=True))),
    "runtime-rollback": replace(_REFUSED, steps=(_NEEDY, _GONE, replace(_NEEDY, is_beside=True))),
}
SHORT_ON_THE_WEB = ("short-url", "short-https", "short-broker-url")  # all else is said in another one, too
# Short enough for a fault in each datagram. What is fetched twice for nothing is seen with more than two sectors only;
# what is pushed comes again anyway.
LWM2M = {
    "lwm2m": Story((Step("1.1.0", length=12_304),), cloud="lwm2m"),
    "lwm2m-push": Story((Step("1.1.0", length=5_008),), cloud="lwm2m-push"),
    "lwm2m-rollback": Story((Step("1.1.0", "rolled_back", "crash", length=5_008),), cloud="lwm2m"),
}
# Object 9: a board that never had a package pulls one, and another one is pushed to it.
LWM2M_SOFTWARE = {
    "lwm2m-software": Story((Step("2.0.0", kind="SOFTWARE"),), board=BOARD_WITH_FILES, cloud="lwm2m"),
    "lwm2m-software-push": Story(
        (Step("2.0.1", kind="SOFTWARE"),), board=BOARD_WITH_FILES, before="lwm2m-software", cloud="lwm2m-push"
    ),
}
_ALL = STORIES | SHORT | CONTROL | PARAMS | FAILING | LEAVING | LWM2M | LWM2M_SOFTWARE | MANNERS | RUNTIME
SOFTWARE = tuple(name for name, story in STORIES.items() if story.has_files)
RAINMAKER = tuple(name for name, story in STORIES.items() if story.cloud == "rainmaker")
BROKER = tuple(name for name, story in STORIES.items() if story.cloud == "broker")
THINGSBOARD = tuple(name for name, story in STORIES.items() if story.cloud == "thingsboard")
# Most of each is as in `software`, in `update` and `rollback`, in `rainmaker`, or in `broker`.
VARIATIONS = (*(name for name in SOFTWARE if name != "software"), "chain", "rainmaker-rollback", "broker-rollback")


def find(name: str) -> Story:
    """Raises UserError("bad_case")."""
    if name not in _ALL:
        raise UserError("bad_case", f"story {name!r} is not one of {', '.join(_ALL)}")
    return _ALL[name]


@functools.cache
def sources() -> dict[str, bytes]:
    """Our firmware, by path."""
    return {path.relative_to(FIRMWARE).as_posix(): path.read_bytes() for path in FIRMWARE.rglob("*.py")}


@functools.cache
def image(version: str, length: int = SIZE) -> bytes:
    """A small image without an archive: what runs is given to the run. Of a MicroPython that invents no file system."""
    return image_writer.build(_BANNER + version.encode(), TITLE, version, size=length)


@functools.cache
def package(step: Step) -> bytes:
    """What is offered."""
    if step.kind == "FIRMWARE":
        return image(step.version, step.length)
    return application.package(step.version, step.breaks)


@functools.cache
def trees() -> dict[str, dict[str, bytes]]:
    """The files of each version of the software that any story offers, by path."""
    steps = [step for story in _ALL.values() for step in story.of("SOFTWARE")]
    return {step.version: application.files(step.version, step.breaks) for step in steps}


def overlays(story: Story, firmware: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    """For each version of the firmware: the main.py of one that is broken, or that has a say; the application it brings
    on a board with files; longer steps; shorter days; a reader of streams that asks for a few blocks at a time, so that
    a small image has two batches."""
    built_in = application.built_in() if story.has_files else {}
    if story.cloud == "rainmaker":
        built_in = {_STREAM: _changed(firmware, _STREAM, _SMALL_BATCHES)}
    if story.step_ms:
        built_in[_BOARD] = _changed(firmware, _BOARD, {_STEP: b"    step_ms = %d" % story.step_ms})
    if "wear_budget" in dict(story.settings):
        built_in |= {path: _changed(firmware, path, lines) for path, lines in watched.TIMES.items()}
    mains = {step.version: {"main.py": _broken(step.breaks)} for step in story.of("FIRMWARE") if step.breaks}
    if story.main:
        mains[OLD] = {"main.py": story.main}
    return {step.version: built_in | mains.get(step.version, {}) for step in (Step(OLD), *story.of("FIRMWARE"))}


def _changed(firmware: Mapping[str, bytes], path: str, lines: Mapping[bytes, bytes]) -> bytes:
    source = firmware[path]
    for old, new in lines.items():
        assert source.count(old) == 1, f"{path} has {old!r} where it is expected"
        source = source.replace(old, new)
    return source


def _broken(how: str) -> bytes:
    if how == "crash":
        return b"raise RuntimeError('a planted bug')\n"
    if how == "later":
        return watched.main()
    if how == "leaves":
        return leaving.main()
    good = sources()["main.py"]
    assert good.count(_HEALTH) == 1, "main.py names its health check where it is expected"
    return good.replace(_HEALTH, b"lambda: False")


@functools.cache
def partitions() -> dict[str, Partition]:
    """The rows of the campaign's board with files, by label; the other board has all of them but the last."""
    return {row.label: row for row in flash_file.layout(BOARD_WITH_FILES).partitions}


def prepare(story: Story, flash: Flash) -> None:
    """Puts the board into the state that the story begins with; nothing of this counts as an operation."""
    if story.has_files:
        flash.program(partitions()["vfs"].offset, _empty_files())
    if story.is_fallback:
        flash.program(partitions()["ota_1"].offset, image("1.1.0")[: SIZE // 2])
        for index in (0, 1):
            write_record(flash, partitions()["otadata"], index, make(index + 1, VALID))
    if story.is_old:
        _write_log(flash)


def _empty_files() -> bytes:
    """A file system as it leaves the bench: making one is not the agent's business."""
    with tempfile.TemporaryDirectory(prefix="files-") as folder:
        return filesystem.make(Path(folder), partitions()["vfs"].size)


def _write_log(flash: Flash) -> None:
    """The product has kept a few values up to date until hardly a sector of NVS is free."""
    row = partitions()["nvs"]
    nvs = Nvs(flash, row.offset, row.size)
    namespace = nvs.open("product")
    for number in range(_LOGGED):
        nvs.set_blob(namespace, f"log{number % 8}", bytes((number,)) * 400)
