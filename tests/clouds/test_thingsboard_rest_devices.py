# SPDX-License-Identifier: MIT
"""An administrator and the devices over REST: assignment, time series, attributes, calls (thingsboard.md 5, 6.1)."""

import json
import queue
import threading

import paho.mqtt.client as paho
import pytest

from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.rest import rpc
from tests.clouds.rest import NO_ID

WAIT_S = 10
TELEMETRY = "/api/plugins/telemetry/DEVICE"


@pytest.fixture
def cloud() -> ThingsBoard:
    return ThingsBoard(seed=5, queue_ms=0, queue_interval_ms=0, push_order="deleted-first")


@pytest.fixture
def device(admin, profile):
    return admin.device("dev", profile)


@pytest.fixture
def board(admin, device):
    """A client that is the device; what it hears waits in `heard` as (topic, JSON)."""
    _, found = admin.get(f"/api/device/{device['id']['id']}/credentials")
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, "board")
    client.username_pw_set(found["credentialsId"])
    client.heard, ready = queue.Queue(), threading.Event()
    client.on_message = lambda _c, _u, message: client.heard.put((message.topic, json.loads(message.payload)))
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", admin.mqtt_port)
    client.loop_start()
    client.subscribe([("v1/devices/me/attributes", 1), ("v1/devices/me/rpc/request/+", 1)])
    assert ready.wait(WAIT_S)
    yield client
    client.disconnect()
    client.loop_stop()


def series(admin, device, *keys: str, **query) -> dict:
    return admin.get(f"{TELEMETRY}/{device['id']['id']}/values/timeseries", keys=",".join(keys), **query)[1]


def shared(admin, device) -> dict:
    _, found = admin.get(f"{TELEMETRY}/{device['id']['id']}/values/attributes/SHARED_SCOPE")
    return {entry["key"]: entry["value"] for entry in found}


# Assignment


def test_m8_saving_a_device_with_a_package_queues_it_and_tells_the_device(admin, profile, device, board):
    package = admin.package(profile, "thermo", "1.10", b"x" * 100)
    status, saved = admin.post("/api/device", {**device, "firmwareId": package["id"]})
    assert (status, saved["firmwareId"]) == (200, package["id"])
    assert board.heard.get(timeout=WAIT_S)[1].keys() == {"deleted"}
    assert board.heard.get(timeout=WAIT_S)[1]["fw_version"] == "1.10"
    found = series(admin, device, "fw_state", "target_fw_version")
    assert found["fw_state"][0]["value"] == "INITIATED"
    assert found["target_fw_version"][0]["value"] == "1.10"


def test_m10_saving_a_device_again_changes_nothing(admin, cloud, profile, device):
    package = admin.package(profile, "t", "1", b"x")
    _, saved = admin.post("/api/device", {**device, "firmwareId": package["id"]})
    before = len(cloud.events)
    assert admin.post("/api/device", {**saved, "label": "new"})[1]["label"] == "new"
    assert len(cloud.events) == before


def test_m9_device_goes_before_its_profile_and_falls_back_to_it(admin, profile, device):
    for_all = admin.package(profile, "t", "1", b"all")
    for_one = admin.package(profile, "t", "2", b"one")
    admin.post("/api/device", {**device, "firmwareId": for_one["id"]})
    admin.post("/api/deviceProfile", {**profile, "firmwareId": for_all["id"]})
    other = admin.device("other", profile)
    assert (shared(admin, device)["fw_version"], shared(admin, other)["fw_version"]) == ("2", "1")
    assert admin.get(f"/api/devices/count/FIRMWARE/{profile['id']['id']}") == (200, 1)
    admin.post("/api/device", {**device, "firmwareId": None})
    assert shared(admin, device)["fw_version"] == "1"
    admin.post("/api/deviceProfile", {**profile, "firmwareId": None})
    assert shared(admin, device) == shared(admin, other) == {}
    assert admin.get(f"/api/devices/count/HARDWARE/{profile['id']['id']}")[0] == 400


def test_firmware_and_software_are_assigned_side_by_side(admin, profile, device):
    firmware = admin.package(profile, "fw", "1", b"x")
    software = admin.package(profile, "app", "7", b"y", type="SOFTWARE")
    _, saved = admin.post("/api/device", {**device, "firmwareId": firmware["id"], "softwareId": software["id"]})
    found = shared(admin, device)
    assert (found["fw_version"], found["sw_version"]) == ("1", "7")
    admin.post("/api/device", {**saved, "firmwareId": None})
    assert {key[:3] for key in shared(admin, device)} == {"sw_"}


@pytest.mark.parametrize("owner", ["device", "deviceProfile"])
@pytest.mark.parametrize("kind", ["empty", "software", "other profile", "unknown"])
def test_assignment_that_makes_no_sense_is_refused_and_changes_nothing(admin, profile, device, owner, kind):
    package = {
        "empty": lambda: admin.package(profile, "t", "1"),
        "software": lambda: admin.package(profile, "t", "1", b"x", type="SOFTWARE"),
        "other profile": lambda: admin.package(admin.profile("other"), "t", "1", b"x"),
        "unknown": lambda: {"id": {"entityType": "OTA_PACKAGE", "id": NO_ID}},
    }[kind]()
    body = {"device": device, "deviceProfile": profile}[owner]
    status, refusal = admin.post(f"/api/{owner}", {**body, "name": "renamed", "firmwareId": package["id"]})
    assert (status, refusal["errorCode"]) == ((404, 32) if kind == "unknown" else (400, 31))
    assert admin.get(f"/api/{owner}/{body['id']['id']}") == (200, body)
    assert shared(admin, device) == {}


def test_new_profile_cannot_begin_with_the_package_of_another(admin, profile):
    package = admin.package(profile, "t", "1", b"x")
    assert admin.post("/api/deviceProfile", {"name": "new", "firmwareId": package["id"]})[0] == 400
    assert [found["name"] for found in admin.get("/api/deviceProfile/names")[1]] == ["default", "thermo"]


def test_device_born_under_a_profile_with_a_package_gets_it_or_its_own(admin, profile):
    first, second = (admin.package(profile, "t", version, b"x") for version in "12")
    admin.post("/api/deviceProfile", {**profile, "firmwareId": first["id"]})
    assert shared(admin, admin.device("a", profile))["fw_version"] == "1"
    assert shared(admin, admin.device("b", profile, firmwareId=second["id"]))["fw_version"] == "2"


def test_device_that_moves_gets_what_its_new_profile_has(admin, profile, device):
    old = admin.package(profile, "t", "1", b"x")
    _, saved = admin.post("/api/device", {**device, "firmwareId": old["id"]})
    other = admin.profile("other")
    new = admin.package(other, "t", "2", b"x")
    admin.post("/api/deviceProfile", {**other, "firmwareId": new["id"]})
    moved = {**saved, "deviceProfileId": other["id"]}
    assert admin.post("/api/device", moved)[0] == 400  # with a package of its own that is not for there
    _, saved = admin.post("/api/device", {**moved, "firmwareId": None})
    assert (saved["type"], shared(admin, device)["fw_version"]) == ("other", "2")
    admin.post("/api/device", {**saved, "deviceProfileId": profile["id"]})
    assert shared(admin, device) == {}


# Time series


def test_history_of_a_key_newest_first_with_limits(admin, device):
    for ts in (1000, 2000, 3000):
        body = {"ts": ts, "values": {"fw_state": f"S{ts}", "on": True}}
        assert admin.post(f"{TELEMETRY}/{device['id']['id']}/timeseries/ANY", body)[0] == 200

    def states(**query) -> list[str]:
        span = {"startTs": 1000, "endTs": 3000, "keys": "fw_state,none", **query}
        status, found = admin.get(f"{TELEMETRY}/{device['id']['id']}/values/timeseries/history", **span)
        assert (status, set(found)) == (200, {"fw_state"})
        return [point["value"] for point in found["fw_state"]]

    assert states() == ["S2000", "S1000"]  # the end is not part of it
    assert states(orderBy="ASC", endTs=3001) == ["S1000", "S2000", "S3000"]
    assert states(limit=1) == ["S2000"]
    assert series(admin, device, "fw_state", startTs=0, endTs=1500)["fw_state"] == [{"ts": 1000, "value": "S1000"}]
    assert series(admin, device, "on", "none")["on"] == [{"ts": 3000, "value": "true"}]
    assert series(admin, device, "on", useStrictDataTypes="true")["on"][0]["value"] is True
    assert series(admin, device, "none")["none"][0]["value"] is None
    assert admin.get(f"{TELEMETRY}/{device['id']['id']}/keys/timeseries")[1] == ["fw_state", "on"]


@pytest.mark.parametrize(
    "query", [{"startTs": 0}, {"startTs": "then", "endTs": 1}, {"startTs": 0, "endTs": 1, "agg": "AVG"}]
)
def test_history_refuses_what_it_cannot_do(admin, device, query):
    path = f"{TELEMETRY}/{device['id']['id']}/values/timeseries/history"
    assert admin.get(path, keys="a", **query)[0] == 400


def test_m20_numbers_in_strings_are_cast_over_rest_as_well(admin, device):
    admin.post(f"{TELEMETRY}/{device['id']['id']}/timeseries/ANY", {"current_fw_version": "1.10"})
    assert series(admin, device, "current_fw_version")["current_fw_version"][0]["value"] == "1.1"
    assert admin.send(f"{TELEMETRY}/{device['id']['id']}/timeseries/ANY", b"[1]")[0] == 400


# Attributes


@pytest.mark.parametrize(
    "path", ["{id}/SHARED_SCOPE", "DEVICE/{id}/SHARED_SCOPE", "DEVICE/{id}/attributes/SHARED_SCOPE"]
)
def test_shared_attributes_are_pushed(admin, device, board, path):
    url = "/api/plugins/telemetry/" + path.format(id=device["id"]["id"])
    assert admin.post(url, {"interval": 5, "name": "x"}) == (200, b"")
    assert board.heard.get(timeout=WAIT_S)[1] == {"interval": 5, "name": "x"}
    assert shared(admin, device) == {"interval": 5, "name": "x"}
    gone = url.replace("/attributes/", "/")
    assert admin.delete(gone, keys="interval") == (200, b"")
    assert board.heard.get(timeout=WAIT_S)[1] == {"deleted": ["interval"]}
    assert shared(admin, device) == {"name": "x"}


def test_attributes_of_each_scope_and_of_all(admin, cloud, device):
    root = f"{TELEMETRY}/{device['id']['id']}"
    admin.post(root + "/SERVER_SCOPE", {"room": "cellar"})
    admin.post(root + "/SHARED_SCOPE", {"interval": 5})
    admin.act(lambda now_ms: cloud.devices["dev"].client.update(serial="17"))
    assert admin.get(root + "/values/attributes/SERVER_SCOPE")[1] == [{"key": "room", "value": "cellar"}]
    assert sorted(admin.get(root + "/keys/attributes")[1]) == ["interval", "room", "serial"]
    assert admin.get(root + "/keys/attributes/CLIENT_SCOPE")[1] == ["serial"]
    assert admin.get(root + "/values/attributes", keys="room,none")[1] == [{"key": "room", "value": "cellar"}]
    admin.delete(root + "/SERVER_SCOPE", keys="room")
    admin.delete(root + "/CLIENT_SCOPE", keys="serial")
    assert admin.get(root + "/keys/attributes")[1] == ["interval"]


def test_attributes_refuse_wrong_scopes_and_bodies(admin, device):
    root = f"{TELEMETRY}/{device['id']['id']}"
    assert admin.post(root + "/CLIENT_SCOPE", {"a": 1})[0] == 400
    assert admin.post(root + "/OTHER_SCOPE", {"a": 1})[0] == 400
    assert admin.post(root + "/SHARED_SCOPE", [1])[0] == 400
    assert admin.delete(root + "/SHARED_SCOPE")[0] == 400
    assert admin.get(f"{TELEMETRY}/{NO_ID}/values/attributes")[0] == 404


# Calls


@pytest.mark.parametrize("root", ["plugins/rpc", "rpc"])
@pytest.mark.parametrize(("answer", "told"), [('{"free":80}', {"free": 80}), ("plain text", "plain text")])
def test_twoway_call_gives_the_devices_answer(admin, device, board, root, answer, told):
    def reply(_client, _user, message) -> None:
        assert json.loads(message.payload) == {"method": "heap", "params": {"full": True}}
        board.publish(message.topic.replace("request", "response"), answer)

    board.on_message = reply
    body = {"method": "heap", "params": {"full": True}}
    assert admin.post(f"/api/{root}/twoway/{device['id']['id']}", body) == (200, told)


def test_oneway_call_ends_when_it_is_on_its_way(admin, device, board):
    assert admin.post(f"/api/plugins/rpc/oneway/{device['id']['id']}", {"method": "reboot"}) == (200, b"")
    assert board.heard.get(timeout=WAIT_S)[1] == {"method": "reboot", "params": None}


def test_call_without_a_method_or_with_a_bad_timeout_is_refused(admin, device):
    path = f"/api/plugins/rpc/twoway/{device['id']['id']}"
    assert admin.post(path, {"params": 1})[0] == 400
    assert admin.post(path, {"method": "m", "timeout": "soon"})[0] == 400


@pytest.mark.parametrize(("is_there", "status"), [(True, 504), (False, 409)])
def test_call_that_nobody_answers_ends_with_the_reason(admin, device, monkeypatch, request, is_there, status):
    monkeypatch.setattr(rpc, "_MIN_TIMEOUT_MS", 1)
    if is_there:
        request.getfixturevalue("board")
    path = f"/api/plugins/rpc/twoway/{device['id']['id']}"
    assert admin.post(path, {"method": "m", "timeout": 50}) == (status, b"")
