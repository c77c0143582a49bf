# SPDX-License-Identifier: MIT
"""A board whose memory does not suffice for the download: tried a few times, then it is said (lwm2m.md 7).

A push cannot be tried again by the board: what memory does not suffice for is as good as lost and comes again, twice.
"""

import pytest

from tests.agent.harness import small_app
from tests.agent.lw_world import WEB, firmware

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
left = [%d]
learnt = cloud.learnt


def fails():
    left[0] -= 1
    if left[0] >= 0:
        raise MemoryError("memory allocation failed")


def learnt_if_there_is_room(job, size):  # with the first block that is fetched
    fails()
    learnt(job, size)


def poll_if_there_is_room(ms):  # in the midst of a push
    if cloud.upload is not None and cloud.upload.received > 8000:
        fails()
    poll(ms)


def open_if_there_is_room(*place):  # to a web server
    fails()
    return open_stream(*place)


poll, open_stream = cloud.poll, board.open_stream
cloud.learnt, cloud.poll, board.open_stream = learnt_if_there_is_room, poll_if_there_is_room, open_if_there_is_room
for _ in Agent(board, cloud, journal).steps():
    pass
"""


def test_a_pull_for_whose_code_there_is_no_memory(make_world) -> None:
    """What every cloud has in common: six tries."""
    main = MAIN.replace("for _ in", "cloud.source = lambda job, offset: fails()\nfor _ in")
    world = make_world(app=firmware("1.0.0", main % 1000))
    world.start()
    assert world.pull(data=small_app(30_000)) == "2.04"
    world.wait_log("ota reported state=FAILED")
    world.pass_time(5)
    assert world.told[-1] == (0, 3)
    assert world.logged("code=no_memory offset=0") == 6
    assert not world.logged("Traceback")


@pytest.mark.parametrize("scheme", ["coap", "http"])
@pytest.mark.parametrize("times", [1, 1000])
def test_a_pull_for_which_there_is_no_memory(make_world, times: int, scheme: str) -> None:
    world = make_world(app=firmware("1.0.0", MAIN % times))
    world.start()
    image = small_app(30_000)
    if scheme == "coap":
        assert world.pull(data=image) == "2.04"
    else:
        world.web.data = image
        assert world.code(world.device.write("/5/0/1", f"http://{WEB}/app.bin")) == "2.04"
    world.wait_state(*((2, 0) if times == 1 else (0, 3)), timeout_s=120)
    assert not world.logged("Traceback")
    assert len(world.seen("registered")) == 1  # the line to the server is as well as ever
    assert world.told.count((0, 3)) == (times > 1)
    assert world.read("/3/0/3") == "1.0.0"


def test_a_push_for_which_there_is_no_memory_twice(make_world) -> None:
    world = make_world(app=firmware("1.0.0", MAIN % 2))
    world.start()
    image = small_app(30_000)
    assert world.push(image) == "2.04"
    world.wait_state(2, 0)
    assert world.told == [(1, 0), (2, 0)]
    assert world.slot_holds("ota_1", image)


def test_a_push_for_which_there_is_no_memory(make_world) -> None:
    """It ends, and the next one is as good as if there had been none."""
    world = make_world(app=firmware("1.0.0", MAIN % 3))
    world.start()
    image = small_app(30_000)
    assert world.push(image) == "4.00"
    world.wait_state(0, 3, timeout_s=10)
    assert world.told == [(1, 0), (0, 3)]
    assert world.push(image) == "2.04"
    world.wait_state(2, 0)
    assert world.slot_holds("ota_1", image)
    assert not world.logged("Traceback")
