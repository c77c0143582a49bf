# SPDX-License-Identifier: MIT
"""Images for another microcontroller on the board: item 25 of rainmaker.md section 11, where somebody takes them."""

import random

import pytest

from tests.agent.board_world import firmware
from tests.agent.rm_world import PROGRESS, RainMakerWorld

TARGET = {"esp.ota.target": "host_mcu"}
DATA = b"HOST" + random.Random(25).randbytes(50_001)
GOOD_HOST = [PROGRESS] * 4 + ["success"]


@pytest.fixture
def product(make_world) -> RainMakerWorld:
    return make_world(firmware("1.0.0", product="host"))


def test_r25_registered_target_gets_its_image_and_nobody_resets(product: RainMakerWorld) -> None:
    job = product.offer("7.0", DATA, metadata=TARGET)
    product.wait("success")
    assert product.statuses(job) == GOOD_HOST
    assert product.logged(f"host runs {len(DATA)}")
    assert product.runs == ("1.0.0", "ota_0")
    assert not product.logged("ota reset")


def test_r25_power_cut_in_the_midst_of_handing_over_hands_over_once_more(product: RainMakerWorld) -> None:
    job = product.offer("7.0", DATA, metadata=TARGET)
    product.wait_log("host erased")
    product.twin.cut()
    product.wait("success")
    assert product.statuses(job)[-1] == "success"
    assert product.logged("host erased") == 2
    assert len(product.web.asked) == 2 and product.web.sent < 2 * len(DATA)


def test_r25_target_that_refuses_makes_the_job_fail(product: RainMakerWorld) -> None:
    product.offer("7.0", b"TOAST" + DATA, metadata=TARGET)
    product.wait("failed")
    assert product.infos("failed") == ["host_refused: it does not start"]


def test_r25_spoiled_image_never_reaches_the_target(product: RainMakerWorld) -> None:
    product.cloud.add_fault("otaurlx3:md5")
    product.offer("7.0", DATA, metadata=TARGET)
    product.wait("failed")
    assert not product.logged("host erased")


def test_r25_image_without_a_checksum_is_not_for_another_chip(make_world) -> None:
    world = make_world(firmware("1.0.0", product="host"), send_md5=False)
    world.offer("7.0", DATA, metadata=TARGET)
    world.wait("failed")
    assert world.infos("failed")[0].startswith("no_checksum")
    assert not world.erased


def test_r25_firmware_follows_an_image_for_the_other_chip(product: RainMakerWorld) -> None:
    product.offer("7.0", DATA, metadata=TARGET, force_push=False)
    product.wait("success")
    job = product.offer("1.1.0", firmware("1.1.0", product="host"))
    product.wait("success")
    assert product.statuses(job)[-1] == "success"
    assert product.runs == ("1.1.0", "ota_1")
