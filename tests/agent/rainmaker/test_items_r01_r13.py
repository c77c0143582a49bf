# SPDX-License-Identifier: MIT
"""Items 1 to 13 of rainmaker.md section 11: the line, the question, what an offer has to have, one job at a time."""

import json

import pytest

from simulator.breakage import FIRMWARE
from tests.agent.board_world import firmware
from tests.agent.rm_world import GOOD, LIMIT, NODE, PROGRESS, RainMakerWorld

INGEST = "$aws/rules/esp_node_"
LADDER_S = (30, 60, 120, 240, 480, 480)
ACK_S = 60
WORDS = {"in-progress", "success", "failed", "delayed", "rejected"}


def kinds(world: RainMakerWorld) -> list[str]:
    """What the cloud has seen of connecting, in order."""
    return [
        event["event"] for event in world.events if event["event"] in ("connect", "config", "subscribe", "otafetch")
    ]


def test_r01_connects_as_its_node_configures_and_subscribes_after_every_connect(world: RainMakerWorld) -> None:
    world.wait_online()
    assert kinds(world) == ["connect", "config", "subscribe", "otafetch"]
    assert world.seen("subscribe")[0]["filters"] == {f"node/{NODE}/{name}": 1 for name in ("otaurl", "params/remote")}
    info = world.node.config["info"]
    assert (world.node.config["node_id"], info["fw_version"], info["platform"]) == (NODE, "1.0.0", "esp32")
    world.settle(301)  # then nothing is on its way any more that was asked for
    world.node.session.close(0x80, "the broker restarts")
    world.wait(lambda: len(world.seen("subscribe")) == 2)
    world.settle(60)
    assert kinds(world)[4:] == ["connect", "subscribe"]


def test_r05_asks_once_more_when_the_line_was_lost_before_the_answer_can_have_come(world: RainMakerWorld) -> None:
    """Found by the power cut campaign: without a persistent session the job is lost, for a day."""
    world.wait_online()
    world.node.session.close(0x80, "the broker restarts")
    job = world.offer("1.1.0")
    world.wait("success")
    assert world.statuses(job) == [*GOOD]
    assert kinds(world)[4:7] == ["connect", "subscribe", "otafetch"]


def test_r02_asks_five_seconds_after_the_start_with_node_and_version(world: RainMakerWorld) -> None:
    world.wait_online()
    (at, body), *_ = world.said("otafetch")
    assert body == {"node_id": NODE, "fw_version": "1.0.0"}
    started = next(event["at_ms"] for event in world.seen("subscribe"))
    assert 5 <= at - (started - world.events[0]["at_ms"]) / 1000 <= 6.5
    assert [packet.qos for packet in world.published()] == [1, 1, 1]


@pytest.mark.parametrize("ingest", [1, 0])
def test_r03_topics_with_and_without_basic_ingest(make_world, ingest: int) -> None:
    world = make_world(settings={"ingest": ingest, "params": 1})
    world.offer("1.1.0")
    world.wait(PROGRESS)
    topics = [packet.topic for packet in world.published()]
    rules = {
        f"node/{NODE}/config": INGEST + "config/",
        f"node/{NODE}/params/local/init": "$aws/rules/esp_init_params/",
        f"node/{NODE}/otafetch": INGEST + "otafetch/",
        f"node/{NODE}/otastatus": INGEST + "otastatus/",
    }
    assert topics == [(rule if ingest else "") + topic for topic, rule in rules.items()]


def test_r04_question_without_puback_is_sent_again_by_the_ladder(world: RainMakerWorld) -> None:
    world.cloud.add_fault("otafetchx7:drop")
    world.wait(lambda: len(world.fetches) == 8, timeout_s=2500)
    gaps = [round(after - before - ACK_S) for before, after in zip(world.fetches, world.fetches[1:], strict=False)]
    assert all(wanted <= gap <= wanted + 2 for gap, wanted in zip(gaps, (*LADDER_S, 480), strict=True)), gaps
    world.settle(1000)
    assert len(world.fetches) == 8


def test_r04_puback_lets_the_ladder_begin_anew(make_world) -> None:
    world = make_world(settings={"fetch_h": 1})
    world.cloud.add_fault("otafetchx3:drop")
    world.wait(lambda: len(world.fetches) == 4, timeout_s=1000)
    world.settle(1)
    world.cloud.add_fault("otafetch:drop")
    world.wait(lambda: len(world.fetches) == 6, timeout_s=6000)
    assert 30 <= world.fetches[5] - world.fetches[4] - ACK_S <= 32


def test_r05_no_answer_is_no_error(world: RainMakerWorld) -> None:
    world.wait_online()
    world.settle(1000)
    assert world.reports() == []
    assert len(world.fetches) == 1
    assert not world.logged("warning") and not world.logged("offline")


def test_r06_job_id_is_durable_before_the_first_status(world: RainMakerWorld) -> None:
    job = world.offer("1.1.0")
    world.wait(PROGRESS)
    world.twin.cut()
    assert any(job.id.encode() in page for page in nvs_pages(world))


def nvs_pages(world: RainMakerWorld) -> list[bytes]:
    row = world.partition("nvs")
    return [world.twin.flash.read(row.offset + at, 4096) for at in range(0, row.size, 4096)]


def test_r07_and_r08_statuses_are_known_words_in_valid_short_json(world: RainMakerWorld) -> None:
    world.offer("1.1.0")
    world.wait("success")
    for packet in world.published("otastatus"):
        body = json.loads(packet.payload)
        assert len(packet.payload) <= LIMIT
        assert set(body) == {"ota_job_id", "status", "additional_info", "ts"}
        assert body["status"] in WORDS and type(body["ts"]) is int
    assert {entry.ts_source for entry in next(iter(world.cloud.jobs.values())).node_jobs[NODE].history[2:]} == {"NODE"}


def test_r07_words_of_a_job_that_fails_and_of_one_that_is_rejected(world: RainMakerWorld) -> None:
    world.offer("1.1.0", b"<html>nothing here</html>" * 500)
    world.wait("failed")
    assert set(world.statuses()) <= WORDS


def test_r08_error_that_quotes_and_never_ends_still_makes_valid_json(make_world) -> None:
    error = "\\" * 100 + '"' * 100
    odd = (
        f"from ota import http\nfrom ota.errors import JobError\ndef odd(url):\n    raise JobError('odd', {error!r})\n"
    )
    world = make_world(firmware("1.0.0", odd + "http.split = odd\n" + (FIRMWARE / "main.py").read_text()))
    world.push_online({"ota_job_id": "x" * 63, "url": "https://images.example/a", "file_size": 5000})
    world.wait("failed")
    payloads = [packet.payload for packet in world.published("otastatus")]
    assert all(len(payload) <= LIMIT and json.loads(payload) for payload in payloads)


@pytest.mark.parametrize("job_id", [None, "", 5, ["a"], "x" * 64, 'quo"te', "sp ace"])
def test_r09_offer_without_a_job_id_starts_nothing_and_blames_nobody(make_world, job_id) -> None:
    world = make_world()
    offer = {"url": "https://images.example/a", "file_size": 5000}
    world.push_online(offer if job_id is None else {"ota_job_id": job_id, **offer})
    world.settle(30)
    assert world.reports() == []
    assert world.web.asked == []


def test_r09_message_that_is_no_json_is_ignored(world: RainMakerWorld) -> None:
    for text in (b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b"[" * 3000, b"x" * 9000):
        world.push_online(text)
        world.settle(2)
    assert world.reports() == []
    job = world.offer("1.1.0", force_push=True)
    world.wait("success")
    assert world.statuses(job) == [*GOOD]


@pytest.mark.parametrize("offer", [{}, {"url": 5}, {"url": "ftp://x/a"}, {"url": ""}, {"stream_id": 5}])
def test_r10_offer_without_a_way_to_the_image_fails_without_a_download(make_world, offer: dict) -> None:
    world = make_world()
    world.push_online({"ota_job_id": "J1", "file_size": 5000, **offer})
    world.wait("failed")
    world.settle(400)
    assert world.statuses() == ["failed"]
    assert world.web.asked == [] and not world.erased
    assert len(world.fetches) == 1


def test_r11_stream_of_unknown_size_fails_with_the_reason(make_world) -> None:
    world = make_world(settings={"streams": 1})
    for size in ({}, {"file_size": 0}, {"file_size": "5000"}, {"file_size": 5000.5}):
        world.push_online({"ota_job_id": "J1", "stream_id": "S1", **size})
        world.wait("failed")
    assert world.infos("failed") == ["no_size"] * 4
    assert not world.erased


def test_r11_image_of_unknown_size_comes_from_the_web_although_there_is_a_stream(make_world) -> None:
    """Found by the power cut campaign: the download went round and round, and the application stood still."""
    world = make_world(settings={"streams": 1, "ways": 1})
    world.cloud.add_fault("otaurl:omit=file_size")
    job = world.offer("1.1.0")
    world.wait("success")
    assert world.statuses(job) == [*GOOD]
    assert len(world.web.asked) == 1


@pytest.mark.parametrize("is_same", [True, False])
def test_r12_second_offer_during_a_job_is_ignored(make_world, is_same: bool) -> None:
    world = make_world()
    job = world.offer("1.1.0")
    world.wait_log("ota progress")
    world.push({"ota_job_id": job.id if is_same else "other", "url": "https://images.example/b", "file_size": 5000})
    world.wait("success")
    assert world.statuses() == [*GOOD]
    assert world.statuses("other") == []
    assert len(world.web.asked) == 1


def test_r13_offer_between_reboot_and_reset_is_ignored(world: RainMakerWorld) -> None:
    job = world.offer("1.1.0")
    world.wait_log("ota updating")
    world.settle(2)
    world.push({"ota_job_id": "other", "url": "https://images.example/b", "file_size": 5000})
    world.push({"ota_job_id": job.id, "url": "https://images.example/b", "file_size": 5000})
    world.wait("success")
    assert world.statuses() == [*GOOD]
    assert len(world.web.asked) == 1
