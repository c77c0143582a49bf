# SPDX-License-Identifier: MIT
"""What an agent costs: pauses of the application, writes to flash, silence on the line."""

import itertools

import pytest

from simulator.board.nvs import Nvs
from simulator.clouds import mqtt
from tests.agent.harness import GOOD, firmware
from tests.agent.lines import NarrowLine

V1, V2 = (firmware(version, product="controls") for version in ("1.0.0", "1.1.0"))


def test_the_application_keeps_running_during_a_download(make_world):
    world = make_world(V1)
    world.offer("1.1.0", V2)
    world.wait("DOWNLOADING")
    told = len(world.told("pause_ms"))
    world.wait("VERIFIED")
    pauses = world.told("pause_ms")[told:]
    assert len(pauses) >= 2
    assert max(pauses) <= 50 + 0.6 * len(V2) / 1024  # the longest is the activation, which the chip does in one go


def test_the_product_s_telemetry_goes_on_during_a_slow_download(world):
    world.fault("chunkx*:delay=4000")
    world.offer()
    world.wait("DOWNLOADING")
    readings = len(world.told("temperature"))
    start = world.twin.now_ms
    world.wait("DOWNLOADED")
    assert len(world.told("temperature")) - readings >= (world.twin.now_ms - start) // 10_000 - 1 >= 2


@pytest.mark.parametrize("chunk", [4096, 65536])
def test_on_a_narrow_line_pings_keep_the_session_alive(make_world, chunk):
    world = make_world(V1, settings={"chunk": chunk}, inactivity_ms=90_000)
    world.twin.net.faults.append(NarrowLine(700))
    world.offer("1.1.0", V2)
    world.wait("DOWNLOADED", 1200)
    assert not world.seen("close")
    pings = [at for at, packet in world.wire if packet == mqtt.Plain("pingreq")]
    assert len(pings) >= 4
    assert max(b - a for a, b in itertools.pairwise(pings)) <= 60_000
    world.wait("UPDATED")
    assert (*world.states[:2], world.states[-1]) == (*GOOD[:2], GOOD[-1])  # the line may be too narrow for the others


def test_hours_of_idling_write_nothing(make_world):
    world = make_world(V1, settings={"step_ms": 5000})
    world.offer("1.0.0", V1)
    world.wait("UPDATED")
    world.settle()
    operations = world.twin.flash.operations
    for hour in range(6):
        world.pass_time(3600)
        if hour % 2:
            world.device.session.close(0x83, "restart")
    assert world.twin.flash.operations == operations
    assert len(world.seen("connect")) == 3


def test_offers_that_are_refused_again_and_again_write_nothing_new(world):
    world.offer("1.1.0", bytes(4096))
    world.wait("FAILED")
    world.settle()
    operations = world.twin.flash.operations
    for _ in range(5):
        answers = len(world.seen("attribute_response"))
        world.device.session.close(0x83, "restart")
        world.wait(lambda: len(world.seen("attribute_response")) > answers)  # noqa: B023
        world.pass_time(1)
    assert world.twin.flash.operations == operations


def test_one_update_wears_flash_little(world, monkeypatch):
    writes = []
    write = Nvs.set_blob
    monkeypatch.setattr(Nvs, "set_blob", lambda self, *rest: (writes.append(rest[1]), write(self, *rest)))
    world.settle()
    otadata = sum(world.erases("otadata"))
    world.offer()
    world.wait("UPDATED")
    world.settle()
    assert 0 < len(writes) <= 32
    assert sum(world.erases("otadata")) - otadata <= 3
    blocks = -(-len(firmware("1.1.0")) // 4096)
    assert world.erases("ota_1") == [1] * blocks + [0] * (len(world.erases("ota_1")) - blocks)
    assert not any(world.erases("ota_0"))
