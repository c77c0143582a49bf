# SPDX-License-Identifier: MIT
"""`demo` by every strategy of a LwM2M server, and `device` against `cloud lwm2m`: real datagrams on loopback."""

import json
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.breakage import FIRMWARE, TITLE
from simulator.clouds.lwm2m import STRATEGIES
from simulator.clouds.lwm2m.options import METHODS
from simulator.commands import demo
from simulator.interpreters import ROOT
from tests.clouds.test_cloud_command import start  # noqa: F401 (a fixture)

SMALL = 851_968


@pytest.mark.parametrize(("strategy", "method"), list(zip(STRATEGIES, cycle(METHODS), strict=False)))
def test_demo_by_each_strategy(monkeypatch: pytest.MonkeyPatch, strategy: str, method: str) -> None:
    """With images of half the size; who chooses by variables of `make` gets the same."""
    monkeypatch.setattr(demo, "SIZE", SMALL)
    chosen = {"CLOUD": "lwm2m", "STRATEGY": strategy, "METHOD": method, "INTERPRETER": "cpython"}
    done = CliRunner().invoke(demo.command, [], env=chosen, catch_exceptions=False, standalone_mode=False)
    assert done.return_value == 0, done.output
    assert "cloud reads Success: Firmware update successful" in done.output
    assert "cloud reads Error: Firmware update failed" in done.output
    lines = [line for line in done.output.splitlines() if line.endswith("as it should; on cpython")]
    assert [line.partition(":")[0] for line in lines] == ["updated", "failed (Firmware update failed)"]
    assert all("1.1.0 runs in ota_1" in line for line in lines)


def test_device_is_updated_by_the_server_that_cloud_lwm2m_is(start, tmp_path: Path) -> None:  # noqa: F811
    """One command each, as in two terminals; the board is provisioned with the options of its own."""
    (tmp_path / "fw.bin").write_bytes(build_firmware(FIRMWARE, TITLE, "1.1.0"))
    flash = flash_file.make(flash_file.layout("4MiB"), build_firmware(FIRMWARE, TITLE, "1.0.0"))
    (tmp_path / "flash.bin").write_bytes(flash.read(0, flash.size))
    program = start(
        *("--image", f"file={tmp_path / 'fw.bin'},name=thermo,version=1.1.0", "--device", "kitchen", "--closed"),
        *("--knob", "task.strategy=ObservationBased", "--knob", "task.starts_at_once=true"),
        cloud="lwm2m",
    )
    place = ("--host", "127.0.0.1", "--port", str(program.info["coap_port"]), "--endpoint", "kitchen")
    words = ("--flash", tmp_path / "flash.bin", "--cloud", "lwm2m", "--interpreter", "cpython", "--json", *place)
    command = [sys.executable, "-m", "simulator", "device", *map(str, words)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as board:
        while (told := program.until("task"))["step"] != "over":
            pass
        output, _ = board.communicate(timeout=60)
    assert (told["device"], told["status"], told["summary"]) == ("kitchen", "Success", "Firmware update successful")
    summary = json.loads(output)
    assert (summary["result"], summary["running_version"], summary["running_slot"]) == ("updated", "1.1.0", "ota_1")
    assert board.returncode == 0
