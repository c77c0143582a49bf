# SPDX-License-Identifier: MIT
"""Fixtures for the mock clouds: a ThingsBoard with one device "dev", token "T", in virtual time, in both versions."""

import pytest

from simulator.clouds.thingsboard import HttpDoor, ThingsBoard
from tests.clouds.peer import HttpPeer, World
from tests.clouds.rest import administration


@pytest.fixture(params=(4, 5), ids=("mqtt3.1.1", "mqtt5"))
def level(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def cloud() -> ThingsBoard:
    cloud = ThingsBoard(seed=7)
    cloud.add_device("dev", "T")
    return cloud


@pytest.fixture
def door(cloud: ThingsBoard) -> HttpDoor:
    return HttpDoor(cloud)


@pytest.fixture
def world(cloud: ThingsBoard, door: HttpDoor) -> World:
    return World(cloud, doors=[door])


@pytest.fixture
def web(world: World, door: HttpDoor) -> HttpPeer:
    """The device, over HTTP."""
    return HttpPeer(world, door)


@pytest.fixture
def device(cloud: ThingsBoard):
    return cloud.devices["dev"]


@pytest.fixture
def firmware() -> bytes:
    """10,000 bytes, no two chunks alike."""
    return b"".join(number.to_bytes(2) for number in range(5000))


@pytest.fixture
def admin(cloud: ThingsBoard):
    """Over REST."""
    with administration(cloud) as admin:
        yield admin


@pytest.fixture
def profile(admin):
    """A device profile, made over REST."""
    return admin.profile("thermo")
