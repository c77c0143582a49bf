# SPDX-License-Identifier: MIT
"""Stories with a LwM2M server."""

import pytest

from tests.agent.lw_world import LwWorld


@pytest.fixture
def world_class() -> type[LwWorld]:
    return LwWorld
