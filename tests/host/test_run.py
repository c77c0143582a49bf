# SPDX-License-Identifier: MIT
"""The commands as a person types them: a process, its output, its exit status. Board mode, real sockets."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.board.build import build_firmware
from simulator.interpreters import ROOT, Interpreter

SMALL = "917504"  # bytes of an image: a board's whole update in two seconds
STOCK = ROOT / ".tools" / "stock" / "ESP32_GENERIC-20240602-v1.23.0.bin"
STOCK_APP_OFFSET = 0xF000


def simulator(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)


def summary_of(run: subprocess.CompletedProcess[str]) -> dict:
    return json.loads(run.stdout.splitlines()[-1])


def test_run_good_update_ends_in_the_new_version(interpreter: Interpreter) -> None:
    run = simulator("run", "--size", SMALL, "--interpreter", interpreter.name)
    assert run.returncode == 0, run.stderr
    summary = summary_of(run)
    assert summary["result"] == "updated" and summary["error"] is None
    assert summary["running_version"] == "1.1.0" and summary["running_slot"] == "ota_1"
    assert summary["states"] == ["DOWNLOADING", "DOWNLOADED", "VERIFIED", "UPDATING", "UPDATED"]
    assert summary["boots"] == 2
    assert summary["bytes_downloaded"] == int(SMALL)
    image = build_firmware(ROOT / "firmware", "thermometer", "1.1.0", size=int(SMALL))
    assert summary["sha256"] == hashlib.sha256(image).hexdigest()
    assert (summary["peak_heap"] is not None) == interpreter.is_micropython


def test_run_crashing_update_rolls_back_and_says_why(interpreter: Interpreter) -> None:
    run = simulator("run", "--size", SMALL, "--break", "crash", "--interpreter", interpreter.name, "--json")
    assert run.returncode == 0, run.stderr
    summary = summary_of(run)
    assert summary["result"] == "failed" and summary["error"].startswith("rolled_back")
    assert summary["running_version"] == "1.0.0" and summary["running_slot"] == "ota_0"
    assert summary["states"][-2:] == ["UPDATING", "FAILED"]
    assert summary["boots"] == 3


def test_demo_over_the_own_broker_is_a_good_update_and_one_that_is_taken_back() -> None:
    run = simulator("demo", "--cloud", "broker")
    assert run.returncode == 0, run.stderr
    good, bad = (line for line in run.stdout.splitlines() if "as it should" in line)
    assert good.startswith("updated: 1.1.0 runs in ota_1")
    assert bad.startswith("failed (rolled_back: it was not confirmed in time): 1.1.0 runs in ota_1")


def test_run_over_rainmaker_ends_as_over_thingsboard() -> None:
    run = simulator("run", "--cloud", "rainmaker", "--size", SMALL)
    assert run.returncode == 0, run.stderr
    summary = summary_of(run)
    assert summary["result"] == "updated" and summary["running_version"] == "1.1.0"
    assert summary["states"] == [*["in-progress"] * 4, "success"]
    assert summary["bytes_downloaded"] == int(SMALL)
    assert "cloud reads success: Running and confirmed" in run.stderr


@pytest.mark.parametrize(
    ("kind", "states", "error"),
    [
        ("crash", ["in-progress", "rejected"], "rolled_back"),
        ("wrong-chip", ["rejected"], "wrong_chip"),
        ("bad-digest", ["failed"], "checksum_mismatch"),
    ],
)
def test_run_broken_image_over_rainmaker_ends_with_the_clouds_own_words(kind, states, error) -> None:
    summary = summary_of(simulator("run", "--cloud", "rainmaker", "--size", SMALL, "--break", kind, "--json"))
    assert summary["expected"], summary
    assert summary["states"][-len(states) :] == states
    assert summary["error"].startswith(error)


def test_run_over_rainmaker_takes_no_software(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('hello')\n")
    made = simulator("software", "make", tmp_path, "--title", "t", "--version", "1", "--out", tmp_path / "t.tar")
    assert made.returncode == 0, made.stderr
    run = simulator("run", "--cloud", "rainmaker", "--software", tmp_path / "t.tar", "--size", SMALL)
    assert run.returncode == 2 and "error[no_software]" in run.stderr


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("hang", "rolled_back"),
        ("bad-digest", "checksum_mismatch"),
        ("wrong-chip", "wrong_chip"),
        ("not-an-image", "not_an_image"),
        ("full-flash-image", "not_an_app"),
        ("too-large", "slot_too_small"),
        ("truncated", "image_refused"),
    ],
)
def test_run_broken_package_is_refused_with_its_own_code(kind: str, error: str) -> None:
    summary = summary_of(simulator("run", "--size", SMALL, "--break", kind, "--json"))
    assert summary["expected"], summary
    assert summary["error"].startswith(error)
    assert summary["running_version"] == "1.0.0"


def test_run_new_firmware_without_network_is_taken_back() -> None:
    summary = summary_of(simulator("run", "--size", SMALL, "--break", "no-network", "--trial", "3", "--json"))
    assert summary["expected"] and summary["error"] == "rolled_back: cloud not reached"


def test_run_real_stock_image_boots_with_the_agent_from_the_file_system(tmp_path: Path) -> None:
    image = tmp_path / "stock.app-bin"
    image.write_bytes(STOCK.read_bytes()[STOCK_APP_OFFSET:])
    run = simulator("run", "--image", image)
    assert run.returncode == 0, run.stderr
    summary = summary_of(run)
    assert summary["bytes_downloaded"] == 1672800
    assert summary["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()


def test_run_real_full_flash_file_is_refused() -> None:
    run = simulator("run", "--image", STOCK, "--json")
    assert run.returncode == 1
    assert summary_of(run)["error"].startswith("slot_too_small")


def test_run_image_with_a_version_is_offered_as_that(tmp_path: Path) -> None:
    image = tmp_path / "my app.bin"
    image.write_bytes(build_firmware(ROOT / "firmware", "thermometer", "7.2"))
    run = simulator("run", "--image", image, "--json")
    assert run.returncode == 0, run.stderr
    assert summary_of(run)["running_version"] == "7.2"


def test_run_out_of_time_before_anything_ran_still_sums_up() -> None:
    run = simulator("run", "--timeout", "1e-9", "--json")
    assert run.returncode == 1 and run.stderr == ""
    summary = summary_of(run)
    assert summary["result"] == "timeout" and summary["sha256"] == "" and summary["boots"] == 0


def test_run_json_is_all_that_stdout_has() -> None:
    run = simulator("run", "--break", "not-an-image", "--json")
    assert len(run.stdout.splitlines()) == 1
    assert run.stderr == ""


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--break", "nonsense"),
        ("run", "--image", "no-such-file"),
        ("run", "--image", "x", "--break", "crash"),
        ("run", "--interpreter", "jython"),
        ("run", "--size", "10"),
        ("run", "--timeout", "0"),
        ("nonsense",),
    ],
)
def test_wrong_input_is_one_line_and_status_2(words: tuple[str, ...]) -> None:
    run = simulator(*words)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("error[") and len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_that_is_told_to_end_takes_the_board_with_it(number: int, interpreter: Interpreter) -> None:
    """As a terminal does it: the signal goes to the whole process group."""
    command = [sys.executable, "-m", "simulator", "run", "--interpreter", interpreter.name]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as run:
        lines = iter(run.stderr.readline, "")
        assert any("firmware 1.0.0 runs" in line for line in lines)
        board = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        os.killpg(run.pid, number)
        rest = run.stderr.read()
    assert run.returncode == 130
    assert "Traceback" not in rest and "Interrupt" not in rest
    assert len(board) == 1 and not Path("/proc", board[0]).exists()


@pytest.mark.parametrize("command", ["run", "device", "flash", "image", "cloud", "bootcheck", "bench", "sizes", "demo"])
def test_every_command_has_help(command: str) -> None:
    run = simulator(command, "--help")
    assert run.returncode == 0
    assert "--help" in run.stdout


def test_run_of_a_software_package_ends_with_it_in_a_tree(interpreter: Interpreter, tmp_path: Path) -> None:
    folder, package = tmp_path / "app", tmp_path / "app.tar"
    folder.mkdir()
    (folder / "app.py").write_text((ROOT / "firmware" / "app.py").read_text())
    made = simulator("software", "make", folder, "--title", "thermometer", "--version", "2.0.0", "-o", package)
    assert made.returncode == 0, made.stderr
    run = simulator("run", "--size", SMALL, "--software", package, "--interpreter", interpreter.name)
    assert run.returncode == 0, run.stderr
    summary = summary_of(run)
    assert (summary["running_version"], summary["running_slot"]) == ("2.0.0", "a")
    assert summary["bytes_downloaded"] == package.stat().st_size
    assert "software 2.0.0 runs, tree a" in run.stderr and "cloud reads UPDATED" in run.stderr


def test_run_of_a_software_package_over_lwm2m(tmp_path: Path) -> None:
    folder, package = tmp_path / "app", tmp_path / "app.tar"
    folder.mkdir()
    (folder / "app.py").write_text((ROOT / "firmware" / "app.py").read_text())
    made = simulator("software", "make", folder, "--title", "thermometer", "--version", "2.0.0", "-o", package)
    assert made.returncode == 0, made.stderr
    for method in ("pull", "push"):
        run = simulator("run", "--cloud", "lwm2m", "--method", method, "--size", SMALL, "--software", package)
        assert run.returncode == 0, run.stderr
        summary = summary_of(run)
        assert (summary["running_version"], summary["running_slot"]) == ("2.0.0", "a")
        assert summary["bytes_downloaded"] == package.stat().st_size
        assert "cloud reads Success: Software update successful" in run.stderr


def test_run_takes_one_kind_of_package_at_a_time() -> None:
    assert simulator("run", "--software", "x.tar", "--break", "crash").returncode == 2
