# SPDX-License-Identifier: MIT
"""Here the board's cloud is RainMaker."""

import pytest

from tests.agent.rm_world import RainMakerWorld


@pytest.fixture
def world_class() -> type[RainMakerWorld]:
    return RainMakerWorld
