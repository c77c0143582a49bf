# SPDX-License-Identifier: MIT
"""What comes from a cloud is checked once, here: type, range, length of every field."""

import json

from fakes import raises

from ota.errors import JobError
from ota.job import FIRMWARE, Job, Offers

SHA = "ab" * 32


def fields(**changes):
    base = {"title": "thermo", "version": "1.4.0", "size": 183296, "algorithm": "SHA256", "checksum": SHA}
    base.update(changes)
    return base


def test_job_keeps_what_the_cloud_said():
    job = Job(fields())
    assert (job.title, job.version, job.size, job.algorithm, job.checksum) == ("thermo", "1.4.0", 183296, "SHA256", SHA)
    assert job.url is None
    assert len(job.id) == 16


def test_job_id_changes_with_anything_that_matters():
    ids = [Job(fields()).id]
    for change in ({"title": "t"}, {"version": "1.4.1"}, {"size": 183297}, {"checksum": "ac" * 32}):
        ids.append(Job(fields(**change)).id)
    assert len(set(ids)) == 5
    assert Job(fields(checksum=SHA.upper())).id == ids[0]


def test_job_size_that_is_no_size_is_refused_a11():
    for size in (None, 0, -1, "183296", 1.5, True, 1 << 25, [], {}):
        raises(JobError, "bad_size", Job, fields(size=size))


def test_job_texts_that_are_none_are_refused():
    for name in ("title", "version"):
        for value in (None, "", 5, "x" * 256, [], b"x"):
            raises(JobError, "bad_" + name, Job, fields(**{name: value}))


def test_job_texts_told_in_halves_are_whole_a34():
    for told, meant in (
        (b'"1.0 \\ud83d\\ude42\\u6e29"', "1.0 \U0001f642\u6e29"),
        (b'"\\ud83d\\ude42\\ud800\\udfff"', "\U0001f642\U000103ff"),
        (b'"\\ud83d"', ""),  # half of nothing
        (b'"x\\ude42"', "x\U00010242"),
    ):
        offers = Offers(False)
        offers.learn(FIRMWARE, {"title": "t", "version": json.loads(told), "size": 5})
        assert offers.known[FIRMWARE] == {"title": "t", "version": meant, "size": 5}


def test_job_unknown_algorithm_is_refused_a12():
    for algorithm in ("SHA1", "sha256 ", 5, "CRC-32"):
        raises(JobError, "checksum_unsupported", Job, fields(algorithm=algorithm))


def test_job_checksum_must_have_the_full_width_a12():
    raises(JobError, "bad_checksum", Job, fields(checksum="ab" * 31))
    raises(JobError, "bad_checksum", Job, fields(checksum="zz" * 32))
    raises(JobError, "bad_checksum", Job, fields(algorithm="CRC32", checksum="ab" * 32))
    raises(JobError, "no_checksum", Job, fields(checksum=7))


def test_job_checksum_is_read_in_any_case_with_0x_and_blanks():
    assert Job(fields(checksum=" 0x" + SHA.upper() + " ")).checksum == SHA


def test_job_checksum_without_algorithm_is_told_by_its_length():
    job = Job(fields(algorithm=None, checksum="ab" * 16))
    assert job.algorithm == "MD5"
    raises(JobError, "checksum_unsupported", Job, fields(algorithm=None, checksum="ab" * 4))


def test_job_url_without_checksum_needs_a_policy_switch_a30():
    url = "http://maker.example/app.bin"
    raises(JobError, "no_checksum", Job, fields(url=url, checksum=None, algorithm=None))
    job = Job(fields(url=url, checksum=None, algorithm=None), True)
    assert job.checksum is None and job.algorithm is None and job.url == url


def test_job_url_of_another_scheme_is_refused_a30():
    for url in ("ftp://x/y", "file:///etc/passwd", "x", "", 5, "http://" + "x" * 2048):
        raises(JobError, "bad_url", Job, fields(url=url))


def test_job_with_an_id_of_the_clouds_keeps_it_and_may_leave_the_size_open():
    job = Job({"id": "J1", "title": "t", "version": "v", "size": 0, "url": "https://x/a"}, True)
    assert (job.id, job.size, job.mark) == ("J1", 0, "")
    job = Job(fields(id="J1", size=5))
    assert (job.id, job.mark) == ("J1", SHA)
    assert Job(fields()).mark is None
    for size in (-1, 1 << 25, True, "5", None):
        raises(JobError, "bad_size", Job, fields(id="J1", size=size))
