# SPDX-License-Identifier: MIT
"""An update by RainMaker, from the question to the success that the new image reports."""

from tests.agent.rm_world import GOOD, RainMakerWorld


def test_whole_update_by_https(world: RainMakerWorld) -> None:
    job = world.offer("1.1.0")
    world.wait("success")
    assert world.statuses(job) == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")
    assert job.status == "finished"
