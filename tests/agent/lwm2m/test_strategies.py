# SPDX-License-Identifier: MIT
"""The board and the tasks of a LwM2M server: by every strategy, pulled and pushed, to a good end and to a bad one."""

import pytest

from simulator.board.inprocess import InProcess
from simulator.clouds.lwm2m import STRATEGIES, Options, Package, Task
from simulator.clouds.lwm2m.manners import ALL
from tests.agent.lw_world import FILES, LwWorld, firmware

CRASH = "raise RuntimeError"
BOARD = {"settings": {"trial_s": 30}, "after_register": ALL}


@pytest.fixture(params=STRATEGIES)
def strategy(request) -> str:
    return request.param


@pytest.fixture(params=["pull", "push"])
def method(request) -> str:
    return request.param


@pytest.fixture
def tasks(make_world, strategy, method):
    """On this interpreter."""
    return Tasks(make_world(**BOARD), strategy, method)


@pytest.fixture
def tasks_here(strategy, method):
    """On CPython alone: what it shows is the server's doing, whatever the board runs on."""
    world = LwWorld(InProcess({}), **BOARD)
    yield Tasks(world, strategy, method)
    world.twin.board.close()


class Tasks:
    """Of a board that is registered. `upgrade` returns a task that is over."""

    def __init__(self, world: LwWorld, strategy: str, method: str) -> None:
        self.world, self._chosen = world, {"strategy": strategy, "method": method}
        world.cloud.bases["coap"] = f"coap://{FILES}"
        world.start()

    def upgrade(self, version: str, data: bytes, **options) -> Task:
        world, chosen = self.world, Options(**{"starts_at_once": True, **self._chosen, **options})
        (task,) = world.cloud.tasks.upgrade([world.device], Package(version, data, version), chosen)
        world.wait(lambda: task.is_over, 1300)
        return task


def test_l50_two_updates_one_after_the_other(tasks):
    for version, slot in (("1.1.0", "ota_1"), ("1.2.0", "ota_0")):
        task = tasks.upgrade(version, firmware(version))
        assert (task.status, task.summary) == ("Success", "Firmware update successful")
        assert task.new_version == version
        assert tasks.world.runs == (version, slot)


def test_l38_an_update_that_is_rolled_back_and_a_good_one_after_it(tasks_here):
    task = tasks_here.upgrade("1.1.0", firmware("1.1.0", CRASH))
    assert (task.status, task.summary, task.result) == ("Error", "Firmware update failed", 8)
    assert tasks_here.world.runs == ("1.0.0", "ota_0")
    assert tasks_here.upgrade("1.2.0", firmware("1.2.0")).status == "Success"


def test_l27_a_spoilt_image_is_the_devices_to_find(tasks_here):
    for rule in ("file=5x*:corrupt", "push=5x*:corrupt"):
        tasks_here.world.cloud.add_fault(rule)
    task = tasks_here.upgrade("1.1.0", firmware("1.1.0"))
    assert (task.status, task.result) == ("Error", 5)
    assert tasks_here.world.runs == ("1.0.0", "ota_0")


def test_a_protocol_that_the_board_does_not_have_is_not_tried(make_world):
    """Without a certificate there is no https; the server has read that, and writes no URI."""
    world = make_world(**BOARD)
    world.cloud.bases["https"] = "https://images.example"
    tasks = Tasks(world, STRATEGIES[0], "pull")
    task = tasks.upgrade("1.1.0", firmware("1.1.0"), protocol="https")
    assert (task.status, task.summary) == ("Error", "Protocol https is not supported by the device")
    assert world.runs == ("1.0.0", "ota_0")
