# SPDX-License-Identifier: MIT
"""The first boot of a board that has a provision key and no token yet (thingsboard.md 6.2), over MQTT and over HTTP."""

import pytest

from simulator.board.lockstep import HOST
from simulator.board.nvs import Nvs
from simulator.clouds.thingsboard import HttpDoor
from simulator.clouds.thingsboard.provisioning import CHECK, CREATE
from tests.agent.harness import World, firmware

NAME = "esp32-240ac4000001"
KEYS = {"token": "", "prov_key": "K", "prov_secret": "S"}


@pytest.fixture(params=["mqtt", "http"])
def make_board(request, make_world):
    """Makes boards that know the key and secret of a profile which lets new devices in."""

    def make(strategy: str = CREATE, **settings) -> World:
        product = {"http": "web", "mqtt": ""}[request.param]
        world = make_world(firmware("1.0.0", product=product), settings=KEYS | settings)
        world.twin.net.serve(HOST, 8080, HttpDoor(world.cloud))
        profile = world.cloud.default_profile
        profile.provision_type, profile.provision_key, profile.provision_secret = strategy, "K", "S"
        return world

    return make


def kept(world: World) -> bytes:
    """The token in the board's NVS."""
    row = world.partition("nvs")
    nvs = Nvs(world.twin.flash, row.offset, row.size)
    return bytes(nvs.get_blob(nvs.open("ota_cfg"), "token"))


def device(world: World, name: str = NAME):
    return world.cloud.devices[name]


def is_at_work(world: World) -> bool:
    """The device has told its cloud what runs on it."""
    return any("current_fw_version" in event["values"] for event in world.seen("telemetry", device=NAME))


def test_provisioning_gets_a_token_and_keeps_it(make_board):
    world = make_board()
    world.wait(lambda: is_at_work(world))
    assert kept(world).decode() == device(world).token
    assert world.logged("ota provisioned name=" + NAME) == 1


def test_provisioning_is_done_once_in_a_life(make_board):
    world = make_board()
    world.wait(lambda: is_at_work(world))
    for _ in range(3):
        world.twin.cut()
        world.pass_time(20)
    assert len(world.seen("provision")) == 1
    assert world.logged("running") == 4


def test_provisioning_survives_a_power_cut_right_after_the_token_came(make_board):
    world = make_board()
    world.wait_log("ota provisioned")
    world.twin.cut()
    world.wait(lambda: is_at_work(world))
    assert [event["status"] for event in world.seen("provision")] == ["SUCCESS"]


def test_provisioning_takes_a_name_of_its_own_and_a_device_that_waits_for_it(make_board):
    world = make_board(CHECK, prov_name="board-1")
    world.wait(lambda: bool(world.told("current_fw_version")))
    assert kept(world).decode() == device(world, "board-1").token


def test_provisioning_never_replaces_a_token(make_board):
    world = make_board(token="T1")
    world.wait(lambda: bool(world.told("current_fw_version")))
    world.pass_time(60)
    assert not world.seen("provision")
    assert kept(world) == b"T1"


def test_provisioning_with_a_token_that_is_refused_does_not_try_for_another(make_board):
    world = make_board(token="old")
    world.pass_time(700)
    assert not world.seen("provision")
    assert kept(world) == b"old"


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({"prov_secret": "wrong"}, "NOT_FOUND", "provision_not_found"),
        ({"prov_key": "wrong"}, "NOT_FOUND", "provision_not_found"),
        ({"prov_name": "board-1"}, "FAILURE", "provision_failed"),
    ],
)
def test_provisioning_that_is_refused_is_said_and_not_hammered(make_board, settings, status, code):
    world = make_board(**settings)
    world.pass_time(1000)
    assert {event["status"] for event in world.seen("provision")} == {status}
    assert 2 <= len(world.seen("provision")) <= 5
    assert world.logged("ota offline code=" + code) >= 2
    assert kept(world) == b""


def test_provisioning_that_works_the_second_time_is_good_enough(make_board):
    world = make_board(prov_secret="late")
    world.pass_time(60)
    world.cloud.default_profile.provision_secret = "late"
    world.wait(lambda: is_at_work(world), 1000)
    assert kept(world).decode() == device(world).token


def test_provisioning_answered_by_nobody_is_tried_again(make_board):
    world = make_board()
    world.fault("connect:mute", "http:mute")
    world.wait(lambda: is_at_work(world), 1000)
    assert kept(world).decode() == device(world).token
