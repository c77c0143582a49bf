# SPDX-License-Identifier: MIT
"""Each cloud from the side of somebody who has boards: the same calls, the same ends, whatever its own words are."""

import json

import pytest

from simulator.clouds.rainmaker.jobs import Entry
from simulator.errors import UserError
from simulator.sides import SIDES, BrokerSide, Lwm2mSide, RainMakerSide, Told

NOW_MS = 1_700_000_000_000


@pytest.fixture(params=SIDES.values(), ids=SIDES)
def side(request: pytest.FixtureRequest):
    side = request.param.fresh(NOW_MS)
    side.reached("cloud.test", {entrance.name: 1000 + at for at, entrance in enumerate(side.entrances)})
    return side


def test_board_knows_where_the_cloud_is_and_who_it_is_itself(side):
    first, second = (side.settings(side.add(number)) for number in (1, 2))
    assert first["host"] == b"cloud.test" and first["port"] == 1000
    assert first.keys() == second.keys() and first != second
    assert all(isinstance(value, int | bytes) for value in first.values())


def test_what_is_secure_has_a_certificate_for_both_kinds_of_network(side):
    for entrance in side.entrances:
        assert (entrance.door("cloud.test").tls is not None) == (entrance.authority is not None)
        if entrance.authority:
            assert entrance.authority.chain("cloud.test")


def test_latest_offer_is_the_one_that_counts(side):
    devices = [side.add(number) for number in (1, 2)]
    for version in ("1.1.0", "1.2.0"):
        side.offer(devices, side.package("thermo", version, b"firmware"), NOW_MS)
    if isinstance(side, RainMakerSide):
        assert [job.image.fw_version for job in side.cloud.jobs.values() if job.is_active] == ["1.2.0"]
    elif isinstance(side, BrokerSide):
        configs = [side.cloud.retained[side.names.device(device, "config")].payload for device in devices]
        assert {json.loads(config)["locked"]["version"] for config in configs} == {"1.2.0"}
    elif isinstance(side, Lwm2mSide):
        left = [task for task in side.cloud.tasks.tasks if not task.is_over]
        assert {(task.device.endpoint, task.package.version) for task in left} == {(one, "1.2.0") for one in devices}
    else:
        assert {side.cloud.devices[device].packages["FIRMWARE"].version for device in devices} == {"1.2.0"}


@pytest.fixture
def rainmaker():
    """(side, what it tells of an event that its node's job enters this state)."""
    side = RainMakerSide.fresh(NOW_MS)
    node = side.add(1)
    side.offer([node], side.package("thermo", "1.1.0", b"firmware"), NOW_MS)
    (job,) = side.cloud.jobs.values()
    told: list[Told] = []
    side.cloud.on_event = lambda event: told.extend(side.told(event))

    def report(word: str) -> Told:
        side.cloud.ota.reported(job.node_jobs[node], Entry(word, "why", 0))
        return told[-1]

    return side, report


def test_failed_download_is_the_end_only_the_third_time(rainmaker):
    _, report = rainmaker
    assert [report("failed").result for _ in range(4)] == [None, None, "failed", None]
    assert report("rejected") == Told("240AC4000001", "state", "rejected", "why", is_report=True, result="failed")


def test_success_is_the_end_and_the_clouds_own_states_are_no_reports(rainmaker):
    side, report = rainmaker
    started = {"event": "node_job", "node": "240AC4000001", "job": next(iter(side.cloud.jobs)), "state": "started"}
    (told,) = side.told({**started, "info": "push"})
    assert (told.is_report, told.result) == (False, None)
    assert report("success").result == "updated"
    with pytest.raises(UserError, match="firmware images only"):
        side.package("thermo", "1.2.0", b"", "SOFTWARE")
