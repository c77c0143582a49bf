# SPDX-License-Identifier: MIT
"""thingsboard.md 8.1, A27-A29 and A31-A36: what is said, how often, to whom, and what is left alone.

A30 is in test_item_a30_urls.py, and over TLS in test_tls.py; A35, and A34 and A36 over HTTP, in test_http_api.py.
"""

import itertools
import json

import pytest

from simulator import software
from simulator.breakage import TITLE
from simulator.clouds import mqtt
from simulator.clouds.thingsboard.subscriptions import Subscriptions
from tests.agent.harness import GOOD, application, firmware, small_app

CRASH = 'raise RuntimeError("a planted bug")\n'


def published(world) -> list[mqtt.Publish]:
    return [packet for _, packet in world.wire if isinstance(packet, mqtt.Publish)]


@pytest.mark.parametrize("kind", ["rolled back", "wrong checksum"])
def test_a27_what_failed_once_is_not_tried_again_after_a_boot(world, kind):
    if kind == "wrong checksum":
        world.fault("chunk=5x*:corrupt")
    package = world.offer("1.1.0", firmware("1.1.0", CRASH) if kind == "rolled back" else None)
    world.wait("FAILED")
    world.settle()
    requests = len(world.seen("chunk_request"))
    for _ in range(2):
        world.twin.cut()
        world.settle()
    assert world.ends == ["FAILED"]
    assert len(world.seen("chunk_request")) == requests
    assert world.seen("attribute_response")[-1]["body"]["shared"]["fw_version"] == package.version


def test_a27_another_version_may_follow_and_the_bad_one_stays_refused(world):
    bad = world.offer("1.1.0", firmware("1.1.0", CRASH))
    world.wait("FAILED")
    world.offer("1.2.0")
    world.wait("UPDATED")
    requests = len(world.seen("chunk_request"))
    world.assign(bad)
    world.wait("FAILED")
    assert world.errors[-1] == "rolled_back_before"
    assert len(world.seen("chunk_request")) == requests
    assert world.runs == ("1.2.0", "ota_1") or world.runs == ("1.2.0", "ota_0")


def test_a27_other_bytes_under_the_same_names_are_another_image(world):
    good = firmware("1.1.0")
    bad = world.offer("1.1.0", firmware("1.1.0", CRASH).ljust(len(good), b"\0"))  # only the checksum differs
    world.wait("FAILED")
    world.cloud.packages.remove(bad)
    world.device.packages.pop("FIRMWARE")  # nobody unassigns, which would make the board forget what failed
    assert world.offer("1.1.0", good).size == bad.size
    world.wait("UPDATED")
    assert world.ends == ["FAILED", "UPDATED"]
    assert world.runs == ("1.1.0", "ota_1")


def test_a28_after_the_reboot_updated_comes_with_the_new_names(world):
    world.offer("1.1.0")
    world.wait("UPDATED")
    values = world.seen("telemetry")[-1]["values"]
    assert values == {"fw_state": "UPDATED", "current_fw_title": TITLE, "current_fw_version": "1.1.0"}


def test_a28_after_a_rollback_failed_comes_with_the_old_names_and_the_reason(world):
    world.offer("1.1.0", firmware("1.1.0", CRASH))
    world.wait("FAILED")
    values = world.seen("telemetry")[-1]["values"]
    assert (values["fw_state"], values["current_fw_version"]) == ("FAILED", "1.0.0")
    assert values["fw_error"] == "rolled_back: it was not confirmed in time"


def test_a28_no_two_states_share_a_millisecond_and_all_are_in_the_history(world):
    world.offer("1.1.0")
    world.wait("UPDATED")
    history = world.cloud.history(world.device, "fw_state")
    assert [state for _, state in history] == ["QUEUED", "INITIATED", *GOOD]
    assert len({at for at, _ in history}) == len(history)


def test_a28_a_slow_download_reports_at_most_every_five_seconds(world):
    world.fault("chunkx*:delay=3000")
    world.offer("1.1.0")
    world.wait("DOWNLOADED")
    times = [event["at_ms"] for event in world.seen("telemetry") if "fw_progress" in event["values"]]
    assert len(times) > 3
    assert min(b - a for a, b in itertools.pairwise(times)) >= 4900


def test_a29_reports_have_no_time_of_their_own_and_are_short(world):
    world.offer("1.1.0", firmware("1.1.0", CRASH))
    world.wait("FAILED")
    told = [packet.payload for packet in published(world) if packet.topic == "v1/devices/me/telemetry"]
    assert all("ts" not in json.loads(payload) for payload in told)
    assert max(map(len, told)) < 400


@pytest.mark.parametrize("where", ["algorithm", "server error"])
def test_a29_reports_stay_short_whatever_they_quote(world, where):
    long = "quite a story " * 250
    if where == "algorithm":
        package = world.cloud.add_package(TITLE, "2.0.0", small_app(4096))
        world.device.shared.update(package.attributes()[0] | {"fw_checksum_algorithm": long})
    else:
        world.fault(f"chunkx*:error={long}")
        world.offer()
    world.wait("FAILED", 3600)
    assert world.errors[0].split(":")[0] in ("checksum_unsupported", "server_error")
    assert max(len(packet.payload) for packet in published(world)) < 400


def test_a31_packet_id_0_is_taken(world):
    world.offer("1.1.0")
    world.wait("DOWNLOADING")
    world.device.session._packet_id = 65_530  # as after so many messages
    world.push(interval=5)
    for _ in range(8):
        world.push(interval=6)
    world.wait("UPDATED")
    assert world.states == [*GOOD]


@pytest.mark.parametrize("qos", [0, 1])
def test_a31_chunks_of_either_qos_are_taken_and_acknowledged(world, monkeypatch, qos):
    monkeypatch.setattr(Subscriptions, "qos", lambda self, topic: qos)
    package = world.offer("1.1.0")
    world.wait("DOWNLOADED")
    acks = [packet for _, packet in world.wire if packet == mqtt.Plain("puback")]
    chunks = -(-package.size // 4096)
    assert len(acks) == (chunks + len(world.seen("attribute_response")) + len(world.seen("push")) if qos else 0)
    world.wait("UPDATED")


@pytest.mark.parametrize("code", [2, 4, 5])
def test_a32_bad_credentials_are_not_hammered(world, code):
    world.fault(f"connectx*:refuse={code}")
    world.pass_time(1000)
    times = [event["at_ms"] for event in world.seen("refused")]
    assert 2 <= len(times) <= 4
    assert min(b - a for a, b in itertools.pairwise(times)) >= 300_000
    assert world.logged(f"ota offline code=mqtt_refused why={code}") == len(times)


def test_a32_a_busy_server_is_tried_again_soon(world):
    world.fault("connect:refuse=3")
    world.offer("1.1.0")
    world.wait("UPDATED", 60)


def test_a32_a_server_that_stays_busy_is_never_left_alone_for_long(world):
    world.fault("connectx*:refuse=3")
    world.pass_time(500)
    times = [event["at_ms"] for event in world.seen("refused")]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert 64_000 <= max(gaps) < 100_000


def test_a33_a_second_device_with_the_same_token_makes_the_agent_back_off_and_say_so(world):
    world.wait(lambda: world.seen("attribute_response"))
    for _ in range(8):
        world.wait(lambda: world.device.session is not None)
        world.device.session.close(0x8E, "session taken over")
        world.pass_time(0.2)
    times = [event["at_ms"] for event in world.seen("connect")]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps[-1] > 8 * gaps[0]
    assert world.logged("hint=duplicate credentials") == 1


def test_a33_after_a_link_that_held_the_next_one_comes_soon(world):
    for seconds in (0.2,) * 6 + (40,):
        world.wait(lambda: world.device.session is not None)
        world.pass_time(seconds)
        world.device.session.close(0x8E, "session taken over")
    closed = world.twin.now_ms
    world.wait(lambda: world.device.session is not None)
    assert world.seen("connect")[-1]["at_ms"] - closed < 2000


@pytest.mark.parametrize(
    ("title", "version"),
    [
        ("a b & c/d?e=#%", "1.0 beta/2&3"),
        ("Thermomètre Ünïcode 温度計", "１.٢.३ 🙂"),
        ("x" * 255, "y" * 255),
        ('"\\', "\t'{}"),
    ],
)
def test_a34_odd_names_match_to_the_letter(world, title, version):
    package = world.offer(version, small_app(4096, "1"), title=title)
    world.wait("VERIFIED")
    assert world.errors == []
    assert package.title == title


def test_a34_an_odd_version_that_runs_is_recognized_and_told_to_the_letter(make_world):
    version = "１.٢ 温 🙂"
    world = make_world(firmware(version))
    world.offer(version)
    world.wait("UPDATED")
    assert world.told("current_fw_version") == [version, version]
    assert not world.seen("chunk_request")


def test_a34_odd_names_of_software_match_to_the_letter(world):
    title, version = "Gerät & co/ü 温度", "2.０ beta/2&3 🙂"
    world.offer(version, software.pack(application("2.0.0"), title, version), title, type="SOFTWARE")
    world.wait("UPDATED", key="sw_state")
    assert (world.told("current_sw_title")[-1], world.told("current_sw_version")[-1]) == (title, version)


def test_a34_the_longest_names_survive_three_updates(world):
    for number in "123":  # the third one has both slots' names beside its own to remember
        world.offer("y" * 254 + number, firmware(f"1.{number}.0"), title="x" * 255)
        world.wait("UPDATED")
    assert world.ends == ["UPDATED"] * 3


def test_a34_an_offer_too_long_to_be_read_is_passed_over(world):
    world.offer("🙂" * 255, small_app(4096), title="温" * 255)
    world.pass_time(120)
    assert world.states == []
    assert len(world.seen("connect")) == 1
    world.offer("1.1.0")
    world.wait("UPDATED")


def test_a36_software_packages_start_no_firmware_update(world):
    world.wait(lambda: world.seen("attribute_response"))
    world.offer("9.0.0", small_app(4096), type="SOFTWARE")
    world.settle()
    assert world.seen("push")
    assert world.states == []
    assert not world.seen("chunk_request", type="FIRMWARE")


def test_a36_a_software_push_during_a_firmware_update_changes_nothing(world):
    world.offer("1.1.0")
    world.wait("DOWNLOADING")
    world.offer("9.0.0", small_app(4096), type="SOFTWARE")
    world.wait("UPDATED")
    assert world.states == [*GOOD]
