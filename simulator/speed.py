# SPDX-License-Identifier: MIT
"""How fast the agent's download is, against the least that a download can be: receive, sha256, flash write.

Both run on the same interpreter, in the same twin, over real sockets, and are timed on the host from the first block
that is in flash to the last. Flash work takes no real time here, so it does not hide what Python costs. The servers are
in a process of their own: in the board's process they would compete with it for CPython's one lock.

The long line ends at a board, whose TCP has a window of 5,760 bytes (four segments, ESP-IDF's default, without window
scaling): no download can be faster than a window for each round trip.
"""

import multiprocessing
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median

from simulator import probes
from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.story import says
from simulator.board.wlan import Site
from simulator.breakage import BOARD, FIRMWARE, TITLE
from simulator.clouds.core import Close, Send
from simulator.clouds.rainmaker import RainMaker
from simulator.clouds.rainmaker.pki import Authority
from simulator.clouds.server import ThreadServer
from simulator.clouds.thingsboard import ThingsBoard
from simulator.faults.proxy import ThreadProxy
from simulator.interpreters import Interpreter
from simulator.update import SIZE

WINDOW = 4  # chunk requests under way, the firmware's default
ROUND_TRIP_MS = 50
TCP_WINDOW = 5760  # bytes
FAR_SIZE = 851_968  # bytes over the long line: time there is round trips, whatever the size
QUICK_SIZE = 851_968
_BLOCK = 4096
HOST = "127.0.0.1"
_TOKEN = "T1"
_NODE = "7CDFA1B2C3D4"
_TIMEOUT_S = 120
_HEAP = "160k"  # the twin counts the heap in use at each flash operation, which takes long when it is large


@dataclass(frozen=True)
class Run:
    """One download. `seconds`: from the first block in flash to the last, `blocks` of them.

    `board_s`: what all flash work and booting, before and after it too, would have taken on a board until its reset.
    """

    seconds: float
    blocks: int
    board_s: float

    @property
    def kib_s(self) -> float:
        return self.blocks * _BLOCK / 1024 / self.seconds


@dataclass(frozen=True)
class Result:
    """Medians over the repetitions of one way to download. `ratio`: its speed, 1 being the bare loop's on this line.

    `ms_block`: milliseconds a block; over the long line, at best, a round trip for every 5,760 bytes.
    """

    line: str
    what: str
    size: int
    repetitions: int
    seconds: float
    ms_block: float
    kib_s: float
    ratio: float
    board_s: float


class Stream:
    """Sans-IO core that sends each peer the same bytes and hangs up (see docs/DESIGN.md)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._actions: list[Send | Close] = []

    def open(self, conn: int, now_ms: int) -> None:
        self._actions += [Send(conn, self._data), Close(conn)]

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        pass

    def lost(self, conn: int, now_ms: int) -> None:
        pass

    def tick(self, now_ms: int) -> None:
        pass

    def deadline(self) -> None:
        return None

    def take(self) -> list[Send | Close]:
        actions, self._actions = self._actions, []
        return actions


class _OpenRainMaker(RainMaker):
    """Without TLS, which would be measured as well: whoever comes is the node."""

    _certificate = Authority().node(_NODE).der

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        super().open(conn, now_ms, self._certificate)


class _Stopwatch:
    """Gets a board's events; notes when blocks of an image are in flash."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, event: dict) -> None:
        if event["event"] == "flash" and event["operation"] == "write" and event["label"].startswith("ota_"):
            self.times.append(time.perf_counter())

    def run(self, board_s: float) -> Run:
        return Run(self.times[-1] - self.times[0], len(self.times) - 1, board_s)


def make_board(interpreter: Interpreter, image: bytes, settings: dict, watch: Callable[[dict], None]) -> Board:
    values = [("ota_cfg", name, value) for name, value in {"host": HOST.encode(), **settings}.items()]
    flash = flash_file.make(flash_file.layout(BOARD), image, None, values)
    flash.clock = RealClock(speed=float("inf"))
    return Board(Chip(flash, flash.clock), interpreter, heap=_HEAP, site=Site(join_ms=0), on_event=watch)


def _serve(data: bytes, round_trip_ms: float, end: Connection) -> None:
    """Runs in the servers' process: tells their ports, serves until the other end is closed."""
    now_ms = int(time.time() * 1000)
    thingsboard = ThingsBoard(seed=1, now_ms=now_ms)
    device = thingsboard.add_device("board-1", _TOKEN)
    thingsboard.assign(device, thingsboard.add_package(TITLE, "1.1.0", data), now_ms)
    rainmaker = _OpenRainMaker(seed=1, now_ms=now_ms, stream_ms=(0, 0))
    rainmaker.add_node(_NODE)
    rainmaker.add_fault("subscribex*:push")  # no board asks before five seconds have passed
    rainmaker.create_job("bench", rainmaker.add_image("1.1.0.bin", data, "1.1.0"), now_ms, nodes=(_NODE,))
    with ExitStack() as stack:
        ports = []
        for core in (Stream(data), thingsboard, rainmaker):
            port = stack.enter_context(ThreadServer(core, HOST)).port
            if round_trip_ms:
                port = stack.enter_context(ThreadProxy((HOST, port), round_trip_ms, TCP_WINDOW)).port
            ports.append(port)
        end.send(ports)
        with suppress(EOFError):
            end.recv()


class Line:
    """The servers of `data`, an image of our firmware as version 1.1.0, at the end of a line. A context manager."""

    def __init__(self, interpreter: Interpreter, data: bytes, round_trip_ms: float) -> None:
        self._interpreter = interpreter
        self._size = len(data)
        context = multiprocessing.get_context("spawn")
        self._end, end = context.Pipe()
        self._process = context.Process(target=_serve, args=(data, round_trip_ms, end), daemon=True)
        self._process.start()
        end.close()
        self._bare_port, self._thingsboard_port, self._rainmaker_port = self._end.recv()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()
        self._process.join()

    def update(self, window: int) -> Run:
        """An update from ThingsBoard, up to the reset; its download is timed."""
        return self._update({"port": self._thingsboard_port, "token": _TOKEN.encode(), "window": window})

    def stream(self) -> Run:
        """An update from RainMaker, by MQTT streams, likewise."""
        names = {"cloud": b"rainmaker", "node_id": _NODE.encode()}
        return self._update({"port": self._rainmaker_port, **names, "tls": 0, "streams": 1, "ways": 1})

    def bare(self) -> Run:
        """The bare loop over the same bytes."""
        image = probes.image("bare", HOST=HOST, PORT=self._bare_port, SIZE=self._size)
        return self._time(image, {"port": self._bare_port}, lambda event: event["event"] == "repl")

    def _update(self, settings: dict) -> Run:
        image = build_firmware(FIRMWARE, TITLE, probes.VERSION)
        return self._time(image, settings, lambda event: says(event, "updating"))

    def _time(self, image: bytes, settings: dict, until: Callable[[dict], bool]) -> Run:
        watch = _Stopwatch()
        with make_board(self._interpreter, image, settings, watch) as board:
            why = board.run(until, timeout_s=_TIMEOUT_S, max_boots=2)
            if why != "until":
                raise RuntimeError(f"the board did not get there: {why}")
            return watch.run(board.clock.spent_ms / 1000)


def compare(interpreter: Interpreter, *, quick: bool = False) -> list[Result]:
    """All figures of `make bench`, each the median of repetitions that take turns with those it is compared with."""
    near = _compare(interpreter, "loopback", QUICK_SIZE if quick else SIZE, 0, (WINDOW,), 1 if quick else 7)
    return near + compare_far(interpreter, quick=quick)


def compare_far(interpreter: Interpreter, *, quick: bool = False) -> list[Result]:
    """Those over the long line."""
    size, repetitions = (QUICK_SIZE, 1) if quick else (FAR_SIZE, 3)
    return _compare(interpreter, f"{ROUND_TRIP_MS} ms round trip", size, ROUND_TRIP_MS, (1, WINDOW), repetitions)


def _compare(
    interpreter: Interpreter, line: str, size: int, round_trip_ms: float, windows: tuple[int, ...], repetitions: int
) -> list[Result]:
    runs: dict[str, list[Run]] = {}
    with Line(interpreter, build_firmware(FIRMWARE, TITLE, "1.1.0", size=size), round_trip_ms) as servers:
        for _ in range(repetitions):
            runs.setdefault("bare loop", []).append(servers.bare())
            for window in windows:
                runs.setdefault(f"update, window {window}", []).append(servers.update(window))
            runs.setdefault("update, stream", []).append(servers.stream())
    base = median(run.kib_s for run in runs["bare loop"])
    return [result(line, what, size, measured, base) for what, measured in runs.items()]


def result(line: str, what: str, size: int, runs: list[Run], base_kib_s: float) -> Result:
    kib_s = median(run.kib_s for run in runs)
    return Result(
        line=line,
        what=what,
        size=size,
        repetitions=len(runs),
        seconds=median(run.seconds for run in runs),
        ms_block=median(run.seconds / run.blocks * 1000 for run in runs),
        kib_s=kib_s,
        ratio=kib_s / base_kib_s,
        board_s=median(run.board_s for run in runs),
    )
