# SPDX-License-Identifier: MIT
"""What `cloud thingsboard` serves beside its devices: REST, the device API on the same port, the page, boards."""

import json
import socket
import urllib.error
import urllib.request

import pytest

from simulator.__main__ import main
from simulator.clouds.server import Door, Server
from simulator.clouds.site import Site
from simulator.clouds.thingsboard import HttpDoor, ThingsBoard
from simulator.clouds.thingsboard.rest.app import application
from simulator.fleet import SIZE
from simulator.loop_thread import LoopThread
from tests.clouds.test_cloud_command import start  # noqa: F401 (a fixture)

WAIT_S = 30


def ask(url: str, body: object = None, token: str = "") -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "X-Authorization": "Bearer " + token}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=WAIT_S) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_command_serves_rest_and_the_device_api_on_one_port(start):  # noqa: F811
    url = f"http://127.0.0.1:{start('--token', 'TOKEN').info['rest_port']}"
    status, pair = ask(url + "/api/auth/login", {"username": "tenant@thingsboard.org", "password": "tenant"})
    assert status == 200
    token = json.loads(pair)["token"]
    found = json.loads(ask(url + "/api/tenant/devices?pageSize=9&page=0", token=token)[1])["data"]
    assert [device["name"] for device in found] == ["device"]
    assert found[0]["createdTime"] > 1_700_000_000_000
    assert ask(url + "/api/v1/TOKEN/telemetry", {"temperature": 21})[0] == 200
    path = f"/api/plugins/telemetry/DEVICE/{found[0]['id']['id']}/values/timeseries?keys=temperature"
    assert json.loads(ask(url + path, token=token)[1])["temperature"][0]["value"] == "21"
    assert ask(url + "/api/v1/WRONG/telemetry", {"temperature": 21})[0] == 401


def test_command_has_a_page_only_if_asked(start):  # noqa: F811
    assert "dashboard_port" not in start().info
    port = start("--dashboard", "--dashboard-port", "0").info["dashboard_port"]
    status, page = ask(f"http://127.0.0.1:{port}/")
    assert (status, b"<title>Fleet</title>" in page) == (200, True)


def test_command_refuses_a_page_on_a_port_that_is_taken(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["cloud", "thingsboard", "--dashboard", "--dashboard-port", port]) == 2
        assert main(["cloud", "thingsboard", "--rest-port", port]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("error[cannot_listen]") == 2


def test_command_runs_boards_whose_slots_and_boots_the_page_knows(start):  # noqa: F811
    program = start("--dashboard", "--dashboard-port", "0", "--fleet", "1")
    while program.until("telemetry")["values"].get("fw_state") != "UPDATED":
        pass
    detail = json.loads(ask(f"http://127.0.0.1:{program.info['dashboard_port']}/device?id=fw%20board-1")[1])
    assert {name: detail["row"][name] for name in ("state", "slot", "boots", "current")} == {
        "state": "UPDATED",
        "slot": "ota_1",
        "boots": 2,
        "current": "thermometer 1.1.0",
    }
    assert detail["points"][-1][1] == detail["size"] == SIZE
    program.tell("quit")
    program.process.communicate(timeout=WAIT_S)
    assert program.process.returncode == 0


@pytest.fixture
def device_api():
    """(port of the REST side, the cloud) with the device API behind it."""
    thread, cloud = LoopThread("cloud"), ThingsBoard(seed=2)
    cloud.add_device("dev", "T/1 ü")
    server = Server(cloud, "127.0.0.1", 0, Door(HttpDoor(cloud)))
    thread.run(server.open())
    site = Site(application(cloud, server, server.ports[1]))
    yield thread.run(site.open()), cloud
    thread.run(site.close())
    thread.run(server.close())
    thread.stop()


def test_forwarded_request_keeps_its_path_and_answer_its_status_and_headers(device_api):
    port, cloud = device_api
    package = cloud.add_package("a b&c", "1/2", b"x" * 1000)
    cloud.devices["dev"].packages["FIRMWARE"] = package
    url = f"http://127.0.0.1:{port}/api/v1/T%2F1%20%C3%BC"
    assert ask(url + "/firmware?title=a%20b%26c&version=1%2F2&size=300&chunk=3") == (200, b"x" * 100)
    assert ask(url + "/firmware?title=other&version=1")[0] == 400


def test_forwarded_answer_that_breaks_off_breaks_off(device_api):
    port, cloud = device_api
    cloud.devices["dev"].packages["FIRMWARE"] = cloud.add_package("t", "1", b"x" * 1000)
    cloud.add_fault("download:cut=10")
    with pytest.raises(OSError, match=r"closed|reset"):
        ask(f"http://127.0.0.1:{port}/api/v1/T%2F1%20%C3%BC/firmware?title=t&version=1")
