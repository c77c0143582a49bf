# SPDX-License-Identifier: MIT
"""What is known of a fleet, whom a release is for, and when a rollout stops: pure."""

import json
from typing import Any

import pytest

from simulator.clouds.broker import Names, release
from tools.publish.fleet import Count, Fleet, Rule, count, job_id

NAMES = Names("P")
RELEASE = release("t", "2.0", b"x" * 100)


def fleet(**devices: dict[str, Any]) -> Fleet:
    """One of devices by name, each with what it has told and its config, by topic."""
    found = Fleet(NAMES)
    for device, told in devices.items():
        for name, value in told.items():
            found.hear(NAMES.device(device, name), json.dumps(value).encode())
    return found


def names_of(found: Fleet, topic: str) -> list[str]:
    return [device.name for device in found.audience(topic, "firmware")]


def test_audience_is_who_would_take_it():
    found = fleet(
        plain={"online": True},
        beta={"online": True, "config": {"groups": ["beta"]}},
        locked={"config": {"locked": RELEASE}},
        mine={"config": {"development": True}},
        broken={"config": {"groups": 5}},
    )
    for topic in (NAMES.release(), NAMES.release(place="group/beta"), NAMES.release(place="device/mine")):
        found.hear(topic, json.dumps(RELEASE).encode())
    assert names_of(found, NAMES.release()) == ["plain"]
    assert names_of(found, NAMES.release(place="group/beta")) == ["beta"]
    assert names_of(found, NAMES.release(place="device/mine")) == ["mine"]
    found.hear(NAMES.release(place="group/beta"), b"")
    assert names_of(found, NAMES.release()) == ["beta", "plain"]


def test_p30_answer_counts_only_of_this_job_and_when_the_device_runs_what_it_says():
    job = job_id(RELEASE)
    answer = {"id": job, "state": "UPDATED", "title": "t", "version": "2.0"}
    found = fleet(
        good={"job": answer},
        liar={"job": answer | {"version": "1.0"}},
        former={"job": answer | {"id": "0" * 16}},
        failed={"job": answer | {"state": "FAILED", "version": "1.0"}},
        busy={"job": answer | {"state": "DOWNLOADING"}},
    )
    assert count(found.devices.values(), "firmware", job, "2.0") == Count(1, 1, 3)


def test_nonsense_from_a_device_changes_nothing():
    found = fleet(one={"job": {"state": 5}, "online": "yes", "progress": "x", "status": [], "error": 5})
    for name in ("job", "online", "status"):
        found.hear(NAMES.device("one", name), b"\xff{")
    device = found.devices["one"]
    assert (device.jobs, device.is_online, device.running, device.progress) == ({}, None, {}, {})


@pytest.mark.parametrize(
    ("rule", "counted", "stops"),
    [
        (Rule(10), Count(9, 1, 90), True),
        (Rule(10), Count(10, 1, 89), False),
        (Rule(10), Count(0, 0, 100), False),
        (Rule(10, least=5), Count(3, 1, 0), False),
        (Rule(10, least=5), Count(4, 1, 0), True),
        (Rule(100), Count(0, 1, 0), True),
        (Rule(0.1), Count(999, 1, 0), True),
        (Rule(50), Count(3, 0, 0), False),
    ],
)
def test_rule_counts_failures_among_those_that_have_answered(rule, counted, stops):
    assert rule.is_broken(counted) == stops


def test_job_is_what_a_board_calls_it():
    from ota.job import Job

    fields = {key: value for key, value in RELEASE.items() if key != "chunk_size"}
    assert job_id(RELEASE | {"immediate": True}) == Job(fields).id
