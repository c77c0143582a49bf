# SPDX-License-Identifier: MIT
"""Whether a job may start: a pure function."""

from ota import policy
from ota.job import Job


def job(version="1.1.0", size=1000):
    return Job({"title": "thermo", "version": version, "size": size, "algorithm": "MD5", "checksum": "ab" * 16})


def device(version="1.0.0", **changes):
    made = policy.Device("thermo", version, 4096)
    for name in changes:
        setattr(made, name, changes[name])
    return made


def test_policy_new_version_goes():
    assert policy.decide(job(), {}, device()) == (policy.GO, "")


def test_policy_running_version_is_done_by_exact_match_a9_a10():
    assert policy.decide(job("1.1"), {}, device("1.1"))[0] == policy.DONE
    assert policy.decide(job("1.1"), {}, device("1.10"))[0] == policy.GO
    assert policy.decide(job("1.10"), {}, device("1.1"))[0] == policy.GO


def test_policy_job_that_installed_what_runs_is_done_whatever_the_image_calls_itself():
    assert policy.decide(job(), {}, device("0.9", installed_by=job().id))[0] == policy.DONE


def test_policy_larger_than_the_slot_is_refused_a11():
    assert policy.decide(job(size=4097), {}, device()) == (policy.REFUSE, "slot_too_small")
    assert policy.decide(job(size=4096), {}, device())[0] == policy.GO


def test_policy_board_without_a_second_slot_refuses():
    assert policy.decide(job(), {}, device(slot_size=0)) == (policy.REFUSE, "no_spare_slot")


def test_policy_rolled_back_image_is_refused():
    assert policy.decide(job(), {"bad": ["x", job().id]}, device()) == (policy.REFUSE, "rolled_back_before")


def test_policy_job_that_ended_is_not_started_again():
    assert policy.decide(job(), {"last": job().id}, device()) == (policy.REFUSE, "ended_before")


def test_policy_unconfirmed_image_waits_even_when_forced():
    assert policy.decide(job(), {}, device(confirmed=False), True) == (policy.WAIT, "unconfirmed")


def test_policy_disabled_waits_unless_forced():
    assert policy.decide(job(), {}, device(enabled=False)) == (policy.WAIT, "disabled")
    assert policy.decide(job(), {}, device(enabled=False), True) == (policy.GO, "")
