# SPDX-License-Identifier: MIT
"""`demo` by every strategy of a LwM2M server, `run` by every protocol, and `device` against `cloud lwm2m`.

Over real sockets of loopback.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator import interpreters
from simulator.__main__ import main
from simulator.board import flash_file
from simulator.board.build import build_firmware
from simulator.breakage import FIRMWARE, TITLE
from simulator.clouds.lwm2m import STRATEGIES
from simulator.clouds.lwm2m.options import METHODS
from simulator.commands import demo
from simulator.errors import UserError
from simulator.interpreters import ROOT
from simulator.sides import Lwm2mSide
from simulator.update import SIZE
from tests.clouds.test_cloud_command import start  # noqa: F401 (a fixture)

SMALL = 851_968
_NOBODY = 9  # a port


@pytest.fixture
def interpreter32() -> str:
    """That of a board: CPython has no DTLS."""
    try:
        return interpreters.find("micropython32").name
    except UserError as missing:
        pytest.skip(missing.text)


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


@pytest.mark.parametrize(
    ("protocol", "method", "doors"),
    [
        ("coaps", "pull", {"coaps_port"}),
        ("coaps", "push", {"coaps_port"}),
        ("http", "pull", {"coap_port", "http_port"}),
        ("https", "pull", {"coap_port", "https_port"}),
    ],
)
def test_run_by_each_protocol(
    monkeypatch: pytest.MonkeyPatch, protocol: str, method: str, doors: set[str], interpreter32: str
) -> None:
    """What the server has beside these doors, the board would not find. By coap `demo` goes, see above."""
    reached = Lwm2mSide.reached

    def reached_by_few(side: Lwm2mSide, host: str, ports: Mapping[str, int]) -> None:
        assert doors <= set(ports)
        reached(side, host, {name: port if name in doors else _NOBODY for name, port in ports.items()})

    monkeypatch.setattr(Lwm2mSide, "reached", reached_by_few)
    words = (
        "run",
        "--cloud",
        "lwm2m",
        "--json",
        "--size",
        str(SMALL),
        "--timeout",
        "60",
        "--interpreter",
        interpreter32,
    )
    assert main([*words, "--protocol", protocol, "--method", method, "--strategy", "SendBased"]) == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("method", METHODS)
def test_run_in_a_heap_of_80k(strategy: str, method: str, interpreter32: str) -> None:
    """By the plainest strategy an image of the standard size, by the others half of it."""
    size = SMALL if STRATEGIES.index(strategy) else SIZE
    assert main([*in_80k(interpreter32, size), "--method", method, "--strategy", strategy]) == 0


def test_run_in_a_heap_of_80k_by_http(interpreter32: str) -> None:
    assert main([*in_80k(interpreter32, SIZE), "--protocol", "http"]) == 0


def in_80k(interpreter: str, size: int) -> tuple[str, ...]:
    return ("run", "--cloud", "lwm2m", "--heap", "80k", "--json", "--interpreter", interpreter, "--size", str(size))


def test_coaps_is_refused_where_there_is_no_dtls(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--cloud", "lwm2m", "--protocol", "coaps", "--interpreter", "cpython"]) == 2
    assert "error[no_dtls]: cpython has no DTLS, which coaps needs" in capsys.readouterr().err


def test_device_is_updated_by_the_server_that_cloud_lwm2m_is(start, tmp_path: Path) -> None:  # noqa: F811
    """One command each, as in two terminals; the board is provisioned with the options of its own.

    By HTTPS: it trusts the authority that the server has made for itself.
    """
    (tmp_path / "fw.bin").write_bytes(build_firmware(FIRMWARE, TITLE, "1.1.0"))
    flash = flash_file.make(flash_file.layout("4MiB"), build_firmware(FIRMWARE, TITLE, "1.0.0"))
    (tmp_path / "flash.bin").write_bytes(flash.read(0, flash.size))
    program = start(
        *("--image", f"file={tmp_path / 'fw.bin'},name=thermo,version=1.1.0", "--device", "kitchen", "--closed"),
        *("--knob", "task.strategy=ObservationBased", "--knob", "task.starts_at_once=true"),
        *("--knob", "task.protocol=https", "--https-port", "0", "--ca-out", str(tmp_path / "ca.pem")),
        cloud="lwm2m",
    )
    place = ("--host", "127.0.0.1", "--port", str(program.info["coap_port"]), "--endpoint", "kitchen")
    place += ("--ca", str(tmp_path / "ca.pem"))
    words = ("--flash", tmp_path / "flash.bin", "--cloud", "lwm2m", "--interpreter", "cpython", "--json", *place)
    command = [sys.executable, "-m", "simulator", "device", *map(str, words)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as board:
        assert program.until("http")["status"] == 200
        while (told := program.until("task"))["step"] != "over":
            pass
        output, _ = board.communicate(timeout=60)
    assert (told["device"], told["status"], told["summary"]) == ("kitchen", "Success", "Firmware update successful")
    summary = json.loads(output)
    assert (summary["result"], summary["running_version"], summary["running_slot"]) == ("updated", "1.1.0", "ota_1")
    assert board.returncode == 0
