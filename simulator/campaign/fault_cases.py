# SPDX-License-Identifier: MIT
"""Which faults the campaign puts where: flash, network, cloud, time. Each function gives cases.

A small update is on line after 1.3 s, downloads until 1.8 s, resets at 2 s, and is on trial from 3.3 to 3.5 s.
"""

import itertools
from collections.abc import Iterator

from simulator.board.flash import SECTOR
from simulator.campaign import flash_faults, mqtt_faults, stories
from simulator.campaign.case import Case

BEGIN_MS = 1300  # the board has left the bench, its records and settings are in flash
MOMENTS_MS = (1300, 1500, 1700, 1900, 3300, 3450)
CHUNKS = -(-stories.SIZE // 4096)
POINTS = (0, CHUNKS // 2, CHUNKS - 1)  # first, middle and last chunk
SESSION_BYTES = (20_900, 1_100)  # of a whole update: to the device, to the cloud
_STRIDE = 61  # in the chunks' own bytes, where one cut is like the next
_EDGES = 1500  # bytes at the beginning and after each chunk border that are cut one by one
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
)


def flash_cases(story: str = "update", seed: int = 0) -> Iterator[Case]:
    """Each kind of defect at each sector that an update uses, from the moment on when the board is up."""
    places = [f"spare+{n}" for n in range(-(-stories.SIZE // SECTOR))]
    places += [f"{area}+{n}" for area in ("otadata", "nvs") for n in range(2)]
    for kind, place in itertools.product(flash_faults.KINDS, places):
        is_bit = kind in flash_faults.BITWISE
        bits = ("", ":1", ":300", ":32767") if is_bit and not place.startswith("nvs") else (f":{_SPARE_BIT}",)
        for argument in bits if is_bit else flash_faults.ARGUMENTS[kind]:
            yield Case(story, seed, (f"later={BEGIN_MS}:flash={kind}:{place}{argument}",))


def cut_cases(story: str = "update", seed: int = 0) -> Iterator[Case]:
    """The connection reset or dead after each byte of what is said, and with a stride within the image's bytes."""
    for size, side in zip(SESSION_BYTES, ("", ":up"), strict=True):
        for at in range(1, size):
            if at < _EDGES or side or at % _STRIDE == 0:
                yield Case(story, seed, (f"net=cut:{at}{side}",))
                if at % 7 == 0:
                    yield Case(story, seed, (f"net=silence:{at}{side}",))


def flip_cases(count: int, story: str = "update", seed: int = 0) -> Iterator[Case]:
    """One wrong bit, spread over both directions."""
    for number in range(count):
        size, side = (SESSION_BYTES[0], "") if number % 4 else (SESSION_BYTES[1], ":up")
        yield Case(story, seed + number, (f"net=flip:{number * 7919 % size}{side}",))


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


def other_cases(story: str = "update", seed: int = 0) -> Iterator[Case]:
    """What is so from the beginning, and what happens at some moment: Wi-Fi, resets, clocks, pushes."""
    for text in MISHAPS:
        yield Case(story, seed, (text,))
    for text, ms in itertools.product(MOMENTARY, MOMENTS_MS):
        yield Case(story, seed, (f"later={ms}:{text}",))


def all_cases(seed: int = 0) -> Iterator[Case]:
    """The whole list: about 5,000 cases."""
    yield from flash_cases(seed=seed)
    yield from cut_cases(seed=seed)
    yield from flip_cases(1000, seed=seed)
    yield from cloud_cases(seed=seed)
    yield from other_cases(seed=seed)
