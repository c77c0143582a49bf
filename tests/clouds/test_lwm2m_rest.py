# SPDX-License-Identifier: MIT
"""What people do over Coiote's REST API with the mock: devices, resources, tasks and their reports."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from simulator.clouds.lwm2m import Lwm2mServer
from simulator.clouds.lwm2m.rest.app import application
from simulator.clouds.lwm2m.rest.auth import Account
from simulator.clouds.rest import tokens
from simulator.clouds.server import Server
from simulator.loop_thread import LoopThread
from tests.clouds.lw_peer import NAME
from tests.clouds.rest import Rest, rest

BASE = "/api/coiotedm/v3"
LOGIN = "/api/auth/oauth_password"
FORM = {"grant_type": "password", "username": Account.user_name, "password": Account.password}


class Person(Rest):
    """`made`: what a call gave back, which succeeded."""

    cloud: Lwm2mServer

    def log_in(self, **said: str) -> tuple[int, Any]:
        return self._ask("POST", LOGIN, {}, data=FORM | said)

    def made(self, method: str, path: str, body: object = None, **query: object) -> Any:
        kind = {"json": body} if body is not None else {}
        status, answer = self._ask(method, BASE + path, query, **kind)
        assert status < 300, answer
        return answer

    def refused(self, method: str, path: str, body: object = None, **query: object) -> tuple[int, int | None]:
        kind = {"json": body} if body is not None else {}
        status, answer = self._ask(method, BASE + path, query, **kind)
        assert answer["message"]
        return status, answer.get("code")

    def resource(self, data: bytes | None = b"firmware", **said: object) -> str:
        resource = self.made("POST", "/resources", {"name": "thermometer", "category": "FIRMWARE", **said})
        if data is not None:
            status, _ = self._ask("PUT", f"{BASE}/resources/{resource}/data", {}, data=data)
            assert status == 204
        return resource


@contextlib.contextmanager
def service() -> Iterator[Person]:
    """Serves the cloud until the end of the block; the person has logged in."""
    thread = LoopThread("cloud")
    cloud = Lwm2mServer(seed=5)
    server = Server(cloud)
    try:
        thread.run(server.open())
        with rest(thread, server, application(cloud, server), Person) as person:
            person.cloud = cloud
            _, pair = person.log_in()
            person.headers = {"Authorization": "Bearer " + pair["access_token"]}
            yield person
        thread.run(server.close())
    finally:
        thread.stop()


@pytest.fixture
def person():
    with service() as person:
        yield person


def test_a_token_is_shown_for_five_minutes(person):
    status, pair = person.log_in()
    assert (status, pair["token_type"], pair["expires_in"]) == (200, "Bearer", 300)
    for wrong in ({"password": "x"}, {"grant_type": "token"}):
        assert person.log_in(**wrong)[0] == 401
    old = tokens.sign(person.act(lambda now_ms: now_ms) - 301_000, 300, sub="x")
    for header in ("", "Bearer nonsense", "Bearer " + old):
        person.headers = {"Authorization": header}
        assert person.refused("GET", "/devices") == (401, None)


def test_devices_are_added_with_their_keys_and_shown_with_what_they_say(person):
    body = {"properties": {"endpointName": NAME}, "dtlsPsk": {"HexadecimalPsk": "0123456789ABCDEF"}}
    assert person.made("POST", "/devices", body) == NAME
    assert person.made("GET", "/devices") == [NAME]
    assert person.refused("POST", "/devices", body) == (409, None)
    device = person.cloud.devices[NAME]
    assert device.psk == bytes.fromhex("0123456789ABCDEF")
    person.act(lambda now_ms: device.take({"/3/0/3": "1.0.0", "/3/0/1": "thermo"}, "read"))
    shown = person.made("GET", f"/devices/{NAME}")
    assert (shown["softwareVersion"], shown["modelName"], shown["securityMode"]) == ("1.0.0", "thermo", "psk")
    assert shown["dtlsIdentity"] == NAME
    other = {"id": "other", "dtlsIdentity": "key-7", "dtlsPsk": {"PlaintextPsk": "secret"}}
    person.made("POST", "/devices", other)
    assert (person.cloud.devices["other"].psk_id, person.made("GET", "/devices/other")["dtlsIdentity"]) == (
        "key-7",
        "key-7",
    )
    assert person.refused("GET", "/devices/nobody") == (404, 4040)
    for bad in (
        {},
        {"id": "x", "dtlsPsk": {"HexadecimalPsk": "xyz"}},
        {"id": "x", "dtlsPsk": "1234"},
        {"id": 5},
        {"id": "x", "dtlsIdentity": 5},
    ):
        assert person.refused("POST", "/devices", bad) == (400, None)


def test_a_registered_device_shows_its_objects(person):
    from tests.clouds.lw_peer import Peer, World

    world = World()
    Peer(world).register()
    person.cloud.devices[NAME] = world.cloud.devices[NAME]
    properties = person.made("GET", f"/devices/{NAME}")["properties"]
    assert properties["registeredObjects"] == "/1,/3,/5,/1/0,/3/0,/5/0"
    assert (properties["objectVersions"], properties["lwm2mVersion"]) == ("5:1.1", "1.1.0")


def test_resources_are_made_filled_and_removed(person):
    resource = person.resource(id="demo", expirationTime="ONE_DAY")
    assert resource == "demo"
    assert person.made("GET", "/resources") == ["demo"]
    assert person.made("GET", "/resources/demo")["expirationTime"] == "ONE_DAY"
    assert person.refused("POST", "/resources", {"id": "demo", "name": "x"}) == (409, None)
    for bad in ({}, {"name": "x", "category": "SCRIPT"}, {"name": "x", "expirationTime": "SOON"}):
        assert person.refused("POST", "/resources", bad) == (400, None)
    assert person.refused("PUT", "/resources/demo/data") == (400, None)
    person.made("DELETE", "/resources/demo")
    assert person.refused("GET", "/resources/demo") == (404, None)


def test_an_upgrade_has_the_options_of_the_call(person):
    person.act(lambda now_ms: person.cloud.add_device(NAME))
    resource = person.resource(expirationTime="ONE_DAY")
    asked = {
        "transferMethod": "Push",
        "transferProtocol": "COAP",
        "timeout": "20m",
        "useQuota": "true",
        "upgradeStrategy": "SendBased",
        "blocking": "true",
        "useCacheForInitialStateRead": "true",
        "checkDeliveryAndProtocol": "false",
        "resumeAfterDownlinkFailure": "true",
        "useObservation": "false",
        "extendLifetime": "false",
        "executeImmediately": "true",
        "baseUri": "coap://10.0.0.9/",
        "schedule": "weekends",
        "mobileFotaEnabled": "true",
    }
    task_id = person.made("POST", f"/tasks/upgrade/{NAME}/{resource}", **asked)
    assert task_id == f"d:{NAME}:1"
    options = person.cloud.tasks.find(task_id, NAME).options
    assert (options.method, options.protocol, options.timeout_s, options.strategy) == (
        "push",
        "coap",
        1200,
        "SendBased",
    )
    assert (options.uses_cache, options.checks_delivery, options.resumes) == (True, False, True)
    assert (options.extends_lifetime, options.starts_at_once) == (False, True)
    assert (options.base, options.file_lasts_s) == ("coap://10.0.0.9", 86_400)
    assert (options.quota_s > 0, options.is_mobile, options.schedule) == (True, True, "weekends")
    for bad in (
        {"transferMethod": "Mail"},
        {"transferProtocol": "FTP"},
        {"timeout": "soon"},
        {"upgradeStrategy": "Best"},
        {"blocking2": "x"},
        {"executeImmediately": "maybe"},
        {"useObservation": "maybe"},
        {"schedule": "tomorrow"},
    ):
        assert person.refused("POST", f"/tasks/upgrade/{NAME}/{resource}", **bad) == (400, None)
    assert person.refused("POST", f"/tasks/upgrade/nobody/{resource}") == (404, 4040)
    assert person.refused("POST", f"/tasks/upgrade/{NAME}/nothing") == (404, None)
    empty = person.resource(None)
    assert person.refused("POST", f"/tasks/upgrade/{NAME}/{empty}") == (400, None)


@pytest.mark.parametrize(
    ("said", "strategy"),
    [
        ({}, "WithoutObservations"),
        ({"useObservation": "false"}, "WithoutObservations"),
        ({"useObservation": "true"}, "ObservationTrigger"),
        ({"useObservation": "true", "upgradeStrategy": "SendBased"}, "SendBased"),
        ({"upgradeStrategy": "WithoutObservations", "useObservation": "true"}, "WithoutObservations"),
    ],
)
def test_observation_is_wanted_and_how_is_not_said(person, said, strategy):
    """State and Result are observed then (lwm2m.md 4.2)."""
    person.act(lambda now_ms: person.cloud.add_device(NAME))
    task_id = person.made("POST", f"/tasks/upgrade/{NAME}/{person.resource()}", **said)
    assert person.cloud.tasks.find(task_id, NAME).options.strategy == strategy


def properties(person: Person) -> dict[str, str]:
    """Those of mobile FOTA that the device has."""
    found = person.made("GET", f"/devices/{NAME}")["properties"]
    return {name: text for name, text in found.items() if name.startswith("mobileFota")}


AVAILABLE = {
    "mobileFotaEnabled": "true",
    "mobileFota": "available",
    "mobileFotaFirmwareId": "demo",
    "mobileFotaFirmwareName": "app.bin",
}


def test_a_device_behind_a_phone_shows_what_there_is_to_fetch(person):
    """And its report does; the app on the phone looks for that. It is gone with the task."""
    named = {"endpointName": NAME}
    for value in (True, "true"):
        person.made("POST", "/devices", {"id": f"phone-{value}", "properties": {"mobileFotaEnabled": value}})
        assert person.cloud.devices[f"phone-{value}"].is_mobile
    person.made("POST", "/devices", {"properties": named | {"mobileFotaEnabled": "true"}})
    assert properties(person) == {"mobileFotaEnabled": "true"}
    person.resource(id="demo", location={"InternalLocation": {"fileName": "app.bin"}})
    task_id = person.made("POST", f"/tasks/upgrade/{NAME}/demo")
    task = person.cloud.tasks.find(task_id, NAME)
    assert (task.options.is_mobile, properties(person)) == (True, AVAILABLE)
    person.act(lambda now_ms: person.cloud.tasks.cancel(task))
    assert properties(person) == {"mobileFotaEnabled": "true"}
    task.begun_ms = task.ended_ms
    report = person.made("GET", f"/taskReports/{quote(task_id, safe='')}/{NAME}")
    assert AVAILABLE.items() <= {row["name"]: row["value"] for row in report["properties"]}.items()


def test_a_device_may_come_behind_a_phone_later_and_leave_it(person):
    person.made("POST", "/devices", {"id": NAME})
    for said, is_mobile in ({"mobileFotaEnabled": "true"}, True), ({}, True), ({"mobileFotaEnabled": False}, False):
        person.made("PUT", f"/devices/{NAME}", {"properties": said})
        assert bool(properties(person)) == is_mobile
        task_id = person.made("POST", f"/tasks/upgrade/{NAME}/{person.resource()}")
        task = person.cloud.tasks.find(task_id, NAME)
        assert task.options.is_mobile == is_mobile
        person.act(lambda now_ms, task=task: person.cloud.tasks.cancel(task))
    assert person.refused("PUT", f"/devices/{NAME}", {"properties": {"mobileFota": "available"}}) == (400, None)
    assert person.refused("PUT", "/devices/nobody", {"properties": {}}) == (404, 4040)


def test_a_group_of_devices_behind_phones(person):
    """It shows what there is to fetch as each of its devices does."""
    for name, groups in (NAME, ["field"]), ("indoors", []):
        person.made("POST", "/devices", {"id": name, "groups": groups})
    person.made("PUT", "/groups/field", {"properties": {"mobileFotaEnabled": "true"}})
    assert person.made("GET", "/groups/field") == {"id": "field", "properties": {"mobileFotaEnabled": "true"}}
    assert properties(person) == {"mobileFotaEnabled": "true"}
    assert not person.cloud.devices["indoors"].is_behind_phone
    person.resource(id="demo", location={"InternalLocation": {"fileName": "app.bin"}})
    parameters = [{"name": "resourceId", "value": "demo"}]
    body = {"templateName": "Lwm2mFirmwareUpdate", "config": {"parameters": parameters}}
    task_id = person.made("POST", "/tasksFromTemplates/group/field", body)
    assert person.cloud.tasks.find(task_id, NAME).options.is_mobile
    assert (properties(person), person.made("GET", "/groups/field")["properties"]) == (AVAILABLE, AVAILABLE)
    person.made("PUT", "/groups/field", {"properties": {"mobileFotaEnabled": "false"}})
    assert not person.cloud.devices[NAME].is_behind_phone
    assert person.refused("PUT", "/groups/field", {"properties": {"mobileFotaEnabled": 1}}) == (400, None)
    assert person.refused("PUT", "/groups/field", {"properties": []}) == (400, None)


def test_what_is_said_of_a_device_behind_a_phone_is_checked(person):
    """Of the four names the server itself sets three; others are mistakes."""
    for wrong in (
        {"mobileFotaEnabled": "yes"},
        {"mobileFotaEnabled": 1},
        {"mobileFota": "available"},
        {"mobileFotaTimeout": "5m"},
        [],
    ):
        assert person.refused("POST", "/devices", {"id": NAME, "properties": wrong}) == (400, None)
    person.made("POST", "/devices", {"id": NAME})
    person.resource(id="demo", location={"InternalLocation": {"fileName": "app.bin"}})
    for name, text in {**AVAILABLE, "mobileFotaTimeout": "5m"}.items():
        bad = {"mobileFotaEnabled": "true"} | {name: text + "x"}
        assert person.refused("POST", f"/tasks/upgrade/{NAME}/demo", **bad) == (400, None)
        if name != "mobileFotaEnabled":
            assert person.refused("POST", f"/tasks/upgrade/{NAME}/demo", **{name: text}) == (400, None)
    assert not person.cloud.tasks.tasks and properties(person) == {}
    task_id = person.made("POST", f"/tasks/upgrade/{NAME}/demo", **AVAILABLE)
    assert person.cloud.tasks.find(task_id, NAME).options.is_mobile
    assert properties(person) == AVAILABLE


def test_a_parameter_of_a_phone_that_is_unknown_is_named(person):
    person.made("POST", "/devices", {"id": NAME})
    path = f"{BASE}/tasks/upgrade/{NAME}/{person.resource()}"
    status, answer = person.post(path, mobileFotaTimeout="5m")
    assert (status, answer["message"]) == (
        400,
        "mobileFotaTimeout is unknown; there are mobileFotaEnabled, mobileFota, mobileFotaFirmwareId,"
        " mobileFotaFirmwareName",
    )


def test_a_task_that_has_not_begun_has_no_report_yet(person):
    person.act(lambda now_ms: person.cloud.add_device(NAME))
    task_id = person.made("POST", f"/tasks/upgrade/{NAME}/{person.resource()}")
    path = f"/taskReports/{quote(task_id, safe='')}/{NAME}"
    assert person.refused("GET", path) == (404, 4041)
    task = person.cloud.tasks.find(task_id, NAME)
    person.act(lambda now_ms: person.cloud.tasks.cancel(task))
    task.begun_ms = task.ended_ms
    assert person.made("GET", path)["status"] == "Cancelled"
    assert person.made("GET", "/tasks") == [task_id]
    assert person.refused("GET", f"/taskReports/none/{NAME}") == (404, None)


def test_a_group_is_upgraded_by_a_template_and_summed_up(person):
    for name in ("a", "b"):
        person.act(lambda now_ms, name=name: person.cloud.add_device(name))
    parameters = [{"name": "resourceId", "value": person.resource()}, {"name": "timeout", "value": "30s"}]
    body = {"templateName": "Lwm2mFirmwareUpdate", "config": {"taskName": "FOTA", "parameters": parameters}}
    task_id = person.made("POST", "/tasksFromTemplates/group/all", body)
    assert task_id.startswith("g:all:")
    assert {task.device.endpoint for task in person.cloud.tasks.tasks} == {"a", "b"}
    summary = person.made("GET", "/taskReports/summary", taskId=task_id)
    assert (summary["totalScheduled"], summary["notCompleted"], summary["successRate"]) == (2, 2, 0)
    assert person.refused("POST", "/tasksFromTemplates/group/other", body) == (400, None)
    assert person.made("PUT", "/devices/b/groups", {"groups": ["other"]}) == ["all", "other"]
    assert person.made("POST", "/tasksFromTemplates/group/other", body).startswith("g:other:")
    assert person.cloud.tasks.tasks[-1].device.endpoint == "b"
    assert person.refused("POST", "/tasksFromTemplates/group/all", {"templateName": "x"}) == (400, None)
    assert person.refused("POST", "/tasksFromTemplates/group/all", body | {"config": {"parameters": 5}}) == (400, None)


def test_groups_come_with_what_a_device_says_and_with_what_people_say(person):
    person.made("POST", "/devices", {"id": "a", "groups": ["kitchen"]})
    assert person.made("GET", "/devices/a")["groups"] == ["all", "kitchen"]
    device = person.cloud.devices["a"]
    person.act(lambda now_ms: device.take({"/3/0/0": "Acme", "/3/0/1": "thermo", "/3/0/3": "1.0.0"}, "read"))
    own = ["Acme", "Acme.thermo", "Acme.thermo.1.0.0"]
    assert person.made("GET", "/devices/a")["groups"] == ["all", *own, "kitchen"]
    assert person.made("PUT", "/devices/a/groups", {"groups": []}) == ["all", *own]
    for bad in ("kitchen", [5], ["all"], [""]):
        assert person.refused("PUT", "/devices/a/groups", {"groups": bad}) == (400, None)
        assert person.refused("POST", "/devices", {"id": "b", "groups": bad}) == (400, None)
    assert person.refused("PUT", "/devices/b/groups", {"groups": []}) == (404, 4040)


def test_a_path_that_is_none_is_not_found(person):
    assert person.refused("GET", "/nothing") == (404, None)
