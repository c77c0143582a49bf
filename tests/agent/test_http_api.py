# SPDX-License-Identifier: MIT
"""ThingsBoard without MQTT: the whole agent over the HTTP device API (thingsboard.md 4.2; A19, A30, A34-A36)."""

import pytest

from simulator.board.lockstep import HOST
from simulator.clouds.thingsboard import HttpDoor
from simulator.clouds.thingsboard.checksums import checksum
from tests.agent.events import said
from tests.agent.harness import GOOD, SECTOR, World, firmware, small_app
from tests.agent.lines import NarrowLine
from tests.agent.web import Web

DATA = firmware("1.1.0", product="web")
PORT = 8080


@pytest.fixture
def world(make_world) -> World:
    return web_world(make_world)


def web_world(make_world, queue_ms: int = 600, **settings) -> World:
    """A board whose product speaks HTTP only."""
    world = make_world(firmware("1.0.0", product="web"), settings=settings, queue_ms=queue_ms)
    world.twin.net.serve(HOST, PORT, HttpDoor(world.cloud))
    return world


def statuses(world: World, what: str) -> list[int]:
    return [event["status"] for event in world.seen("http", what=what)]


def is_well(world: World) -> bool:
    return world.ends == ["UPDATED"] and world.runs == ("1.1.0", "ota_1")


def test_a35_a_whole_update_without_mqtt(world):
    world.offer(data=DATA)
    world.wait("UPDATED")
    world.settle()
    assert world.states == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")
    assert not world.seen("connect")
    assert statuses(world, "firmware") == [200] * -(-len(DATA) // SECTOR)
    assert world.told("current_fw_version") == ["1.0.0", "1.1.0", "1.1.0"]


@pytest.mark.parametrize("chunk", [0, 1000, 4096, 20_000, 65_536])
def test_a35_chunks_of_any_size_make_the_image(make_world, chunk):
    world = web_world(make_world, chunk=chunk)
    world.offer(data=DATA)
    world.wait("UPDATED")
    assert is_well(world)
    assert sum(event["length"] for event in world.seen("http", what="firmware")) == len(DATA)


def test_a19_an_exact_multiple_of_the_chunk_size_ends_without_asking_past_the_end(world):
    data = DATA + bytes(-len(DATA) % SECTOR)
    world.offer(data=data)
    world.wait("UPDATED")
    assert [event["length"] for event in world.seen("http", what="firmware")] == [SECTOR] * (len(data) // SECTOR)


@pytest.mark.parametrize("chunk", [4096, 65_536])
def test_very_slow_line_brings_each_chunk_once(make_world, chunk):
    world = web_world(make_world, chunk=chunk)
    world.twin.net.faults.append(NarrowLine(200))
    world.offer("1.1.0", small_app(20 * SECTOR))
    world.wait("DOWNLOADED", 1500)
    assert statuses(world, "firmware") == [200] * -(-20 * SECTOR // chunk)


@pytest.mark.parametrize("chunk", [4096, 65_536])
def test_slow_line_that_stalls_for_half_a_minute_brings_little_twice(make_world, chunk):
    world = web_world(make_world, chunk=chunk)
    line = NarrowLine(700)
    line.outage = (60_000, 90_000)
    world.twin.net.faults.append(line)
    world.offer("1.1.0", small_app(20 * SECTOR))
    world.wait("DOWNLOADED", 1500)
    asked = [event["length"] for event in world.seen("http", what="firmware")]
    assert sum(asked) <= 20 * SECTOR + max(chunk, 4 * SECTOR)


def test_a35_a_push_is_heard_at_once(world):
    world.pass_time(30)
    world.offer(data=DATA)
    world.wait(lambda: "DOWNLOADING" in world.states, 60)
    (told,) = world.seen("initiated")
    (heard,) = world.seen("telemetry", values={"fw_state": "DOWNLOADING"})
    assert heard["at_ms"] - told["at_ms"] < 1000


def test_a35_an_idle_board_asks_little(world):
    world.pass_time(20)
    before = len(world.seen("http"))
    world.pass_time(200)
    asked = world.seen("http")[before:]
    assert {event["what"] for event in asked} <= {"attributes", "attributes/updates", "telemetry"}
    assert len(asked) <= 3 * 20  # the product tells something every ten seconds
    assert world.states == []


def test_a35_a_board_that_has_nothing_to_say_listens_all_the_time(make_world):
    world = web_world(make_world, quiet=1)
    world.pass_time(300)
    assert not world.logged("ota offline")
    waits = world.seen("http", what="attributes/updates")
    assert [event["status"] for event in waits] == [408] * len(waits)
    assert 13 <= len(waits) <= 15  # 20 seconds each
    world.offer(data=DATA)
    world.wait("UPDATED")
    assert is_well(world)


def test_a35_another_package_in_mid_download_is_400_and_takes_its_place(world):
    world.cloud.add_package("thermometer", "1.2.0", firmware("1.2.0", product="web"))
    world.fault("download=9:reassign=thermometer 1.2.0")
    world.offer(data=DATA)
    world.wait("UPDATED", 1200)
    assert 400 in statuses(world, "firmware")
    assert world.logged("metadata_changed")
    assert world.runs == ("1.2.0", "ota_1")
    assert world.ends == ["UPDATED"]


def test_a35_what_is_not_assigned_any_more_is_404_and_stops(world):
    world.offer(data=DATA)
    world.wait_flash("write", 5 * SECTOR)
    world.unassign()
    world.wait("FAILED")
    world.settle(60)
    assert world.ends == ["FAILED"]
    assert world.errors == ["unassigned"]
    assert world.runs == ("1.0.0", "ota_0")


def test_a35_a_package_that_became_a_url_leads_to_the_url(world):
    data = firmware("1.2.0", product="web")
    web = Web(data)
    world.twin.net.serve("files.example", 80, web)
    facts = {"size": len(data), "algorithm": "SHA256", "checksum": checksum("SHA256", data)}
    world.cloud.add_package("thermometer", "1.2.0", None, url="http://files.example/a.bin", **facts)
    world.fault("download=9:reassign=thermometer 1.2.0")
    world.offer(data=DATA)
    world.wait("UPDATED", 1200)
    assert {400, 404} & set(statuses(world, "firmware"))
    assert web.requests == [0]
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.2.0", "ota_1")


def test_a35_a_wrong_token_is_401_and_not_hammered(make_world):
    world = web_world(make_world, token="nobody's")
    world.pass_time(500)
    assert 1 <= len(world.seen("http", status=401)) <= 3
    assert world.logged("code=http_401")


@pytest.mark.parametrize(
    "fault",
    ["empty", "truncate=5", "extend=5", "cut=700", "cut=0", "corrupt", "status=500", "status=404", "mute", "close"],
)
def test_a35_a_chunk_that_goes_wrong_is_fetched_again(world, fault):
    world.fault(f"download=7:{fault}")
    world.offer(data=DATA)
    world.wait("UPDATED", 1200)
    assert is_well(world)


def test_a35_chunks_that_always_go_wrong_end_in_one_failed(world):
    world.fault("download=7x*:empty")
    world.offer(data=DATA)
    world.wait("FAILED", 1200)
    world.settle(60)
    assert world.ends == ["FAILED"]
    assert world.errors == ["broken_chunks: 0 instead of 4096"]


@pytest.mark.parametrize(
    "fault", ["http=status=500", "httpx5:close", "httpx2:mute", "httpx4:status=503", "httpx3:cut=3"]
)
def test_a35_requests_that_go_wrong_at_first_delay_the_update_only(world, fault):
    world.fault(fault.replace("http=", "http:"))
    world.offer(data=DATA)
    world.wait("UPDATED", 1200)
    assert is_well(world)


def test_a35_a_report_whose_answer_is_lost_is_repeated_and_no_other(world):
    world.offer(data=DATA)
    world.wait("UPDATING")
    world.fault("httpx2:cut=0")
    world.wait("UPDATED")
    world.settle(60)
    assert world.runs == ("1.1.0", "ota_1")
    assert set(world.ends) == {"UPDATED"}


def test_a35_a_power_cut_in_mid_download_goes_on_where_it_was(world):
    world.offer(data=DATA)
    world.wait_flash("write", 20 * SECTOR)
    world.twin.cut()
    world.wait("UPDATED")
    assert is_well(world)
    asked = sum(event["length"] for event in world.seen("http", what="firmware"))
    assert asked <= len(DATA) + 2 * SECTOR


def test_a35_a_rolled_back_image_is_told_over_http(world):
    world.offer(data=firmware("1.1.0", "raise RuntimeError('planted')", "web"))
    world.wait("FAILED", 1200)
    assert world.errors[0].startswith("rolled_back")
    assert world.runs == ("1.0.0", "ota_0")


def test_a30_a_link_is_fetched_while_the_api_is_listened_to(world):
    web = Web(DATA)
    world.twin.net.serve("files.example", 80, web)
    made = world.cloud.add_package("thermometer", "1.1.0", data=DATA)
    facts = {"size": len(DATA), "algorithm": "SHA256", "checksum": made.checksum}
    world.cloud.packages.remove(made)
    world.offer(url="http://files.example/a.bin", **facts)
    world.wait("UPDATED")
    assert is_well(world)
    assert web.requests == [0]


@pytest.mark.parametrize(
    ("title", "version"), [("a b&c=d", "1/2"), ("größe+%41", "?#;:@"), ("x" * 255, "0")], ids=["ascii", "utf8", "long"]
)
def test_a34_odd_titles_and_versions_arrive_as_they_are(world, title, version):
    data = small_app(10_000)
    world.offer(version, data, title)
    world.wait("DOWNLOADED")
    assert statuses(world, "firmware") == [200] * 3
    assert world.slot_holds("ota_1", data)


def test_a36_software_over_http_leaves_firmware_alone(make_world):
    world = make_world(settings={"transport": "http", "port": PORT})
    world.twin.net.serve(HOST, PORT, HttpDoor(world.cloud))
    world.offer_software("2.0.0")
    world.wait("UPDATED", key="sw_state")
    world.settle()
    assert world.software_states == [*GOOD]
    assert world.told("app") == ["2.0.0 sensor of 2.0.0"]
    assert world.told("current_sw_version")[-1] == "2.0.0"
    assert set(statuses(world, "software")) == {200}
    assert (statuses(world, "firmware"), world.states) == ([], [])
    assert world.runs == ("1.0.0", "ota_0")


def test_claim_over_http_lets_a_user_have_the_device(make_world):
    world = web_world(make_world, claim="s3cret")
    world.wait(lambda: bool(world.seen("claim_offered")))
    assert world.cloud.claim("board-1", "s3cret", "ann", world.twin.now_ms) == "SUCCESS"


def test_what_the_operator_says_over_http_is_heard_and_answered(make_world):
    """A switch that comes in the same answer as the offer counts for it; what has not changed is said once."""
    world = web_world(make_world, queue_ms=0)
    world.wait(lambda: world.told("current_fw_version") == ["1.0.0"])
    world.settle()
    world.push(ota_enabled=False)
    world.offer(data=DATA)
    world.settle(20)
    assert world.states == []
    assert (world.device.client["ota_enabled"], world.device.client["ota_pending"]) == (False, True)
    assert world.device.client["ota_reason"] == "disabled: by the operator"
    world.push(ota_forced=True)
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    world.settle(2)
    assert said(world, "enabled") == [False, False]  # on each line
    assert said(world, "forced") == [False, True, True]
