# SPDX-License-Identifier: MIT
"""Software packages: staged beside what runs, tried, confirmed or taken back, and never mixed up with firmware."""

import pytest

from simulator import software
from simulator.board import image_writer
from simulator.clouds.thingsboard.checksums import checksum
from tests.agent.harness import APP, GOOD, SECTOR, World, application, firmware
from tests.agent.web import Web

SW = "sw_state"
VFS = 0xF0000  # bytes of the file system of the standard board
CRASH = {"app.py": b"raise RuntimeError('a planted bug')\n"}


def trial(make_world, **settings) -> World:
    return make_world(settings={"trial_s": 60, **settings})


def installed(world: World, version: str = "2.0.0") -> None:
    """This software runs and is confirmed."""
    world.offer_software(version)
    world.wait("UPDATED", key=SW)
    world.settle()


def test_a_package_is_staged_tried_confirmed_and_told(world):
    world.offer_software("2.0.0")
    world.wait("UPDATED", key=SW)
    world.settle()
    assert world.software_states == [*GOOD]
    assert world.told("app") == ["2.0.0 sensor of 2.0.0"]
    assert world.told("current_sw_title")[-1] == APP
    assert world.told("current_sw_version")[-1] == "2.0.0"
    assert world.twin.story.software == ("2.0.0", "a")
    assert world.runs == ("1.0.0", "ota_0")
    assert world.states == []
    assert not any(world.erases("ota_1"))
    assert world.twin.story.boots == 2


def test_updates_use_both_trees_in_turn_and_every_boot_starts_the_last(world):
    for number, tree in ((1, "a"), (2, "b"), (3, "a")):
        installed(world, f"2.{number}.0")
        assert world.twin.story.software == (f"2.{number}.0", tree)
    world.twin.board.close()
    world.settle()
    assert world.twin.story.software == ("2.3.0", "a")
    assert world.told("app")[-1] == "2.3.0 sensor of 2.3.0"
    assert world.software_states == [*GOOD] * 3


FAILURES = {
    "crashes at import": ("RuntimeError: a planted bug", CRASH),
    "lacks a module": ("module named 'missing'", {"app.py": b"import missing\n"}),
    "resets": ("it crashed or was reset", {"app.py": b"import machine\nmachine.reset()\n"}),
    "is not well": ("health check failed", application("2.1.0", "return False")),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_software_that_does_not_work_is_taken_back_and_reported_once(make_world, kind):
    why, files = FAILURES[kind]
    world = trial(make_world)
    installed(world)
    world.offer_software("2.1.0", files)
    world.wait("FAILED", key=SW)
    world.settle()
    assert world.software_states == [*GOOD, *GOOD[:4], "FAILED"]
    (error,) = world.told("sw_error")
    assert error.startswith("rolled_back: ")
    assert error.endswith(why)
    assert world.told("current_sw_version")[-1] == "2.0.0"
    assert world.twin.story.software == ("2.0.0", "a")
    assert world.states == []
    chunks = len(world.seen("chunk"))
    world.twin.board.close()
    world.settle()
    assert len(world.seen("chunk")) == chunks
    assert world.told("app")[-1] == "2.0.0 sensor of 2.0.0"


def test_the_first_package_is_taken_back_to_what_the_firmware_brings(make_world):
    world = trial(make_world)
    world.offer_software("2.0.0", CRASH)
    world.wait("FAILED", key=SW)
    world.settle(30)
    assert world.twin.story.software == ("1.0.0", "built-in")
    assert world.told("current_sw_version")[-1] == "1.0.0"
    assert world.told("temperature")
    world.offer_software("2.0.1")
    world.wait("UPDATED", key=SW)
    assert world.told("app") == ["2.0.1 sensor of 2.0.1"]


def test_power_lost_during_the_trial_takes_the_software_back(make_world):
    world = trial(make_world)
    installed(world)
    world.offer_software("2.1.0", application("2.1.0", "return False"))
    world.wait_log("ota trial")
    world.twin.cut()
    world.wait("FAILED", key=SW)
    assert world.told("sw_error") == ["rolled_back: power was lost"]
    assert world.twin.story.software == ("2.0.0", "a")


def test_ctrl_d_during_the_trial_changes_nothing(make_world):
    world = trial(make_world)
    world.offer_software("2.0.0")
    world.wait_log("ota trial")
    world.twin.board.soft_reset()
    world.wait("UPDATED", key=SW)
    assert world.told(SW)[-1] == "UPDATED"


def test_a_module_of_the_old_software_is_nowhere_to_be_found(make_world):
    world = trial(make_world)
    installed(world)
    files = application("2.1.0")
    del files["lib/sensor.py"]
    imports = b"try:\n    import sensor\n    NAME = 'stale'\nexcept ImportError:\n    NAME = 'gone'"
    files["app.py"] = files["app.py"].replace(b"from sensor import NAME", imports)
    world.offer_software("2.1.0", files)
    world.wait("UPDATED", key=SW)
    assert world.told("app")[-1] == "2.1.0 gone"


def test_a_stale_lib_of_the_file_system_does_not_shadow_the_package(make_world, tmp_path):
    for name in ("sensor.py", "lib/sensor.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("NAME = 'stale'\n")
    world: World = make_world(files=tmp_path)
    installed(world)
    assert world.told("app") == ["2.0.0 sensor of 2.0.0"]


def test_both_kinds_at_once_are_firmware_first_and_then_software(world):
    world.offer_software("2.0.0")
    world.offer("1.1.0")
    world.wait("UPDATED", key=SW)
    world.settle()
    told = [values for event in world.seen("telemetry") for values in event["values"].items()]
    states = [pair for pair in told if pair[0] in ("fw_state", SW)]
    assert states == [*(("fw_state", state) for state in GOOD), *((SW, state) for state in GOOD)]
    assert world.runs == ("1.1.0", "ota_1")
    assert world.twin.story.software == ("2.0.0", "a")


def test_an_update_of_one_kind_does_not_make_the_other_forget(make_world):
    world = trial(make_world)
    installed(world)
    bad = world.offer_software("2.1.0", CRASH)
    world.wait("FAILED", key=SW)
    world.offer("1.1.0")
    world.wait("UPDATED")
    world.settle(20)
    chunks = len(world.seen("chunk_request", type=bad.type))
    assert world.software_states.count("FAILED") == 1
    world.offer("1.2.0", firmware("1.2.0", "raise RuntimeError('a planted bug')\n"))
    world.wait("FAILED")
    world.settle(20)
    assert world.told("current_fw_version")[-1] == "1.1.0"
    assert world.told("current_sw_version")[-1] == "2.0.0"
    assert world.software_states.count("FAILED") == 1
    assert len(world.seen("chunk_request", type=bad.type)) == chunks


def test_software_waits_until_the_firmware_is_confirmed(make_world):
    world = trial(make_world)
    world.offer("1.1.0")
    world.wait_log("ota trial")
    world.twin.board.site.is_up = False
    world.pass_time(5)
    world.offer_software("2.0.0")
    world.twin.board.site.is_up = True
    world.wait("UPDATED", key=SW)
    first = [line for line in world.log if line.startswith(("ota confirmed", "ota downloading kind=software"))]
    assert first[0] == "ota confirmed"


def test_a36_software_leaves_firmware_alone_and_never_reuses_a_request_id(world):
    installed(world)
    world.offer("1.1.0")
    world.wait("UPDATED")
    world.offer_software("2.1.0")
    world.wait("UPDATED", key=SW)
    asked = {(event["type"], event["request_id"]) for event in world.seen("chunk_request")}
    numbers = [number for _, number in asked]
    assert len(numbers) == len(set(numbers)) >= 3
    assert {kind for kind, _ in asked} == {"FIRMWARE", "SOFTWARE"}
    assert world.states == [*GOOD]
    assert world.software_states == [*GOOD] * 2


def test_boards_without_a_second_slot_take_software_and_no_firmware(make_world, tmp_path):
    world: World = make_world(firmware("1.0.0"), layout=str(one_slot(tmp_path)))
    installed(world)
    assert world.told("app") == ["2.0.0 sensor of 2.0.0"]
    world.offer("1.1.0")
    world.wait("FAILED")
    assert world.errors == ["no_spare_slot"]


def test_a_board_without_a_file_system_refuses_software(make_world, tmp_path):
    path = tmp_path / "full.csv"
    path.write_text("nvs,data,nvs,0x9000,0x6000,\nfactory,app,factory,0x10000,0x3f0000,\n")
    world: World = make_world(firmware("1.0.0"), layout=str(path))
    world.offer_software("2.0.0")
    world.wait("FAILED", key=SW)
    assert world.told("sw_error") == ["slot_too_small"]
    assert len(world.seen("connect")) == 1


def one_slot(folder):
    path = folder / "one.csv"
    path.write_text(
        "nvs,data,nvs,0x9000,0x6000,\nfactory,app,factory,0x10000,0x180000,\nvfs,data,fat,0x200000,0x80000,\n"
    )
    return path


REFUSED = {
    "bad_path": lambda good: good.replace(b" app.py\n", b" ../a.p\n"),
    "not_a_package": lambda good: image_writer.build(b"", APP, "2.0.0", size=8192),
    "wrong_package": lambda good: good.replace(b"version 2.0.0", b"version 2.0.1"),
    "bad_archive": lambda good: good[:-1] + b"x",
    "wrong_size": lambda good: good + bytes(512),
    "file_mismatch": lambda good: good.replace(b"1,2,3\n", b"1,2,4\n"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_hostile_archive_fails_with_its_code_and_the_old_software_runs_on(world, code):
    installed(world, "1.9.0")
    good = software.pack(application("2.0.0"), APP, "2.0.0")
    world.offer_software("2.0.0", data=REFUSED[code](good))
    world.wait("FAILED", key=SW)
    world.settle()
    assert world.told("sw_error")[0].split(":")[0] == code
    assert world.twin.story.software == ("1.9.0", "a")
    assert world.twin.story.boots == 2


def test_a_package_larger_than_the_free_space_is_refused_before_a_byte_of_it_is_asked_for(world):
    world.offer_software("2.0.0", {"app.py": b"", "large.bin": bytes(VFS)})
    world.wait("FAILED", key=SW)
    assert world.told("sw_error")[0].startswith("slot_too_small")
    assert not world.seen("chunk_request")


def test_software_and_firmware_of_the_file_system_live_side_by_side(make_world, files):
    """Stock MicroPython, the agent in files: the package comes in front of them."""
    world: World = make_world(
        image_writer.build(b"stock" * 2000, "micropython", "1.25"), layout="4MiB-wide", files=files, heap=None
    )
    installed(world)
    assert world.told("app") == ["2.0.0 sensor of 2.0.0"]
    assert len(world.erases("vfs")) * SECTOR == world.partition("vfs").size


def test_a_package_behind_a_link_is_fetched_like_an_image(make_world):
    world: World = make_world(heap="128k")  # the HTTP source and all of software at once
    made = software.pack(application("2.0.0"), APP, "2.0.0")
    web = Web(made)
    web.cuts = [5000]  # and goes on where it was
    world.twin.net.serve("files.example", 80, web)
    world.offer(
        "2.0.0", title=APP, type="SOFTWARE", url="http://files.example/app.tar", size=len(made),
        algorithm="SHA256", checksum=checksum("SHA256", made),
    )  # fmt: skip
    world.wait("UPDATED", key=SW)
    world.settle()
    assert [*dict.fromkeys(world.software_states)] == [*GOOD]  # the first one is said again on the next link
    assert world.told("app") == ["2.0.0 sensor of 2.0.0"]
    assert len(web.requests) == 2 and web.requests[1] % 512 == 0
    assert not world.seen("chunk_request")
