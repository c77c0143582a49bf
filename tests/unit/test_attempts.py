# SPDX-License-Identifier: MIT
"""Jobs of a cloud that remembers: counted when they start, kept for the next try when they break off."""

from fakes import Nvs, raises

from ota import attempts, ended, quarantine, wear
from ota.errors import JobError
from ota.job import Job
from ota.journal import Journal
from ota.report import FAILED, UPDATED, Reporter

NOW = 1_800_000_000
DAY = NOW // 86400
FIELDS = {"id": "J1", "title": "thermo", "version": "1.1.0", "size": 9, "url": "http://x/a"}
WRITING = {"id": "J1", "stage": "writing", "slot": "ota_1", "title": "t", "version": "v", "tries": 0}


class Cloud:
    def __init__(self):
        self.heard = []

    def ended(self, job_id, error):
        self.heard.append((job_id, error))

    def is_final(self, event):
        return event["state"] == UPDATED or event.get("error") == "bad_url"


class Board:
    seconds = NOW
    reset_cause = "hard"

    def now(self):
        return self.seconds

    def number(self, name, default):
        return default


class Agent:
    control = None

    def __init__(self):
        self.board = Board()


class Track:
    kind = "firmware"

    def __init__(self):
        self.agent = Agent()
        self.journal = Journal(Nvs())
        self.reporter = Reporter(self.journal)


def test_attempts_are_counted_by_id_and_the_eleventh_start_without_an_end_is_refused():
    track = Track()
    for _ in range(10):
        attempts.begin(track, Job(FIELDS, True))
    raises(JobError, "started_too_often", attempts.begin, track, Job(FIELDS, True))
    attempts.begin(track, Job(dict(FIELDS, id="J2"), True))
    assert track.journal.get("starts") == ["J2", 1]


def test_attempts_after_a_loss_of_power_or_a_deep_sleep_do_not_count():
    track = Track()
    for cause in ("power", "deepsleep"):
        track.agent.board.reset_cause = cause
        for _ in range(12):
            attempts.begin(track, Job(FIELDS, True))
    assert track.journal.get("starts") == ["J1", 1, 0, 11]  # the first one, which has to be noted


def test_attempts_that_lose_the_power_a_hundred_times_at_the_same_place_are_enough():
    track = Track()
    track.agent.board.reset_cause = "power"
    track.journal.save(job=WRITING)
    for _ in range(50):
        attempts.begin(track, Job(FIELDS, True))
    attempts.further(track.journal, "J1", 4096)  # another place
    for _ in range(100):
        attempts.begin(track, Job(FIELDS, True))
    raises(JobError, "started_too_often", attempts.begin, track, Job(FIELDS, True))


def test_attempts_that_get_further_are_the_first_one_again_and_a_pause_is_none():
    track = Track()
    for _ in range(3):
        attempts.begin(track, Job(FIELDS, True))
    attempts.further(track.journal, "J1", 4096)
    assert track.journal.get("starts") == ["J1", 1, 4096, 0]
    attempts.begin(track, Job(FIELDS, True))
    attempts.further(track.journal, "J1", 4096)
    assert track.journal.get("starts") == ["J1", 2, 4096, 0]
    attempts.rest(track.journal, "J1")
    assert track.journal.get("starts") == ["J1", 1, 4096, 0]


def test_wear_counts_starts_that_erase_by_the_day():
    track = Track()
    for number in range(3):
        attempts.begin(track, Job(dict(FIELDS, id="J%d" % number), True))
    assert track.journal.get("wear") == DAY * 1024 + 3
    track.journal.save(job=WRITING)
    attempts.begin(track, Job(FIELDS, True))  # takes up what is there
    assert track.journal.get("wear") == DAY * 1024 + 3
    track.agent.board.seconds += 86400
    attempts.begin(track, Job(dict(FIELDS, id="J4"), True))
    assert track.journal.get("wear") == (DAY + 1) * 1024 + 1


def test_wear_that_is_spent_rests_for_a_day_of_power_where_there_is_no_clock():
    track = Track()
    board = track.agent.board
    board.seconds = None
    for number in range(3):
        attempts.begin(track, Job(dict(FIELDS, id="J%d" % number), True))
    assert track.journal.get("wear") == 3
    rest = wear.Rest(track, board, track.journal)
    assert rest.gate() == ("wear_budget", False, "wear_budget", 0, True)
    assert not rest.spend(86400 - 601, None)
    rest.save()
    rest = wear.Rest(track, board, track.journal)  # a boot counts for ten minutes
    assert rest.spend(1, None)
    assert (track.journal.get("wear"), track.journal.get("control")) == (None, {})


def test_wear_that_is_spent_rests_to_the_end_of_the_day():
    track = Track()
    track.journal.save(wear=DAY * 1024 + 48)
    rest = wear.Rest(track, track.agent.board, track.journal)
    assert rest.gate()[3] == (DAY + 1) * 86400
    assert not rest.spend(1, (DAY + 1) * 86400 - 1)
    assert rest.spend(1, (DAY + 1) * 86400)


def test_wear_rest_that_is_left_from_another_day_does_not_end_that_of_today():
    track = Track()
    board = track.agent.board
    track.journal.save(wear=DAY * 1024 + 48)
    wear.Rest(track, board, track.journal)
    board.seconds += 86400  # off over midnight
    track.journal.save(wear=(DAY + 1) * 1024 + 48)
    rest = wear.Rest(track, board, track.journal)
    assert not rest.spend(1, board.seconds)
    assert rest.gate()[3] == (DAY + 2) * 86400


def test_wear_rest_that_is_damaged_is_made_anew():
    for damaged in ([(DAY + 1) * 86400, "much"], [(DAY + 1) * 86400], {}, 5):
        track = Track()
        track.journal.save(wear=DAY * 1024 + 48, control={"rest": {"firmware": damaged}})
        rest = wear.Rest(track, track.agent.board, track.journal)
        assert not rest.spend(86400 - NOW % 86400 - 1, None)
        assert rest.spend(1, None)


def test_wear_rest_goes_on_over_resets_while_the_clock_is_not_known():
    track = Track()
    board = track.agent.board
    track.journal.save(wear=DAY * 1024 + 48)
    wear.Rest(track, board, track.journal)
    left = 86400 - NOW % 86400
    board.seconds = None
    rest = wear.Rest(track, board, track.journal)
    assert not rest.spend(left - 601, None)
    assert rest.spend(1, None)


def test_quarantine_ends_with_its_time_or_by_order():
    track = Track()
    for number in range(6):
        job = dict(WRITING, id="J%d" % number)
        track.reporter.finish(job["id"], FAILED, "", **quarantine.put(job, track.agent.board, track.journal))
    assert track.journal.get("bad") == ["J2", "J3", "J4", "J5"]
    assert quarantine.pardon(track, Job(dict(FIELDS, id="J3"), True))
    assert not quarantine.pardon(track, Job(dict(FIELDS, id="J3"), True))
    assert track.journal.get("bad") == ["J2", "J4", "J5"]
    track.agent.board.seconds += 2592000 - 1
    quarantine.forgive(track, None)
    assert len(track.journal.get("bad")) == 3
    track.agent.board.seconds += 1
    quarantine.forgive(track, None)
    assert (track.journal.get("bad"), track.journal.get("free")) == (None, None)


def test_quarantine_of_a_job_with_an_id_of_the_clouds_is_for_its_content():
    track = Track()
    facts = quarantine.put(dict(WRITING, mark="ab" * 32), track.agent.board, track.journal)
    assert facts["bad"] == ["ab" * 32]


def test_attempts_end_is_told_each_time_and_begins_the_count_anew():
    track, cloud = Track(), Cloud()
    for _ in range(2):
        attempts.begin(track, Job(FIELDS, True))
        ended.end(track, cloud, "J1", FAILED, "http_403")
    assert cloud.heard == [("J1", "http_403")] * 2
    assert len(track.journal.get("outbox")) == 2
    assert (track.journal.get("starts"), track.journal.get("last")) == (None, None)


def test_attempts_keep_a_download_that_broke_off_and_nothing_else():
    cases = (
        ("writing", FAILED, "", True),
        ("writing", FAILED, "bad_url", False),
        ("activating", FAILED, "", False),
        ("writing", UPDATED, "", False),
    )
    for stage, state, error, kept in cases:
        track = Track()
        track.journal.save(job=dict(WRITING, stage=stage))
        ended.end(track, Cloud(), "J1", state, error)
        assert (track.journal.get("job") is not None) == kept


def test_attempts_end_that_waits_to_be_told_is_not_told_once_more():
    track, cloud = Track(), Cloud()
    for _ in range(2):
        attempts.begin(track, Job(FIELDS, True))
        ended.end(track, cloud, "J1", UPDATED, "")
    assert cloud.heard == [("J1", "")] * 2
    assert len(track.journal.get("outbox")) == 1
    assert track.journal.get("starts") is None
