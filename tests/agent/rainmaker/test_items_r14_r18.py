# SPDX-License-Identifier: MIT
"""Items 14 to 18 of rainmaker.md section 11: what an image has to be, and what happens when it does not come."""

import functools
from urllib.parse import parse_qsl

import pytest

from simulator.board import archive, image_writer
from simulator.board.build import compile_tree
from simulator.breakage import FIRMWARE, TITLE
from simulator.clouds.rainmaker.urls import Denied
from tests.agent.board_world import firmware
from tests.agent.rm_world import FILES, GOOD, PROGRESS, RainMakerWorld, authority
from tests.agent.web import Web

HTML = b"<!DOCTYPE html><html><body>Please log in to this network</body></html>" * 100


def rejected(world: RainMakerWorld, reason: str) -> None:
    """The job ended as rejected, at once and for good, and the spare slot was not touched."""
    world.wait("rejected")
    world.settle(1000)
    assert world.statuses() == [PROGRESS, "rejected"]
    assert world.infos("rejected")[0].startswith(reason)
    assert not world.erased
    assert len(world.fetches) == 1


def test_r14_same_version_is_rejected_before_anything_is_erased(world: RainMakerWorld) -> None:
    world.offer("9.9.9", firmware("1.0.0"))  # the image decides, whatever the job calls it
    rejected(world, "same_version")


def test_r14_downgrade_is_accepted(make_world) -> None:
    world = make_world(firmware("2.0.0"))
    world.offer("1.1.0")
    world.wait("success")
    assert world.statuses() == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")


def test_r14_job_that_calls_a_new_image_by_the_running_version_is_installed(world: RainMakerWorld) -> None:
    world.offer("1.0.0", firmware("1.1.0"))
    world.wait("success")
    assert world.runs == ("1.1.0", "ota_1")
    assert world.node.config["info"]["fw_version"] == "1.1.0"


@functools.cache
def stock(number: int) -> bytes:
    """Our modules in released MicroPython: without project and version in its descriptor, and without version.py."""
    return image_writer.build(archive.pack(compile_tree(FIRMWARE) | {"number.py": b"%d" % number}))


def test_r14_stock_micropython_has_one_version_for_all_so_that_of_the_job_counts(make_world) -> None:
    world = make_world(stock(1))
    world.wait_online()
    assert world.said("otafetch")[0][1]["fw_version"] == "unknown"
    first = world.offer("1.1.0", stock(2), force_push=True)
    world.wait("success")
    assert world.statuses(first) == [*GOOD]
    assert world.node.config["info"]["fw_version"] == "1.1.0"
    erases = world.erases("ota_0")
    second = world.offer("1.1.0", stock(3))
    world.wait("rejected")
    assert world.statuses(second) == [PROGRESS, "rejected"]
    assert world.infos("rejected") == ["same_version"]
    assert world.erases("ota_0") == erases


def test_r15_other_project_is_rejected(world: RainMakerWorld) -> None:
    world.offer("1.1.0", image_writer.build(b"", "toaster", "1.1.0", size=50_000))
    rejected(world, "wrong_project")


def test_r15_image_for_another_chip_is_rejected(world: RainMakerWorld) -> None:
    world.offer("1.1.0", image_writer.build(b"", TITLE, "1.1.0", "esp32s3", size=50_000))
    rejected(world, "wrong_chip")


def test_r15_image_larger_than_the_slot_is_rejected(world: RainMakerWorld) -> None:
    world.push_online({"ota_job_id": "J1", "url": f"https://{FILES}/a", "file_size": 0x190000})
    world.wait("rejected")
    assert world.infos("rejected") == ["slot_too_small"]
    assert world.web.asked == []


@pytest.mark.parametrize("data", [HTML, b"\0" * 5000, b"\xe9"], ids=["html", "zeros", "short"])
def test_r15_garbage_instead_of_an_image_is_failed_and_not_rejected(make_world, data: bytes) -> None:
    world = make_world()
    world.offer("1.1.0", data)
    world.wait(lambda: world.statuses().count("failed") == 3)
    assert world.statuses() == [PROGRESS, "failed"] * 3
    assert not world.erased


def test_r16_download_that_breaks_is_tried_three_times_then_asked_for_after_five_minutes(world: RainMakerWorld) -> None:
    job = world.offer("1.1.0")
    world.web.status = "404 Not Found"
    world.wait(lambda: world.statuses().count("failed") == 3)
    at = world.said("otastatus")[-1][0]
    assert world.statuses(job) == [PROGRESS, "failed"] * 3
    assert world.infos("failed") == ["http_404"] * 3
    assert ["attempt 2" in info for info in world.infos(PROGRESS)] == [False, True, False]
    world.web.status = None
    world.wait("success")
    assert 299 <= world.fetches[1] - at <= 303
    assert world.statuses(job)[6:] == [*GOOD]


def test_r16_attempt_goes_on_by_itself_where_it_broke_off(world: RainMakerWorld) -> None:
    world.offer("1.1.0")
    world.web.cuts = [50_000, 60_000]
    world.wait("success")
    assert world.statuses() == [*GOOD]
    assert world.web.requests[1:] == [49152, 49152 + 57344]


def break_off(world: RainMakerWorld) -> None:
    """An attempt that breaks off at 50 kB and fails; then the server is well again."""
    world.offer("1.1.0")
    world.web.cuts = [50_000]
    world.wait_log("ota warning code=link_lost")
    world.web.status = "404 Not Found"
    world.wait("failed")
    world.web.status = None
    world.wait("success")
    assert world.statuses()[:2] == [PROGRESS, "failed"]


def test_r16_next_attempt_takes_up_what_flash_holds_of_the_same_bytes(world: RainMakerWorld) -> None:
    break_off(world)
    assert 0 not in world.web.requests[1:]


def test_r16_without_a_checksum_the_next_attempt_begins_anew(make_world) -> None:
    world = make_world(send_md5=False)
    break_off(world)
    assert world.web.requests[-1] == 0


class Expiring(Web):
    """Serves a URL of the cloud's only while it is valid."""

    def __init__(self, world: RainMakerWorld) -> None:
        super().__init__(world.web.data)
        self._world = world

    def _answer(self, request: str) -> bytes:
        path, _, query = request.split(" ")[1].partition("?")
        try:
            self._world.cloud.signer.check("GET", path, dict(parse_qsl(query)), self._world.twin.now_ms)
            self.status = None
        except Denied:
            self.status = "403 Forbidden"
        return super()._answer(request)


def test_r17_expired_url_fails_and_the_next_question_brings_a_fresh_one(make_world) -> None:
    world = make_world(url_valid_s=60)
    job = world.offer("1.1.0")
    web = Expiring(world)
    world.twin.net.serve(FILES, 443, web, authority().chain(FILES))
    world.cloud.add_fault("otaurl:delay=90000")
    world.wait(lambda: world.statuses().count("failed") == 3)
    assert world.infos("failed") == ["http_403"] * 3
    world.wait("success")
    assert world.statuses(job) == [*[PROGRESS, "failed"] * 3, *GOOD]
    assert len({path for path, _ in web.asked}) == 2
    assert web.requests == [0, 0, 0, 0]


def test_r17_reset_in_the_midst_goes_on_with_the_fresh_url(world: RainMakerWorld) -> None:
    world.offer("1.1.0")
    world.wait_flash("write", 20 * 4096)
    world.twin.cut()
    world.wait("success")
    assert world.web.requests == [0, 20 * 4096]
    assert len({path for path, _ in world.web.asked}) == 2


def test_r18_redirect_to_another_https_host_is_followed(world: RainMakerWorld) -> None:
    world.offer("1.1.0")
    other = Web(world.web.data)
    world.twin.net.serve("mirror.example", 443, other, authority().chain("mirror.example"))
    world.web.status, world.web.headers = "302 Found", ["Location: https://mirror.example/b"]
    world.wait("success")
    assert world.statuses() == [*GOOD]
    assert [path for path, _ in other.asked] == ["/b"]


@pytest.mark.parametrize("allowed", [0, 1])
def test_r18_redirect_to_http_is_refused_unless_allowed(make_world, allowed: int) -> None:
    world = make_world(settings={"allow_http": allowed})
    world.offer("1.1.0")
    other = Web(world.web.data)
    world.twin.net.serve("mirror.example", 80, other)
    world.web.status, world.web.headers = "302 Found", ["Location: http://mirror.example/b"]
    world.wait("success" if allowed else "failed")
    assert bool(other.asked) == bool(allowed)
    assert world.infos("failed") == ([] if allowed else ["http_downgrade: https leads to http"])


def test_r18_plain_http_from_the_start_is_refused_unless_allowed(world: RainMakerWorld) -> None:
    world.push_online({"ota_job_id": "J1", "url": "http://mirror.example/b", "file_size": 5000})
    world.wait("failed")
    assert world.infos("failed") == ["bad_url"]
