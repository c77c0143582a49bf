# SPDX-License-Identifier: MIT
"""Stories with the maker's own broker."""

import pytest

from tests.agent.br_world import BrokerWorld


@pytest.fixture
def world_class() -> type[BrokerWorld]:
    return BrokerWorld
