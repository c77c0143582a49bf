# SPDX-License-Identifier: MIT
"""Jobs of a cloud that remembers: counted when they start, kept for the next try when they break off."""

from fakes import Nvs, raises

from ota import attempts
from ota.errors import JobError
from ota.job import Job
from ota.journal import Journal
from ota.report import FAILED, UPDATED, Reporter

FIELDS = {"id": "J1", "title": "thermo", "version": "1.1.0", "size": 9, "url": "http://x/a"}
WRITING = {"id": "J1", "stage": "writing", "slot": "ota_1", "title": "t", "version": "v", "tries": 0}


class Cloud:
    def __init__(self):
        self.heard = []

    def ended(self, job_id, error):
        self.heard.append((job_id, error))

    def is_final(self, event):
        return event["state"] == UPDATED


class Track:
    def __init__(self):
        self.journal = Journal(Nvs())
        self.reporter = Reporter(self.journal)


def test_attempts_are_counted_by_id_and_the_eleventh_start_without_an_end_is_refused():
    journal = Journal(Nvs())
    for _ in range(10):
        attempts.begin(journal, Job(FIELDS, True))
    raises(JobError, "started_too_often", attempts.begin, journal, Job(FIELDS, True))
    attempts.begin(journal, Job(dict(FIELDS, id="J2"), True))
    assert journal.get("starts") == ["J2", 1]


def test_attempts_end_is_told_each_time_and_begins_the_count_anew():
    track, cloud = Track(), Cloud()
    for _ in range(2):
        attempts.begin(track.journal, Job(FIELDS, True))
        attempts.end(track, cloud, "J1", FAILED, "http_403")
    assert cloud.heard == [("J1", "http_403")] * 2
    assert len(track.journal.get("outbox")) == 2
    assert (track.journal.get("starts"), track.journal.get("last")) == (None, None)


def test_attempts_keep_a_download_that_broke_off_and_nothing_else():
    for stage, state, kept in (("writing", FAILED, True), ("activating", FAILED, False), ("writing", UPDATED, False)):
        track = Track()
        track.journal.save(job=dict(WRITING, stage=stage))
        attempts.end(track, Cloud(), "J1", state, "")
        assert (track.journal.get("job") is not None) == kept


def test_attempts_end_that_waits_to_be_told_is_not_told_once_more():
    track, cloud = Track(), Cloud()
    for _ in range(2):
        attempts.begin(track.journal, Job(FIELDS, True))
        attempts.end(track, cloud, "J1", UPDATED, "")
    assert cloud.heard == [("J1", "")] * 2
    assert len(track.journal.get("outbox")) == 1
    assert track.journal.get("starts") is None
