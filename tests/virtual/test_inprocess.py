# SPDX-License-Identifier: MIT
"""The virtual mode: a device without a process, which must do exactly what a device process does."""

import subprocess
import sys

import pytest

from simulator import interpreters
from simulator.board import image_writer
from simulator.board.build import build_firmware
from simulator.board.inprocess import InProcess
from simulator.board.lockstep import Lockstep
from simulator.clouds.thingsboard import ThingsBoard
from simulator.interpreters import ROOT

NOW_MS = 1_767_225_600_000
TITLE = "thermometer"


def sources(folder=ROOT / "firmware", **changes: str) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.py")}
    return files | {name.replace("_py", ".py"): text.encode() for name, text in changes.items()}


def small(version: str) -> bytes:
    return image_writer.build(version.encode(), TITLE, version, "esp32", 20_000)


def update(interpreter, old: bytes, new: bytes, *, until: str = "reported") -> Lockstep:
    """A board with `old` that is offered `new`, run until the agent says so."""
    cloud = ThingsBoard(seed=1, now_ms=NOW_MS)
    device = cloud.add_device("board", "T1")
    twin = Lockstep(interpreter, old, cloud, {"token": "T1", "trial_s": 60})
    cloud.assign(device, cloud.add_package(TITLE, "1.1.0", new), twin.now_ms)
    assert twin.run(until, timeout_s=600, max_boots=5), twin.story.lines
    return twin


def told(twin: Lockstep) -> list[dict]:
    """What happened, without times and the file system: a process packs its files at a reset, which costs time."""
    return [
        {key: value for key, value in event.items() if key != "ms"}
        for event in twin.story.events
        if event.get("label") != "vfs"
    ]


def slots(twin: Lockstep) -> bytes:
    """All of the flash but the file system: table, NVS, otadata, both apps."""
    return twin.flash.read(0, 0x310000)


def test_inprocess_tells_the_same_story_as_a_process():
    old, new = (build_firmware(ROOT / "firmware", TITLE, version) for version in ("1.0.0", "1.1.0"))
    with update(InProcess({}), old, new) as ours, update(interpreters.find("cpython"), old, new) as theirs:
        assert told(ours) == told(theirs)
        assert slots(ours) == slots(theirs)


def test_inprocess_small_image_runs_the_firmware_it_is_given():
    with update(InProcess(sources()), small("1.0.0"), small("1.1.0")) as twin:
        assert twin.story.version == "1.1.0" and twin.story.slot == "ota_1"


def test_inprocess_same_run_twice_is_the_same_to_the_last_event():
    first, second = (update(InProcess(sources()), small("1.0.0"), small("1.1.0")) for _ in range(2))
    assert first.story.events == second.story.events


def test_inprocess_two_boards_side_by_side_share_nothing():
    twins = []
    for version in ("1.1.0", "1.2.0"):
        cloud = ThingsBoard(seed=1, now_ms=NOW_MS)
        device = cloud.add_device("board", "T1")
        twin = Lockstep(InProcess(sources()), small("1.0.0"), cloud, {"token": "T1"})
        cloud.assign(device, cloud.add_package(TITLE, version, small(version)), twin.now_ms)
        twins.append(twin)
    while not all("reported" in twin.story.states for twin in twins):
        for twin in twins:
            twin.run_for(0.5)
    assert [twin.story.version for twin in twins] == ["1.1.0", "1.2.0"]


def test_inprocess_program_that_raises_leaves_the_board_at_the_repl():
    firmware = sources(main_py="raise RuntimeError('planted')\n")
    with Lockstep(InProcess(firmware), small("1.0.0")) as twin:
        assert twin.run(lambda event: event["event"] == "repl")
        assert any("RuntimeError: planted" in line for line in twin.story.lines)


@pytest.mark.parametrize("how", ["machine.reset()", "machine.soft_reset()"])
def test_inprocess_reset_never_returns_whatever_python_says(how):
    program = (
        f"import machine\ntry:\n    {how}\nexcept Exception:\n    print('caught')\nfinally:\n    print('cleaned')\n"
    )
    with Lockstep(InProcess(sources(boot_py="", main_py=program)), small("1.0.0")) as twin:
        twin.run(lambda event: event["event"] == "boot" and event["number"] == 3)
        assert twin.story.boots == 3
        assert "caught" not in twin.story.lines


def test_inprocess_power_cut_ends_the_device_and_ram_is_gone():
    program = "import esp32\nstate = globals().setdefault('state', [])\nstate.append(1)\nprint('state', len(state))\n"
    with Lockstep(InProcess(sources(boot_py="", main_py=program)), small("1.0.0")) as twin:
        for _ in range(2):
            twin.run(lambda event: event["event"] == "repl")
            twin.cut()
        assert [line for line in twin.story.lines if line.startswith("state")] == ["state 1", "state 1"]


def test_inprocess_module_that_a_board_has_not_is_an_import_error():
    program = "try:\n    import threading\nexcept ImportError:\n    print('none here')\n"
    with Lockstep(InProcess(sources(boot_py="", main_py=program)), small("1.0.0")) as twin:
        twin.run(lambda event: event["event"] == "repl")
        assert "none here" in twin.story.lines


def test_inprocess_leaves_this_process_as_it_was():
    script = (
        "import sys, time, socket; before = (time.time, socket.socket, sorted(sys.modules))\n"
        "import tests.virtual.test_inprocess as t\n"
        "t.test_inprocess_small_image_runs_the_firmware_it_is_given()\n"
        "assert time.time is before[0] and socket.socket is before[1]\n"
        "assert not any(name.split('.')[0] in ('ota', 'esp32', 'machine', '_chip') for name in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
