# SPDX-License-Identifier: MIT
"""The server's own tasks for software, from Uninstall to Activate, against the board."""

import pytest

from simulator import software
from simulator.clouds.lwm2m import Options, Package
from simulator.clouds.lwm2m.objects import DEACTIVATE, IS_ACTIVE
from simulator.errors import UserError
from tests.agent.harness import APP, application
from tests.agent.lw_world import LwWorld, firmware

CRASH = {"app.py": b"raise RuntimeError('a planted bug')\n"}


def package(version: str, files: dict[str, bytes] | None = None) -> Package:
    return Package(f"{APP} {version}", software.pack(files or application(version), APP, version), version, "SOFTWARE")


def updated(world: LwWorld, what: Package, **options):
    """The task, when it is over."""
    chosen = Options(starts_at_once=True, **options)
    (task,) = world.cloud.tasks.upgrade([world.device], what, chosen)
    world.wait(lambda: task.is_over, 1500)
    return task


@pytest.fixture
def registered(world: LwWorld) -> LwWorld:
    world.cloud.bases["coap"] = "coap://files.example:5683"
    world.start()
    return world


@pytest.mark.parametrize("strategy", ["WithoutObservations", "ObservationTrigger"])
@pytest.mark.parametrize("method", ["pull", "push"])
def test_two_updates_in_a_row(registered: LwWorld, strategy: str, method: str) -> None:
    for version, tree in (("2.0.0", "a"), ("2.1.0", "b")):
        task = updated(registered, package(version), strategy=strategy, method=method)
        assert (task.status, task.summary, task.new_version) == ("Success", "Software update successful", version)
        assert registered.twin.story.software == (version, tree)
    verdict = registered.seen("verdict")[-1]
    assert (verdict["state"], verdict["result"], verdict["version"]) == (4, 2, "2.1.0")
    assert registered.device.observations == {}
    assert not any(registered.erases("ota_1"))


def test_what_was_deactivated_is_active_after_an_update(registered: LwWorld) -> None:
    assert updated(registered, package("2.0.0")).status == "Success"
    assert registered.code(registered.device.execute(DEACTIVATE)) == "2.04"
    registered.wait(lambda: len(registered.seen("registered")) == 3)
    assert updated(registered, package("2.1.0")).status == "Success"
    assert registered.read(IS_ACTIVE) is True


@pytest.mark.own_process
def test_software_that_does_not_work_ends_the_task_with_its_result(make_world) -> None:
    world = make_world(settings={"trial_s": 60})
    world.cloud.bases["coap"] = "coap://files.example:5683"
    world.start()
    task = updated(world, package("2.0.0", CRASH))
    assert (task.status, task.result, task.summary) == ("Error", 58, "Software installation failure")
    assert updated(world, package("2.0.1")).status == "Success"


def test_firmware_and_software_one_after_the_other(registered: LwWorld) -> None:
    options = Options(starts_at_once=True)
    tasks = registered.cloud.tasks
    (first,) = tasks.upgrade([registered.device], Package("thermometer", firmware("1.1.0"), "1.1.0"), options)
    (second,) = tasks.upgrade([registered.device], package("2.0.0"), options)
    registered.wait(lambda: first.is_over and second.is_over, 2000)
    assert [first.status, second.status] == ["Success", "Success"]
    assert registered.runs == ("1.1.0", "ota_1")
    assert registered.twin.story.software == ("2.0.0", "a")


def test_a_cancelled_task_leaves_nothing_behind(registered: LwWorld) -> None:
    (task,) = registered.cloud.tasks.upgrade([registered.device], package("2.0.0"), Options(starts_at_once=True))
    registered.wait(lambda: task.step == "delivering")
    registered.pass_time(0.5)
    registered.cloud.tasks.cancel(task)
    registered.wait(lambda: task.is_over)
    assert task.status == "Cancelled"
    registered.pass_time(5)
    assert updated(registered, package("2.1.0")).status == "Success"


def test_not_every_strategy_is_known_for_software(registered: LwWorld) -> None:
    with pytest.raises(UserError, match="WithoutObservations or ObservationTrigger"):
        updated(registered, package("2.0.0"), strategy="SendBased")
