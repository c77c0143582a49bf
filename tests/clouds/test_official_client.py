# SPDX-License-Identifier: MIT
"""ThingsBoard's own Python client cannot tell the mock from a server: M26, and what it uses of everything else.

The client sleeps a second between any two states, so its runs go side by side.
"""

import hashlib
import json
import subprocess
import threading
from pathlib import Path

import pytest

from simulator.clouds.server import Door, ThreadServer
from simulator.clouds.thingsboard import HttpDoor, ThingsBoard, credentials, provisioning
from tests import pki

PYTHON = Path(__file__).parents[2] / ".tools" / "tb-client" / "bin" / "python"
SCRIPT = Path(__file__).with_name("official.py")
CHUNK = 4096
WAIT_S = 60
SIZES = {"remainder": 10_000, "exact multiple": 2 * CHUNK}
RUNS = {
    "mqtt, a remainder": ("mqtt_update", "remainder", CHUNK),
    "mqtt, an exact multiple": ("mqtt_update", "exact multiple", CHUNK),
    "mqtt, the whole file": ("mqtt_update", "remainder", 0),
    "http, a remainder": ("http_update", "remainder", CHUNK),
    "http, an exact multiple": ("http_update", "exact multiple", CHUNK),
    "http, the whole file": ("http_update", "remainder", 0),
}


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if not PYTHON.exists():
        pytest.skip("ThingsBoard's client is not installed: make setup")


@pytest.fixture
def cloud():
    return ThingsBoard(seed=5, queue_ms=0, queue_interval_ms=0)


@pytest.fixture
def server(cloud):
    with ThreadServer(cloud, "127.0.0.1", 0, Door(HttpDoor(cloud))) as server:
        yield server


def start(scenario: str, folder: Path | None = None, **arguments) -> subprocess.Popen:
    command = [PYTHON, SCRIPT, scenario, json.dumps(arguments)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcome(process: subprocess.Popen) -> dict:
    try:
        out, err = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def states(cloud: ThingsBoard, device) -> list[str]:
    said = [e["values"] for e in cloud.events if e["event"] == "telemetry" and e["device"] == device.name]
    return [values["fw_state"] for values in said if "fw_state" in values]


def test_m26_official_client_downloads_over_mqtt_and_http(cloud, server, tmp_path):
    images = {kind: bytes(range(256)) * (size // 256) + b"x" * (size % 256) for kind, size in SIZES.items()}
    mqtt_port, http_port = server.ports
    processes = {}
    for number, (name, (scenario, kind, chunk_size)) in enumerate(RUNS.items()):
        device = server.call(lambda now_ms, name=name, number=number: cloud.add_device(name, f"T{number}"))
        package = cloud.add_package(f"thermo{number}", "1.2.0", data=images[kind])
        server.call(lambda now_ms, device=device, package=package: cloud.assign(device, package, now_ms))
        extra = {"port": mqtt_port}
        if scenario == "http_update":
            extra = {"port": http_port, "title": package.title}
        processes[name] = start(scenario, tmp_path, token=device.token, chunk_size=chunk_size, **extra)
    got = {name: outcome(process) for name, process in processes.items()}
    assert {name: body["sha256"] for name, body in got.items()} == {
        name: hashlib.sha256(images[kind]).hexdigest() for name, (_, kind, _) in RUNS.items()
    }
    for name, (scenario, _, _) in RUNS.items():
        wanted = ["UPDATED"] if scenario == "http_update" else ["IDLE", "DOWNLOADING", "DOWNLOADED", "VERIFIED"]
        assert states(cloud, cloud.devices[name]) == wanted, name
    exact = [e["index"] for e in cloud.events if e["event"] == "chunk" and e["device"] == "mqtt, an exact multiple"]
    assert exact == [0, 1]


def test_official_client_downloads_over_tls_as_its_certificate_says(cloud, tmp_path):
    ca = pki.Authority()
    mine = {"ca_certs": ca.pem, **{name + "_file": pem for name, pem in ca.client("dev").items()}}
    for name, pem in mine.items():
        (tmp_path / name).write_bytes(pem)
    device = cloud.add_device("dev", credentials.x509(mine["cert_file"].decode()))
    data = bytes(range(256)) * 40
    cloud.assign(device, cloud.add_package("thermo", "1.2.0", data=data), 0)
    with ThreadServer(cloud, "127.0.0.1", 0, Door(cloud, 0, ca.server(wants_client=True))) as server:
        tls = {name: str(tmp_path / name) for name in mine}
        got = outcome(start("mqtt_update", tmp_path, port=server.ports[1], chunk_size=CHUNK, tls=tls))
    assert got["sha256"] == hashlib.sha256(data).hexdigest()
    assert states(cloud, device) == ["IDLE", "DOWNLOADING", "DOWNLOADED", "VERIFIED"]


def test_m22_official_client_gets_credentials_and_is_refused_the_second_time(cloud, server):
    profile = cloud.default_profile
    profile.provision_type, profile.provision_key, profile.provision_secret = provisioning.CREATE, "K", "S"
    wanted = {
        "token": {"device_name": "a", "access_token": "MINE"},
        "basic": {"device_name": "b", "client_id": "c", "username": "u", "password": "p"},
        "x509": {"device_name": "d", "hash": "MIIB"},
        "invented": {},
    }
    processes = {name: start("provision", port=server.port, **request) for name, request in wanted.items()}
    got = {name: outcome(process) for name, process in processes.items()}
    assert got["token"] == {"credentialsValue": "MINE", "credentialsType": "ACCESS_TOKEN", "status": "SUCCESS"}
    assert got["basic"]["credentialsValue"] == {"clientId": "c", "userName": "u", "password": "p"}
    assert got["x509"] == {"credentialsValue": "MIIB", "credentialsType": "X509_CERTIFICATE", "status": "SUCCESS"}
    assert cloud.device_by_credentials(got["invented"]["credentialsValue"])
    assert outcome(start("provision", port=server.port, device_name="a")) == {}


def test_official_client_talks_and_is_claimed(cloud, server):
    device = cloud.add_device("dev", "T")
    process = start("talk", port=server.port, token="T")
    assert process.stdout.readline() == "ready\n"
    ended = threading.Event()
    server.call(lambda now_ms: cloud.save_attributes(device, {"interval": 5}, now_ms))
    call = server.call(lambda now_ms: cloud.call(device, "blink", {"n": 3}, now_ms, on_end=lambda _: ended.set()))
    got = outcome(process)
    assert ended.wait(WAIT_S)
    assert (call.state, json.loads(call.answer)) == ("ANSWERED", {"was": {"n": 3}})
    assert got["push"] == {"interval": 5}
    assert got["call"] == {"method": "blink", "params": {"n": 3}}
    assert got["answer"] == {"client": {"serial": "s-1"}, "shared": {"interval": 5}}
    assert got["limits"]["maxPayloadSize"] == 65_536
    assert cloud.latest(device, "temperature") == 21.5
    assert server.call(lambda now_ms: cloud.claim("dev", "open sesame", "ann", now_ms)) == "SUCCESS"
