# SPDX-License-Identifier: MIT
"""What administrators and users of RainMaker do over REST, with the service's own paths, bodies and error codes."""

import base64
import time
import urllib.error
import urllib.request

import jwt
import pytest

from simulator.board.build import build_firmware
from simulator.breakage import FIRMWARE
from simulator.clouds.rainmaker.rest.auth import Account
from simulator.clouds.rest import tokens
from tests.clouds.rm_rest import NODE, OTHER, User, service

JOBS, IMAGES = "/v1/admin/otajob", "/v1/admin/otaimage"
UPDATE = "/v1/user/nodes/ota_update"
_SIZE = 832 << 10


@pytest.fixture
def user(tmp_path):
    with service(tmp_path) as user:
        yield user


def sent(data: bytes, name: str = "fw", **about: str) -> dict[str, str]:
    return {"image_name": name, "base64_fwimage": base64.b64encode(data).decode(), **about}


def status(user: User, job_id: str, node_id: str) -> list[str]:
    """The words of a node's history, oldest first."""
    told = user.made("GET", JOBS + "/status", ota_job_id=job_id, node_id=node_id)["node_ota_status"]
    return [entry["status"] for entry in told][::-1]


def test_login_gives_tokens_that_say_who_and_how_long(user):
    pair = user.made("POST", "/v1/login2", {"user_name": Account.user_name, "password": Account.password})
    access, identity = (
        jwt.decode(pair[name], options={"verify_signature": False}) for name in ("accesstoken", "idtoken")
    )
    assert time.time() + 3500 < access["exp"] < time.time() + 3700
    assert (identity["email"], identity["custom:user_id"]) == (Account.user_name, Account().user_id)
    again = user.made("POST", "/v1/login2", {"refreshtoken": pair["refreshtoken"]})
    assert set(again) == {"status", "accesstoken", "idtoken"}
    assert user.made("GET", "/v1/user")["user_name"] == Account.user_name


def test_login_is_refused_the_services_way(user):
    assert user.refused("POST", "/v1/login2", {"user_name": "x", "password": "y"}) == (400, 101009)
    assert user.refused("POST", "/v1/login2", {"password": "y"}) == (400, 101001)
    assert user.refused("POST", "/v1/login2", {"refreshtoken": user.headers["Authorization"]}) == (400, 101017)
    pair = user.made("POST", "/v1/login2", {"user_name": Account.user_name, "password": Account.password})
    for wrong in ("", "nonsense", "Bearer " + pair["accesstoken"], pair["idtoken"], pair["refreshtoken"]):
        user.headers = {"Authorization": wrong}
        assert user.get("/v1/user/nodes") == (401, {"message": "Unauthorized"})
    assert user.get("/apiversions") == (200, {"supported_versions": ["v1"]})
    user.headers = {"Authorization": pair["accesstoken"]}
    assert user.get("/v1/no/such/path") == (403, {"message": "Missing Authentication Token"})


def test_token_ends_after_an_hour(user):
    now_ms = int(time.time() * 1000)
    user.headers = {"Authorization": tokens.sign(now_ms - 3_500_000, 3600, token_use="access", sub="x")}
    assert user.get("/v1/user/nodes")[0] == 200
    user.headers = {"Authorization": tokens.sign(now_ms - 3_601_000, 3600, token_use="access", sub="x")}
    assert user.get("/v1/user/nodes")[0] == 401


def test_nodes_are_listed_with_what_they_say_of_themselves(user):
    user.act(lambda now_ms: user.cloud.add_node(OTHER))
    node = user.node()
    node.say("params/local", {"Lamp": {"on": True}})
    assert user.made("GET", "/v1/user/nodes") == {"nodes": [OTHER, NODE], "total": 2}
    first = user.made("GET", "/v1/user/nodes", num_records=1)
    assert (first["nodes"], first["next_id"]) == ([OTHER], NODE)
    assert user.made("GET", "/v1/user/nodes", num_records=1, start_id=NODE)["nodes"] == [NODE]
    (details,) = user.made("GET", "/v1/user/nodes", node_id=NODE, node_details="true")["node_details"]
    assert details["status"]["connectivity"]["connected"] is True
    assert details["params"]["Lamp"] == {"on": True}
    assert user.made("GET", "/v1/user/nodes/config", nodeid=NODE)["info"]["fw_version"] == "1.4.0"
    assert user.made("GET", "/v1/user/nodes/params", node_id=NODE)["OTA"]["Status"] == ""
    assert user.made("GET", "/v1/user/nodes/status", node_id=OTHER) == {"connectivity": {}}
    assert user.refused("GET", "/v1/user/nodes/status", node_id="nobody") == (400, 100010)
    assert user.refused("GET", "/v1/user/nodes/params") == (400, 100009)
    assert user.refused("GET", "/v1/user/nodes/params", node_id=OTHER) == (400, 102006)


def test_parameters_reach_the_node_in_both_forms(user):
    node = user.node()
    url = {"OTA": {"URL": "https://files.example/fw.bin?a=1&b=2"}}
    assert user.made("PUT", "/v1/user/nodes/params", url, nodeid=NODE)["status"] == "success"
    assert node.heard() == url
    several = [{"node_id": NODE, "payload": url}, {"node_id": "nobody", "payload": url}, {"node_id": NODE}, 5]
    code, answer = user.put("/v1/user/nodes/params", several)
    assert code == 207
    assert [(one.get("node_id"), one["status"], one.get("error_code")) for one in answer] == [
        (NODE, "success", None),
        ("nobody", "failure", 100010),
        (NODE, "failure", 100006),
        (None, "failure", 100006),
    ]
    assert node.heard() == url


def test_image_in_a_request_is_described_by_itself_or_by_the_request(user):
    app = build_firmware(FIRMWARE, "thermometer", "1.1.0", size=_SIZE)
    made = user.made("POST", IMAGES, sent(app))
    assert set(made) == {"status", "ota_image_id", "image_url"}
    assert urllib.request.urlopen(made["image_url"]).read() == app
    image = user.made("GET", IMAGES, ota_image_id=made["ota_image_id"])
    assert (image["fw_version"], image["model"], image["file_size"]) == ("1.1.0", "thermometer", _SIZE)
    other = user.made("POST", IMAGES, sent(b"not ours", "other", fw_version="7", model="m", type="t"))["ota_image_id"]
    assert [one["image_name"] for one in user.made("GET", IMAGES)["ota_images"]] == ["fw", "other"]
    assert [one["ota_image_id"] for one in user.made("GET", IMAGES, type="t")["ota_images"]] == [other]
    found = user.made("GET", IMAGES, image_name="the", contains="true")["ota_images"]
    assert [one["ota_image_id"] for one in found] == [other]
    user.made("POST", IMAGES, sent(b"newer", "other", fw_version="8", model="m"))
    assert [one["fw_version"] for one in user.made("GET", IMAGES)["ota_images"]] == ["1.1.0", "8"]


def test_images_that_cannot_be_are_refused(user):
    known = {"fw_version": "1", "model": "m"}
    cases = {
        104001: {"image_name": "fw"},
        104002: {"base64_fwimage": "AAAA"},
        104004: sent(b"no image"),
        104005: sent(b"no image", fw_version="1"),
        104010: sent(bytes((5 << 20) + 1), **known),
        104011: {"image_name": "fw", "base64_fwimage": "?", **known},
        100006: [1],
    }
    for code, body in cases.items():
        assert user.refused("POST", IMAGES, body) == (400, code)
    assert user.cloud.images == {}
    assert user.refused("GET", IMAGES, ota_image_id="nobody's") == (400, 104015)


def test_image_is_archived_and_deleted_as_its_jobs_allow(user):
    image = user.image()
    for flag, code in (("", 104022), ("maybe", 104026), ("false", 104024)):
        assert user.refused("PUT", IMAGES, ota_image_id=image, archive=flag) == (400, code)
    user.made("PUT", IMAGES, ota_image_id=image, archive="true")
    assert user.refused("PUT", IMAGES, ota_image_id=image, archive="true") == (400, 104023)
    user.node()
    wanted = {"ota_job_name": "job", "ota_image_id": image, "nodes": [NODE]}
    assert user.refused("POST", JOBS, wanted) == (400, 104034)
    assert user.made("GET", IMAGES)["ota_images"] == []
    assert len(user.made("GET", IMAGES, archived="true")["ota_images"]) == 1
    user.made("PUT", IMAGES, ota_image_id=image, archive="false")
    job = user.made("POST", JOBS, wanted)["ota_job_id"]
    assert user.refused("DELETE", IMAGES, ota_image_id=image) == (400, 104020)
    assert user.refused("POST", IMAGES, sent(b"x", "fw.bin", fw_version="1", model="m")) == (400, 104008)
    user.made("PUT", JOBS, {"ota_job_id": job})
    assert user.refused("DELETE", IMAGES, ota_image_id=image) == (400, 104016)
    user.made("DELETE", IMAGES, ota_image_id=image, force_delete="true")
    assert user.refused("DELETE", IMAGES, ota_image_id=image) == (400, 104015)


def test_large_image_is_put_to_a_signed_url_and_confirmed(user):
    asked = user.made("GET", IMAGES + "/upload_request", image_name="big")
    confirm = {"ota_image_id": asked["ota_image_id"], "fw_version": "2.0", "model": "demo"}
    assert user.refused("POST", IMAGES + "/upload_confirm", confirm) == (400, 104032)
    data = bytes(6 << 20)

    def put(url: str) -> int:
        request = urllib.request.Request(url, data, {"Content-Type": "application/octet-stream"}, method="PUT")
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as error:
            return error.code

    assert put(asked["upload_url"][:-1] + "x") == 403
    assert put(asked["upload_url"]) == 200
    made = user.made("POST", IMAGES + "/upload_confirm", confirm)
    assert made["ota_image_id"] == asked["ota_image_id"]
    assert user.made("GET", IMAGES, ota_image_id=made["ota_image_id"])["file_size"] == len(data)
    assert user.refused("GET", IMAGES + "/upload_request", image_name="z", image_type="film") == (400, 136006)


def test_force_push_and_its_whole_history_with_times(user):
    node = user.node()
    job = user.job(force_push=True, metadata={"note": "x"})
    offer = node.heard()
    assert (offer["ota_job_id"], offer["metadata"]) == (job, {"note": "x"})
    node.report(job, "in-progress", "half way")
    node.say("otastatus", {"ota_job_id": job, "status": "success", "additional_info": "", "ts": 1_600_000_000})
    assert status(user, job, NODE) == ["triggered", "started", "in-progress", "success"]
    told = user.made("GET", JOBS + "/status", ota_job_id=job, node_id=NODE)["node_ota_status"]
    assert (told[0]["timestamp"], told[0]["ts_source"]) == ("2020-09-13 12:26:40", "NODE")
    assert (told[1]["additional_info"], told[1]["ts_source"]) == ("half way", "CLOUD")
    latest = user.made("GET", JOBS + "/status", ota_job_id=job)
    assert [entry["status"] for entry in latest["node_ota_status"]] == ["success"]
    about = user.made("GET", JOBS, ota_job_id=job)
    assert (about["status"], about["success_count"], about["completed_count"]) == ("finished", 1, 1)
    assert about["metadata"] == {"note": "x"}
    assert user.made("GET", JOBS + "/status/summary", ota_job_id=job) == {
        **dict.fromkeys(("triggered", "started", "in_progress", "delayed", "failed", "rejected"), 0),
        "success": 1,
        "total": 1,
    }


def test_jobs_are_listed_archived_and_paged(user):
    user.node()
    ids = [user.job(f"job {number}") for number in range(3)]
    listed = user.made("GET", JOBS, num_records=2)
    assert [job["ota_job_id"] for job in listed["ota_jobs"]] == [ids[2], ids[1]]
    assert [job["ota_job_id"] for job in user.made("GET", JOBS, start_id=listed["next_id"])["ota_jobs"]] == [ids[0]]
    assert user.refused("PUT", JOBS, {"ota_job_id": ids[0], "archive": True}) == (404, 105032)
    cancelled = user.made("PUT", JOBS, {"ota_job_id": ids[0]})
    assert (cancelled["status"], "cancelled_timestamp" in cancelled) == ("cancelled", True)
    assert user.refused("PUT", JOBS, {"ota_job_id": ids[0]}) == (404, 105015)
    assert user.made("PUT", JOBS, {"ota_job_id": ids[0], "archive": "true"})["archived"] is True
    names = {
        "those that are not archived": {},
        "those that are": {"archived": "true"},
        "all": {"all": "true"},
        "by name": {"ota_job_name": "b 2"},
        "by image": {"ota_image_id": user.cloud.jobs[ids[1]].image.id},
    }
    found = {
        what: [job["ota_job_name"] for job in user.made("GET", JOBS, **query)["ota_jobs"]]
        for what, query in names.items()
    }
    assert found == {
        "those that are not archived": ["job 2", "job 1"],
        "those that are": ["job 0"],
        "all": ["job 2", "job 1", "job 0"],
        "by name": ["job 2"],
        "by image": ["job 1"],
    }


def test_jobs_that_cannot_be_are_refused(user):
    user.node()
    good = {"ota_job_name": "job", "ota_image_id": user.image(), "nodes": [NODE]}
    cases = [
        (105001, {"ota_job_name": ""}, {}),
        (105002, {"nodes": []}, {}),
        (104015, {"ota_image_id": "nobody's"}, {}),
        (104033, {"ota_image_id": None}, {}),
        (100010, {"nodes": ["nobody"]}, {}),
        (105029, {"nodes": [NODE] * 101}, {}),
        (105028, {"groups": ["FFFF-FFFF"] * 11}, {}),
        (105052, {"node_type": "Sensor"}, {}),
        (105054, {"priority": 11}, {}),
        (105054, {"priority": "1"}, {}),
        (105055, {"timeout": 2_592_001}, {}),
        (105056, {"timeout": 60}, {"user_approval": "true"}),
        (100006, {}, {"user_approval": "true", "force_push": "true"}),
        (105057, {}, {"notify": "true"}),
        (105073, {"user_ota_image_acccess": True}, {}),
        (105074, {}, {"network_serialised": "true"}),
        (105075, {"network_serialisation": {"ota_task_duration": 9, "min_wait": 1}}, {"network_serialised": "true"}),
        (100006, {"metadata": [1]}, {}),
        (100006, {"secure_boot": {"auto_select_key": True}}, {}),
    ]
    for number, change, query in cases:
        assert user.refused("POST", JOBS, {**good, **change}, **query) == (400, number), change or query
    assert user.cloud.jobs == {}
    user.made("POST", JOBS, good)
    assert user.refused("POST", JOBS, good) == (400, 105005)
    assert user.refused("GET", JOBS, ota_job_id="nobody's") == (400, 105012)
    assert user.refused("GET", JOBS + "/status") == (400, 105014)


def test_user_approves_for_a_node_that_is_there(user):
    node = user.node()
    user.act(lambda now_ms: user.cloud.add_node(OTHER))
    assert user.made("GET", UPDATE, node_id=NODE)["ota_available"] is False
    about = {"user_approval": True, "notify": True, "description": "new sensors", "nodes": [NODE, OTHER]}
    job = user.job(**about)
    node.fetch()
    offer = user.made("GET", UPDATE, node_id=NODE)
    assert (offer["ota_job_id"], offer["description"], offer["fw_version"]) == (job, "new sensors", "1.5.0")
    assert not {"url", "file_md5"} & offer.keys()
    assert node.is_quiet
    assert user.refused("POST", UPDATE, {"node_id": OTHER, "ota_job_id": job}) == (400, 102001)
    user.made("POST", UPDATE, {"node_id": NODE, "ota_job_id": job})
    assert node.heard()["ota_job_id"] == job
    node.report(job, "in-progress", "at it")
    told = user.made("GET", "/v1/user/nodes/ota_status", node_id=NODE, ota_job_id=job)
    assert (told["status"], told["additional_info"]) == ("in-progress", "at it")
    assert abs(told["timestamp"] - time.time() * 1000) < 60_000
    assert user.refused("POST", JOBS + "/retrigger", {"ota_job_id": job}) == (400, 105079)
    assert user.refused("POST", UPDATE, {"node_id": NODE}) == (400, 105014)
    assert user.refused("POST", UPDATE, {"ota_job_id": job}) == (400, 105018)
    assert user.refused("POST", UPDATE, {"node_id": NODE, "ota_job_id": "nobody's"}) == (400, 105061)
    other = user.job("other", user_approval=True, user_ota_image_acccess=True, nodes=[OTHER])
    assert user.refused("POST", UPDATE, {"node_id": NODE, "ota_job_id": other}) == (400, 105036)
    assert user.made("GET", UPDATE, node_id=OTHER)["url"].startswith(user.cloud.image_base)
    assert user.refused("GET", "/v1/user/nodes/ota_status", node_id=NODE, ota_job_id=other) == (404, 105024)


def test_groups_dynamic_targets_and_priorities(user):
    node, other = user.node(), user.node(OTHER, type="Lamp")
    group = user.made("POST", "/v1/admin/node_group", {"group_name": "lamps", "nodes": [OTHER]})["group_id"]
    by_group = user.job("by group", groups=[group], force_push=True, priority=9)
    assert other.heard()["ota_job_id"] == by_group
    assert node.is_quiet
    user.made("PUT", "/v1/admin/node_group", {"operation": "add", "nodes": [NODE]}, group_id=group)
    for_all = user.job("for all", groups=["FFFF-FFFF"], priority=2)
    node.fetch()
    assert node.heard()["ota_job_id"] == for_all
    node.report(for_all, "rejected")
    node.fetch()
    assert node.heard()["ota_job_id"] == by_group
    dynamic = user.job("dynamic", node_type="Lamp", node_fw_version="1.4.0", force_push=True)
    assert other.heard()["ota_job_id"] == dynamic
    other.report(dynamic, "success")
    about = user.made("GET", JOBS, ota_job_id=dynamic)
    assert (about["status"], about["group_query"]) == ("active", "node_type: Lamp AND node_fw_version: 1.4.0")
    told = user.made("GET", JOBS + "/status", ota_job_id=by_group)
    assert told["node_groups"] == [{"group_id": group, "group_name": "lamps"}]
    user.made("PUT", "/v1/admin/node_group", {"operation": "remove", "nodes": [NODE]}, group_id=group)
    (listed,) = user.made("GET", "/v1/admin/node_group", group_id=group)["groups"]
    assert listed["nodes"] == [OTHER]


def test_serialised_job_waits_for_a_slot_of_its_network(tmp_path):
    with service(tmp_path, network_slots=1) as user:
        where = {"attributes": {"network-id": "net"}}
        node, other = user.node(**where), user.node(OTHER, **where)
        about = {"network_serialisation": {"ota_task_duration": 60, "min_wait": 5, "max_wait": 9}}
        job = user.job(network_serialised=True, nodes=[NODE, OTHER], **about)
        node.fetch()
        assert node.heard()["ota_job_id"] == job
        other.fetch()
        assert other.heard() == {"ota_available": True, "action": "wait", "min_wait": 5, "max_wait": 9, "ota_task": 60}
        assert user.made("GET", JOBS, ota_job_id=job)["network_serialisation"] == about["network_serialisation"]
        user.made("PUT", JOBS, {"ota_job_id": job})
        job = user.job("ask", network_serialised=True, user_approval=True, nodes=[NODE, OTHER], **about)
        user.made("POST", UPDATE, {"node_id": NODE, "ota_job_id": job})
        assert user.refused("POST", UPDATE, {"node_id": OTHER, "ota_job_id": job}) == (423, 105078)


def test_retrigger_and_jobs_that_are_a_url(user):
    node = user.node()
    job = user.job(ota_image_url="https://files.example/fw.bin", continuous=True)
    assert node.is_quiet
    assert user.made("POST", JOBS + "/retrigger", {"ota_job_id": job}) == {"status": "success", "ota_job_id": job}
    assert node.heard() == {"url": "https://files.example/fw.bin", "ota_job_id": job}
    node.report(job, "success")
    about = user.made("GET", JOBS, ota_job_id=job)
    assert (about["status"], about["ota_image_url"]) == ("active", "https://files.example/fw.bin")
    user.made("PUT", JOBS, {"ota_job_id": job})
    assert user.refused("POST", JOBS + "/retrigger", {"ota_job_id": job}) == (400, 105081)
