# SPDX-License-Identifier: MIT
"""Which faults the campaign puts into stories of RainMaker. Each function gives cases.

Such a node is on line after 3 s, has its job at 8.4 s and the image by 8.8 s, resets at 19 s, and is on trial from 20.2
to 21.7 s, when it says `success`. By HTTPS all from the image on is 1.2 s later.
"""

import itertools
import json
from collections.abc import Iterator

from simulator.board.net import EPOCH_MS
from simulator.campaign import stories
from simulator.campaign.case import Case
from simulator.campaign.rainmaker_faults import KINDS
from simulator.campaign.talk import listen

MOMENTS_MS = (3000, 8450, 8600, 8790, 12_000, 18_850, 20_500, 21_500, 21_750, 22_950)
BUSY_MS = (8450, 8600, 8790, 9800, 12_000, 18_850)  # from the job to the reset
BLOCKS = range(-(-stories.SIZE // 4096))
_STREAM, _HTTPS, _ROLLBACK = "rainmaker-stream", "rainmaker", "rainmaker-rollback"
_AGAIN = " later=20000:reset=power"  # what was lost is asked for after the next boot; else a day later
_EPOCH_S = EPOCH_MS // 1000

REPORTS = tuple(
    f"cloud={where}{times}:{action}"
    for where in ("config", "otafetch", "otastatus", "success")
    for times in ("", "x3")
    for action in ("drop", "mute", "close", "kick")
)
LINES = (
    *(f"cloud={where}:{action}" for where in ("connect", "subscribe") for action in ("mute", "close")),
    *("cloud=subscribe:push", "cloud=subscribex4:close"),
)
OFFERS = (
    *(f"cloud=otaurl:{what}" for what in ("duplicate", "delay=3000", "delay=30000", "md5", "size=19999", "size=20001")),
    *("cloud=otaurl:escape", "cloud=otaurlx3:md5", "cloud=otaurl:omit=file_md5", "cloud=otaurl:omit=file_size"),
    *("cloud=otaurl:omit=url", "cloud=otaurl:omit=stream_id", "cloud=otaurl:omit=fw_version"),
    *(f"cloud=otaurl:{what}{_AGAIN}" for what in ("drop", "truncate=1", "truncate=40", "omit=ota_job_id")),
)
IMAGES = tuple(
    f"cloud=image{times}:{what}"
    for times in ("", "x3", "x9")
    for what in (
        *("mute", "close", "delay=3000", "status=404", "status=500", "status=503", "expired", "redirect", "no-range"),
        *("tag=other", "empty", "corrupt", "truncate=1", "extend=1", "cut=0", "cut=1", "cut=9000", "cut=19999"),
        *("length=0", "length=19999", "length=20001", "unframed", "chunked", "raw", "pace=50", "stall=8000"),
    )
)
BLOCK_ACTIONS = (
    *("drop", "duplicate", "reorder", "delay=3000", "delay=25000", "empty", "corrupt"),
    *("truncate=1", "truncate=3000", "extend=1", "extend=5000", "other-index", "other-file"),
)
ANSWERS = tuple(
    f"cloud={where}{times}:{action}"
    for where, actions in (
        ("stream", ("drop", "mute", "close", "kick")),
        ("answer", ("silent", "delay=3000", "delay=25000", "reject=ResourceNotFound", "reject=InternalError")),
    )
    for times in ("", "x3", "x9")
    for action in actions
)
RESUMED = ("silent", "delay=25000", "reject=ResourceNotFound")
WINDOWS = (
    {"validity": {"start": _EPOCH_S + 60}},
    {"validity": {"start": _EPOCH_S, "end": _EPOCH_S + 3000}},
    {"download_window": {"start": 2, "end": 9}},  # runs begin at midnight UTC, the zone of a board without another
    {"download_window": {"start": 0, "end": 0}},
    {"download_window": {"start": 1380, "end": 5}},
    {"download_window": {"start": 2, "end": 10}, "validity": {"start": _EPOCH_S + 20}},
)
CLOCKS = ("clock=lost:60", "clock=set:946684800", "clock=jump:40", "clock=jump:-40")
MISHAPS = (
    *(f"net={kind}:{count}" for kind in ("refuse", "deaf", "portal") for count in (1, 3)),
    *("net=noname:10", "net=noname:600", "net=takeover:1", "net=takeover:8"),
    *("net=dribble:100", "net=delay:700", "net=delay:8000:60", "ticks=5000", "ticks=8600", "ticks=12000"),
)
MOMENTARY = ("wifi=1000", "wifi=60000", "wifi=600000", "reset=hard", "reset=soft", "reset=power")


def report_cases(seed: int = 0) -> Iterator[Case]:
    """Each report, and whatever else a node says, lost or answered badly, in each of the stories."""
    for text in (*REPORTS, *LINES):
        yield Case(_HTTPS, seed, (text, *(_AGAIN.split() if "otafetch" in text else ())))
    for text in (text for text in REPORTS if "otastatus" in text or "success" in text):
        yield Case(_ROLLBACK, seed, (text,))
        yield Case(_STREAM, seed, (text, f"cut={30 + len(text)}:after"))


def offer_cases(seed: int = 0) -> Iterator[Case]:
    """Offers that are late, wrong, twice there, or come while the node is busy or about to reset."""
    for story, text in itertools.product((_HTTPS, _STREAM), OFFERS):
        yield Case(story, seed, tuple(text.split()))
    for story, kind, ms in itertools.product((_HTTPS, _STREAM), KINDS, BUSY_MS):
        yield Case(story, seed, (f"later={ms}:otaurl={kind}",))


def image_cases(seed: int = 0) -> Iterator[Case]:
    """The web server misbehaves; URLs expire before a download and in the midst of it."""
    for text in IMAGES:
        yield Case(_HTTPS, seed, (text,))
    for at, times in itertools.product((2000, 9000, 21_000), (1, 3, 9)):
        yield Case(_HTTPS, seed, (f"net=cut:{at}", f"later=10000:cloud=imagex{times}:expired"))


def stream_cases(seed: int = 0) -> Iterator[Case]:
    """Each block, and the beginning of the image, once and again; requests; silence after a reconnect."""
    for block, times, action in itertools.product(BLOCKS, ("", "x3"), BLOCK_ACTIONS):
        yield Case(_STREAM, seed, (f"cloud=block={block}{times}:{action}",))
    for text in ANSWERS:
        yield Case(_STREAM, seed, (text,))
    for at, times, action in itertools.product((3000, 9000, 18_500), ("", "x3"), RESUMED):
        yield Case(_STREAM, seed, (f"net=cut:{at}", f"cloud=resumed{times}:{action}"))


def time_cases(seed: int = 0) -> Iterator[Case]:
    """Windows and validities, with a clock that is right, wrong, or forgotten while a job comes (item 24)."""
    rules = [json.dumps(metadata, separators=(",", ":")) for metadata in WINDOWS]
    for text, times in itertools.product(rules, ("", "x*")):
        offer = f"cloud=otaurl{times}:set=metadata={text}"
        yield Case(_HTTPS, seed, (offer,))
        for clock in CLOCKS:
            yield Case(_HTTPS, seed, (offer.replace("x*", "x3"), f"later=4000:{clock}"))


def other_cases(seed: int = 0) -> Iterator[Case]:
    """What is so from the beginning, and what happens at some moment."""
    for text in MISHAPS:
        yield Case(_HTTPS, seed, (text,))
        yield Case(_STREAM, seed, (text,))
    for text, ms in itertools.product(MOMENTARY, MOMENTS_MS):
        yield Case(_STREAM, seed, (f"later={ms}:{text}",))


def seam_cases(seed: int = 0) -> Iterator[Case]:
    """Links that are cut, or fall silent, in the midst of each packet and behind it: statuses and their PUBACKs too."""
    for story, kind in ((_HTTPS, "cut"), (_STREAM, "cut"), (_ROLLBACK, "cut"), (_STREAM, "silence")):
        for talk, side in zip(listen(story), ("", ":up"), strict=True):
            yield from (Case(story, seed, (f"net={kind}:{at}{side}",)) for at in talk.seams())


def all_cases(seed: int = 0) -> Iterator[Case]:
    for cases in (report_cases, offer_cases, image_cases, stream_cases, time_cases, other_cases, seam_cases):
        yield from cases(seed)
