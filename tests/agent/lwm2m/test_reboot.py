# SPDX-License-Identifier: MIT
"""Reboot of object 3: answered, then carried out in good order, whatever is under way (lwm2m.md 1.4)."""

from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, LwWorld, firmware

REBOOT = "/3/0/4"
SLOW_S = 30  # until the new image finds itself well
MAIN = f"""
from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.lwm2m import Lwm2m
from ota.journal import Journal

board = Board()
board.join("simulated", "")
journal = Journal(board.nvs)
begun = board.ticks_ms()
cloud = Lwm2m(board, identity.running(board, journal))
agent = Agent(board, cloud, journal, (lambda: board.ticks_ms() - begun > {SLOW_S * 1000},))
for _ in agent.steps():
    pass
"""


def reboots(world: LwWorld) -> None:
    before = len(world.seen("registered"))
    assert world.code(world.device.execute(REBOOT)) == "2.04"
    world.wait(lambda: len(world.seen("registered")) > before, 300)


def test_the_answer_comes_before_the_reset(world: LwWorld) -> None:
    world.start()
    reboots(world)
    assert world.twin.story.boots == 2
    assert world.state == (0, 0)
    assert not world.logged("Traceback")


def test_an_image_on_trial_outlives_it(make_world) -> None:
    world = make_world()
    world.start()
    assert world.pull(data=firmware("1.1.0", MAIN)) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert world.execute() == "2.04"
    world.wait(lambda: len(world.seen("registered")) == 2)
    assert world.logged("ota trial") == 1
    reboots(world)
    world.wait_state(0, 1)
    assert world.version == "1.1.0"
    assert world.told[-1] == (0, 1)


def test_a_pull_goes_on_after_it(world: LwWorld) -> None:
    world.start()
    image = small_app(200_000)
    assert world.pull(data=image) == "2.04"
    world.wait(lambda: len(world.fetched()) > 40)
    reboots(world)
    world.wait_state(DOWNLOADED, 0)
    assert world.slot_holds("ota_1", image)
    assert not world.logged("Traceback")


BREAKS = """
from ota.errors import TransferError
reboot, poll = cloud.reboot, cloud.poll
broken = []

def reboot_as_the_line_breaks():
    reboot()
    broken.append(True)

def poll_once(ms):
    if broken:
        broken.clear()
        print("line breaks")
        raise TransferError("link_lost")
    poll(ms)

cloud.reboot, cloud.poll = reboot_as_the_line_breaks, poll_once
"""


def test_it_waits_for_no_network(make_world) -> None:
    """It was answered, and then the line broke and Wi-Fi went for good."""
    world = make_world(app=firmware("1.0.0", MAIN.replace("agent =", BREAKS + "agent =")))
    world.start()
    world.device.execute(REBOOT)
    world.wait_log("line breaks")
    world.twin.site.is_up = False
    world.pass_time(20)
    assert world.twin.story.boots == 2
    assert not world.logged("Traceback")
