# SPDX-License-Identifier: MIT
"""Items 36 to 41 of lwm2m.md, section 9: the order to install, what comes of it, and Cancel."""

import pytest

from simulator.board import tear
from simulator.board.flash import Tear
from simulator.breakage import package
from simulator.clouds.core import Send
from simulator.clouds.lwm2m import Style, coap, formats
from simulator.clouds.lwm2m.push import block_of
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, LwWorld, firmware


def downloaded(world: LwWorld, data: bytes | None = None) -> None:
    assert world.pull("1.1.0", data) == "2.04"
    world.wait_state(DOWNLOADED, 0)


def test_l36_the_order_counts_only_when_all_is_there(world: LwWorld) -> None:
    world.start()
    assert world.execute() == "4.05"
    assert world.pull("1.1.0") == "2.04"
    assert world.execute() == "4.05"
    world.wait_state(DOWNLOADED, 0)
    assert world.code(world.device.observe("/5/0/3")) == "2.05"
    orders = [world.device.execute("/5/0/2") for _ in range(2)]
    assert [world.code(order) for order in orders] == ["2.04", "4.05"]
    world.wait(lambda: len(world.seen("registered")) == 2)
    assert world.notified() == [3]
    assert (3, 0) in world.told
    told = next(event["at_ms"] for event in world.seen("sent") if event["values"]["/5/0/3"] == 3)
    assert told < world.seen("registered")[1]["at_ms"]


def test_l36_who_never_answers_is_waited_for_five_seconds(world: LwWorld) -> None:
    world.start()
    downloaded(world)
    world.cloud.add_fault("sendx20:drop")
    assert world.execute() == "2.04"
    since_ms = world.twin.now_ms
    world.wait_log("ota reset")
    assert 4000 < world.twin.now_ms - since_ms < 7000


def test_l37_success_is_told_in_three_ways(world: LwWorld) -> None:
    world.start()
    downloaded(world)
    world.install()
    assert world.state == (0, 1)
    assert world.version == "1.1.0"
    sent = world.seen("sent")[-1]["values"]
    assert (sent["/5/0/3"], sent["/5/0/5"], sent["/3/0/3"], sent["/3/0/19"]) == (0, 1, "1.1.0", "1.1.0")
    reply = world.ask(world.device.observe("/5/0", formats.SENML_CBOR))
    assert (reply.values["/5/0/3"], reply.values["/5/0/5"]) == (0, 1)
    assert world.runs == ("1.1.0", "ota_1")


@pytest.mark.own_process
def test_l38_a_new_image_that_does_not_work(make_world) -> None:
    world = make_world(settings={"trial_s": 60})
    world.start()
    downloaded(world, package("crash", "1.1.0", 900_000))
    world.install()
    assert world.state == (0, 8)
    assert (world.version, world.runs) == ("1.0.0", ("1.0.0", "ota_0"))
    assert world.told[-1] == (0, 8)


def test_l39_the_result_outlives_another_reset(world: LwWorld) -> None:
    world.start()
    downloaded(world)
    world.install()
    sent = len(world.told)
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 3)
    world.pass_time(5)
    assert world.state == (0, 1)
    assert len(world.told) == sent  # nothing has happened that anybody had to be told of
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    assert world.state == (0, 0)
    assert world.pull("1.2.0") == "2.04"
    assert world.state[1] == 0


def test_l40_cancel(world: LwWorld) -> None:
    def cancel() -> str:
        return world.code(world.device.execute("/5/0/10"))

    world.start()
    assert cancel() == "4.05"
    assert world.pull("1.1.0") == "2.04"
    assert cancel() == "2.04"
    assert world.state == (0, 10)
    downloaded(world)
    assert cancel() == "2.04"
    assert world.state == (0, 10)
    assert world.execute() == "4.05"
    downloaded(world)
    execute, late = world.device.execute("/5/0/2"), world.device.execute("/5/0/10")
    assert (world.code(execute), world.code(late)) == ("2.04", "4.05")
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.wait_state(0, 1)


def test_l40_cancel_while_a_block_waits(world: LwWorld) -> None:
    """Each of the two is answered under its own name, whichever of them is done first."""
    world.start()
    block = block_of(small_app(9_008), 0, Style())
    cancel = coap.build(coap.POST, uri_path=coap.segments("/5/0/10"))
    for message, mid in ((block, 0x7001), (cancel, 0x7002)):
        sent = coap.numbered(message, coap.CON, mid, mid.to_bytes(2)).encode()
        world.cloud.actions.append(Send(world.device.peer.conn, sent))
    world.pass_time(3)
    answers = {m.mid: m for _, _, m in world.sent if m.mid in (0x7001, 0x7002)}
    assert {mid: (m.code.dotted, m.token) for mid, m in answers.items()} == {
        0x7001: ("4.00", b"\x70\x01"),
        0x7002: ("2.04", b"\x70\x02"),
    }
    assert (answers[0x7001].opt.block1 is None, answers[0x7002].opt.block1) == (False, None)
    assert world.state == (0, 10)
    downloaded(world)


def test_l41_once_it_is_installed_nothing_takes_it_back(world: LwWorld) -> None:
    world.start()
    downloaded(world)
    device = world.device
    execute = device.execute("/5/0/2")
    uri, whole = device.write("/5/0/1", ""), device.put("/5/0/0", b"\0", formats.OCTETS)
    assert [world.code(one) for one in (execute, uri, whole)] == ["2.04", "4.05", "4.05"]
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.wait_state(0, 1)


def test_what_is_downloaded_outlives_a_power_cut(world: LwWorld) -> None:
    world.start()
    data = firmware("1.1.0")
    assert world.push(data) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    erased = world.erases("ota_1")
    for _ in range(12):  # more often than a job may be started without an end
        world.twin.cut()
        before = len(world.seen("registered"))
        world.wait(lambda before=before: len(world.seen("registered")) > before)
        world.pass_time(10)
        assert world.state == (2, 0)
    assert world.read("/5/0/7") == "1.1.0"
    assert world.erases("ota_1") == erased
    world.install()
    assert world.state == (0, 1)
    assert world.runs == ("1.1.0", "ota_1")


def test_a_push_does_not_outlive_a_power_cut(world: LwWorld) -> None:
    world.start()
    world.device.push(firmware("1.1.0"))
    world.wait_log("ota progress")
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.pass_time(5)
    assert world.state == (0, 4)
    assert world.told[-1] == (0, 4)


def test_an_order_that_a_power_cut_has_overtaken_is_given_again(world: LwWorld) -> None:
    """lwm2m.md 7: power lost in State 3 before the switch."""
    world.start()
    downloaded(world)
    lose_power_at_the_switch(world)
    world.device.execute("/5/0/2")
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.pass_time(30)
    assert world.state == (2, 0)
    assert world.told[-1] == (2, 0)
    assert world.runs == ("1.0.0", "ota_0")
    world.install()
    assert world.state == (0, 1)
    assert world.runs == ("1.1.0", "ota_1")


def lose_power_at_the_switch(world: LwWorld) -> None:
    """Right before the choice of a slot is written."""
    records, flash = world.partition("otadata"), world.twin.flash

    def cut(kind: str, address: int, size: int) -> Tear | None:
        if not records.offset <= address < records.offset + records.size:
            return None
        flash.on_op = None
        return tear.prefix(0)

    flash.on_op = cut
