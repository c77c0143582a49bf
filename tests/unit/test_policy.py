# SPDX-License-Identifier: MIT
"""Whether a job may start: a pure function."""

from ota import policy
from ota.job import Job


class Slot:
    size = 4096


class Track:
    def __init__(self, version):
        self.running = ("thermo", version)
        self.installed_by = None
        self.slot = Slot()
        self.unconfirmed = False


OFF = (("updates", False, "disabled", 0, False),)


def job(version="1.1.0", size=1000):
    return Job({"title": "thermo", "version": version, "size": size, "algorithm": "MD5", "checksum": "ab" * 16})


def track(version="1.0.0", **changes):
    made = Track(version)
    for name in changes:
        setattr(made, name, changes[name])
    return made


def test_policy_new_version_goes():
    assert policy.decide(job(), {}, track()) == (policy.GO, "", 0)


def test_policy_running_version_is_done_by_exact_match_a9_a10():
    assert policy.decide(job("1.1"), {}, track("1.1"))[0] == policy.DONE
    assert policy.decide(job("1.1"), {}, track("1.10"))[0] == policy.GO
    assert policy.decide(job("1.10"), {}, track("1.1"))[0] == policy.GO


def test_policy_job_that_installed_what_runs_is_done_whatever_the_image_calls_itself():
    assert policy.decide(job(), {}, track("0.9", installed_by=job().id))[0] == policy.DONE


def test_policy_larger_than_the_slot_is_refused_a11():
    assert policy.decide(job(size=4097), {}, track()) == (policy.REFUSE, "slot_too_small", 0)
    assert policy.decide(job(size=4096), {}, track())[0] == policy.GO


def test_policy_board_without_a_second_slot_refuses():
    assert policy.decide(job(), {}, track(slot=None)) == (policy.REFUSE, "no_spare_slot", 0)


def test_policy_rolled_back_image_is_refused():
    assert policy.decide(job(), {"bad": ["x", job().id]}, track()) == (policy.REFUSE, "rolled_back_before", 0)


def test_policy_job_that_ended_is_not_started_again():
    assert policy.decide(job(), {"last": job().id}, track()) == (policy.REFUSE, "ended_before", 0)


def test_policy_unconfirmed_image_waits_even_when_forced():
    assert policy.decide(job(), {}, track(unconfirmed=True)) == (policy.WAIT, "unconfirmed", 0)


def test_policy_disabled_waits_unless_forced():
    assert policy.decide(job(), {}, track(), OFF) == (policy.WAIT, "disabled", 0)
    assert policy.decide(job(), {}, track(), ()) == (policy.GO, "", 0)


def test_policy_gate_that_will_never_open_refuses():
    never = (("requires", False, "runtime_too_old", -1, True),)
    assert policy.decide(job(), {}, track(), never) == (policy.REFUSE, "runtime_too_old", 0)


def test_policy_job_of_a_cloud_that_remembers_is_judged_by_its_id_alone():
    named = Job({"id": "J1", "title": "thermo", "version": "1.0.0", "size": 5, "url": "http://x/a"}, True)
    assert policy.decide(named, {}, track("1.0.0")) == (policy.GO, "", 0)
    assert policy.decide(named, {}, track("1.0.0", installed_by="J1"))[0] == policy.DONE


def test_policy_time_is_asked_last_and_only_where_there_are_rules():
    from ota.schedule import Rules
    from ota.zone import Zone

    night = Rules(windows=((127, 120, 270),))
    hours = (1767225600, Zone("UTC0"), night, False)
    assert policy.decide(job(), {}, track(), (), hours) == (policy.WAIT, "waiting_for_window", 1767225600 + 7200)
    assert policy.decide(job("1.0.0"), {}, track(), (), hours)[0] == policy.DONE
    assert policy.decide(job(), {}, track(), (), (None, Zone("UTC0"), night, True)) == (policy.GO, "", 0)
    assert policy.decide(job(), {}, track(), OFF, hours) == (policy.WAIT, "disabled", 0)
    over = job()
    over.rules = Rules((None, 1767225599))
    for gates in ((), OFF):
        assert policy.decide(over, {}, track(), gates, hours) == (policy.REFUSE, "validity_over", 0)
