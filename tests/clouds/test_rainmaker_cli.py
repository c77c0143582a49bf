# SPDX-License-Identifier: MIT
"""RainMaker's official command line client drives the mock and notices nothing (rainmaker.md 12).

1.14.1 logs in and makes jobs; its `otaupgrade` is broken, so 1.2.0 does that.
"""

import base64
import json
import urllib.request

import pytest

from simulator.clouds.rest import tokens
from tests.clouds.rm_cli import LOGIN, WAIT_S, client
from tests.clouds.rm_rest import NODE, service


@pytest.fixture
def user(tmp_path):
    with service(tmp_path) as user:
        yield user


def grow_old(folder) -> None:
    """The access token that the client keeps ran out an hour ago."""
    old = tokens.sign(0, 3600, token_use="access")
    files = [file for file in folder.rglob("*.json") if "accesstoken" in file.read_text()]
    assert files
    for file in files:
        kept = json.loads(file.read_text())
        file.write_text(json.dumps({**kept, "accesstoken": old}))


def test_official_client_makes_a_job_and_watches_it(user, tmp_path):
    cli, node = client("rm-cli", tmp_path), user.node()
    cli.log_in(user.url)
    assert NODE in cli.run("getnodes")
    grow_old(cli.folder)
    assert "Initialising new session...Success" in cli.run("getparams", NODE)
    cli.run("setparams", "--data", '{"OTA": {"URL": "https://files.example/fw.bin"}}', NODE)
    assert node.heard() == {"OTA": {"URL": "https://files.example/fw.bin"}}
    about = {"image_name": "fw", "fw_version": "1.5.0", "model": "demo"}
    data = base64.b64encode(b"firmware").decode()
    code, image = cli.api("POST", "admin/otaimage", body={**about, "base64_fwimage": data})
    assert code == 200
    wanted = {"ota_job_name": "job", "ota_image_id": image["ota_image_id"], "nodes": [NODE]}
    code, job = cli.api("POST", "admin/otajob", "force_push=true", wanted)
    assert (code, job["status"]) == (200, "success")
    offer = node.heard()
    assert offer["ota_job_id"] == job["ota_job_id"]
    assert urllib.request.urlopen(offer["url"]).read() == b"firmware"
    node.report(job["ota_job_id"], "success", "finished")
    code, told = cli.api("GET", "admin/otajob/status", f"ota_job_id={job['ota_job_id']}")
    assert [(one["node_id"], one["status"]) for one in told["node_ota_status"]] == [(NODE, "success")]
    assert cli.api("POST", "admin/otajob", body=wanted)[1]["error_code"] == 105005


def test_official_client_updates_a_node_by_its_parameters(user, tmp_path):
    """It asks every eight seconds how far the node is, so this is the one test of it."""
    cli, node = client("rm-cli-old", tmp_path), user.node()
    (cli.folder / "rainmaker_config.json").write_text(json.dumps({"host": user.url + "/v1/"}))
    cli.run(*LOGIN)
    (cli.folder / "thermometer.bin").write_bytes(b"firmware")
    process = cli.start("otaupgrade", NODE, "thermometer.bin")
    try:
        url = node.heard()["OTA"]["URL"]
        assert urllib.request.urlopen(url).read() == b"firmware"
        node.say("params/local", {"OTA": {"Info": "Finished"}})
        node.say("params/local", {"OTA": {"Status": "success"}})
        out, _ = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
    assert process.returncode == 0, out
    assert "success : Finished" in out
    assert "Failed" not in out
