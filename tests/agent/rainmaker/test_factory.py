# SPDX-License-Identifier: MIT
"""A node whose credentials are where RainMaker's tools put them: NVS partition `fctry`, made by Espressif's tool."""

import subprocess
import sys
from pathlib import Path

import pytest

from simulator.board.lockstep import at_bench
from tests.agent.board_world import firmware
from tests.agent.rm_world import NODE, PORT, RainMakerWorld, credentials

SIZE = 0x6000
TABLE = f"""
nvs,      data, nvs,     0x9000,   0x4000,
otadata,  data, ota,     0xd000,   0x2000,
phy_init, data, phy,     0xf000,   0x1000,
ota_0,    app,  ota_0,   0x10000,  0x180000,
ota_1,    app,  ota_1,   0x190000, 0x180000,
fctry,    data, nvs,     0x310000, {SIZE:#x},
"""


@pytest.fixture(params=["string", "binary"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    """The partition, with values of either kind."""
    values = {
        "node_id": NODE,
        "mqtt_host": "cloud.example",
        "client_cert": credentials()["cert"],
        "client_key": credentials()["key"],
    }
    rows = ["key,type,encoding,value", "rmaker_creds,namespace,,"]
    for key, value in values.items():
        (tmp_path / key).write_text(value)
        rows.append(f"{key},file,{request.param},{tmp_path / key}")
    table, out = tmp_path / "values.csv", tmp_path / "fctry.bin"
    table.write_text("\n".join(rows) + "\n")
    argv = [sys.executable, "-m", "esp_idf_nvs_partition_gen", "generate", table, out, hex(SIZE)]
    subprocess.run(argv, check=True, capture_output=True)
    return out.read_bytes()


def test_r01_node_takes_its_id_host_and_certificate_from_the_factory(make_world, made: bytes, tmp_path: Path) -> None:
    layout = tmp_path / "table.csv"
    layout.write_text(TABLE)
    settings = {"cloud": "rainmaker", "host": "nowhere.example", "port": PORT, "streams": 0, "ca": credentials()["ca"]}
    flash = at_bench(firmware("1.0.0"), settings, str(layout))
    flash.program(0x310000, made)
    world: RainMakerWorld = make_world(flash)
    world.offer("1.1.0")
    world.wait("success")
    assert world.seen("connect")[0]["node"] == NODE
    assert world.runs == ("1.1.0", "ota_1")
