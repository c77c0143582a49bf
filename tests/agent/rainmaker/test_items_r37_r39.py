# SPDX-License-Identifier: MIT
"""Items 37 to 39 of rainmaker.md section 11: checksums, periodic questions, and the older way by parameters."""

import pytest

from tests.agent.board_world import firmware
from tests.agent.rm_world import FILES, GOOD, NODE, PROGRESS, RainMakerWorld, sleepy

HOUR_S = 3600
SPREAD_S = 300
STEP_S = 105
URL = f"https://{FILES}/a.bin"


def test_r37_wrong_md5_never_switches_the_slot(world: RainMakerWorld) -> None:
    world.cloud.add_fault("otaurl:md5")
    job = world.offer("1.1.0")
    world.wait(lambda: world.statuses().count("failed") == 3)
    assert world.infos("failed") == ["checksum_mismatch: MD5"] * 3
    assert not world.logged("ota updating")
    world.wait("success")  # after five minutes the cloud is right again
    assert world.statuses(job)[-5:] == [*GOOD]


def test_r37_one_flipped_bit_is_found(world: RainMakerWorld) -> None:
    world.offer("1.1.0")
    data = bytearray(world.web.data)
    data[100_000] ^= 4
    world.web.data = bytes(data)
    world.wait("failed")
    assert world.infos("failed") == ["checksum_mismatch: MD5"]


@pytest.mark.parametrize("is_spoiled", [False, True])
def test_r37_without_md5_the_images_own_sha256_decides(make_world, is_spoiled: bool) -> None:
    world = make_world(send_md5=False)
    world.offer("1.1.0")
    if is_spoiled:
        data = bytearray(world.web.data)
        data[100_000] ^= 4
        world.web.data = bytes(data)
    world.wait("failed" if is_spoiled else "success")
    assert world.runs == (("1.0.0", "ota_0") if is_spoiled else ("1.1.0", "ota_1"))
    if is_spoiled:
        assert world.infos("failed")[0].startswith("image_refused")


def test_r37_without_md5_an_image_without_a_hash_of_its_own_is_refused(make_world) -> None:
    world = make_world(send_md5=False)
    data = bytearray(firmware("1.1.0"))
    data[23] = 0
    world.offer("1.1.0", bytes(data))
    world.wait("failed")
    assert world.infos("failed")[0].startswith("no_checksum")
    assert not world.erased


def test_r37_size_that_nobody_told_is_learnt_before_anything_is_erased(world: RainMakerWorld) -> None:
    world.web.data = firmware("1.1.0")
    world.push_online({"ota_job_id": "J1", "url": URL})
    world.wait("success")
    assert world.statuses() == [*GOOD]


def test_r37_neither_a_size_nor_a_length_is_refused(world: RainMakerWorld) -> None:
    world.web.data, world.web.framing = firmware("1.1.0"), "chunked"
    world.push_online({"ota_job_id": "J1", "url": URL})
    world.wait("failed")
    assert world.infos("failed")[0].startswith("no_size")
    assert not world.erased


def test_r38_periodic_question_comes_after_its_hours_and_keeps_coming(make_world) -> None:
    world = make_world(sleepy(100), settings={"fetch_h": 24})
    world.pass_time(73 * HOUR_S)
    assert len(world.fetches) == 4
    for number, at in enumerate(world.fetches[1:], 1):
        assert 24 * HOUR_S * number <= at <= (24 * HOUR_S + SPREAD_S + STEP_S) * number + STEP_S


def test_r38_weekly_question_is_not_mistaken_by_the_wrap_of_the_ticks(make_world) -> None:
    world = make_world(sleepy(100), settings={"fetch_h": 168})
    world.pass_time(169 * HOUR_S)
    assert len(world.fetches) == 2
    for number, at in enumerate(world.fetches[1:], 1):
        assert 168 * HOUR_S * number <= at <= (168 * HOUR_S + SPREAD_S + STEP_S) * number + STEP_S


def test_r38_no_hours_means_only_at_the_start(make_world) -> None:
    world = make_world(sleepy(100), settings={"fetch_h": 0})
    world.wait_online()
    world.pass_time(30 * HOUR_S)
    assert len(world.fetches) == 1


def written(world: RainMakerWorld) -> list[dict]:
    """What the node has said of its OTA service."""
    return [body["OTA"] for _, body in world.said("params/local") if "OTA" in body]


@pytest.fixture
def older(make_world) -> RainMakerWorld:
    world = make_world(settings={"params": 1})
    world.web.data = firmware("1.1.0")
    world.wait_online()
    world.settle(1)
    return world


def test_r39_url_that_is_written_is_installed_with_info_then_status(older: RainMakerWorld) -> None:
    service = older.node.config["services"][0]
    assert (service["name"], service["type"]) == ("OTA", "esp.service.ota")
    assert {param["name"]: param["properties"] for param in service["params"]} == {
        "Status": ["read"],
        "Info": ["read"],
        "URL": ["write"],
    }
    older.cloud.set_params(older.node, {"OTA": {"URL": URL}}, older.twin.now_ms)
    older.wait(lambda: {"Status": "success"} in written(older))
    said = written(older)
    assert [list(params) for params in said] == [["Info"], ["Status"]] * 5
    assert [params["Status"] for params in said[1::2]] == [*GOOD]
    assert older.runs == ("1.1.0", "ota_1")
    assert older.reports() == []


def test_r39_second_write_while_busy_is_refused_without_a_word(older: RainMakerWorld) -> None:
    older.cloud.set_params(older.node, {"OTA": {"URL": URL}}, older.twin.now_ms)
    older.wait(lambda: {"Status": PROGRESS} in written(older))
    older.cloud.set_params(older.node, {"OTA": {"URL": URL + "2"}}, older.twin.now_ms)
    older.wait(lambda: {"Status": "success"} in written(older))
    assert [path for path, _ in older.web.asked] == ["/a.bin"]


def test_r39_what_fails_three_times_is_not_asked_for_again(older: RainMakerWorld) -> None:
    older.web.status = "404 Not Found"
    older.cloud.set_params(older.node, {"OTA": {"URL": URL}}, older.twin.now_ms)
    older.wait(lambda: written(older).count({"Status": "failed"}) == 3)
    older.settle(1000)
    assert len(older.fetches) == 1
    assert older.seen("params", init=True)[0]["params"]["OTA"] == {"Status": "", "Info": "", "URL": ""}


@pytest.mark.parametrize(
    "params", [{"OTA": 5}, {"OTA": {"URL": ""}}, {"OTA": {"URL": 5}}, {"Light": {"Power": True}}, []]
)
def test_r39_other_writes_are_not_for_the_agent(older: RainMakerWorld, params) -> None:
    older.push(params, "params/remote")
    older.settle(10)
    assert written(older) == []
    assert NODE in older.cloud.nodes
