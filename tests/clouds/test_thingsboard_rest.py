# SPDX-License-Identifier: MIT
"""REST for administrators: login, packages, profiles, devices, credentials (thingsboard.md 3.2, 5.2, 5.4)."""

import base64
import hashlib
import json
import socket

import jwt
import pytest
from aiohttp import web

from simulator.clouds import mqtt
from simulator.clouds.site import Site
from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.rest import app, auth
from simulator.errors import UserError
from simulator.loop_thread import LoopThread
from tests.clouds import peer
from tests.clouds.rest import NO_ID, administration

WAIT_S = 10


@pytest.fixture
def cloud() -> ThingsBoard:
    return ThingsBoard(seed=5, queue_ms=0, queue_interval_ms=0)


def refusal(answer: tuple) -> tuple[int, int]:
    """(status, errorCode); the body has to have all four fields."""
    status, body = answer
    assert set(body) == {"status", "message", "errorCode", "timestamp"}
    assert body["status"] == status
    return status, body["errorCode"]


# Login


def test_login_gives_a_token_that_opens_the_door(admin):
    assert admin.get("/api/auth/user")[1]["authority"] == "TENANT_ADMIN"
    tenant_id = admin.get("/api/auth/user")[1]["tenantId"]["id"]
    assert admin.get(f"/api/tenant/{tenant_id}")[1]["title"] == "Tenant"
    assert refusal(admin.get(f"/api/tenant/{NO_ID}")) == (404, 32)


def test_login_wrong_password_is_refused(admin):
    wrong = {"username": "tenant@thingsboard.org", "password": "guess"}
    assert refusal(admin.post("/api/auth/login", wrong)) == (401, 10)


@pytest.mark.parametrize("header", [{}, {"X-Authorization": "Bearer nonsense"}, {"X-Authorization": "Basic abc"}])
def test_call_without_a_good_token_is_refused(admin, header):
    admin.headers = header
    assert refusal(admin.get("/api/otaPackages", pageSize=1, page=0)) == (401, 10)


def test_token_signed_with_another_key_is_refused(admin, cloud):
    forged = jwt.encode(
        {"scopes": ["TENANT_ADMIN"], "exp": 1 << 33}, "another key, as long as it has to be" * 2, "HS512"
    )
    admin.headers = {"X-Authorization": "Bearer " + forged}
    assert refusal(admin.get("/api/auth/user")) == (401, 10)


def test_refresh_token_renews_and_opens_nothing_itself(admin):
    login = {"username": auth.Account.email, "password": auth.Account.password}
    _, pair = admin.post("/api/auth/login", login)
    status, renewed = admin.post("/api/auth/token", {"refreshToken": pair["refreshToken"]})
    assert (status, set(renewed)) == (200, {"token", "refreshToken"})
    assert refusal(admin.post("/api/auth/token", {"refreshToken": pair["token"]})) == (401, 10)
    admin.headers = {"X-Authorization": "Bearer " + pair["refreshToken"]}
    assert refusal(admin.get("/api/auth/user")) == (401, 10)


def test_token_expires_after_two_and_a_half_hours():
    account, now_ms = auth.Account(), 1_700_000_000_000
    token = account.pair(now_ms)["token"]
    account.check(token, now_ms + 9_000_000 - 1)
    with pytest.raises(UserError) as expired:
        account.check(token, now_ms + 9_000_000)
    assert expired.value.code == "token_expired"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("get", "/api/nothing", 404), ("delete", "/api/otaPackages", 405)]
)
def test_unknown_call_is_refused_the_servers_way(admin, method, path, status):
    assert refusal(getattr(admin, method)(path))[0] == status


def test_body_that_is_no_json_is_a_bad_request(admin):
    assert refusal(admin.send("/api/device", b"{")) == (400, 31)
    assert refusal(admin.post("/api/device", ["dev"])) == (400, 31)


# Packages


def test_package_is_made_filled_read_and_downloaded(admin, profile):
    made = admin.package(profile, "thermo", "1.0", tag="thermo 1.0", additionalInfo={"description": "first"})
    assert (made["hasData"], made["checksum"], made["additionalInfo"]) == (False, None, {"description": "first"})
    path = f"/api/otaPackage/{made['id']['id']}"
    status, filled = admin.upload(made["id"]["id"], b"image" * 100, checksumAlgorithm="sha256")
    assert status == 200
    assert filled == {
        **made,
        "hasData": True,
        "fileName": "app.bin",
        "contentType": "application/octet-stream",
        "checksumAlgorithm": "SHA256",
        "checksum": hashlib.sha256(b"image" * 100).hexdigest(),
        "dataSize": 500,
    }
    assert admin.get(f"/api/otaPackage/info/{made['id']['id']}") == (200, filled)
    assert base64.b64decode(admin.get(path)[1]["data"]) == b"image" * 100
    assert admin.get(path + "/download") == (200, b"image" * 100)
    assert admin.answer_headers["x-filename"] == "app.bin"


def test_package_title_and_version_are_unique_whatever_the_type(admin, profile):
    admin.package(profile, "thermo", "1.0")
    again = {"title": "thermo", "version": "1.0", "type": "SOFTWARE", "deviceProfileId": profile["id"]}
    assert refusal(admin.post("/api/otaPackage", again)) == (400, 31)
    assert admin.post("/api/otaPackage", {**again, "version": "1.1"})[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        {"type": "HARDWARE"},
        {"type": None},
        {"title": ""},
        {"title": "x" * 256},
        {"version": None},
        {"tag": "x" * 256},
        {"deviceProfileId": None},
        {"deviceProfileId": "thermo"},
        {"deviceProfileId": {"entityType": "DEVICE_PROFILE", "id": "1"}},
        {"usesUrl": True},
        {"usesUrl": True, "url": "http://host/f", "checksumAlgorithm": "SHA1"},
    ],
)
def test_package_that_is_not_sound_is_refused(admin, profile, change):
    body = {"title": "t", "version": "1", "type": "FIRMWARE", "deviceProfileId": profile["id"], **change}
    assert refusal(admin.post("/api/otaPackage", body)) == (400, 31)
    assert admin.get("/api/otaPackages", pageSize=9, page=0)[1]["totalElements"] == 0


def test_m24_checksum_given_by_hand_must_be_the_servers_text(admin, profile):
    package_id = admin.package(profile, "t", "1")["id"]["id"]
    data = b"123456789"  # thingsboard.md 3.2 has its CRC32
    for wrong in ("0x2639f4cb", "2639F4CB", "cbf43926"):
        assert refusal(admin.upload(package_id, data, checksumAlgorithm="CRC32", checksum=wrong)) == (400, 31)
    status, filled = admin.upload(package_id, data, checksumAlgorithm="CRC32", checksum="2639f4cb")
    assert (status, filled["checksum"]) == (200, "2639f4cb")


def test_upload_needs_an_algorithm_a_file_and_bytes(admin, profile):
    package_id = admin.package(profile, "t", "1")["id"]["id"]
    assert refusal(admin.upload(package_id, b"x")) == (400, 31)
    assert refusal(admin.upload(package_id, b"x", checksumAlgorithm="SHA1")) == (400, 31)
    assert refusal(admin.upload(package_id, b"", checksumAlgorithm="MD5")) == (400, 31)
    assert refusal(admin.post(f"/api/otaPackage/{package_id}", checksumAlgorithm="MD5")) == (400, 31)
    assert refusal(admin.upload(NO_ID, b"x", checksumAlgorithm="MD5")) == (404, 32)


def test_upload_has_a_limit(cloud, monkeypatch):
    monkeypatch.setattr(app, "_UPLOAD_LIMIT", 2000)
    with administration(cloud) as admin:
        package_id = admin.package(admin.profile("p"), "t", "1")["id"]["id"]
        assert refusal(admin.upload(package_id, bytes(3000), checksumAlgorithm="MD5"))[0] == 413
        assert admin.upload(package_id, bytes(1000), checksumAlgorithm="MD5")[0] == 200


def test_package_content_is_given_once(admin, profile):
    package = admin.package(profile, "t", "1", b"first")
    assert refusal(admin.upload(package["id"]["id"], b"second", checksumAlgorithm="MD5")) == (400, 31)
    assert admin.get(f"/api/otaPackage/{package['id']['id']}/download")[1] == b"first"


@pytest.mark.parametrize("name", ["title", "version", "tag", "type", "url", "deviceProfileId"])
def test_package_keeps_what_it_was_made_with(admin, profile, name):
    package = admin.package(profile, "t", "1", b"x", tag="t 1")
    other = {"type": "SOFTWARE", "deviceProfileId": admin.profile("other")["id"]}.get(name, "another")
    assert refusal(admin.post("/api/otaPackage", {**package, name: other})) == (400, 31)
    described = {**package, "additionalInfo": {"description": "new"}}
    assert admin.post("/api/otaPackage", described) == (200, described)


def test_url_package_keeps_size_and_checksum_unchecked_and_has_no_download(admin, profile):
    facts = {"dataSize": 7, "checksum": "whatever", "checksumAlgorithm": "MD5"}
    package = admin.package(profile, "t", "1", usesUrl=True, url="http://host/f", **facts)
    assert package["hasData"]
    assert package.items() >= facts.items()
    assert admin.get(f"/api/otaPackage/{package['id']['id']}/download") == (400, b"")
    assert refusal(admin.upload(package["id"]["id"], b"x", checksumAlgorithm="MD5")) == (400, 31)


def test_packages_are_searched_sorted_and_paged(admin, profile):
    for title, version in (("thermo", "1"), ("Hygro", "1"), ("thermo", "2"), ("barometer", "1")):
        admin.package(profile, title, version)

    def listed(**query) -> list[str]:
        return [f"{p['title']} {p['version']}" for p in admin.get("/api/otaPackages", **query)[1]["data"]]

    assert listed(pageSize=9, page=0) == ["thermo 1", "Hygro 1", "thermo 2", "barometer 1"]
    assert listed(pageSize=9, page=0, textSearch="RO", sortProperty="title") == ["Hygro 1", "barometer 1"]
    assert listed(pageSize=2, page=0, sortProperty="version", sortOrder="DESC")[0] == "thermo 2"
    _, last = admin.get("/api/otaPackages", pageSize=3, page=1)
    assert [last[key] for key in ("totalElements", "totalPages", "hasNext")] == [4, 2, False]
    assert len(last["data"]) == 1
    assert admin.get("/api/otaPackages", pageSize=3, page=0)[1]["hasNext"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"pageSize": 1},
        {"pageSize": "many", "page": 0},
        {"pageSize": 0, "page": 0},
        {"pageSize": 1, "page": -1},
        {"pageSize": 1, "page": 0, "sortProperty": "colour"},
        {"pageSize": 1, "page": 0, "sortProperty": "id"},
        {"pageSize": 1, "page": 0, "sortOrder": "UP"},
    ],
)
def test_list_refuses_a_page_that_makes_no_sense(admin, profile, query):
    admin.package(profile, "t", "1")
    assert refusal(admin.get("/api/otaPackages", **query)) == (400, 31)


def test_list_for_assignment_has_what_can_be_assigned(admin, profile):
    admin.package(profile, "full", "1", b"x")
    admin.package(profile, "link", "1", usesUrl=True, url="http://host/f")
    admin.package(profile, "empty", "1")
    admin.package(profile, "app", "1", b"x", type="SOFTWARE")
    admin.package(admin.profile("other"), "other", "1", b"x")
    _, found = admin.get(f"/api/otaPackages/{profile['id']['id']}/FIRMWARE", pageSize=9, page=0)
    assert [package["title"] for package in found["data"]] == ["full", "link"]


def test_package_delete_is_refused_while_a_device_or_a_profile_has_it(admin, profile):
    package = admin.package(profile, "t", "1", b"x")
    path = f"/api/otaPackage/{package['id']['id']}"
    device = admin.device("dev", profile, firmwareId=package["id"])
    assert refusal(admin.delete(path)) == (400, 31)
    admin.post("/api/device", {**device, "firmwareId": None})
    admin.post("/api/deviceProfile", {**profile, "firmwareId": package["id"]})
    status, body = admin.delete(path)
    assert (status, "device profile thermo" in body["message"]) == (400, True)
    admin.post("/api/deviceProfile", {**profile, "firmwareId": None})
    assert admin.delete(path) == (200, b"")
    assert refusal(admin.get(path)) == (404, 32)


# Profiles


def test_profile_is_made_changed_listed_and_deleted(admin, profile):
    assert (profile["name"], profile["default"], profile["firmwareId"]) == ("thermo", False, None)
    changed = {**profile, "name": "hygro", "description": "wet"}
    assert admin.post("/api/deviceProfile", changed) == (200, changed)
    path = f"/api/deviceProfile/{profile['id']['id']}"
    assert admin.get(path) == (200, changed)
    assert [found["name"] for found in admin.get("/api/deviceProfile/names")[1]] == ["default", "hygro"]
    assert admin.get("/api/deviceProfiles", pageSize=9, page=0, textSearch="HYG")[1]["data"] == [changed]
    _, info = admin.get("/api/deviceProfileInfos", pageSize=9, page=0, sortProperty="name")
    assert [found["name"] for found in info["data"]] == ["default", "hygro"]
    assert admin.get(f"/api/deviceProfileInfo/{profile['id']['id']}")[1]["name"] == "hygro"
    assert admin.delete(path) == (200, b"")
    assert refusal(admin.get(path)) == (404, 32)


def test_profiles_are_listed_by_transport(admin, profile):
    assert admin.post("/api/deviceProfile", {"name": "by coap", "transportType": "COAP"})[0] == 200
    for transport, names in {"COAP": ["by coap"], "DEFAULT": ["default", "thermo"], "SNMP": []}.items():
        _, info = admin.get("/api/deviceProfileInfos", pageSize=9, page=0, transportType=transport)
        assert [found["name"] for found in info["data"]] == names


def test_profile_name_is_unique_and_not_empty(admin, profile):
    assert refusal(admin.post("/api/deviceProfile", {"name": "thermo"})) == (400, 31)
    assert refusal(admin.post("/api/deviceProfile", {"name": ""})) == (400, 31)
    assert refusal(admin.post("/api/deviceProfile", {**profile, "name": "default"})) == (400, 31)


def test_default_profile_takes_devices_that_name_none_and_can_be_another(admin, profile):
    assert admin.device("a")["type"] == "default"
    assert admin.post(f"/api/deviceProfile/{profile['id']['id']}/default")[1]["default"]
    assert admin.device("b")["type"] == "thermo"
    assert admin.get("/api/deviceProfileInfo/default")[1]["name"] == "thermo"


def test_profile_delete_takes_its_packages_along_and_is_refused_while_in_use(admin, profile):
    admin.package(profile, "t", "1", b"x")
    device = admin.device("dev", profile)
    path = f"/api/deviceProfile/{profile['id']['id']}"
    assert refusal(admin.delete(path)) == (400, 31)
    default_id = admin.get("/api/deviceProfileInfo/default")[1]["id"]["id"]
    assert refusal(admin.delete(f"/api/deviceProfile/{default_id}")) == (400, 31)
    admin.delete(f"/api/device/{device['id']['id']}")
    assert admin.delete(path)[0] == 200
    assert admin.get("/api/otaPackages", pageSize=9, page=0)[1]["totalElements"] == 0


def test_profile_json_sets_what_the_devices_feel(admin, cloud):
    admin.profile(
        "p",
        provisionDeviceKey="K",
        profileData={
            "transportConfiguration": {"type": "MQTT", "sendAckOnValidationException": True},
            "provisionConfiguration": {"type": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceSecret": "S"},
        },
    )
    profile = next(profile for profile in cloud.tenant.profiles if profile.name == "p")
    assert profile.ack_bad_payload
    assert (profile.provision_type, profile.provision_key, profile.provision_secret) == (
        "ALLOW_CREATE_NEW_DEVICES",
        "K",
        "S",
    )


# Devices and credentials


def test_device_is_made_found_and_deleted(admin, profile):
    device = admin.device("dev", profile, label="in the cellar")
    assert (device["name"], device["type"], device["label"]) == ("dev", "thermo", "in the cellar")
    device_id = device["id"]["id"]
    assert admin.get(f"/api/device/{device_id}") == (200, device)
    assert admin.get("/api/tenant/device", deviceName="dev") == (200, device)
    assert admin.get("/api/devices", deviceIds=f"{device_id},{NO_ID}") == (200, [device])
    assert admin.get("/api/tenant/devices", pageSize=9, page=0, type="thermo")[1]["data"] == [device]
    assert admin.get("/api/tenant/devices", pageSize=9, page=0, type="default")[1]["data"] == []
    assert [found["type"] for found in admin.get("/api/device/types")[1]] == ["thermo"]
    assert admin.delete(f"/api/device/{device_id}") == (200, b"")
    assert refusal(admin.get(f"/api/device/{device_id}")) == (404, 32)
    assert refusal(admin.get("/api/tenant/device", deviceName="dev")) == (404, 32)


def test_device_name_is_unique_and_can_change(admin):
    device = admin.device("dev")
    admin.device("other")
    assert refusal(admin.post("/api/device", {"name": "dev"})) == (400, 31)
    assert refusal(admin.post("/api/device", {"name": ""})) == (400, 31)
    assert refusal(admin.post("/api/device", {**device, "name": "other"})) == (400, 31)
    assert admin.post("/api/device", {**device, "name": "renamed"})[1]["name"] == "renamed"
    assert admin.get("/api/tenant/device", deviceName="renamed")[0] == 200


def test_device_of_a_type_nobody_has_heard_of_makes_its_profile(admin):
    first, second = admin.device("a", type="hygro"), admin.device("b", type="hygro")
    assert first["deviceProfileId"] == second["deviceProfileId"]
    assert "hygro" in [found["name"] for found in admin.get("/api/deviceProfile/names")[1]]


def test_device_infos_tell_who_is_connected_and_can_be_narrowed(admin, profile):
    admin.post("/api/device", {"name": "dev", "deviceProfileId": profile["id"]}, accessToken="TOKEN")
    admin.device("idle")
    with socket.create_connection(("127.0.0.1", admin.mqtt_port), WAIT_S) as raw:
        raw.sendall(peer.connect(4, "TOKEN"))
        assert raw.recv(4, socket.MSG_WAITALL) == mqtt.connack(4, False, 0)

        def names(**query) -> list[str]:
            _, found = admin.get("/api/tenant/deviceInfos", pageSize=9, page=0, **query)
            return [info["name"] for info in found["data"]]

        assert (names(), names(active="true"), names(active="false")) == (["dev", "idle"], ["dev"], ["idle"])
        assert names(deviceProfileId=profile["id"]["id"]) == ["dev"]


def test_credentials_of_all_three_kinds_can_be_set_and_read(admin):
    device = admin.device("dev")
    path = f"/api/device/{device['id']['id']}/credentials"
    status, before = admin.get(path)
    assert (status, before["credentialsType"], len(before["credentialsId"])) == (200, "ACCESS_TOKEN", 20)
    basic = json.dumps({"clientId": "board", "userName": "u", "password": "p"})
    pem = "-----BEGIN CERTIFICATE-----\nTUlJ\nQg==\n-----END CERTIFICATE-----\n"
    for kind, text in (("MQTT_BASIC", basic), ("X509_CERTIFICATE", pem)):
        wanted = {**before, "credentialsType": kind, "credentialsValue": text}
        status, after = admin.post("/api/device/credentials", wanted)
        assert (status, after["credentialsType"]) == (200, kind)
        assert admin.get(path) == (200, after)
    assert after["credentialsValue"] == "TUlJQg=="
    assert after["credentialsId"] == hashlib.sha3_256(b"TUlJQg==").hexdigest()
    token = {**before, "credentialsId": "MY-TOKEN"}
    assert admin.post("/api/device/credentials", token)[1]["credentialsId"] == "MY-TOKEN"


@pytest.mark.parametrize(
    "change",
    [
        {"credentialsType": "MQTT_BASIC", "credentialsValue": "no json"},
        {"credentialsType": "MQTT_BASIC", "credentialsValue": '"text"'},
        {"credentialsType": "MQTT_BASIC", "credentialsValue": '{"password":"p"}'},
        {"credentialsType": "X509_CERTIFICATE", "credentialsValue": None},
        {"credentialsType": "LWM2M_CREDENTIALS"},
        {"credentialsId": ""},
        {"credentialsId": "TAKEN"},
        {"deviceId": None},
    ],
)
def test_credentials_that_are_not_sound_or_taken_are_refused(admin, change):
    admin.post("/api/device", {"name": "other"}, accessToken="TAKEN")
    device = admin.device("dev")
    _, before = admin.get(f"/api/device/{device['id']['id']}/credentials")
    assert refusal(admin.post("/api/device/credentials", {**before, **change})) == (400, 31)
    assert admin.get(f"/api/device/{device['id']['id']}/credentials")[1] == before


def test_device_comes_with_credentials_of_its_own(admin):
    body = {"device": {"name": "dev"}, "credentials": {"credentialsType": "ACCESS_TOKEN", "credentialsId": "MINE"}}
    status, device = admin.post("/api/device-with-credentials", body)
    assert status == 200
    assert admin.get(f"/api/device/{device['id']['id']}/credentials")[1]["credentialsId"] == "MINE"
    assert refusal(admin.post("/api/device-with-credentials", {"device": {"name": "x"}})) == (400, 31)


@pytest.mark.parametrize("change", ["credentials", "delete"])
def test_new_credentials_and_a_deleted_device_end_the_session(admin, level, change):
    _, device = admin.post("/api/device", {"name": "dev"}, accessToken="TOKEN")
    device_id = device["id"]["id"]
    with socket.create_connection(("127.0.0.1", admin.mqtt_port), WAIT_S) as raw:
        raw.sendall(peer.connect(level, "TOKEN"))
        hello = mqtt.connack(level, False, 0)
        assert raw.recv(len(hello), socket.MSG_WAITALL) == hello
        if change == "delete":
            admin.delete(f"/api/device/{device_id}")
        else:
            _, before = admin.get(f"/api/device/{device_id}/credentials")
            admin.post("/api/device/credentials", before)  # the same again: nothing happens
            assert admin.get(f"/api/device/info/{device_id}")[1]["active"]
            admin.post("/api/device/credentials", {**before, "credentialsId": "ANOTHER"})
        raw.settimeout(WAIT_S)
        assert raw.recv(100) == (mqtt.disconnect(0x98) if level == 5 else b"")


def test_id_that_is_no_uuid_is_a_bad_request(admin):
    for path in ("device", "deviceProfile", "otaPackage", "otaPackage/info"):
        assert refusal(admin.get(f"/api/{path}/17")) == (400, 31)
        assert refusal(admin.get(f"/api/{path}/{NO_ID}")) == (404, 32)


def test_site_on_a_port_that_is_taken_is_an_error_of_the_user(admin):
    thread = LoopThread("second")
    try:
        with pytest.raises(UserError) as refused:
            thread.run(Site(web.Application(), port=admin.mqtt_port).open())
    finally:
        thread.stop()
    assert refused.value.code == "cannot_listen"


def test_ids_are_the_same_for_the_same_seed():
    def ids(seed: int) -> list[str]:
        cloud = ThingsBoard(seed=seed)
        return [cloud.add_device("dev", "T").id, cloud.add_package("t", "1", b"x").id]

    assert ids(1) == ids(1) != ids(2)
    assert len(set(ids(1))) == 2
