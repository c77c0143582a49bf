# SPDX-License-Identifier: MIT
"""Items 30 to 35 of lwm2m.md, section 9: an image that is pulled, over bad lines and from odd servers."""

from itertools import pairwise

import pytest

from simulator.clouds.lwm2m import FileManners, coap
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, WEB, LwWorld

SMALL = small_app(30_000)
K = 1024


def holds(world: LwWorld, data: bytes = SMALL) -> None:
    world.wait_state(DOWNLOADED, 0)
    assert world.slot_holds("ota_1", data)


@pytest.mark.parametrize(
    "manners",
    [
        FileManners(block=64),
        FileManners(block=256, etag="off"),
        FileManners(block=1024, tells_size=False),
        FileManners(block=512, etag="off", tells_size=False, separate_ms=300),
    ],
    ids=["64", "no-etag", "no-size", "separate"],
)
def test_l30_the_server_chooses_the_size_of_blocks(world: LwWorld, manners: FileManners) -> None:
    world.cloud.files.manners = manners
    world.start()
    assert world.pull(data=SMALL) == "2.04"
    holds(world)
    requests = [message for _, _, message in world.said(coap.GET)]
    assert requests[0].opt.block2 is None
    assert {message.opt.block2.size for message in requests[1:]} == {manners.block}
    assert world.fetched() == list(range(-(-len(SMALL) // manners.block)))


def test_l30_the_server_lowers_the_size_of_blocks_on_the_way(world: LwWorld) -> None:
    world.start()
    assert world.pull(data=SMALL) == "2.04"
    world.wait(lambda: len(world.fetched()) >= 10)
    world.cloud.files.manners = FileManners(block=256)
    holds(world)
    sizes = [message.opt.block2.size for _, _, message in world.said(coap.GET)[1:]]
    assert sizes == sorted(sizes, reverse=True)
    assert set(sizes) == {1024, 256}


def test_l31_a_server_that_falls_silent(world: LwWorld) -> None:
    world.start()
    world.cloud.add_fault("file=5x*:drop")
    assert world.pull(data=SMALL) == "2.04"
    world.wait_state(0, 4)
    tries: dict[int, list[int]] = {}
    for at, link, message in world.said(coap.GET):
        if message.opt.block2 is not None and message.opt.block2.start == 5 * K:
            tries.setdefault(link, []).append(at)
    one, *others = tries.values()
    assert len(one) == 5
    gaps = [after - before for before, after in pairwise(one)]
    assert 2000 <= gaps[0] <= 3060
    assert all(1.9 * before <= after <= 2.1 * before for before, after in pairwise(gaps))
    assert others
    said = [event for event in world.twin.story.events if event["event"] == "console"]
    ends = [event["ms"] for event in said if "warning code=coap_silence" in event["line"]]
    assert world.told[-1] == (0, 4)
    assert all(end - sends[0] <= 93_500 for sends, end in zip(tries.values(), ends, strict=True))  # 31 times 3 s
    world.clear_faults()
    assert world.pull(data=SMALL) == "2.04"
    holds(world)


def test_l31_stalls_that_are_far_apart_do_not_add_up(world: LwWorld) -> None:
    for block in (5, 11, 17, 23, 28):
        world.cloud.add_fault(f"file={block}x5:drop")
    world.start()
    assert world.pull(data=SMALL) == "2.04"
    world.wait_state(DOWNLOADED, 0, 1200)
    assert world.slot_holds("ota_1", SMALL)
    assert world.logged("code=coap_silence") == 5


@pytest.mark.parametrize("scheme", ["coap", "http"])
@pytest.mark.parametrize("is_back", [True, False])
def test_l31_a_name_server_that_is_gone_on_the_way(world: LwWorld, scheme: str, is_back: bool) -> None:
    """A name that meant something is no wrong one when the line breaks and nobody answers for it."""
    world.start()
    if scheme == "coap":
        world.cloud.add_fault("file=12x5:drop")
        assert world.pull(data=SMALL) == "2.04"
        world.wait(lambda: len(world.fetched()) >= 10)
    else:
        world.web.data, world.web.tag, world.web.cuts = SMALL, '"one"', [20_000]
        assert world.code(world.device.write("/5/0/1", f"http://{WEB}/app.bin")) == "2.04"
        world.wait(lambda: bool(world.web.asked))
    world.twin.net.is_resolving = False
    world.wait_log("ota warning code=connect_failed")
    assert world.state == (1, 0)
    if not is_back:
        world.wait_state(0, 4)
        return
    world.twin.net.is_resolving = True
    holds(world)


def cut_in_the_midst(world: LwWorld, data: bytes, blocks: int) -> None:
    """Begins a pull; the power goes when so many blocks have come."""
    world.start()
    assert world.pull(data=data) == "2.04"
    world.wait(lambda: len(world.fetched()) >= blocks)
    world.twin.cut()


def first_after_boot(world: LwWorld, fetched: int) -> int:
    """The block that is asked for first after what was fetched before."""
    world.wait(lambda: len(world.fetched()) > fetched)
    return world.fetched()[fetched]


@pytest.mark.parametrize("tells_size", [True, False])
def test_l32_after_a_power_cut_it_goes_on_with_the_same_bytes(world: LwWorld, tells_size: bool) -> None:
    data = small_app(90_000)
    world.cloud.files.manners = FileManners(tells_size=tells_size)
    cut_in_the_midst(world, data, 50)
    before = len(world.fetched())
    assert first_after_boot(world, before) in (44, 48)  # whole sectors; the last may have been in doubt
    holds(world, data)
    assert len(world.fetched()) < 1.2 * len(data) / K


@pytest.mark.parametrize("etag", ["on", "off"])
def test_l33_after_a_power_cut_other_bytes_begin_anew(world: LwWorld, etag: str) -> None:
    data, other = small_app(90_000), small_app(90_000, "1.2.0")
    world.cloud.files.manners = FileManners(etag=etag)
    cut_in_the_midst(world, data, 50)
    world.cloud.files.change(world.file, other)
    before = len(world.fetched())
    first = first_after_boot(world, before)
    assert first == 0 if etag == "off" else first > 0
    holds(world, other)
    assert world.fetched().count(0) == 2


@pytest.mark.parametrize("changes", [1, 2])
def test_l33_bytes_that_change_on_the_way_are_fetched_anew_once(world: LwWorld, changes: int) -> None:
    """Whoever changes them again is one whose bytes nobody gets whole."""
    world.cloud.files.manners = FileManners(etag="changing")
    world.start()
    assert world.pull(data=small_app(90_000)) == "2.04"
    if changes == 1:
        world.wait_state(DOWNLOADED, 0)
    else:
        world.wait(lambda: world.fetched().count(0) == 2)
        world.wait(lambda: world.fetched()[-1] > 10)
        world.cloud.files.change(world.file)
        world.wait_state(0, 4)
    assert world.logged("code=coap_changed") == changes
    assert world.fetched().count(0) == 2


@pytest.mark.parametrize("answer", ["206", "200", "412", "another tag"])
def test_l34_http_goes_on_or_begins_anew(world: LwWorld, answer: str) -> None:
    data = small_app(300_000)
    world.web.data, world.web.tag = data, '"one"'
    world.web.pace_ms = 50
    world.start()
    assert world.code(world.device.write("/5/0/1", f"http://{WEB}/app.bin")) == "2.04"
    world.wait_log("ota progress")
    world.pass_time(3)
    world.twin.cut()
    if answer == "200":
        world.web.ranges = False
    elif answer == "412":
        world.web.raw.append(b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    elif answer == "another tag":
        world.web.tag = '"two"'
    world.wait(lambda: len(world.seen("registered")) == 2)
    holds(world, data)
    asked = [headers.get("range") for _, headers in world.web.asked]
    assert asked[1].startswith("bytes=")
    assert world.web.asked[1][1]["if-range"] == '"one"'
    assert len(asked) == {"206": 2, "200": 2}.get(answer, 3)


def test_l35_updates_and_reads_in_the_midst_of_a_download(make_world) -> None:
    world = make_world(settings={"lifetime": 20})
    world.cloud.files.manners = FileManners(block=64, separate_ms=200)
    world.start()
    assert world.pull(data=SMALL) == "2.04"
    for _ in range(5):
        world.pass_time(7)
        before = world.twin.clock.now_ms()
        assert world.read("/5/0/3") == 1
        assert world.twin.clock.now_ms() - before < 1000
    assert not world.seen("gone")
    assert len(world.seen("updated")) >= 3
    holds(world)
