# SPDX-License-Identifier: MIT
"""What may be chosen for a task of the server, met by the board: on CPython alone, for it is the server's doing."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest

from simulator.board.inprocess import InProcess
from simulator.clouds.lwm2m import STRATEGIES, Options, Package, Style, Task, formats, options
from simulator.clouds.lwm2m.manners import ALL
from simulator.clouds.lwm2m.options import EMPTY, NUL, OBSERVATION_ONLY, PUSH
from tests.agent.lw_world import FILES, LwWorld, firmware

FORMS = (
    {"reset": NUL, "always_resets": True},
    {"reset": EMPTY, "reset_format": formats.SENML_CBOR, "always_resets": True},
    {"uri_format": formats.SENML_CBOR, "accept": formats.SENML_JSON},
    {"uri_format": formats.TLV, "accept": None},
    {"method": PUSH, "style": Style(format=formats.TLV, block=512)},
    {"uses_cache": True, "checks_delivery": False, "extends_lifetime": False},
)


class Site(LwWorld):
    """Everything is read after a registration, as a cache wants it."""

    def __init__(self) -> None:
        super().__init__(InProcess({}), settings={"trial_s": 30}, after_register=ALL)
        self.cloud.bases["coap"] = f"coap://{FILES}"
        self.start()
        self.settle()

    def task(self, **chosen: Any) -> Task:
        """One that has been ordered."""
        how = Options(**{"starts_at_once": True, **chosen})
        package = Package("app", firmware("1.1.0"), "1.1.0")
        (task,) = self.cloud.tasks.upgrade([self.device], package, how)
        return task

    def asked(self) -> list[str]:
        return [event["path"] for event in self.seen("operation")]

    def ends_well(self, task: Task) -> None:
        self.wait(lambda: task.is_over, 1300)
        assert (task.status, task.summary) == ("Success", "Firmware update successful")
        assert self.runs == ("1.1.0", "ota_1")


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.twin.board.close()


@pytest.mark.parametrize(("form", "strategy"), list(zip(FORMS, cycle(STRATEGIES), strict=False)))
def test_in_each_form_the_update_ends_well(site: Site, form: dict[str, Any], strategy: str) -> None:
    site.ends_well(site.task(strategy=strategy, **form))


def test_a_strict_reset_waits_for_a_notification_and_gets_it(site: Site) -> None:
    """State and Result are idle already: the board tells of a reset all the same (item 46)."""
    task = site.task(strategy=OBSERVATION_ONLY, is_strict=True, always_resets=True)
    site.ends_well(task)
    assert site.notified()[0] == 0


def test_what_is_known_is_not_read_again(site: Site) -> None:
    before = len(site.asked())
    site.ends_well(site.task(uses_cache=True, extends_lifetime=False))
    first = site.asked()[before:]
    assert first[: first.index("/5/0/1")] == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_takes_too_long_is_an_error_and_the_next_task_makes_room(site: Site, strategy: str) -> None:
    site.cloud.add_fault("file=5x*:drop")
    task = site.task(strategy=strategy, timeout_s=60)
    site.wait(lambda: task.is_over, 100)
    assert (task.status, task.summary) == ("Error", "Timeout")
    site.clear_faults()
    site.ends_well(site.task(strategy=strategy))


def test_a_quota_lets_the_task_wait(site: Site) -> None:
    before = len(site.asked())
    task = site.task(quota_s=90)
    site.pass_time(85)
    assert (len(site.asked()), task.status) == (before, "Pending")
    site.ends_well(task)


def test_a_schedule_lets_the_task_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board was switched on at midnight, in a house where the night begins at one."""
    monkeypatch.setitem(options._NIGHTS, "nights-home", (1, 0))
    before = len(site.asked())
    task = site.task(schedule="nights-home")
    site.pass_time(59 * 60)
    assert (len(site.asked()), task.begun_ms) == (before, None)
    site.ends_well(task)


def test_a_mobile_task_begins_when_the_board_shows_up(site: Site) -> None:
    before = len(site.asked())
    task = site.task(is_mobile=True, starts_at_once=False)
    site.pass_time(60)
    assert (len(site.asked()), task.status) == (before, "Pending")
    site.twin.cut()
    site.ends_well(task)


@pytest.mark.parametrize("what", ["write", "execute"])
def test_a_message_that_was_lost_is_said_again_when_the_board_speaks(site: Site, what: str) -> None:
    site.cloud.add_fault(f"{what}x5:drop")
    task = site.task(resumes=True, extends_lifetime=False)
    site.wait(lambda: task.step == "resuming", 400)
    site.ends_well(task)


def test_a_message_that_was_lost_is_the_end_if_nothing_else_is_wanted(site: Site) -> None:
    site.cloud.add_fault("writex5:drop")
    task = site.task(extends_lifetime=False)
    site.wait(lambda: task.is_over, 400)
    assert (task.status, task.summary) == ("Error", "Downlink failure: timeout")
    assert site.state == (0, 0)
