# SPDX-License-Identifier: MIT
"""Every HTTP fault of reliability.md, group F, as a story of the whole agent: packages that are a link (A30)."""

import pytest

from simulator.clouds.thingsboard.checksums import checksum
from tests.agent.harness import GOOD, SECTOR, World, firmware, small_app
from tests.agent.web import Web

URL = "http://files.example/thermometer/1.1.0.bin"
DATA = firmware("1.1.0")
FACTS = {"size": len(DATA), "algorithm": "SHA256", "checksum": checksum("SHA256", DATA)}
OTHER = bytes(byte ^ 1 for byte in DATA[SECTOR:])  # behind a first sector that is the same


@pytest.fixture
def web(world: World) -> Web:
    return serve(world, "files.example")


def serve(world: World, host: str) -> Web:
    web = Web(DATA)
    world.twin.net.serve(host, 80, web)
    return web


def offer(world: World, url: str = URL, **facts) -> None:
    world.offer(url=url, **{**FACTS, **facts})


def is_well(world: World) -> bool:
    return world.states == [*GOOD] and world.runs == ("1.1.0", "ota_1")


def test_f085_a_server_that_forgot_the_range_is_asked_for_everything(world, web):
    web.cuts = [50_000]
    offer(world)
    world.wait(lambda: len(web.requests) == 1)
    web.raw = [b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n"]
    world.wait("UPDATED")
    assert is_well(world)
    assert web.requests == [0, 12 * SECTOR, 0]


def test_f089_a_body_without_a_length_is_installed(world, web):
    web.framing = "none"
    web.cuts = [50_000]
    offer(world)
    world.wait("UPDATED")
    assert is_well(world)
    assert web.requests == [0, 12 * SECTOR]


@pytest.mark.parametrize("rows", ["Content-Length: ten", "Content-Length: -1"])
def test_f090_a_length_that_is_none_ends_in_failed(world, web, rows):
    web.framing, web.headers = "none", [rows]
    offer(world)
    world.wait("FAILED", 1200)
    assert world.errors == ["http_bad_answer: bad length"]


def test_f090_two_lengths_end_in_failed(world, web):
    web.headers = [f"Content-Length: {len(DATA)}"]
    offer(world)
    world.wait("FAILED", 1200)
    assert world.errors == ["http_bad_answer: two lengths"]


def test_f091_a_chunked_body_is_installed_and_resumed(world, web):
    web.framing = "chunked"
    web.cuts = [50_000]
    offer(world)
    world.wait("UPDATED")
    assert is_well(world)
    assert web.requests == [0, 12 * SECTOR]


def test_f091_chunks_that_are_none_end_in_failed(world, web):
    web.framing, web.headers = "none", ["Transfer-Encoding: chunked"]
    offer(world)
    world.wait("FAILED", 1200)
    assert world.errors == ["http_bad_answer: bad chunk"]
    assert not any(world.erases("ota_1"))


def test_f092_a_body_that_was_coded_is_never_stored(world, web):
    web.headers = ["Content-Encoding: gzip"]
    offer(world)
    world.wait("FAILED", 1200)
    assert world.errors == ["http_encoded"]
    assert not any(world.erases("ota_1"))
    assert web.asked[0][1]["accept-encoding"] == "identity"


def test_f093_a_head_without_end_is_refused(world, web):
    web.headers = ["X: y"] * 20_000
    offer(world)
    world.wait("FAILED", 1200)
    assert world.errors == ["http_bad_answer: head too long"]


def test_f094_a_body_without_end_stops_at_the_size(world, web):
    web.framing, web.data = "none", DATA + b"x" * 100_000
    offer(world)
    world.wait("UPDATED")
    assert is_well(world)


def test_f095_redirects_lead_to_another_host_and_keep_the_range(world, web):
    mirror = serve(world, "mirror.example")
    mirror.cuts = [50_000]
    web.status, web.headers = "302 Found", ["Location: /elsewhere"]
    web.raw = [b"HTTP/1.1 307 Temporary Redirect\r\nLocation: //mirror.example/a/b\r\nContent-Length: 0\r\n\r\n"]
    web.raw *= 3
    offer(world)
    world.wait("UPDATED")
    assert is_well(world)
    assert [path for path, _ in mirror.asked] == ["/a/b"] * 2
    assert mirror.requests == [0, 12 * SECTOR]


def test_f095_a_loop_of_redirects_ends_in_failed(world, web):
    web.status, web.headers = "301 Moved Permanently", ["Location: 1.1.0.bin"]
    offer(world)
    world.wait("FAILED")
    assert world.errors == ["http_redirects: more than 5"]
    assert len(web.requests) == 6
    assert {path for path, _ in web.asked} == {"/thermometer/1.1.0.bin"}


def test_f097_a_file_that_is_gone_is_asked_for_once(world, web):
    web.status = "410 Gone"
    offer(world)
    world.wait("FAILED")
    world.settle(60)
    assert (world.errors, len(web.requests)) == (["http_410"], 1)


@pytest.mark.parametrize(
    ("status", "after", "wait_s"),
    [("503 Service Unavailable", "Retry-After: 90", 90), ("429 Too Many Requests", "Retry-After: 315360000", 600)],
)
def test_f098_a_busy_server_gets_the_time_it_asks_for(world, web, status, after, wait_s):
    web.raw = [f"HTTP/1.1 {status}\r\n{after}\r\nContent-Length: 0\r\n\r\n".encode()]
    offer(world)
    world.wait(lambda: len(web.requests) == 1)
    asked = world.twin.clock.now_ms()
    world.wait(lambda: len(web.requests) == 2, 1200)
    assert wait_s <= (world.twin.clock.now_ms() - asked) / 1000 < wait_s + 10
    world.wait("UPDATED")
    assert is_well(world)
    assert len(world.seen("connect")) == 2  # before the reset, and after it: the line to the cloud stayed up


def test_f098_a_server_that_is_busy_for_ever_ends_in_one_failed(world, web):
    web.status, web.headers = "503 Service Unavailable", ["Retry-After: 1"]
    offer(world)
    world.wait("FAILED", 1200)
    world.settle()
    assert (world.ends, world.errors) == (["FAILED"], ["http_503"])
    assert len(web.requests) <= 18


def test_f100_another_file_under_the_same_name_is_fetched_from_its_start(world, web):
    web.data, web.tag, web.cuts = DATA[:SECTOR] + OTHER, '"one"', [50_000]
    offer(world)
    world.wait(lambda: len(web.requests) == 1)
    web.data, web.tag = DATA, '"two"'
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_1")
    assert web.requests == [0, 12 * SECTOR, 0]
    assert web.asked[1][1]["if-range"] == '"one"'
    assert world.logged("warning code=http_changed") == 1


def test_f100_a_file_with_the_same_tag_goes_on(world, web):
    web.tag, web.cuts = '"one"', [50_000]
    offer(world)
    world.wait("UPDATED")
    assert is_well(world)
    assert web.requests == [0, 12 * SECTOR]


def test_f101_a_server_that_hangs_up_all_the_time_costs_no_byte_twice(world, web):
    web.cuts = [3 * SECTOR] * 8
    offer(world)
    world.wait("UPDATED")
    assert web.requests == [n * 3 * SECTOR for n in range(9)]
    assert web.sent == len(DATA)


def test_f102_a_head_that_trickles_is_given_up_and_tried_again(world, web):
    web.pace_ms, web.piece = 5000, 1
    offer(world)
    world.wait(lambda: world.logged("warning code=http_slow") == 1)
    web.pace_ms = 0
    world.wait("UPDATED")
    assert is_well(world)


def test_f102_a_body_that_trickles_is_given_up_and_never_blocks_the_product(make_world):
    world = make_world(firmware("1.0.0", product="controls"))
    web = serve(world, "files.example")
    web.pace_ms, web.piece = 2000, 50
    offer(world)
    world.wait(lambda: world.logged("warning code=http_slow") == 1)
    assert max(world.told("pause_ms")) <= 150
    web.pace_ms = 0
    world.wait("UPDATED")


def test_f102_a_slow_but_steady_server_is_good_enough(world, web):
    web.data = small_app(20_000)
    web.pace_ms, web.piece = 300, 100
    offer(world, size=20_000, checksum=checksum("SHA256", web.data))
    world.wait("UPDATING", 1200)
    assert web.requests == [0]


def test_f104_a_url_of_two_kibibytes_is_asked_for_as_it_is_and_never_logged(world, web):
    path = "/a%20b/" + "%41" * 400 + "?token=" + "s3cret" * 100
    offer(world, "http://files.example" + path)
    world.wait("UPDATED")
    assert is_well(world)
    assert web.asked[0][0] == path
    assert not world.logged("s3cret")


def test_f104_a_url_with_a_line_break_cannot_smuggle_a_header(world, web):
    offer(world, "http://files.example/x\r\nX-Admin: yes")
    world.wait("FAILED")
    assert world.errors == ["bad_url"]
    assert web.asked == []


def test_a30_while_the_image_comes_over_http_the_cloud_is_listened_to(world, web):
    web.pace_ms, web.piece = 50, 512
    offer(world)
    world.wait("DOWNLOADING")
    world.pass_time(3)
    world.unassign()
    world.wait("FAILED")
    assert world.errors == ["unassigned"]
    assert web.sent and "DOWNLOADED" not in world.states


def test_a_web_server_that_breaks_off_costs_no_connection_to_the_cloud(world, web):
    web.cuts = [2 * SECTOR] * 5
    offer(world)
    world.wait("UPDATED", 1200)
    assert is_well(world)
    assert web.requests == [2 * SECTOR * part for part in range(6)]
    assert len(world.seen("connect")) == 2  # before and after the reset
    assert not world.logged("duplicate credentials")
    assert not world.logged("ota offline")


def test_a_web_server_that_is_away_leaves_the_product_its_calls_and_is_waited_for_ever_longer(world, web):
    web.status = "404 Not Found"  # to those who ask for what is not there
    web.raw = [b""] * 4  # and before that, hangs up
    world.settle(40)
    offer(world)
    world.wait(lambda: len(web.requests) == 1)
    began = world.twin.now_ms
    world.wait(lambda: len(web.requests) == 3)
    world.call("status")
    world.settle(3)
    assert world.seen("rpc_response")
    world.wait("FAILED", 1200)
    assert world.twin.now_ms - began > 15_000  # 1, 2, 4 and 8 seconds, and a little by chance
    assert world.errors == ["http_404"]
    assert len(world.seen("connect")) == 1
