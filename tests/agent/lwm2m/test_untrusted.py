# SPDX-License-Identifier: MIT
"""A file server that shows somebody else's certificate."""

import pytest

from tests.agent.harness import small_app
from tests.agent.lw_world import FILES
from tests.agent.lwm2m.test_dtls import FILE_PORT, NAME, SecureWorld, authority, certified


@pytest.fixture
def world_class() -> type[SecureWorld]:
    return SecureWorld


def test_a_file_server_with_another_name_is_as_good_as_gone(make_world) -> None:
    settings, chains = certified()
    chains[FILES] = authority().chain("other.example")
    world = make_world(settings, chains)
    world.start()
    file = world.cloud.files.add(small_app(30_000), NAME)
    assert world.code(world.device.write("/5/0/1", f"coaps://{FILES}:{FILE_PORT}{file.path}")) == "2.04"
    world.wait_state(0, 4)
    assert world.logged("ota failed error=tls_untrusted")
