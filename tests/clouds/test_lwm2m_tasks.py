# SPDX-License-Identifier: MIT
"""Firmware update tasks of the LwM2M mock: five strategies, pushed and pulled, and how each may end."""

import dataclasses
import hashlib

import pytest
from aiocoap.numbers.codes import Code

from simulator.clouds.lwm2m import Manners, coap
from simulator.clouds.lwm2m.options import STRATEGIES, Options
from simulator.clouds.lwm2m.tasks import Package
from simulator.errors import UserError
from tests.clouds.lw_device import SILENCE, Device
from tests.clouds.lw_peer import LINKS, NAME, World

IMAGE = bytes(number * 7 % 251 for number in range(5000))
PACKAGE = Package("thermometer 1.1.0", IMAGE, "1.1.0")
# What a device has to tell by itself for a strategy, and nothing else.
TELLS = {
    "WithoutObservations": "update",
    "ObservationTrigger": "notify",
    "ObservationBased": "notify",
    "SendBased": "send",
    "ObservationOnly": "notify",
}
AT_ONCE = Options(starts_at_once=True, extends_lifetime=False)


class Site:
    """A device that is registered, and an update of it."""

    def __init__(self, strategy: str = "WithoutObservations", tells: str | None = None, **manners) -> None:
        self.world = World(manners=Manners(**{"after_register": "nothing", **manners}))
        self.cloud = self.world.cloud
        self.cloud.bases["coap"] = "coap://10.0.0.1:5683"
        self.device = Device(self.world, TELLS[strategy] if tells is None else tells)
        self.known = self.cloud.devices[NAME]
        self.strategy = strategy
        self.world.wait(100)

    def upgrade(self, wait_ms: int = 600_000, **options):
        """The task, after as long as it may take."""
        chosen = dataclasses.replace(AT_ONCE, strategy=self.strategy, **options)
        (task,) = self.cloud.tasks.upgrade([self.known], PACKAGE, chosen)
        self.world.wait(wait_ms)
        return task

    def steps(self) -> list[str]:
        return [event["step"] for event in self.world.events("task")]


@pytest.fixture(params=STRATEGIES)
def strategy(request) -> str:
    return request.param


@pytest.fixture(params=["pull", "push"])
def method(request) -> str:
    return request.param


def test_l58_m_an_update_by_every_strategy(strategy, method):
    site = Site(strategy)
    task = site.upgrade(method=method)
    assert (task.status, task.summary) == ("Success", "Firmware update successful")
    assert site.device.image == IMAGE
    assert site.device.boots == 2
    assert task.new_version == "1.1.0"
    assert site.known.observations == {}
    assert site.device.observers == {}


def test_an_update_of_a_device_that_de_registers_while_it_is_asked(strategy, method):
    """As the vendor's own does before its reset (lwm2m.md 7): what it was asked, it answers no more."""
    site = Site(strategy)
    site.device.says_good_bye = True
    site.device.special = lambda request: SILENCE if site.device.values["/5/0/3"] == 3 else None
    task = site.upgrade(method=method)
    assert (task.status, task.summary) == ("Success", "Firmware update successful")


def test_l38_m_an_update_that_is_rolled_back(strategy, method):
    site = Site(strategy)
    site.device.outcome = (0, 8)
    task = site.upgrade(method=method)
    assert (task.status, task.summary, task.result) == ("Error", "Firmware update failed", 8)


@pytest.mark.parametrize("result", [2, 3, 4, 5, 6, 7, 9])
def test_l27_l28_m_a_download_that_fails_is_told_with_its_text(strategy, result):
    site = Site(strategy)
    site.device.fails = (0, result)
    task = site.upgrade()
    texts = {2: "flash", 3: "RAM", 4: "Connection", 5: "Integrity", 6: "package type", 7: "URI", 9: "protocol"}
    assert task.status == "Error"
    assert task.result == result
    assert texts[result] in task.summary


def test_l50_m_a_second_update_without_a_reboot_between(strategy):
    site = Site(strategy)
    assert site.upgrade().status == "Success"
    site.device.next_version = "1.2.0"
    assert site.device.values["/5/0/5"] == 1
    task = site.upgrade()
    assert (task.status, task.old_version, task.new_version) == ("Success", "1.1.0", "1.2.0")
    assert "resetting" in site.steps()


def test_l50_m_a_second_update_after_one_that_failed(strategy):
    site = Site(strategy)
    site.device.fails = (0, 5)
    assert site.upgrade().status == "Error"
    site.device.fails = None
    assert site.upgrade().status == "Success"


def test_l37_m_the_new_version_is_learnt_by_read_by_observe_or_by_send():
    seen = {}
    for strategy in STRATEGIES:
        site = Site(strategy)
        task = site.upgrade()
        assert (task.old_version, task.new_version) in (("1.0.0", "1.1.0"), (None, "1.1.0"))
        asked = site.device.asked[-site.device.asked[::-1].index("POST /5/0/2") :]
        seen[strategy] = {"GET /3/0/3", "GET /3/0/3 obs"} & set(asked)
    assert seen["WithoutObservations"] == seen["ObservationTrigger"] == {"GET /3/0/3"}
    assert "GET /3/0/3 obs" in seen["ObservationBased"]
    assert "GET /3/0/3 obs" in seen["ObservationOnly"]
    assert seen["SendBased"] == set()


def test_l47_m_send_based_never_reads_and_never_observes():
    site = Site("SendBased")
    site.device.send()
    assert site.upgrade().status == "Success"
    assert site.device.asked == ["PUT /5/0/1", "POST /5/0/2"]


@pytest.mark.parametrize("step", [(2, 0), (0, 1)])
def test_l47_m_send_based_waits_in_vain_for_a_step_that_is_not_sent(step):
    site = Site("SendBased", "send notify update")
    site.device.skips = {step}
    site.device.tells = ["send"]
    if step == (0, 1):
        site.device._registered = lambda: None
    task = site.upgrade(1_300_000)
    assert (task.status, task.summary) == ("Error", "Timeout")


def test_l47_m_send_based_does_not_know_what_was_read_by_others():
    site = Site("SendBased", after_register="all")
    site.device._registered = lambda: None
    task = site.upgrade(1_300_000)
    assert (site.known.value("/5/0/5"), task.summary) == (1, "Timeout")


def test_l47_m_send_based_does_not_care_for_a_step_between():
    site = Site("SendBased")
    site.device.skips = {(1, 0), (3, 0)}
    assert site.upgrade().status == "Success"


def test_l47_m_nothing_is_heard_of_a_device_whose_send_is_muted():
    site = Site("SendBased", mute_send=True)
    task = site.upgrade(1_300_000)
    assert (site.device.values["/1/0/23"], task.summary) == (True, "Timeout")


def test_l49_m_without_observations_asks_only_after_an_uplink():
    site = Site("WithoutObservations", tells="")
    site.world.wait(60_000)
    chosen = dataclasses.replace(AT_ONCE, starts_at_once=False, window_s=5)
    (task,) = site.cloud.tasks.upgrade([site.known], PACKAGE, chosen)
    site.world.wait(60_000)
    assert site.device.asked == []
    site.device.update()
    site.world.wait(60_000)
    first = list(site.device.asked)
    assert first[-1] == "PUT /5/0/1"
    site.device.update()
    site.world.wait(60_000)
    assert site.device.asked[len(first) :][:3] == ["GET /5/0/3", "GET /5/0/5", "POST /5/0/2"]
    site.world.wait(60_000)
    assert task.status == "Success"
    times = [event["at_ms"] for event in site.world.events("operation")]
    uplinks = [event["at_ms"] for kind in ("registered", "updated") for event in site.world.events(kind)]
    assert all(any(0 <= at_ms - uplink <= 5000 for uplink in uplinks) for at_ms in times)


def test_l49_m_a_window_closes_while_an_answer_is_on_its_way():
    site = Site("WithoutObservations")
    site.cloud.add_fault("answerx4:delay=10000")
    site.device.update()
    task = site.upgrade(60_000, starts_at_once=False)
    assert site.device.asked == ["GET /5/0/8"] * len(site.device.asked)
    site.device.update()
    site.world.wait(60_000)
    assert task.status == "Success"


def test_l37_m_a_result_counts_once_the_state_is_idle_again(strategy):
    """Some clients change the Result first (2.3)."""
    site = Site(strategy)
    site.device.outcome = (3, 1)
    task = site.upgrade(60_000)
    assert (site.known.value("/5/0/5"), task.status) == (1, "InProgress")
    site.device.set(0, 1)
    site.world.wait(60_000)
    assert task.status == "Success"


def test_l49_m_a_notification_wakes_the_task_and_it_still_reads():
    site = Site("ObservationTrigger")
    site.upgrade()
    asked = site.device.asked
    assert asked[asked.index("PUT /5/0/1") + 1 :][:2] == ["GET /5/0/3", "GET /5/0/5"]
    assert {"GET /5/0/3 obs", "GET /5/0/5 obs"} <= set(asked)


def test_l58_m_observations_that_save_reads_leave_none():
    for strategy in ("ObservationBased", "ObservationOnly"):
        site = Site(strategy)
        site.upgrade()
        reads = [one for one in site.device.requests if one.code is Code.GET and one.opt.observe is None]
        assert reads == []
        paths = {coap.path_of(one) for one in site.device.requests if one.opt.observe == 0}
        assert "/5/0" in paths if strategy == "ObservationBased" else {"/5/0/3", "/5/0/5"} <= paths


def test_l46_m_a_strict_server_waits_for_the_notification_of_a_reset(strategy):
    """Old Coiote hung if nothing had changed; a device that tells all the same goes on."""
    for tells_unchanged in (True, False):
        site = Site(strategy)
        if not tells_unchanged:
            site.device.skips = {(0, 0)}
        task = site.upgrade(1_300_000, always_resets=True, is_strict=True)
        reads = strategy in ("WithoutObservations", "ObservationTrigger")
        assert task.status == ("Success" if tells_unchanged or reads else "Error")


@pytest.mark.parametrize("strategy", ["ObservationBased", "ObservationOnly"])
def test_l46_m_a_newer_server_observes_anew_instead(strategy):
    site = Site(strategy)
    site.device.skips = {(0, 0)}
    assert site.upgrade(always_resets=True).status == "Success"


@pytest.mark.parametrize(
    ("reset", "number", "payload"),
    [
        ("empty", None, b""),
        ("empty", 0, b""),
        ("empty", 11542, bytes.fromhex("c001")),
        ("empty", 110, b'[{"bn":"/5/0/1","vs":""}]'),
        ("empty", 112, bytes.fromhex("81a221662f352f302f310360")),
        ("nul", 42, b"\0"),
        ("nul", 0, b"\0"),
        ("nul", 11542, bytes.fromhex("c10000")),
    ],
)
def test_l13_l14_m_the_reset_in_every_form(reset, number, payload):
    site = Site()
    site.upgrade(always_resets=True, reset=reset, reset_format=number, wait_ms=1000)
    path = "/5/0/1" if reset == "empty" else "/5/0/0"
    (request,) = [one for one in site.device.requests if one.code is Code.PUT and coap.path_of(one) == path][:1]
    assert request.payload == payload


def test_l06_m_a_task_extends_the_lifetime_at_its_start():
    site = Site()
    site.device.values["/1/0/1"] = 300
    site.device.register()
    assert site.upgrade(extends_lifetime=True).status == "Success"
    assert site.device.asked[0] == "PUT /1/0/1"
    assert site.device.requests[0].payload == b"3600"


def test_l17_l52_m_a_cached_model_writes_without_reading(strategy):
    site = Site(strategy)
    site.known.take({"/5/0/3": 0, "/5/0/5": 1}, "read")
    site.device.values["/5/0/5"] = 1
    task = site.upgrade(uses_cache=True)
    assert task.status == "Success"
    first = next(one for one in site.device.asked if "obs" not in one)
    assert first == "PUT /5/0/1"


def test_l17_m_a_stale_cache_meets_a_device_that_refuses():
    site = Site()
    site.known.take({"/5/0/3": 0, "/5/0/5": 0}, "read")
    site.device.values["/5/0/3"] = 2
    task = site.upgrade(uses_cache=True)
    assert (task.status, task.summary) == ("Error", "The URI was refused: 4.00")


def test_l15_m_a_uri_that_is_refused_is_explained_by_the_result():
    site = Site()

    def refuse(request):
        if request.code is Code.PUT and request.payload.startswith(b"coap"):
            site.device.values["/5/0/5"] = 9
            return coap.build(Code.BAD_REQUEST)
        return None

    site.device.special = refuse
    task = site.upgrade()
    assert (task.summary, task.result) == ("Unsupported protocol", 9)


def test_l27_m_five_hundred_on_the_last_block_is_a_result_as_well(strategy):
    site = Site(strategy)

    def fail(request):
        if request.opt.block1 is not None and not request.opt.block1.more:
            site.device.later(10, site.device.set, 0, 5)
            return coap.build(Code.INTERNAL_SERVER_ERROR)
        return None

    site.device.special = fail
    task = site.upgrade(method="push")
    assert (task.status, task.result) == ("Error", 5)


def test_l36_m_an_execute_that_is_refused():
    site = Site()
    site.device.execute_code = Code.METHOD_NOT_ALLOWED
    task = site.upgrade()
    assert task.summary == "Execute was refused: 4.05"


def test_l51_m_a_lost_write_fails_the_task_or_is_repeated_at_the_next_contact():
    for resumes in (False, True):
        site = Site()
        site.cloud.add_fault("writex5:drop")
        chosen = dataclasses.replace(AT_ONCE, resumes=resumes)
        (task,) = site.cloud.tasks.upgrade([site.known], PACKAGE, chosen)
        site.world.wait(120_000)
        assert task.status == ("InProgress" if resumes else "Error")
        if not resumes:
            assert task.summary == "Downlink failure: timeout"
            continue
        site.device.update()
        site.world.wait(300_000)
        assert task.status == "Success"


def test_l51_m_an_execute_whose_answer_is_lost_is_repeated_and_the_result_tells():
    """It is refused the second time, two minutes later; the device has understood the first."""
    site = Site("SendBased")
    mids = []

    def lose(request):
        if coap.path_of(request) != "/5/0/2" or site.device.values["/5/0/3"] == 3:
            return SILENCE if request.mid in mids else None
        mids.append(request.mid)
        site.device.set(3, 0)
        return SILENCE

    site.device.special = lose
    task = site.upgrade(resumes=True, wait_ms=120_000)
    assert (len(mids), site.device.asked.count("POST /5/0/2"), task.step) == (1, 5, "resuming")
    site.device.update()
    site.world.wait(1000)
    assert site.device.asked.count("POST /5/0/2") == 6
    assert site.device.requests[-1].mid not in mids
    site.device._off()
    site.world.wait(60_000)
    assert (task.status, site.device.boots) == ("Success", 2)


def test_l51_m_an_execute_whose_answer_is_lost_does_no_harm_if_the_device_comes_back():
    site = Site()
    mids = []

    def lose(request):
        if coap.path_of(request) != "/5/0/2":
            return None
        if request.mid not in mids:
            site.device._execute("/5/0/2")
            mids.append(request.mid)
        return SILENCE

    site.device.special = lose
    task = site.upgrade()
    assert (task.status, task.summary) == ("Success", "Firmware update successful")


def test_l58_m_a_device_that_jumps_is_caught(strategy):
    site = Site(strategy, tells=TELLS[strategy])
    site.device.fails = (3, 0)
    task = site.upgrade()
    assert task.summary.startswith("Illegal firmware state change from 1 to 3")


def test_l58_m_a_push_may_jump_from_idle_to_downloaded(strategy):
    site = Site(strategy)
    site.device.skips = {(1, 0)}
    assert site.upgrade(method="push").status == "Success"


@pytest.mark.parametrize(
    ("values", "options", "text"),
    [
        ({"/5/0/9": 1}, {}, "Delivery method pull"),
        ({"/5/0/9": 0}, {"method": "push"}, "Delivery method push"),
        ({}, {"protocol": "coaps"}, "Protocol coaps"),
    ],
)
def test_l10_m_what_a_device_cannot_is_not_tried(strategy, values, options, text):
    site = Site(strategy)
    site.device.values |= values
    site.device.send()
    task = site.upgrade(**options)
    assert text in task.summary
    assert not [one for one in site.device.asked if one.startswith("PUT")]


def test_l10_m_unless_nobody_checks():
    site = Site()
    site.device.values["/5/0/9"] = 1
    assert site.upgrade(checks_delivery=False).status == "Success"


def test_the_timeout_ends_a_task_and_the_next_one_resets_the_device(strategy):
    site = Site(strategy)
    pull, site.device._fetch = site.device._fetch, lambda: None
    task = site.upgrade(timeout_s=30, wait_ms=31_000)
    assert (task.status, task.summary, site.device.values["/5/0/3"]) == ("Error", "Timeout", 1)
    site.device._fetch = pull
    assert site.upgrade().status == "Success"


def test_quota_delays_the_first_message():
    site = Site()
    task = site.upgrade(quota_s=90, wait_ms=89_000)
    assert (site.device.asked, task.status) == ([], "Pending")
    site.world.wait(200_000)
    assert task.status == "Success"


@pytest.mark.parametrize(
    ("schedule", "hours"), [("weekends", 73.8), ("nights-home", 0.8), ("nights-enterprise", 0), ("always", 0)]
)
def test_a_schedule_delays_the_first_message(schedule, hours):
    """The world begins on a Tuesday at 22:13 UTC."""
    site = Site("SendBased")
    site.device.values["/1/0/1"] = 1_000_000
    site.device.register()
    (task,) = site.cloud.tasks.upgrade(
        [site.known], PACKAGE, dataclasses.replace(AT_ONCE, strategy="SendBased", schedule=schedule)
    )
    site.world.wait(int((hours - 0.1) * 3_600_000) if hours else 0)
    assert task.begun_ms is None or not hours
    site.world.wait(3_600_000)
    assert task.status == "Success"


def test_a_mobile_update_begins_when_the_device_shows_up():
    """And at once, whatever else there is to be read of it."""
    site = Site(after_register="all")
    site.device.asked.clear()
    task = site.upgrade(is_mobile=True, starts_at_once=False, wait_ms=3_600_000)
    assert (site.device.asked, task.status) == ([], "Pending")
    site.device.boot()
    site.world.wait(1)
    assert task.status == "InProgress"
    site.world.wait(600_000)
    assert (task.status, task.new_version) == ("Success", "1.1.0")


def test_a_task_waits_for_a_device_that_is_not_there_yet():
    site = Site()
    site.cloud.forget_registration(site.known)
    task = site.upgrade()
    with pytest.raises(UserError):
        task.report()
    site.device.register()
    site.world.wait(300_000)
    assert task.status == "Success"


def test_a_device_in_queue_mode_is_asked_only_while_it_is_awake():
    """It stays awake for 93 s after it was heard (1.7)."""
    site = Site("ObservationBased")
    query = [f"ep={NAME}", "lt=86400", "lwm2m=1.1", "b=U", "Q"]
    site.device.peer.send(site.device.peer.message(Code.POST, "/rd", LINKS.encode(), uri_query=query))
    site.world.wait(93_000)
    task = site.upgrade(wait_ms=60_000)
    assert (site.device.asked, task.step) == ([], "initializing")
    site.device.update()
    site.world.wait(60_000)
    assert task.status == "Success"


def test_tasks_of_one_device_run_one_after_the_other():
    site = Site()
    first, second = (site.cloud.tasks.upgrade([site.known], PACKAGE, AT_ONCE)[0] for _ in range(2))
    site.world.wait(400_000)
    assert (first.status, second.status) == ("Success", "Success")
    assert first.ended_ms <= second.begun_ms


@pytest.mark.parametrize(
    ("state", "forms", "asked", "summary"),
    [
        (1, ("execute", "empty"), ["POST /5/0/10"], "Cancelled by execute"),
        (3, ("execute", "empty", "nul"), ["POST /5/0/10", "PUT /5/0/1"], "Cancelled by empty"),
        (1, ("nul",), ["PUT /5/0/0"], "Cancelled by nul"),
    ],
)
def test_l40_m_a_task_is_cancelled_in_the_order_of_its_forms(state, forms, asked, summary):
    site = Site()
    site.device._fetch = lambda: None
    task = site.upgrade(cancels=forms, wait_ms=2000)
    site.device.values["/5/0/3"] = state
    site.device.asked.clear()
    site.cloud.tasks.cancel(task)
    site.world.wait(5000)
    assert (site.device.asked, task.status, task.summary) == (asked, "Cancelled", summary)


def test_a_task_that_has_not_begun_is_just_forgotten():
    site = Site()
    task = site.upgrade(quota_s=100, wait_ms=10)
    site.cloud.tasks.cancel(task)
    site.world.wait(200_000)
    assert (task.status, site.device.asked) == ("Cancelled", [])


@pytest.mark.parametrize("by_reset", [False, True])
def test_l42_m_a_task_ends_its_observations_with_a_request_or_a_reset(by_reset):
    site = Site("ObservationTrigger")
    assert site.upgrade(by_reset=by_reset).status == "Success"
    assert site.known.observations == {}
    if by_reset:
        assert site.device.observers
        site.device.notify()
    assert site.device.observers == {}


def test_an_order_is_given_again_to_a_device_that_lost_its_power_before_it_obeyed(strategy):
    site = Site(strategy)
    carried_out = site.device._update_firmware

    def lose_power() -> None:
        site.device._update_firmware = carried_out
        site.device.boot()  # and is where it was

    site.device._update_firmware = lose_power
    task = site.upgrade()
    assert (task.status, site.device.boots) == ("Success", 3)
    assert site.device.asked.count("POST /5/0/2") == 2
    assert site.steps().count("executing") == 2


def test_a_campaign_tries_again_after_some_results():
    site = Site()
    site.device.fails = (0, 4)
    site.device.later(2000, setattr, site.device, "fails", None)
    task = site.upgrade(attempts=2)
    assert (task.status, task.attempt) == ("Success", 2)
    site.device.fails = (0, 5)
    assert site.upgrade(attempts=3).attempt == 1


def test_a_campaign_tries_again_after_a_lost_message_if_that_is_wanted():
    site = Site()
    site.cloud.add_fault("executex5:drop")
    assert site.upgrade(attempts=2).summary.startswith("Downlink failure")
    site.cloud.add_fault("executex5:drop")
    task = site.upgrade(attempts=2, retries_silence=True, window_s=600)
    assert (task.status, task.attempt) == ("Success", 2)


def test_a_campaign_tries_again_when_the_time_is_over_if_that_is_wanted():
    site = Site("SendBased", tells="")
    site.device.later(90_000, setattr, site.device, "tells", "send")
    task = site.upgrade(timeout_s=60, attempts=3, retries_silence=True)
    assert (task.status, task.attempt) == ("Success", 3)


def test_the_report_is_as_the_service_has_it():
    site = Site()
    report = site.upgrade().report()
    assert report["taskId"] == f"d:{NAME}:1"
    assert report["startTime"].endswith("Z")
    assert {one["name"]: one["value"] for one in report["properties"]} == {
        "newFirmwareVersion": "1.1.0",
        "oldFirmwareVersion": "1.0.0",
        "result": "SUCCESS",
        "resultDetails": "Firmware update successful",
    }
    assert (report["status"], report["summary"]) == ("Success", "Firmware update successful")


def test_l58_m_the_verdict_is_what_can_be_held_against_the_flash(method):
    site = Site()
    task = site.upgrade(method=method)
    digest = hashlib.sha256(site.device.image).hexdigest()
    assert task.verdict() == {"state": 0, "result": 1, "version": "1.1.0", "sent": 5000, "sha256": digest}
    (event,) = site.world.events("verdict")
    assert event["sha256"] == digest


def test_the_summary_counts():
    site = Site()
    task = site.upgrade()
    summary = site.cloud.tasks.summary(task.id)
    assert (summary["totalScheduled"], summary["successes"], summary["successRate"]) == (1, 1, 1)


def test_l04_m_a_registration_that_expires_during_a_task_is_a_wait_for_the_next():
    site = Site()
    site.device.values["/1/0/1"] = 300
    site.device.register()
    fetch, site.device._fetch = site.device._fetch, lambda: None
    task = site.upgrade(wait_ms=310_000)
    assert not site.known.is_registered
    assert task.status == "InProgress"
    site.device.register()
    site.device._fetch = fetch
    fetch()
    site.world.wait(300_000)
    assert task.status == "Success"


def test_l33_m_a_deferred_update_is_waited_for(strategy):
    site = Site(strategy)
    site.device._off = lambda: (site.device.set(2, 11), site.device.later(60_000, site.device._on))
    assert site.upgrade().status == "Success"


@pytest.mark.parametrize("options", [{"strategy": "Best"}, {"accept": 60}, {"cancels": ("kill",)}, {"method": "mail"}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(UserError) as caught:
        Options(**options)
    assert caught.value.code == "bad_options"
