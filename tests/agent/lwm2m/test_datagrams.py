# SPDX-License-Identifier: MIT
"""What a socket of datagrams does on an ESP32, and a LwM2M agent has to live with."""

from simulator.clouds.core import Send
from tests.agent.lw_world import LwWorld


def test_an_empty_datagram_ends_the_socket_and_not_the_agent(world: LwWorld) -> None:
    """MicroPython takes it for a peer that has closed, and reads nothing from that socket any more."""
    world.start()
    (peer,) = world.cloud.sessions
    world.cloud.actions.append(Send(peer, b""))
    world.wait(lambda: world.seen("updated"), 60)
    assert world.read("/3/0/3") == "1.0.0"
    assert world.twin.story.boots == 1


def test_wifi_that_comes_back_finds_the_agent_again(world: LwWorld) -> None:
    world.start()
    world.twin.site.is_up = False
    world.pass_time(30)
    world.twin.site.is_up = True
    world.pass_time(200)
    assert world.read("/3/0/3") == "1.0.0"
    assert not [line for line in world.twin.story.lines if "Traceback" in line]
