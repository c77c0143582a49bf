# SPDX-License-Identifier: MIT
"""thingsboard.md 8.1, A30: packages that are only a link."""

import pytest

from simulator.clouds.thingsboard.checksums import checksum
from tests.agent.harness import GOOD, SECTOR, World, firmware
from tests.agent.web import Web

URL = "http://files.example/thermometer/1.1.0.bin"
DATA = firmware("1.1.0")
FACTS = {"size": len(DATA), "algorithm": "SHA256", "checksum": checksum("SHA256", DATA)}


@pytest.fixture
def web(world: World) -> Web:
    return serve(world)


def serve(world: World) -> Web:
    web = Web(DATA)
    world.twin.net.serve("files.example", 80, web)
    return web


def test_a30_a_link_with_size_and_checksum_is_installed_like_an_upload(world, web):
    world.offer(url=URL, **FACTS)
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")
    assert web.requests == [0]
    assert not world.seen("chunk_request")


def test_a30_a_link_without_checksum_is_refused_by_default(world, web):
    world.offer(url=URL, size=len(DATA))
    world.wait("FAILED")
    assert world.states == ["FAILED"]
    assert world.errors == ["no_checksum"]
    assert web.requests == []


def test_a30_a_link_as_the_dashboard_makes_it_is_refused(world, web):
    world.offer(url=URL)
    world.wait("FAILED")
    assert world.states == ["FAILED"]
    assert web.requests == []


def test_a30_a_product_may_trust_links_without_checksum(make_world):
    world = make_world(firmware("1.0.0", product="controls"), settings={"trusting": 1})
    serve(world)
    world.offer(url=URL, size=len(DATA))
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_1")


def test_a30_a_link_to_other_bytes_is_caught(world, web):
    web.data = DATA[:5000] + bytes([DATA[5000] ^ 1]) + DATA[5001:]
    world.offer(url=URL, **FACTS)
    world.wait("FAILED")
    assert world.errors == ["checksum_mismatch: SHA256"]
    assert len(web.requests) == 2


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://files.example/a.bin", "bad_url"),
        ("https://files.example/a.bin", "tls_no_ca"),
        ("nonsense", "bad_url"),
    ],
)
def test_a30_other_schemes_are_refused(world, web, url, code):
    world.offer(url=url, **FACTS)
    world.wait("FAILED")
    world.settle()
    assert world.ends == ["FAILED"]
    assert world.errors[0].split(":")[0] == code
    assert web.requests == []


def test_a30_a_broken_download_goes_on_where_it_broke(world, web):
    web.cuts = [50_000, 20_000]
    world.offer(url=URL, **FACTS)
    world.wait("UPDATED")
    assert web.requests == [0, 12 * SECTOR, 16 * SECTOR]
    assert web.sent <= len(DATA) + 2 * SECTOR


def test_a30_a_server_without_ranges_is_read_from_the_start(world, web):
    web.ranges = False
    web.cuts = [50_000]
    world.offer(url=URL, **FACTS)
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert len(web.requests) == 2


def test_a30_a_wrong_length_is_not_downloaded(world, web):
    web.length = len(DATA) + 1
    world.offer(url=URL, **FACTS)
    world.wait("FAILED", 1200)
    assert world.ends == ["FAILED"]
    assert world.errors[0].startswith("http_wrong_size")
    assert "DOWNLOADED" not in world.states


@pytest.mark.parametrize(
    ("status", "code"),
    [("404 Not Found", "http_404"), ("302 Found", "http_302"), ("503 Service Unavailable", "http_503")],
)
def test_a30_a_server_that_has_no_such_file_ends_in_one_failed(world, web, status, code):
    web.status = status
    world.offer(url=URL, **FACTS)
    world.wait("FAILED", 1200)
    world.settle()
    assert world.ends == ["FAILED"]
    assert world.errors == [code]


def test_a30_a_checksum_without_algorithm_is_told_by_its_length(world, web):
    world.offer(url=URL, **{**FACTS, "algorithm": None})
    world.wait("UPDATED")


def test_a30_a_power_cut_in_the_middle_resumes_by_range(world, web):
    world.offer(url=URL, **FACTS)
    world.wait_flash("write", 20 * SECTOR)
    world.twin.cut()
    world.wait("UPDATED")
    assert web.requests[0] == 0
    assert web.requests[1] in (20 * SECTOR, 21 * SECTOR)


@pytest.mark.parametrize("order", ["deleted-first", "update-first"])
def test_a30_an_upload_after_a_link_never_uses_the_old_link(make_world, order):
    world = make_world(push_order=order)
    web = serve(world)
    web.status = "503 Service Unavailable"
    world.offer(url=URL, **FACTS)
    world.wait("DOWNLOADING")
    asked = len(web.requests)
    world.offer("1.2.0")
    world.wait("UPDATED")
    assert world.ends == ["UPDATED"]
    assert world.runs == ("1.2.0", "ota_1")
    assert len(web.requests) <= asked + 1


def test_a30_a_new_link_to_the_same_image_is_used(world, web):
    web.status = "503 Service Unavailable"
    package = world.offer(url=URL, **FACTS)
    world.wait("DOWNLOADING")
    other = Web(DATA)
    world.twin.net.serve("mirror.example", 80, other)
    world.push(**package.attributes()[0] | {"fw_url": "http://mirror.example/1.1.0.bin"})
    world.wait("UPDATED")
    assert other.requests == [0]
