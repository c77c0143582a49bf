# SPDX-License-Identifier: MIT
"""Items 19 to 24 of rainmaker.md section 11: jobs that may only run at certain times, on a clock to the second."""

import pytest

from simulator.board.net import EPOCH_MS
from simulator.breakage import FIRMWARE
from tests.agent.board_world import firmware
from tests.agent.rm_world import FILES, GOOD, PROGRESS, RainMakerWorld, sleepy

START = EPOCH_MS // 1000  # midnight
AT = START + 20  # when the offers of these stories come
URL = f"https://{FILES}/a"
DAY_S = 86_400


def offer(metadata: object, job_id: str = "J1") -> dict:
    return {"ota_job_id": job_id, "url": URL, "fw_version": "1.1.0", "metadata": metadata}


def window(start: object, end: object) -> dict:
    return {"download_window": {"start": start, "end": end}}


@pytest.fixture
def at_local(make_world):
    """Makes a world in which it is so many seconds after local midnight when the offer comes."""

    def make(seconds: int, app: bytes | None = None) -> RainMakerWorld:
        shift = seconds - (AT - START)
        hours, rest = divmod(abs(shift), 3600)
        tz = f"XXX{'-' if shift >= 0 else ''}{hours}:{rest // 60}:{rest % 60}"
        world = make_world(app, settings={"tz": tz})
        world.web.data = firmware("1.1.0")
        world.wait_second(AT)
        return world

    return make


def test_r19_job_that_is_not_valid_yet_is_delayed_once_and_asked_for_when_it_is(world: RainMakerWorld) -> None:
    world.wait_second(AT)
    job = world.offer("1.1.0", force_push=True, metadata={"validity": {"start": AT + 60, "end": AT + 600}})
    world.wait("delayed")
    told = world.twin.clock.now_ms()
    world.wait(lambda: len(world.fetches) == 2)
    assert 63 <= (world.twin.clock.now_ms() - told) / 1000 <= 67
    world.wait("success")
    assert world.statuses(job) == ["delayed", *GOOD]


def test_r19_another_job_is_heard_while_one_is_delayed(world: RainMakerWorld) -> None:
    world.wait_second(AT)
    world.push(offer({"validity": {"start": AT + 3000}}))
    world.wait("delayed")
    job = world.offer("1.1.0", force_push=True)
    world.wait("success")
    assert world.statuses(job) == [*GOOD]


@pytest.mark.parametrize(("start", "end", "goes"), [(0, 0, True), (None, 0, True), (0, None, True), (-9, -1, False)])
def test_r20_both_ends_of_a_validity_are_inclusive(make_world, start, end, goes: bool) -> None:
    world = make_world()
    world.web.data = firmware("1.1.0")
    world.wait_second(AT)
    limits = {"start": start, "end": end}
    world.push(offer({"validity": {name: AT + value for name, value in limits.items() if value is not None}}))
    world.wait(PROGRESS if goes else "failed")
    if not goes:
        world.settle(1000)
        assert world.infos("failed") == ["validity_over"]
        assert len(world.fetches) == 1


def test_r21_window_is_open_through_the_last_second_of_its_last_minute(at_local) -> None:
    world = at_local((4 * 60 + 30) * 60 + 59)
    world.push(offer(window(120, 270)))
    world.wait(PROGRESS)
    assert world.statuses() == [PROGRESS]


def test_r21_window_that_has_closed_is_waited_for_until_it_opens_again(at_local) -> None:
    world = at_local((4 * 60 + 31) * 60, sleepy(3))
    world.push(offer(window(120, 270)))
    world.wait("delayed")
    opens = AT + DAY_S - (4 * 60 + 31) * 60 + 120 * 60
    world.pass_time(opens - world.clock)
    assert len(world.fetches) == 1
    world.pass_time(20)
    assert len(world.fetches) == 2
    assert START + world.fetches[1] >= opens + 5
    assert world.statuses() == ["delayed"]


@pytest.mark.parametrize(
    ("hour", "minute", "second", "goes"),
    [(23, 30, 0, True), (0, 30, 0, True), (2, 0, 59, True), (2, 1, 0, False), (22, 59, 59, False)],
)
def test_r22_window_across_midnight(at_local, hour: int, minute: int, second: int, goes: bool) -> None:
    now = (hour * 60 + minute) * 60 + second
    world = at_local(now)
    world.push(offer(window(1380, 120)))
    world.wait(PROGRESS if goes else "delayed")
    assert len(world.statuses()) == 1
    if not goes:
        assert world.logged(f"until={AT + 1380 * 60 - now}")
    if hour == 22:
        world.wait(lambda: len(world.fetches) == 2, timeout_s=9)


@pytest.mark.parametrize("metadata", [window(120, None), {"download_window": {"start": 0}}])
def test_r23_window_without_an_end_fails(make_world, metadata: dict) -> None:
    world = make_world()
    world.push_online(offer(metadata))
    world.wait("failed")
    world.settle(400)
    assert world.infos("failed") == ["window_incomplete"]
    assert len(world.fetches) == 1


@pytest.mark.parametrize(
    "metadata", [window(None, 1), {"download_window": {"end": 1}}, "text", [5], {"validity": 7}, None]
)
def test_r23_what_is_no_rule_is_ignored(make_world, metadata) -> None:
    world = make_world()
    world.web.data = firmware("1.1.0")
    world.push_online(offer(metadata))
    world.wait(PROGRESS)
    assert world.statuses() == [PROGRESS]


def test_r23_minutes_that_no_day_has_fail(world: RainMakerWorld) -> None:
    world.push_online(offer(window(0, 1440)))
    world.wait("failed")
    assert world.infos("failed")[0].startswith("bad_rules")


def test_r23_other_metadata_goes_to_the_application(make_world) -> None:
    main = (FIRMWARE / "main.py").read_text()
    told = (
        "product = Product(cloud)\n        cloud.on_metadata = lambda more: print('application hears', more['colour'])"
    )
    world = make_world(firmware("1.0.0", main.replace("product = Product(cloud)", told)))
    world.web.data = firmware("1.1.0")
    world.push_online(offer({"colour": "green", "download_window": {"end": 5}}))
    world.wait(PROGRESS)
    assert world.logged("application hears green")


def test_r23_application_that_stumbles_over_its_metadata_stops_no_update(make_world) -> None:
    main = (FIRMWARE / "main.py").read_text()
    told = "product = Product(cloud)\n        cloud.on_metadata = lambda more: more['size']"
    world = make_world(firmware("1.0.0", main.replace("product = Product(cloud)", told)))
    world.web.data = firmware("1.1.0")
    world.push_online(offer({"colour": "green"}))
    world.wait(PROGRESS)
    assert world.logged("KeyError")


@pytest.fixture
def clockless(make_world) -> RainMakerWorld:
    """A node without TLS, for with TLS it would know the time before it has a connection; no time server answers it."""
    world = make_world(settings={"tls": 0, "allow_http": 1})
    world.twin.net.tells_time = False
    world.twin.net.serve(FILES, 80, world.web)
    world.cloud.image_base = f"http://{FILES}"
    return world


def test_r24_clock_that_was_never_set_delays_jobs_with_rules_every_thirty_seconds(clockless: RainMakerWorld) -> None:
    job = clockless.offer("1.1.0", metadata=window(0, 1439))
    clockless.wait(lambda: clockless.statuses().count("delayed") == 4)
    assert clockless.infos("delayed") == ["clock_unknown"] * 4
    gaps = [after - before for before, after in zip(clockless.fetches, clockless.fetches[1:], strict=False)]
    assert all(30 <= gap <= 33 for gap in gaps)
    clockless.twin.net.tells_time = True
    clockless.wait("success", timeout_s=900)
    assert [status for status in clockless.statuses(job) if status != "delayed"] == [*GOOD]


def test_r24_clock_does_not_matter_to_jobs_without_rules(clockless: RainMakerWorld) -> None:
    job = clockless.offer("1.1.0", metadata={"colour": "green"})
    clockless.wait("success")
    assert clockless.statuses(job) == [*GOOD]
    assert all(body["ts"] < 1_546_300_800 for body in clockless.reports())
