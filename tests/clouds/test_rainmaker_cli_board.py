# SPDX-License-Identifier: MIT
"""RainMaker's official client steers a board of ours: our own service is one of many to it (docs/control.md)."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.lockstep import at_bench
from simulator.board.power import Board
from simulator.board.wlan import Site
from simulator.interpreters import find
from tests.agent.board_world import firmware
from tests.clouds import rm_peer
from tests.clouds.rm_cli import client
from tests.clouds.rm_rest import HOST, NODE, User, service

_SLICE_S = 0.05
_LIMIT_S = 60


@contextmanager
def powered(user: User) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """A board on the account, in board mode; what is yielded runs it until a condition holds."""
    user.act(lambda now_ms: user.cloud.add_node(NODE))
    shown = rm_peer.certificate(NODE)
    about = {"cloud": "rainmaker", "node_id": NODE, "host": HOST, "port": user.mqtt_port, "allow_http": 1}
    pems = {"ca": rm_peer.authority().pem, "cert": shown.cert, "key": shown.key}
    flash = at_bench(firmware("1.0.0"), about | {name: pem.decode() for name, pem in pems.items()})
    with Board(Chip(flash, RealClock()), find("cpython"), site=Site(join_ms=5)) as board:

        def run(condition: Callable[[], bool]) -> None:
            end = time.monotonic() + _LIMIT_S
            while not user.act(lambda now_ms: condition()):
                assert time.monotonic() < end, user.cloud.events[-10:]
                board.run(timeout_s=_SLICE_S)

        yield run


def test_official_client_switches_updates_off_and_on(tmp_path):
    cli = client("rm-cli", tmp_path)
    with service(tmp_path) as user, powered(user) as run_until:
        node = user.cloud.nodes[NODE]
        cli.log_in(user.url)

        def say(*words: str) -> str:
            """The client takes seconds to start; a board must not stand still for so long."""
            with ThreadPoolExecutor(1) as pool:
                answer = pool.submit(cli.run, *words)
                run_until(answer.done)
                return answer.result()

        run_until(lambda: "Updates" in node.params)
        say("setparams", "--data", '{"Updates": {"Enabled": false}}', NODE)
        run_until(lambda: not node.params["Updates"]["Enabled"])
        user.job(ota_image_id=user.image("new.bin", firmware("1.1.0")), force_push=True)
        run_until(lambda: node.params["Updates"]["Pending"])
        assert said(user) == [("delayed", "disabled: by the operator")]
        assert "disabled: by the operator" in say("getparams", NODE)
        say("setparams", "--data", '{"Updates": {"Enabled": true}}', NODE)
        run_until(lambda: said(user)[-1][0] == "in-progress")


def said(user: User) -> list[tuple[str, str]]:
    return [(event["status"], event["info"]) for event in user.cloud.events if event["event"] == "otastatus"]
