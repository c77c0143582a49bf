# SPDX-License-Identifier: MIT
"""A node that does without MQTT: asks for its job and reports over HTTPS, and is told what MQTT only counts."""

import json

import pytest

from simulator.clouds.rainmaker import NodeApi, Serialisation
from tests.clouds import peer, rm_peer
from tests.clouds.rm_peer import NODE, Site

OTHER = "B1B2C3D4E5F6"
FETCH, STATUS = "/v1/node/otafetch", "/v1/node/otastatus"


class Api:
    """`ask` gives (status, JSON) of one request by a node."""

    def __init__(self, site: Site) -> None:
        self.door = NodeApi(site.cloud)
        site.world.doors += (self.door,)
        self._world = site.world

    def ask(self, method: str, path: str, body: object = "", certificate: bytes | None = None) -> tuple[int, dict]:
        shown = certificate or rm_peer.certificate(NODE).der
        client = peer.HttpPeer(self._world, self.door, certificate=shown)
        text = body if isinstance(body, str) else json.dumps(body)
        answer = client.ask(method, path, text).answer()
        return answer.status, json.loads(answer.body)

    def fail(self, method: str, path: str, body: object = "", **about: object) -> tuple[int, int]:
        status, answer = self.ask(method, path, body, **about)
        assert answer["status"] == "failure"
        return status, answer["error_code"]

    def report(self, job_id: str, word: str) -> dict:
        return {"ota_job_id": job_id, "status": word, "additional_info": "", "ts": self._world.now_ms // 1000}


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def api(site) -> Api:
    return Api(site)


def test_node_gets_its_job_reports_and_gets_it_no_more(site, api):
    assert api.fail("GET", FETCH) == (404, 105065)
    job = site.job(metadata={"a": 1})
    status, offer = api.ask("GET", FETCH)
    assert (status, offer["ota_job_id"], offer["metadata"]) == (200, job.id, {"a": 1})
    assert offer["url"].startswith("https://")
    assert api.ask("POST", STATUS, api.report(job.id, "in-progress")) == (200, {"status": "success"})
    assert [entry.status for entry in job.node_jobs[NODE].history] == ["triggered", "started", "in-progress"]
    assert api.ask("POST", FETCH)[1]["ota_job_id"] == job.id
    assert api.ask("POST", STATUS, api.report(job.id, "success"))[0] == 200
    assert job.status == "finished"
    assert api.fail("GET", FETCH) == (404, 105065)


def test_r45_r46_reports_that_count_for_nothing_are_refused(site, api):
    site.cloud.add_node(OTHER)
    done, cancelled, others = site.job("done"), site.job("cancelled"), site.job("others", nodes=(OTHER,))
    api.ask("POST", STATUS, api.report(done.id, "rejected"))
    site.world.do(site.cloud.cancel_job, cancelled)
    assert api.fail("POST", STATUS, api.report(done.id, "success")) == (400, 105051)
    assert api.fail("POST", STATUS, api.report(cancelled.id, "success")) == (400, 105015)
    assert api.fail("POST", STATUS, api.report(others.id, "success")) == (400, 105012)
    assert api.fail("POST", STATUS, api.report("nobody's", "success")) == (400, 105012)
    assert api.fail("POST", STATUS, '{"ota_job_id": "cut') == (400, 100006)
    assert others.node_jobs[OTHER].state == "triggered"


def test_stranger_learns_nothing(site, api):
    site.job()
    assert api.fail("GET", FETCH, certificate=rm_peer.certificate(OTHER).der) == (400, 100049)
    assert api.ask("GET", "/v1/node/config") == (403, {"message": "Missing Authentication Token"})


def test_node_is_told_to_wait_for_its_network(tmp_path):
    site = Site(network_slots=1)
    api = Api(site)
    site.cloud.add_node(OTHER)
    for node_id in (NODE, OTHER):
        site.connect(node_id).login().say("config", rm_peer.config(node_id, attributes={"network-id": "net"}))
    job = site.job(nodes=(NODE, OTHER), serialisation=Serialisation(60, 5, 9))
    assert api.ask("GET", FETCH, certificate=rm_peer.certificate(OTHER).der)[1]["ota_job_id"] == job.id
    wait = {"ota_available": True, "action": "wait", "min_wait": 5, "max_wait": 9, "ota_task": 60}
    assert api.ask("GET", FETCH) == (200, wait)
