# SPDX-License-Identifier: MIT
"""How fast the agent pulls by CoAP over a long line, against libcoap's own client: both from libcoap's server.

Block2 has one block under way: at best 1,024 bytes a round trip, whoever asks. The LwM2M server that names the URI is
near, so it is not measured.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from simulator import foreign, probes
from simulator.board import image_writer
from simulator.board.build import build_firmware
from simulator.board.net import Packet
from simulator.board.story import says
from simulator.breakage import FIRMWARE, TITLE
from simulator.clouds.lwm2m import Lwm2mServer
from simulator.clouds.server import Door, ThreadServer
from simulator.faults.datagram_proxy import ThreadDatagramProxy
from simulator.interpreters import BIN, Interpreter
from simulator.speed import HOST, ROUND_TRIP_MS, Result, Run, make_board, result

_SIZE = {True: 32_768, False: 131_072}  # by `quick`
_BANNER = b"MicroPython v1.25.0 on 2025-04-15 1.1.0"  # of an image that is fetched and never runs
_BLOCK = 1024
_DEVICE = "board-1"
_TIMEOUT_S = 120


def is_there() -> bool:
    """Whether `make setup` has put libcoap there."""
    return (BIN / "coap-server").exists() and (BIN / "coap-client").exists()


def compare(interpreter: Interpreter, *, quick: bool = False) -> list[Result]:
    """Medians of both, which take turns; the ratio is to libcoap's client."""
    size, repetitions = _SIZE[quick], 1 if quick else 3
    line = f"{ROUND_TRIP_MS} ms round trip"
    theirs, ours = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(image_writer.build(_BANNER, TITLE, "1.1.0", size=size), Path(folder)) as port,
    ):
        for _ in range(repetitions):
            theirs.append(_timed(port, lambda uri: _fetch(uri, Path(folder), size)))
            ours.append(_timed(port, lambda uri: _pull(interpreter, uri)))
    base = median(run.kib_s for run in theirs)
    names = (("CoAP: libcoap's client", theirs), ("CoAP: pull", ours))
    return [result(line, what, size, runs, base) for what, runs in names]


def _timed(port: int, pull: Callable[[str], float]) -> Run:
    """From the first block on the line to the last, of what is pulled through a proxy."""
    times: list[float] = []

    def note(packet: Packet) -> list[Packet]:
        if packet.to_device:
            times.append(time.perf_counter())
        return [packet]

    with ThreadDatagramProxy((HOST, port), ROUND_TRIP_MS, [note]) as proxy:
        board_s = pull(f"coap://{HOST}:{proxy.port}/image")
    return Run(times[-1] - times[0], (len(times) - 1) * _BLOCK // 4096, board_s)


@contextmanager
def _served(data: bytes, folder: Path) -> Iterator[int]:
    """coap-server with the image in it."""
    (folder / "image").write_bytes(data)
    put = ("-B", "1", "-m", "put", "-t", "42", "-b", str(_BLOCK), "-f", str(folder / "image"))

    def start(port: int) -> tuple[int, subprocess.Popen]:
        def has_it(_: subprocess.Popen) -> bytes:
            uri = f"coap://{HOST}:{port}/image"
            return b"" if _client(*put, uri) else _client("-B", "1", uri)

        command = [BIN / "coap-server", "-A", HOST, "-p", str(port), "-d", "1"]
        return port, foreign.start(command, log, has_it, stdout=subprocess.DEVNULL)

    with (folder / "log").open("w+") as log:
        port, server = foreign.on_free_port(start)
    try:
        yield port
    finally:
        server.kill()
        server.wait()


def _client(*arguments: str) -> bytes:
    command = [BIN / "coap-client", "-v", "2", *arguments]
    return subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S).stdout


def _fetch(uri: str, folder: Path, size: int) -> float:
    _client("-b", str(_BLOCK), "-o", str(folder / "fetched"), uri)
    fetched = (folder / "fetched").stat().st_size
    if fetched != size:
        raise RuntimeError(f"libcoap's client has fetched {fetched} bytes of {size}")
    return 0


def _pull(interpreter: Interpreter, uri: str) -> float:
    """Seconds that flash work and booting would have taken on a board."""
    cloud = Lwm2mServer(seed=1, now_ms=int(time.time() * 1000))
    device = cloud.add_device(_DEVICE)

    def offer(event: dict) -> None:
        if event["event"] == "registered":
            cloud.schedule(0, lambda: device.write("/5/0/1", uri))

    cloud.on_event = offer
    with ThreadServer(Door(cloud, datagrams=True)) as server:
        settings = {"cloud": b"lwm2m", "port": server.port, "endpoint": _DEVICE.encode()}
        image = build_firmware(FIRMWARE, TITLE, probes.VERSION)
        with make_board(interpreter, image, settings, _nobody) as board:
            why = board.run(lambda event: says(event, "verified"), timeout_s=_TIMEOUT_S, max_boots=1)
            if why != "until":
                raise RuntimeError(f"the board did not get there: {why}")
            return board.clock.spent_ms / 1000


def _nobody(event: dict) -> None:
    """Watches."""
