# SPDX-License-Identifier: MIT
"""What a boot makes of the records "lwm2m" in NVS, whatever they hold: an older release, or another one, wrote them."""

from coap_codes import CHANGED
from fakes import Nvs

from ota.cloud.lwm2m import Lwm2m
from ota.job import FIRMWARE, SOFTWARE, Job
from ota.journal import Journal
from ota.lwm2m import jobs
from ota.lwm2m.firmware import Firmware
from ota.report import DOWNLOADED

JOB = {"id": "lw7", "title": "app", "version": "1.1.0", "size": 900, "tag": "", "url": None}
WHOLE = {"n": 7, "state": 2, "result": 0, "uri": "coap://a/f", "way": 0, "job": JOB, "terms": [2, 30, True]}
LONGEST_S = 0x7FFFFFFF


class Board:
    """With these records and settings."""

    def __init__(self, kept, settings):
        self.nvs = Nvs()
        self.settings = settings
        Journal(self.nvs, "lwm2m").save(**kept)

    def number(self, name, default):
        return self.settings.get(name, default)

    def now(self):
        return 1767225600


def booted(kept, **settings):
    return Lwm2m(Board(kept, settings), ("app", "1.0.0"))


def state_of(**changes):
    """(State, Result) after a boot that finds the whole record, but for this."""
    record = dict(WHOLE)
    for name in changes:
        record[name] = changes[name]
    facts = booted({"fw": record}).facts
    return facts.state, facts.result


def lifetime(kept, **settings):
    return booted(kept, **settings).facts.lifetime


def test_a_whole_record_comes_back():
    cloud = booted({"fw": WHOLE, "lt": 900, "mute": True})
    facts = cloud.facts
    assert (facts.state, facts.result, facts.uri, facts.way) == (2, 0, "coap://a/f", 0)
    assert (facts.severity, facts.max_defer, facts.has_terms) == (2, 30, True)
    assert (facts.lifetime, facts.is_mute) == (900, True)
    assert (facts.name, facts.version, cloud.whole, cloud.number) == ("app", "1.1.0", "lw7", 7)
    assert cloud.known[FIRMWARE] == JOB
    assert not cloud.is_ordered and not facts.sends


def test_whatever_is_missing_or_of_another_kind_is_as_if_it_had_never_been():
    for wrong in (None, "2", 1.5, -1, 99, True, [], [1, 0], {}, {"id": 1}, [1, 0, 1], [[], {}, True]):
        for name in WHOLE:
            record = dict(WHOLE)
            record[name] = wrong
            assert booted({"fw": record}).facts.state in (0, 2), (name, wrong)
        assert booted({"fw": wrong, "lt": wrong, "mute": wrong}).facts.state == 0
    for name in WHOLE:
        record = dict(WHOLE)
        del record[name]
        assert booted({"fw": record}).facts.state == (0 if name in ("state", "job") else 2), name
    cloud = booted({"fw": {"terms": [1, 0]}})
    assert (cloud.facts.severity, cloud.facts.max_defer, cloud.facts.has_terms) == (1, None, False)


def test_a_state_without_its_job_is_over():
    for wrong in (None, {}, 5):
        assert [state_of(job=wrong, state=state) for state in (0, 1, 2, 3)] == [(0, 0), (0, 0), (0, 0), (0, 8)]
    for name in JOB:
        job = dict(JOB)
        del job[name]
        assert state_of(job=job) == ((2, 0) if name == "url" else (0, 0)), name
    cloud = booted({"fw": dict(WHOLE, state=3, result=0, job=None)})
    assert cloud.known[FIRMWARE] == {} and cloud.facts.sends == [(0, 8)]
    assert cloud.journal.facts["fw"]["state"] == 0


def test_a_push_does_not_outlive_a_boot():
    assert state_of(state=1, way=1) == (0, 4)
    assert state_of(state=1, way=0) == (1, 0)


def test_a_lifetime_is_one_that_a_server_could_have_written():
    for wrong in (0, -1, LONGEST_S + 1, "x", True, None):
        assert lifetime({"lt": wrong}) == 300
        assert lifetime({"lt": wrong}, lifetime=60) == 60
    for wrong in (0, -5, LONGEST_S + 1):
        assert lifetime({}, lifetime=wrong) == 300
    assert [lifetime({}, lifetime=right) for right in (1, LONGEST_S)] == [1, LONGEST_S]


def test_who_is_mute():
    assert [booted({"mute": kept}).facts.is_mute for kept in (True, False, "x", None)] == [True, False, False, False]
    assert booted({"mute": 5}, send=0).facts.is_mute


SOFTWARE_JOB = {"id": "lw9", "title": "app", "version": "2.0.0", "size": 2560, "tag": "", "url": None}
DELIVERED = {
    "n": 9, "state": 3, "result": 3, "uri": "coap://a/f", "name": "app", "version": "2.0.0", "job": SOFTWARE_JOB,
    "ordered": True, "active": False,
}  # fmt: skip


def software(**changes):
    """(State, Result, is it ordered, the job) of object 9 after a boot that finds the whole record, but for this."""
    record = dict(DELIVERED)
    for name in changes:
        record[name] = changes[name]
    cloud = booted({"fw": WHOLE, "sw": record})
    kept = cloud.facts.software
    assert cloud.facts.state == 2 and cloud.known[FIRMWARE] == JOB  # the other one is not concerned
    return kept.state, kept.result, kept.is_ordered, cloud.known[SOFTWARE]


def test_a_whole_record_of_software_comes_back():
    assert software() == (3, 3, True, SOFTWARE_JOB)
    cloud = booted({"fw": WHOLE, "sw": DELIVERED})
    kept = cloud.facts.software
    assert (kept.uri, kept.name, kept.version, kept.is_active, cloud.number) == ("coap://a/f", "app", "2.0.0", False, 9)
    assert cloud.job(SOFTWARE) is None  # firmware goes first
    cloud = booted({"sw": DELIVERED})
    assert cloud.job(SOFTWARE).id == cloud.whole == "lw9"
    assert cloud.is_ordered


def test_a_record_of_software_that_makes_no_sense():
    for wrong in (None, "2", 1.5, -1, 999, [], {}, {"id": 1}):
        for name in DELIVERED:
            state, result, is_ordered, job = software(**{name: wrong})
            assert 0 <= state <= 4 and 0 <= result <= 200
            assert bool(job) == (state in (1, 2, 3) and result != 58)
            assert not is_ordered or job
        assert booted({"sw": wrong}).facts.software is None or isinstance(wrong, dict)


def test_what_a_boot_makes_of_states_of_software():
    assert software(state=1, result=1, ordered=False) == (1, 1, False, SOFTWARE_JOB)  # it goes on
    assert software(state=1, result=1, uri="", ordered=False) == (0, 52, False, {})  # it was pushed
    assert software(state=2, result=0, uri="", ordered=False) == (2, 0, False, SOFTWARE_JOB)
    assert software(job=None) == (3, 58, False, {})
    assert software(job=None, ordered=False) == (0, 57, False, {})
    assert software(result=58, job=None, ordered=False) == (3, 58, False, {})
    assert software(state=4, result=2, job=None, ordered=False, active=True) == (4, 2, False, {})
    assert software(state=4, result=2, ordered=True) == (4, 2, False, {})


def firmware_uri(cloud, uri):
    cloud.facts.protocols = (0,)  # as on a line: CoAP
    assert Firmware(cloud).write_uri(uri) == CHANGED
    cloud.settle()


def test_what_a_server_says_to_object_5_leaves_the_package_that_was_asked_for_whole():
    for uri, is_ordered in (("", True), ("coap://10.0.0.9/f", False)):  # firmware goes first
        cloud = booted({"sw": DELIVERED})
        job = cloud.job(SOFTWARE)
        firmware_uri(cloud, uri)
        assert cloud.whole == job.id  # what is in flash of it need not come again
        if not uri:
            assert SOFTWARE in cloud.changed and cloud.job(SOFTWARE).id == job.id  # the agent asks again
        assert cloud.is_ordered == is_ordered


def test_the_size_of_a_package_is_learnt_although_firmware_came_in_between():
    cloud = booted({"sw": dict(DELIVERED, state=1, result=1, ordered=False, job=dict(SOFTWARE_JOB, size=0))})
    cloud.under_way = cloud.job(SOFTWARE)
    firmware_uri(cloud, "coap://10.0.0.9/f")
    cloud.under_way.size = 2560  # now the source knows it
    cloud.report({"id": "lw9", "state": DOWNLOADED}, SOFTWARE)
    assert cloud.known[SOFTWARE]["size"] == 2560


def test_what_a_source_still_learns_of_a_job_that_is_wanted_no_more_changes_nothing():
    cloud = booted({"fw": WHOLE})
    before = dict(cloud.known[FIRMWARE])
    for kept in (before, {}):
        cloud.known[FIRMWARE] = dict(kept)
        job = Job(dict(JOB, id="lw6", tag="ab", title="other"), True)
        cloud.learnt(job, 5)
        jobs.inspected(cloud, job)
        assert cloud.known[FIRMWARE] == kept
