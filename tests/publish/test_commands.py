# SPDX-License-Identifier: MIT
"""`python -m tools.publish` against a real mosquitto with the ACL of the docs."""

import json
import time
from pathlib import Path

import pytest

from simulator.board import image_writer
from tests.publish.conftest import NAMES
from tests.publish.devices import Device
from tools.publish.line import Line, Where


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "app.bin"
    file.write_bytes(image_writer.build(b"", "thermometer", "1.1.0", size=20_000))
    return file


def kept(broker, *filters: str) -> dict[str, bytes]:
    with Line(Where("127.0.0.1", broker.port, "maker", "secret")) as line:
        return line.retained(*filters)


def test_release_is_there_with_all_its_chunks_and_is_taken_back(broker, publish, image):
    status, told = publish("release", image, "--immediate", "--severity", "critical", "--chunk", "1024")
    assert status == 0
    found = kept(broker, NAMES.base + "/#")
    record = json.loads(found[NAMES.release()])
    assert (record["version"], record["immediate"], record["severity"], record["chunk_size"]) == (
        "1.1.0",
        True,
        0,
        1024,
    )
    assert b"".join(found[NAMES.chunk(record["checksum"], index)] for index in range(20)) == image.read_bytes()
    assert told["topic"] == NAMES.release()
    assert publish("take-back")[0] == 0
    assert NAMES.release() not in kept(broker, NAMES.release())


def test_release_to_a_group_by_url_needs_no_chunks(broker, publish, image):
    where = ("--group", "beta", "--url", "http://images.example/app.bin")
    assert publish("release", image, *where, "--requires", "thermometer >= 1.0")[0] == 0
    found = kept(broker, NAMES.base + "/#")
    assert list(found) == [NAMES.release(place="group/beta")]
    assert json.loads(found[NAMES.release(place="group/beta")])["requires"] == "thermometer >= 1.0"


def test_device_is_configured_one_thing_at_a_time(broker, publish, image):
    topic = NAMES.device("board-1", "config")
    publish("groups", "board-1", "beta", "eu")
    publish("development", "board-1", "on")
    assert json.loads(kept(broker, topic)[topic]) == {"groups": ["beta", "eu"], "development": True}
    publish("development", "board-1", "off")
    publish("lock", "board-1", image, "--immediate")
    found = json.loads(kept(broker, topic)[topic])
    assert (found["groups"], found["locked"]["version"], found["immediate"]) == (["beta", "eu"], "1.1.0", True)
    publish("unlock", "board-1")
    publish("groups", "board-1")
    assert json.loads(kept(broker, topic)[topic]) == {"development": False}
    publish("switch", "board-1", "forced", "on")
    assert kept(broker, NAMES.device("board-1", "set/+")) == {NAMES.device("board-1", "set/forced"): b"true"}
    publish("switch", "board-1", "forced", "unset")
    assert kept(broker, NAMES.device("board-1", "set/+")) == {}


def test_rollout_ends_well_when_all_have_updated(broker, publish, image):
    good = ("DOWNLOADING", "UPDATED")
    with Device(broker.port, NAMES, "board-1", *good), Device(broker.port, NAMES, "board-2", *good):
        status, told = publish("rollout", image, "--stop-at", "10%", "--expect", 2, "--timeout", 20)
    assert (status, told) == (0, {"schema": 1, "result": "done", "updated": 2, "failed": 0, "others": 0})
    assert NAMES.release() in kept(broker, NAMES.release())


def test_rollout_stops_when_too_many_fail_and_takes_the_release_back(broker, publish, image):
    with (
        Device(broker.port, NAMES, "board-1", "UPDATED"),
        Device(broker.port, NAMES, "board-2", "FAILED", error="rolled_back"),
        Device(broker.port, NAMES, "board-3") as waiting,
    ):
        status, told = publish("rollout", image, "--stop-at", "50%", "--least", 2, "--timeout", 20)
        assert (status, told["result"], told["failed"], told["others"]) == (1, "stopped", 1, 1)
        assert NAMES.release() not in kept(broker, NAMES.release())
        while waiting.releases[-1] is not None:
            time.sleep(0.01)


def test_rollout_that_is_stopped_can_put_the_former_release_back(broker, publish, image, tmp_path):
    former = tmp_path / "former.bin"
    former.write_bytes(image_writer.build(b"", "thermometer", "1.0.0", size=20_000))
    publish("release", former)
    with Device(broker.port, NAMES, "board-1", "FAILED"):
        status, _ = publish("rollout", image, "--stop-at", "1%", "--restore", "--timeout", 20)
    assert status == 1
    assert json.loads(kept(broker, NAMES.release())[NAMES.release()])["version"] == "1.0.0"


def test_rollout_ends_when_its_time_is_over(broker, publish, image):
    with Device(broker.port, NAMES, "board-1", "DOWNLOADING"):
        status, told = publish("rollout", image, "--timeout", 2)
    assert (status, told["result"], told["others"]) == (1, "timeout", 1)


def test_release_that_is_there_already_is_followed_and_stopped(broker, publish, image):
    assert publish("follow")[1].startswith("error[no_release]: ")
    publish("release", image)
    with Device(broker.port, NAMES, "board-1", "UPDATED"):
        assert publish("follow", "--timeout", 20)[0] == 0
        with Device(broker.port, NAMES, "board-2", "FAILED"):
            status, told = publish("follow", "--stop-at", "50%", "--timeout", 20)
    assert (status, told["result"]) == (1, "stopped")
    assert NAMES.release() not in kept(broker, NAMES.release())


def test_watch_shows_who_is_there(broker, publish):
    assert publish("watch", "--timeout", 0.3)[0] == 1
    with Device(broker.port, NAMES, "board-1"):
        status, told = publish("watch", "--timeout", 0.5, "--json")
        assert (status, told["device"], told["online"], told["runs"]) == (0, "board-1", True, "thermometer 1.0.0")
        assert "board-1" in publish("watch", "--timeout", 0.5)[1]


def test_device_can_neither_release_nor_speak_for_another_one_nor_read_its_switches(broker, publish, image):
    with Device(broker.port, NAMES, "board-1") as device:
        for topic in (
            NAMES.release(),
            NAMES.release(place="group/beta"),
            NAMES.release(place="device/board-1"),
            NAMES.device("board-1", "config"),
            NAMES.device("board-1", "set/forced"),
            NAMES.device("board-2", "job"),
            NAMES.chunk("0" * 64, 0),
        ):
            device.write(topic, b"{}")
        assert set(kept(broker, NAMES.base + "/#")) == {NAMES.device("board-1", name) for name in ("online", "status")}
    status, told = publish("release", image, user="board-1")
    assert (status, told.partition("]")[0]) == (2, "error[not_kept")


def test_releases_outlive_a_restart_of_the_broker(broker, publish, image):
    publish("release", image)
    broker.restart()
    assert set(kept(broker, NAMES.release())) == {NAMES.release()}


def test_watcher_outlives_a_restart_of_the_broker(broker, publish, image):
    with Line(Where("127.0.0.1", broker.port, "maker", "secret")) as line:
        line.listen(NAMES.base + "/#")
        broker.restart()
        publish("switch", "board-1", "forced", "on")
        end = time.monotonic() + 10
        while (message := line.next(0.1)) is None and time.monotonic() < end:
            pass
        assert message == (NAMES.device("board-1", "set/forced"), b"true")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("release", "missing"), "no_such_file"),
        (("release", __file__), "not_an_image"),
        (("release", "IMAGE", "--group", "a/b"), "bad_name"),
        (("release", "IMAGE", "--group", "a", "--device", "b"), "bad_place"),
        (("release", "IMAGE", "--url", "ftp://h/f"), "bad_url"),
        (("release", "IMAGE", "--title", "t" * 300), "bad_title"),
        (("release", "IMAGE", "--requires", "a newer one"), "bad_terms"),
        (("release", "IMAGE", "--chunk", "5"), "usage"),
        (("rollout", "IMAGE", "--stop-at", "ten"), "bad_percent"),
        (("rollout", "IMAGE", "--stop-at", "0"), "bad_percent"),
        (("groups", "a/b", "beta"), "bad_name"),
        (("switch", "board-1", "forced", "maybe"), "usage"),
        (("nonsense",), "usage"),
    ],
)
def test_wrong_input_is_one_line_and_exit_status_2(publish, image, arguments, code):
    status, err = publish(*(image if one == "IMAGE" else one for one in arguments))
    assert status == 2
    assert err.startswith(f"error[{code}]: ") and err.count("\n") == 1


def test_broker_that_is_not_there_or_lets_nobody_in(broker, publish):
    assert publish("take-back", user="nobody")[1].startswith("error[refused]: ")
    broker.kill()
    assert publish("take-back")[1].startswith("error[cannot_connect]: ")
