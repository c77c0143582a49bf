# SPDX-License-Identifier: MIT
"""Which faults the campaign puts where: flash, network, cloud, time; in stories of ThingsBoard, and in short ones of
all clouds. Each function gives cases.

A small update is on line after 1.3 s, downloads until 1.8 s, resets at 2 s, and is on trial from 3.3 to 3.5 s.
"""

import itertools
from collections.abc import Iterator

from simulator.board.flash import SECTOR
from simulator.campaign import cuts, flash_faults, mqtt_faults, stories, web_faults
from simulator.campaign.case import Case
from simulator.campaign.talk import Talk, listen

BEGIN_MS = 1300  # the board has left the bench, its records and settings are in flash
MOMENTS_MS = (1300, 1500, 1700, 1900, 3300, 3450)
CHUNKS = -(-stories.SIZE // 4096)
POINTS = (0, CHUNKS // 2, CHUNKS - 1)  # first, middle and last chunk
_USED = {"spare": CHUNKS, "otadata": 2, "nvs": 6, "files": 4}  # sectors from the first that are read or written
_BROKEN_FOR_GOOD = ("update", "rollback", "fallback", "chain")  # NVS in these
_SPARE_BIT = 3 * 8192  # of a sector: far from what the bench has written

RULES = (
    *(f"connect:refuse={code}" for code in range(1, 6)),
    *(
        f"{where}:{action}"
        for where in ("connect", "subscribe", "telemetry", "attributes")
        for action in ("mute", "close")
    ),
    *("attributesx2:drop", "attributes:delay=3000", "attributes:delay=15000"),
)
_END = "web=end:1:9000"  # for what happens to a range: there is one when the first answer has ended early
WEB = (
    *(f"web=status:{times}:{code}" for times in (1, 3, 9) for code in (302, 401, 404, 410, 416, 429, 500, 503)),
    *(f"web={how}:{times}:{at}" for how in ("end", "stall") for times in (1, 3) for at in (0, 1, 9000, 19_999)),
    *(f"web=length:{times}:{size}" for times in (1, 9) for size in (0, 19_999, 20_001, 4_000_000)),
    *(f"web=headers:{times}:{lines}" for times in (1, 9) for lines in (20, 60, 3000)),
    *(f"web={kind}:{times}" for kind in web_faults.WHOLE for times in (1, 9)),
    *(f"web={kind}:{times}:{at}" for kind in ("flip", "more") for times in (1, 9) for at in (1, 9000, 19_999)),
    *(f"{_END} web={kind}:{times}:4096" for kind in web_faults.AT_RANGES for times in (1, 9)),
    *(f"{_END} web={kind}:1:9000" for kind in ("flip", "other", "gzip", "page")),
)
CHUNK_ACTIONS = (
    *("drop", "mute", "close", "delay=3000", "delay=12000", "duplicate", "empty", "truncate=1", "truncate=4000"),
    *("extend=1", "extend=5000", "corrupt", "other-id", "other-index", "error=FAILURE", "error=PAYLOAD_TOO_LARGE"),
)
MISHAPS = (
    *(f"net={kind}:{count}" for kind in ("refuse", "deaf", "portal") for count in (1, 3)),
    *("net=noname:10", "net=noname:600", "net=takeover:1", "net=takeover:8"),
    *("net=dribble:1000", "net=dribble:30000:8", "net=delay:700", "net=delay:8000:60"),
    *("mqtt=no-pong:3", "ticks=1000", "ticks=1500", "ticks=2000", "clock=jump:315360000"),
    *("clock=set:4102444800", "clock=set:2145916800", "clock=jump:-86400"),
)
MOMENTARY = (
    *("wifi=1000", "wifi=60000", "wifi=3600000", "reset=hard", "reset=soft", "reset=power"),
    *("clock=jump:315360000", "clock=jump:-86400", *(f"push={kind}" for kind in mqtt_faults.PUSHES)),
    *("cloud=telemetry:mute", "cloud=telemetry:close", "cloud=telemetryx2:close"),
)


def flash_cases(seed: int = 0) -> Iterator[Case]:
    """Each kind of defect at each sector of the board's areas, from the moment on when the board is up.

    In several ways where an update reads or writes; elsewhere once, to show that it does neither, or as littlefs gets
    there only now and then. NVS is worn most in `chain`; that it takes nothing any more is tried at each moment. The
    bootloader and the partition table are only read, and without them no board starts.
    """
    for kind, (area, label) in itertools.product(flash_faults.KINDS, flash_faults.AREAS.items()):
        story = {"nvs": "chain", "files": "software"}.get(area, "update")
        for sector in range(stories.partitions()[label].size // SECTOR):
            for argument in _arguments(kind, area) if sector < _USED.get(area, 0) else ("",):
                yield Case(story, seed, (f"later={BEGIN_MS}:flash={kind}:{area}+{sector}{argument}",))
    for kind, ms, story in itertools.product(("program-error", "erase-error"), MOMENTS_MS, _BROKEN_FOR_GOOD):
        yield Case(story, seed, (f"later={ms}:flash={kind}:nvs",))


def _arguments(kind: str, area: str) -> tuple[str, ...]:
    if kind not in flash_faults.BITWISE:
        return flash_faults.ARGUMENTS[kind]
    return (f":{_SPARE_BIT}",) if area == "nvs" else ("", ":1", ":300", ":32767")


def sides(story: str) -> list[tuple[Talk, str]]:
    """What is said to the device and by it, each with what a network fault of this direction ends with."""
    return list(zip(listen(story), ("", ":up"), strict=True))


def cut_cases(seed: int = 0) -> Iterator[Case]:
    """The connection reset at the seams of what is said in each story, and dead there.

    So each report is lost once, and so is each answer to one. Where the same is said again a third of the seams will
    do: all links of variations, and dead ones of all stories but `update`. For the bytes between see `byte_cases`.
    """
    for story in stories.THINGSBOARD:
        for talk, side in sides(story):
            seams = talk.seams()
            third = [*seams[:-1:3], seams[-1]]
            is_variation = story in stories.VARIATIONS
            yield from (Case(story, seed, (f"net=cut:{at}{side}",)) for at in (third if is_variation else seams))
            if not is_variation:
                dead = seams if story == "update" else third
                yield from (Case(story, seed, (f"net=silence:{at}{side}",)) for at in dead)


def byte_cases(seed: int = 0) -> Iterator[Case]:
    """The connection reset after each byte of a short session with each cloud; in brief.

    An image behind a link is got in another conversation: there the bytes of that one.
    """
    for story in stories.SHORT:
        is_web = story in stories.SHORT_ON_THE_WEB
        for talk, side in sides(story):
            places = (talk.web() if is_web else talk).places()
            yield from cuts.brief(Case(story, seed, (f"net=cut:{at}{side}",)) for at in places)


def flip_cases(count: int, story: str = "update", seed: int = 0) -> Iterator[Case]:
    """One wrong bit, spread over both directions."""
    for turn, (talk, side) in enumerate(sides(story)):
        numbers = (number for number in range(count) if turn == (not number % 4))
        for at in sorted(number * 7919 % talk.size for number in numbers):
            yield Case(story, seed, (f"net=flip:{at}{side}",))


def cloud_cases(story: str = "update", seed: int = 0) -> Iterator[Case]:
    """Each misbehaviour of the cloud; those of chunks at the first, the middle and the last one."""
    for rule in RULES:
        yield Case(story, seed, (f"cloud={rule}",))
    for point in POINTS:
        for action in CHUNK_ACTIONS:
            for times in ("", "x3"):
                yield Case(story, seed, (f"cloud=chunk={point}{times}:{action}",))
        for kind in mqtt_faults.AT_CHUNKS:
            yield Case(story, seed, (f"mqtt={kind}:{point}",))


def web_cases(seed: int = 0) -> Iterator[Case]:
    """Each misbehaviour of the web server that a link points to: once, and more often than anybody tries."""
    for texts in WEB:
        yield Case("url", seed, tuple(texts.split()))
        yield Case("software", seed, ("packages=links", *texts.split()))


def other_cases(story: str = "update", seed: int = 0) -> Iterator[Case]:
    """What is so from the beginning, and what happens at some moment: Wi-Fi, resets, clocks, pushes."""
    for text in MISHAPS:
        yield Case(story, seed, (text,))
    for text, ms in itertools.product(MOMENTARY, MOMENTS_MS):
        yield Case(story, seed, (f"later={ms}:{text}",))


def all_cases(seed: int = 0) -> Iterator[Case]:
    """The whole list."""
    yield from flash_cases(seed=seed)
    yield from cuts.brief(cut_cases(seed=seed))
    yield from byte_cases(seed=seed)
    yield from cuts.brief(flip_cases(1000, seed=seed))
    yield from cuts.brief(cloud_cases(seed=seed))
    yield from cuts.brief(cloud_cases("software", seed))
    yield from cuts.brief(web_cases(seed=seed))
    yield from cuts.brief(other_cases(seed=seed))
