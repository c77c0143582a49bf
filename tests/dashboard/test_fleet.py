# SPDX-License-Identifier: MIT
"""The model of a fleet, and what ThingsBoard's log makes of it."""

import pytest

from simulator.clouds.thingsboard import ThingsBoard
from simulator.dashboard import boards
from simulator.dashboard.fleet import FAILED, IDLE, UPDATED, UPDATING, WAITING, DeviceRow, Fleet, Mark
from simulator.dashboard.thingsboard import Adapter


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def row(fleet) -> DeviceRow:
    return fleet.add(DeviceRow("fw dev", "dev", "ThingsBoard"), 1000)


@pytest.fixture
def tell(fleet):
    """Tells the adapter of one event of device "dev" at this time."""
    adapter = Adapter(fleet, ThingsBoard())

    def tell(event: str, at_ms: int = 2000, **fields: object) -> DeviceRow | None:
        adapter({"event": event, "at_ms": at_ms, "device": "dev", **fields})
        return fleet.rows.get("fw dev")

    tell("device_added")
    return tell


def queue(tell, version: str = "2.0.0", size: int | None = 1000) -> DeviceRow:
    return tell("queued", type="FIRMWARE", title="thermo", version=version, size=size)


def report(tell, at_ms: int = 3000, **values: object) -> DeviceRow:
    return tell("telemetry", at_ms, values=values)


# The model


def test_fleet_listeners_hear_of_changes_and_see_what_changed(fleet, row):
    heard = []
    fleet.listeners.add(lambda: heard.append(fleet.version))
    other = fleet.add(DeviceRow("fw b", "b", "ThingsBoard"), 1000)
    before = fleet.version
    fleet.change(row, 2000, slot="ota_0")
    assert [r.id for r in fleet.changed_since(before)] == ["fw dev"]
    fleet.mark(other, Mark(2000, "link", "connected"))
    assert [r.id for r in fleet.changed_since(before)] == ["fw dev", "fw b"]
    assert fleet.changed_since(fleet.version) == []
    assert len(heard) == 3


def test_fleet_samples_counts_when_a_group_changes_and_only_then(fleet, row):
    fleet.change(row, 2000, slot="ota_0")
    fleet.change(row, 3000, group=UPDATING)
    fleet.change(row, 4000, group=FAILED, error="rolled_back")
    fleet.remove(row.id, 5000)
    counts = [(ms, {name: n for name, n in found.items() if n}) for ms, found in fleet.samples]
    assert counts == [(1000, {IDLE: 1}), (3000, {UPDATING: 1}), (4000, {FAILED: 1, "rolled_back": 1}), (5000, {})]
    assert fleet.detail(row.id) is None


def test_fleet_keeps_the_ends_and_a_bounded_number_of_everything(fleet, row):
    fleet.begin(row, 10_000)
    for number in range(5000):
        fleet.change(row, 2000 + number, group=(WAITING, UPDATING)[number % 2])
        fleet.mark(row, Mark(number, "link", str(number)))
        fleet.received(row, 2000 + number, 1)
    timeline = fleet.timelines[row.id]
    assert (fleet.samples[0][0], fleet.samples[-1][0]) == (1000, 6999)
    assert (timeline.points[0][1], timeline.points[-1][1]) == (1, 5000)
    assert timeline.marks[-1].text == "4999"
    assert max(len(fleet.samples), len(timeline.points), len(timeline.marks)) <= 600


def test_fleet_knows_the_part_received_only_if_it_knows_the_whole(fleet, row):
    fleet.begin(row, 1000)
    assert [fleet.received(row, 2000, size) for size in (250, 250, 900)] == [0.25, 0.5, 1.0]
    fleet.begin(row, None)
    assert fleet.received(row, 3000, 250) is None
    assert fleet.timelines[row.id].points == [(3000, 250)]


# ThingsBoard


def test_adapter_begins_with_the_devices_that_are_there(fleet):
    cloud = ThingsBoard()
    cloud.add_device("early", "T")
    Adapter(fleet, cloud)
    assert [row.device for row in fleet.rows.values()] == ["early"]


@pytest.mark.parametrize(
    ("state", "group", "percent"),
    [
        ("DOWNLOADING", UPDATING, 10),
        ("DOWNLOADED", UPDATING, 55),
        ("VERIFIED", UPDATING, 60),
        ("UPDATING", UPDATING, 70),
        ("UPDATED", UPDATED, 100),
        ("FAILED", FAILED, 0),
        ("SOMETHING", IDLE, 0),
    ],
)
def test_state_has_the_group_and_percent_of_the_stock_dashboard(tell, state, group, percent):
    assert (queue(tell).group, queue(tell).progress) == (WAITING, 0)
    row = report(tell, fw_state=state)
    assert (row.state, row.group, row.progress) == (state, group, percent)


def test_download_moves_the_bar_between_its_states_and_never_back(tell):
    queue(tell)
    report(tell, fw_state="DOWNLOADING")
    about = {"type": "FIRMWARE", "request_id": "1", "index": 0}
    assert tell("chunk", length=500, **about).progress == 32
    assert report(tell, fw_progress=20).progress == 32
    assert tell("chunk", length=9999, **about).progress == 55
    report(tell, fw_state="VERIFIED")
    assert report(tell, fw_progress=100).progress == 60


def test_download_over_http_moves_the_bar_and_errors_do_not(tell):
    queue(tell)
    report(tell, fw_state="DOWNLOADING")
    for status in (404, 200):
        row = tell("http", what="firmware", status=status, length=400, method="GET")
        assert row.progress == {404: 10, 200: 28}[status]
    assert tell("http", what="telemetry", status=200, length=400, method="POST").progress == 28


def test_progress_report_stands_in_where_the_cloud_sees_no_bytes(tell):
    queue(tell, size=None)
    report(tell, fw_state="DOWNLOADING")
    assert report(tell, fw_progress=50).progress == 32
    assert report(tell, fw_progress="much").progress == 32


def test_failure_keeps_the_bar_and_tells_code_and_text(tell):
    queue(tell)
    report(tell, fw_state="VERIFIED")
    row = report(tell, fw_state="FAILED", fw_error="flash_mismatch: flash does not hold the image")
    assert (row.progress, row.error) == (60, "flash_mismatch")
    assert row.error_text == "flash_mismatch: flash does not hold the image"


def test_attempts_count_for_one_target_and_a_new_one_begins_anew(tell):
    queue(tell)
    for _ in range(3):
        report(tell, fw_state="DOWNLOADING")
        row = report(tell, fw_state="FAILED", fw_error="chunk_silence")
    assert row.attempts == 3
    row = queue(tell, "3.0.0")
    assert (row.attempts, row.error, row.error_text, row.target) == (0, None, None, "thermo 3.0.0")


def test_unassignment_ends_what_is_under_way_and_keeps_what_was_reached(tell):
    queue(tell)
    row = tell("unassigned", type="FIRMWARE")
    assert (row.state, row.group, row.target, row.progress) == ("IDLE", IDLE, None, 0)
    queue(tell)
    report(tell, fw_state="UPDATED")
    row = tell("unassigned", type="FIRMWARE")
    assert (row.state, row.group, row.target, row.progress) == ("UPDATED", UPDATED, None, 100)


def test_report_without_update_keys_changes_nothing(tell, fleet):
    before = report(tell, current_fw_title="thermo", current_fw_version="1.0.0").last_report_ms
    report(tell, 9000, temperature=21.5)
    assert fleet.rows["fw dev"].last_report_ms == before == 3000
    assert list(fleet.rows) == ["fw dev"]


def test_software_and_firmware_are_never_mixed_up(tell, fleet):
    queue(tell)
    report(tell, sw_state="FAILED", sw_error="bad_archive", current_sw_title="app", current_sw_version="1")
    assert (fleet.rows["fw dev"].state, fleet.rows["fw dev"].error) == ("QUEUED", None)
    software = fleet.rows["sw dev"]
    assert (software.state, software.error, software.current) == ("FAILED", "bad_archive", "app 1")


def test_links_are_on_every_row_of_the_device_and_faults_on_those_under_way(tell, fleet):
    queue(tell)
    report(tell, fw_state="DOWNLOADING", sw_state="UPDATED")
    tell("connect")
    tell("fault", where="chunk", action="corrupt", argument="", index=3)
    texts = {row_id: [mark.text for mark in fleet.timelines[row_id].marks] for row_id in fleet.rows}
    assert texts == {
        "fw dev": ["QUEUED", "DOWNLOADING", "connected", "fault: chunk corrupt"],
        "sw dev": ["UPDATED", "connected"],
    }
    assert tell("close", reason="inactivity").is_online is False


def test_renamed_device_keeps_its_rows(tell, fleet):
    row = queue(tell)
    tell("device_renamed", name="new name")
    assert row.device == "new name"
    assert list(fleet.rows) == ["fw new name"]
    assert [mark.text for mark in fleet.timelines["fw new name"].marks] == ["QUEUED"]


def test_deleted_device_is_gone(tell, fleet):
    report(tell, sw_state="UPDATED")
    assert len(fleet.rows) == 2
    assert tell("device_deleted") is None
    assert (fleet.rows, fleet.timelines) == ({}, {})


# Simulated boards


def test_board_tells_slot_boots_and_resets(fleet, row):
    boards.tell(fleet, row, {"event": "boot", "slot": "ota_1", "number": 2, "cause": 3, "why": ""}, 2000)
    assert (row.slot, row.boots) == ("ota_1", 2)
    boards.tell(fleet, row, {"event": "reset", "why": "watchdog", "cause": 3}, 3000)
    boards.tell(fleet, row, {"event": "boot", "slot": None, "number": 3, "cause": 1, "why": "no app"}, 4000)
    boards.tell(fleet, row, {"event": "off", "why": "power cut"}, 5000)
    boards.tell(fleet, row, {"event": "console", "line": "hello"}, 6000)
    assert [mark.text for mark in fleet.timelines[row.id].marks] == [
        "boots ota_1 (watchdog)",
        "reset: watchdog",
        "does not boot: no app (power on)",
        "off: power cut",
    ]
