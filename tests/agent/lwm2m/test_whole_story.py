# SPDX-License-Identifier: MIT
"""An update by a LwM2M server, from the URI or the first block to the word of the new image."""

from tests.agent.lw_world import DOWNLOADED, WEB, LwWorld, firmware


def test_whole_update_by_pull(world: LwWorld) -> None:
    world.start()
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.install()
    assert world.state == (0, 1)
    assert (world.version, world.runs) == ("1.1.0", ("1.1.0", "ota_1"))


def test_whole_update_by_push(world: LwWorld) -> None:
    world.start()
    assert world.push(firmware("1.1.0")) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.install()
    assert world.state == (0, 1)
    assert (world.version, world.runs) == ("1.1.0", ("1.1.0", "ota_1"))


def test_whole_update_by_http(world: LwWorld) -> None:
    world.web.data = firmware("1.1.0")
    world.start()
    assert world.code(world.device.write("/5/0/1", f"http://{WEB}/app.bin")) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.install()
    assert world.state == (0, 1)
    assert world.runs == ("1.1.0", "ota_1")
