# SPDX-License-Identifier: MIT
"""Devices of a LwM2M server in the fleet, filled by the events of whole tasks on virtual time."""

from simulator.dashboard.fleet import FAILED, IDLE, UPDATED, UPDATING, WAITING, Fleet
from simulator.dashboard.lwm2m import Adapter
from tests.clouds.lw_peer import NAME
from tests.clouds.test_lwm2m_tasks import Site


class Show(Site):
    """`row` is the device's."""

    def __init__(self, strategy: str = "ObservationBased") -> None:
        super().__init__(strategy)
        self.fleet = Fleet()
        adapter = Adapter(self.fleet, self.cloud)
        self.seen: list[tuple] = []

        def hear(event: dict) -> None:
            adapter(event)
            fact = (self.row.group, self.row.state)
            if fact not in self.seen:
                self.seen.append(fact)

        self.cloud.on_event = hear

    @property
    def row(self):
        return self.fleet.rows[NAME]


def test_a_task_moves_through_its_states_and_the_bar_with_the_bytes():
    show = Show()
    assert (show.row.group, show.row.cloud) == (IDLE, "LwM2M")
    bars = []
    show.fleet.listeners.add(lambda: bars.append(show.row.progress))
    show.upgrade()
    assert show.seen[0] == (WAITING, "Pending")
    assert {(UPDATING, "Downloading"), (UPDATING, "Downloaded"), (UPDATING, "Updating")} <= set(show.seen)
    assert (show.row.group, show.row.progress, show.row.attempts) == (UPDATED, 100, 1)
    assert (show.row.current, show.row.target, show.row.error) == ("1.1.0", "thermometer 1.1.0", None)
    assert bars == sorted(bars)
    assert {10, 20, 30, 51, 60} <= set(bars)


def test_a_rollback_is_a_failure_of_its_own_kind_and_the_next_task_begins_anew():
    show = Show()
    show.device.outcome = (0, 8)
    show.upgrade(method="push")
    assert (show.row.group, show.row.error, show.row.error_text) == (FAILED, "rolled_back", "Firmware update failed")
    assert show.fleet.counts()["rolled_back"] == 1
    show.device.outcome = (0, 1)
    show.upgrade(method="push")
    assert (show.row.group, show.row.error, show.row.attempts) == (UPDATED, None, 1)


def test_other_failures_have_the_number_of_the_result_or_none():
    show = Show()
    show.device.fails = (0, 6)
    show.upgrade()
    assert show.row.error == "result_6"
    show.device.values["/5/0/9"] = 1
    show.upgrade()
    assert (show.row.error, show.row.error_text) == ("task", "Delivery method pull is not supported by the device")


def test_a_device_that_goes_and_comes_is_seen():
    show = Show()
    show.cloud.forget_registration(show.known)
    assert show.row.is_online is False
    show.device.register()
    assert show.row.is_online is True
    show.cloud.add_fault("register:drop")
    show.upgrade(wait_ms=10)
    show.device.register()
    assert [mark.text for mark in show.fleet.timelines[NAME].marks][-1] == "fault: register drop"
