# SPDX-License-Identifier: MIT
"""A task of the server by each protocol of its form, from wherever its base says (lwm2m.md 4.2, 9.1)."""

from collections.abc import Callable

import pytest

from simulator.board.inprocess import InProcess
from simulator.clouds.lwm2m import STRATEGIES, Options, Package, Task, WebDoor
from simulator.clouds.lwm2m.options import OBSERVATION_BASED, PUSH, SEND_BASED
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, FILE_PORT, FILES, NAME, WEB, firmware
from tests.agent.lwm2m.test_dtls import SecureWorld, authority, certified

PLAIN, BASE = "plain.example", "base.example"
BASE_PORT = 5699


class EveryWay(SecureWorld):
    """The server speaks DTLS, its images are there by all protocols."""

    def connect(self) -> None:
        super().connect()
        net, web = self.twin.net, WebDoor(self.cloud)
        net.serve_datagrams(PLAIN, FILE_PORT, self.door)
        net.serve_datagrams(BASE, BASE_PORT, self.door)
        net.serve(WEB, 80, web)
        net.serve(WEB, 443, web, authority().chain(WEB))
        self.cloud.bases |= {
            "coap": f"coap://{PLAIN}", "coaps": f"coaps://{FILES}:{FILE_PORT}", "http": f"http://{WEB}",
            "https": f"https://{WEB}",
        }  # fmt: skip

    def upgrade(self, **options: str) -> Task:
        self.start()
        chosen = Options(**{"strategy": OBSERVATION_BASED, "starts_at_once": True, **options})  # pyright: ignore
        (task,) = self.cloud.tasks.upgrade([self.device], Package("app", firmware("1.1.0"), "1.1.0"), chosen)
        self.wait(lambda: task.is_over, 1300)
        return task


@pytest.fixture
def world_class() -> type[EveryWay]:
    return EveryWay


@pytest.mark.parametrize("protocol", ["coap", "coaps", "http", "https"])
def test_a_task_by_each_protocol(make_world: Callable[..., EveryWay], protocol: str) -> None:
    world = make_world(*certified())
    task = world.upgrade(protocol=protocol)
    assert (task.status, task.new_version) == ("Success", "1.1.0")
    assert world.runs == ("1.1.0", "ota_1")
    fetched = {kind for kind in ("file", "http") if world.seen(kind)}
    assert fetched == {"http" if protocol.startswith("http") else "file"}


@pytest.mark.parametrize("strategy", [OBSERVATION_BASED, SEND_BASED])
def test_a_task_that_pushes_over_dtls(make_world: Callable[..., EveryWay], strategy: str) -> None:
    world = make_world(*certified())
    task = world.upgrade(method=PUSH, strategy=strategy)
    assert (task.status, task.new_version) == ("Success", "1.1.0")
    assert world.runs == ("1.1.0", "ota_1")
    assert world.seen("block") and not world.seen("file")


@pytest.mark.parametrize("strategy", [one for one in STRATEGIES if one != OBSERVATION_BASED])
@pytest.mark.parametrize("protocol", ["coaps", "https"])
def test_a_secure_pull_by_each_strategy(strategy: str, protocol: str) -> None:
    """On CPython alone: the strategies are the server's, and TLS is the same."""
    world = EveryWay(InProcess({}), *certified())
    task = world.upgrade(protocol=protocol, strategy=strategy)
    world.twin.board.close()
    assert (task.status, task.new_version) == ("Success", "1.1.0")


def test_a_base_says_where_the_image_is(make_world: Callable[..., EveryWay]) -> None:
    world = make_world(*certified())
    world.cloud.bases.clear()
    assert world.upgrade(base=f"coap://{BASE}:{BASE_PORT}").status == "Success"
    assert world.runs == ("1.1.0", "ota_1")


@pytest.mark.parametrize("scheme", ["coaps", "https"])
def test_l32_after_a_power_cut_it_goes_on_over_a_new_session(make_world: Callable[..., EveryWay], scheme: str) -> None:
    """By the name that the server has for the bytes, as without DTLS and TLS; what is in flash is not fetched again."""
    world = make_world(*certified())
    world.start()
    data = small_app(400_000)
    file = world.cloud.files.add(data, NAME)
    assert world.code(world.device.write("/5/0/1", world.cloud.bases[scheme] + file.path)) == "2.04"
    world.wait_log("ota erasing")
    world.wait_log("ota progress")
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.wait_state(DOWNLOADED, 0)
    assert world.slot_holds("ota_1", data)
    if scheme == "coaps":
        assert world.fetched().count(0) == 1
        assert len(world.fetched()) < 1.1 * len(data) / 1024
    else:
        first, second = world.seen("http")
        assert (first["range"], first["status"], second["status"]) == (None, 200, 206)
        assert second["size"] < 0.75 * len(data)
