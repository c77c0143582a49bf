# SPDX-License-Identifier: MIT
"""The last block of a push is answered when all of it is verified, or refused: whoever has that answer finds State as
it is to be (lwm2m.md 2.3). Meanwhile the board says only that the block has come."""

import pytest

from simulator.clouds.lwm2m import Style, coap
from simulator.clouds.lwm2m.objects import INSTALL, SW_PACKAGE
from simulator.clouds.lwm2m.push import block_of
from simulator.clouds.lwm2m.requests import Operation
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, IDLE, LwWorld, firmware
from tests.agent.lwm2m.test_items_l54_l57 import answers, say
from tests.agent.lwm2m.test_software import package

SMALL = small_app(40_000)
LAST = 39  # block of it
# A board that takes `ms` to read a sector back.
MAIN = """
from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.lwm2m import Lwm2m
from ota.journal import Journal

board = Board()
board.join("simulated", "")
journal = Journal(board.nvs)
agent = Agent(board, Lwm2m(board, identity.running(board, journal)), journal)
slot = agent.tracks[0].slot
read = slot.read


def read_slowly(index, buf):
    board.sleep_ms(%d)
    read(index, buf)


slot.read = read_slowly
for _ in agent.steps():
    pass
"""


def in_work(make_world) -> tuple[LwWorld, Operation]:
    """A world where all has come and is being verified, and the last block: it has been acknowledged, no more."""
    world = make_world(app=firmware("1.0.0", MAIN % 600))
    world.start()
    for number in range(LAST):
        assert world.code(world.device.push_block(SMALL, number, Style())) == "2.31"
    last = world.device.push_block(SMALL, LAST, Style())
    world.wait(lambda: world.sent[-1][2].code == coap.EMPTY, 30)
    assert last.reply is None
    return world, last


@pytest.mark.parametrize("ms", [0, 20])
def test_who_executes_right_on_the_answer_is_right(make_world, ms: int) -> None:
    world = make_world(app=firmware("1.0.0", MAIN % ms))
    world.start()
    orders = []
    pushed = world.device.push(firmware("1.1.0"))
    pushed.then(lambda reply: orders.append(world.device.execute("/5/0/2")))
    world.wait(lambda: orders and orders[0].reply is not None)
    assert (str(pushed.reply), str(orders[0].reply)) == ("2.04", "2.04")
    kinds = [m.mtype for _, _, m in world.sent if m.opt.block1 is not None and not m.opt.block1.more]
    assert kinds == [coap.CON if ms else coap.ACK]
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.wait_state(IDLE, 1)


def test_a_package_is_delivered_when_its_last_block_is_answered(make_world) -> None:
    world = make_world()
    world.start()
    seen = []
    pushed = world.device.push(package(), None, SW_PACKAGE)
    pushed.then(lambda reply: seen.append(world.device.execute(INSTALL)))
    world.wait(lambda: seen and seen[0].reply is not None)
    assert (str(pushed.reply), str(seen[0].reply)) == ("2.04", "2.04")


@pytest.mark.parametrize(("at", "result"), [(5000, 5), (0, 6)])
def test_what_is_refused_has_its_result_when_the_answer_comes(world: LwWorld, at: int, result: int) -> None:
    world.start()
    wrong = bytearray(SMALL if result == 5 else SMALL[:1000])
    wrong[at] ^= 0xFF
    assert world.push(bytes(wrong)) == "2.04"
    assert world.state == (IDLE, result)


def test_what_comes_before_it_is_verified_has_to_wait(make_world) -> None:
    world, last = in_work(make_world)
    say(world, block_of(SMALL, LAST, Style()), mid=0x7101)  # by a server that does not trust its own messages
    say(world, coap.build(coap.GET, uri_path=("5", "0", "3")), mid=0x7102)
    say(world, block_of(SMALL, 0, Style()), mid=0x7103)
    assert answers(world, 0x7101) == []
    assert [m.payload for m in answers(world, 0x7102)] == [b"1"]
    assert [m.code.dotted for m in answers(world, 0x7103)] == ["5.03"]
    assert world.code(last) == "2.04"
    assert world.state == (DOWNLOADED, 0)
    for number, code, mid in ((LAST, "2.04", 0x7104), (0, "4.00", 0x7105)):
        say(world, block_of(SMALL, number, Style()), mid=mid)
        (answer,) = answers(world, mid)
        assert answer.code.dotted == code
    assert world.slot_holds("ota_1", SMALL)


def test_a_reset_before_it_is_verified_ends_it(make_world) -> None:
    world, last = in_work(make_world)
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    assert world.code(last) == "2.04"
    assert world.state == (IDLE, 0)
    assert world.push(SMALL) == "2.04"
    assert world.state == (DOWNLOADED, 0)


def test_a_power_cut_before_it_is_verified_loses_the_push(make_world) -> None:
    world, last = in_work(make_world)
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    assert last.reply is None or not last.reply.is_good
    assert world.state == (IDLE, 4)
    assert world.push(SMALL) == "2.04"
    assert world.state == (DOWNLOADED, 0)
