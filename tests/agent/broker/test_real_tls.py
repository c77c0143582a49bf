# SPDX-License-Identifier: MIT
"""The own broker over real TLS, in board mode: whom the board's CA vouches for has its trust, nobody else."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.lockstep import at_bench
from simulator.board.power import Board
from simulator.board.story import Story
from simulator.board.wlan import Site
from simulator.breakage import TITLE
from simulator.clouds.broker import Broker, Names, chunks, release
from simulator.clouds.broker.scheme import FIRMWARE, encode
from simulator.clouds.server import Door, ThreadServer
from simulator.interpreters import Interpreter
from tests import pki
from tests.agent.board_world import firmware
from tests.agent.br_world import DEVICE, PRODUCT

_SLICE_S = 0.05
_LIMIT_S = 60
_NAMES = Names(PRODUCT)


@functools.cache
def authority() -> pki.Authority:
    return pki.Authority()


@contextmanager
def powered(
    interpreter: Interpreter, broker: Broker, ca: bytes
) -> Iterator[Callable[[Callable[[Story], bool]], Story]]:
    """A board with this CA and the broker, whose only door speaks TLS; runs it until something holds."""
    server = ThreadServer(broker, "127.0.0.1", 0, Door(broker, 0, authority().server()))  # the first door is for nobody
    server.start()
    about = {"cloud": "broker", "host": "localhost", "port": server.ports[1], "tls": 1, "ca": ca.decode()}
    flash = at_bench(firmware("1.0.0"), {**about, "product": PRODUCT, "device_id": DEVICE})
    story = Story()
    try:
        with Board(Chip(flash, RealClock()), interpreter, site=Site(join_ms=5), on_event=story.add) as board:

            def run(condition: Callable[[Story], bool]) -> Story:
                end = time.monotonic() + _LIMIT_S
                while not server.call(lambda now_ms: condition(story)):
                    assert time.monotonic() < end, "\n".join(story.lines)
                    board.run(timeout_s=_SLICE_S)
                return story

            yield run
    finally:
        server.stop()


def test_real_tls_carries_a_whole_update_by_retained_chunks(interpreter: Interpreter) -> None:
    now_ms, data = int(time.time() * 1000), firmware("1.1.0")
    broker = Broker(seed=1, now_ms=now_ms)
    for topic, chunk in chunks(_NAMES, data, 16384):
        broker.publish(topic, chunk, now_ms, True)
    broker.publish(_NAMES.release(FIRMWARE, ""), encode(release(TITLE, "1.1.0", data, chunk_size=16384)), now_ms, True)
    with powered(interpreter, broker, authority().pem) as run_until:
        topic = _NAMES.device(DEVICE, "job")
        story = run_until(lambda _: topic in broker.retained and b'"UPDATED"' in broker.retained[topic].payload)
    assert (story.version, story.slot) == ("1.1.0", "ota_1")


@pytest.mark.parametrize("ca", ["none", "another"])
def test_real_tls_broker_that_nobody_vouches_for_hears_no_word(interpreter: Interpreter, ca: str) -> None:
    broker = Broker(seed=1, now_ms=int(time.time() * 1000))
    code = "tls_no_ca" if ca == "none" else "tls_untrusted"
    with powered(interpreter, broker, b"" if ca == "none" else pki.Authority().pem) as run_until:
        run_until(lambda story: any("ota offline code=" + code in line for line in story.lines))
    assert not [event for event in broker.events if event["event"] in ("connect", "publish", "subscribe")]
