# SPDX-License-Identifier: MIT
"""Each fault of a web server: it reaches the device, and the device copes (reliability.md F)."""

import pytest

from simulator.campaign.case import Case
from simulator.campaign.fault_cases import web_cases
from simulator.campaign.run import Run, execute
from simulator.campaign.web_faults import AT_RANGES, KINDS
from simulator.errors import UserError

HOPELESS = ("two-lengths", "chunked", "gzip", "garbage", "page", "length:20001")
GOOD_WHOLE = ("whole", "unknown")  # then all of it is asked for, and what is there already thrown away


def ended(line: str) -> str:
    """How a case ends; nothing may be violated."""
    record = execute(Case.parse(line)).record()
    assert not record["violations"], record
    return record["end"]


def web(kind: str, times: int) -> str:
    """`status:404` struck so often as a fault's text."""
    name, colon, number = kind.partition(":")
    return f"web={name}:{times}{colon}{number}"


@pytest.mark.parametrize("kind", HOPELESS)
def test_web_server_that_is_odd_once_costs_a_try_and_always_fails_the_job(kind):
    assert ended(f"url {web(kind, 1)}") == "updated"
    assert ended(f"url {web(kind, 99)}") == "failed"


@pytest.mark.parametrize("code", [302, 401, 404, 410])
def test_web_server_that_has_no_such_file_anywhere_fails_the_job(code):
    assert ended(f"url web=status:99:{code}") == "failed"


@pytest.mark.parametrize("code", [429, 500, 503])
def test_web_server_that_is_busy_is_asked_again(code):
    assert ended(f"url web=status:3:{code}") == "updated"


@pytest.mark.parametrize("kind", AT_RANGES)
def test_web_server_that_answers_a_range_wrongly_spoils_no_image(kind):
    assert ended(f"url web=end:1:9000 {web(kind + ':4096', 1)}") == "updated"
    assert ended(f"url web=end:1:9000 {web(kind + ':4096', 99)}") == ("updated" if kind in GOOD_WHOLE else "failed")


@pytest.mark.parametrize("at", [0, 1, 9000, 19_999])
def test_web_server_that_hangs_up_or_falls_silent_is_asked_for_the_rest(at):
    assert ended(f"url web=end:3:{at}") == ended(f"url web=stall:3:{at}") == "updated"


def test_web_server_with_another_file_under_the_same_name_is_found_out():
    """Whether all of it is another one, or what follows a break (F100)."""
    assert ended("url web=other:1") == "failed"
    assert ended("url web=end:1:9000 web=other:2") in ("failed", "updated")
    assert ended("url web=end:2:9000 web=flip:2:1") == "updated"


def test_web_cases_have_each_kind():
    faults = {text.split("=")[1].split(":")[0] for case in web_cases() for text in case.faults}
    assert faults == {*KINDS, "links"}


@pytest.mark.parametrize(
    "fault", ["web=end:3:9000", "web=status:3:503", "web=flip:1:9000", "cut=90:half", "net=cut:9000"]
)
def test_web_server_of_a_software_package_may_fail_as_one_of_firmware(fault):
    assert ended(f"software packages=links {fault}") == "updated"


def test_web_server_of_another_package_that_the_cloud_names_is_left_alone():
    """A rule that names a package makes one, behind a link as well."""
    assert ended("url cloud=chunk=1:from=other+9.9.9") == "updated"


@pytest.mark.parametrize("line", ["url web=odd:1", "url web=end", "url packages=boxes", "update web=end:1:5"])
def test_web_fault_that_makes_no_sense_is_a_user_error(line):
    with pytest.raises(UserError):
        Run(Case.parse(line))
