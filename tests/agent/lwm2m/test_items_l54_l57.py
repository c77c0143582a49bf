# SPDX-License-Identifier: MIT
"""Items 54, 55 and 57 of lwm2m.md, section 9: odd messages, two at once, and how urgent an update is."""

import pytest
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from simulator.clouds.core import Send
from simulator.clouds.lwm2m import coap
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, LwWorld, firmware

SMALL = small_app(30_000)


def say(world: LwWorld, message, kind: Type = coap.CON, mid: int = 0x7001, token: bytes = b"t") -> None:
    """The server says this, by itself, without a second time."""
    conn = world.device.peer.conn
    world.cloud.actions.append(Send(conn, coap.numbered(message, kind, mid, token).encode()))


def answers(world: LwWorld, mid: int) -> list:
    world.pass_time(2)
    return [m for _, _, m in world.sent if m.mid == mid and m.mtype in (Type.ACK, Type.RST)]


def ask(world: LwWorld, message, mid: int):
    """The same; the answer."""
    say(world, message, mid=mid)
    (answer,) = answers(world, mid)
    return answer


def test_l54_a_ping_is_answered_with_a_reset(world: LwWorld) -> None:
    world.start()
    say(world, coap.build(coap.EMPTY), mid=0x7001, token=b"")
    (answer,) = answers(world, 0x7001)
    assert (answer.mtype, answer.code) == (coap.RST, coap.EMPTY)


def test_l54_options_that_nobody_knows(world: LwWorld) -> None:
    world.start()
    for number, code, mid in ((2051, "4.02", 0x7002), (2050, "2.05", 0x7003)):
        message = coap.build(coap.GET, uri_path=("5", "0", "3"))
        message.opt.add_option(coap.option(number, b"x"))
        assert ask(world, message, mid).code.dotted == code


def test_l54_composite_operations_are_not_there(world: LwWorld) -> None:
    world.start()
    for code, mid in ((Code.FETCH, 0x7004), (Code.iPATCH, 0x7005)):
        message = coap.build(code, b'[{"n":"/5/0/3"}]', content_format=110, uri_path=("5", "0", "3"))
        assert ask(world, message, mid).code.dotted == "4.05"


def test_l54_what_needs_no_acknowledgement_is_answered_without_one(world: LwWorld) -> None:
    world.start()
    say(world, coap.build(coap.GET, uri_path=("5", "0", "3")), coap.NON, 0x7006, b"once")
    world.pass_time(5)
    (answer,) = [m for _, _, m in world.sent if m.token == b"once"]
    assert (answer.mtype, answer.code.dotted) == (coap.NON, "2.05")


def test_l54_what_is_no_message_or_has_no_place(world: LwWorld) -> None:
    world.start()
    for path, code in ((("5", "0", "x"), "4.04"), (("5", "0", "99999"), "4.04"), ((), "4.05")):
        say(world, coap.build(coap.GET, uri_path=path), mid=0x7100 + len(path))
        assert answers(world, 0x7100 + len(path))[-1].code.dotted == code
    for junk in (b"", b"\x00", b"\x42\x01", b"\xff" * 40, bytes(1400)):
        world.cloud.actions.append(Send(world.device.peer.conn, junk))
    world.pass_time(6)  # after an empty one MicroPython's socket is at its end, and another one takes its place
    assert world.state == (0, 0)
    assert len(world.seen("registered")) == 1


def test_l55_two_datagrams_at_once_are_two_messages(world: LwWorld) -> None:
    world.start()
    for mid in (0x7001, 0x7002):
        say(world, coap.build(coap.GET, uri_path=("5", "0", "3")), mid=mid, token=mid.to_bytes(2))
    assert [len(answers(world, mid)) for mid in (0x7001, 0x7002)] == [1, 1]


def test_l57_severity_and_how_long_it_may_be_deferred(world: LwWorld) -> None:
    world.start()
    severity, defer = "/5/0/11", "/5/0/13"
    expected = {(severity, 3): "4.00", (severity, -1): "4.00", (severity, 0): "2.04", (severity, 2): "2.04"}
    expected |= {(defer, -5): "4.00", (defer, 0): "2.04", (defer, 30): "2.04"}
    assert {one: world.code(world.device.write(*one)) for one in expected} == expected
    assert (world.read(severity), world.read(defer)) == (2, 30)
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    assert (world.read(severity), world.read(defer)) == (2, 30)


MAIN = """
from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.lwm2m import Lwm2m
from ota.journal import Journal

board = Board()
board.join("simulated", "")
journal = Journal(board.nvs)
cloud = Lwm2m(board, identity.running(board, journal))
agent = Agent(board, cloud, journal)
if cloud.identity[1] == "1.0.0":
    agent.disable_reset("pouring")
for _ in agent.steps():
    pass
"""


@pytest.mark.parametrize("seconds", [0, 40])
def test_an_order_that_the_product_defers(make_world, seconds: int) -> None:
    world = make_world(app=firmware("1.0.0", MAIN))
    world.start()
    if seconds:
        assert world.code(world.device.write("/5/0/13", seconds)) == "2.04"
        assert world.code(world.device.write("/5/0/11", 2)) == "2.04"
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.pass_time(120)  # only the order lets the time run
    assert world.execute() == "2.04"
    if not seconds:
        world.wait_state(DOWNLOADED, 11)
        assert world.told[-2:] == [(3, 0), (2, 11)]
        world.pass_time(600)
        assert world.state == (2, 11)
        assert world.execute() == "2.04"  # once more changes nothing
        world.wait_state(DOWNLOADED, 11)
        assert world.code(world.device.execute("/5/0/10")) == "2.04"
        assert world.state == (0, 10)
        return
    world.wait(lambda: len(world.seen("registered")) == 2, 120)
    world.wait_state(0, 1)
    assert world.told == [(1, 0), (2, 0), (3, 0), (2, 11), (3, 0), (0, 1)]


def test_a_deferred_order_outlives_a_power_cut(make_world) -> None:
    world = make_world(app=firmware("1.0.0", MAIN))
    world.start()
    assert world.code(world.device.write("/5/0/13", 1500)) == "2.04"  # a boot counts for 600 s
    assert world.code(world.device.write("/5/0/11", 2)) == "2.04"
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert world.execute() == "2.04"
    world.wait_state(DOWNLOADED, 11)
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.pass_time(60)
    assert world.state == (2, 11)
    world.wait(lambda: len(world.seen("registered")) == 3, 1500)
    world.wait_state(0, 1)
    assert world.told == [(1, 0), (2, 0), (3, 0), (2, 11), (3, 0), (0, 1)]
