# SPDX-License-Identifier: MIT
"""The end of a job, told until it is acknowledged, whatever becomes of the journal meanwhile."""

from fakes import Nvs, raises

from ota.errors import TransferError
from ota.journal import Journal
from ota.port import ticks_diff, ticks_ms
from ota.report import DOWNLOADED, FAILED, Reporter


class Cloud:
    """Acknowledges everything at once."""

    def __init__(self):
        self.told = []

    def report(self, event, kind):
        self.told.append((event["id"], event["state"]))
        return len(self.told)

    def delivered(self, handle):
        return True


def deliver(reporter, cloud):
    """Until nothing is left to say."""
    reporter._since -= 1000  # the gap between two states is over
    reporter.pump(cloud)
    reporter.pump(cloud)
    assert not reporter.waiting


def test_report_that_was_acknowledged_leaves_the_journal():
    nvs, cloud = Nvs(), Cloud()
    reporter = Reporter(Journal(nvs))
    reporter.finish("J1", FAILED, "no_reason")
    deliver(reporter, cloud)
    assert cloud.told == [("J1", FAILED)]
    assert Journal(nvs).facts == {"last": "J1"}


def test_report_of_a_state_on_the_way_takes_no_end_out_of_the_journal():
    nvs, cloud = Nvs(), Cloud()
    reporter = Reporter(Journal(nvs))
    reporter.post("J1", DOWNLOADED)
    reporter.finish("J1", FAILED)
    reporter._since -= 1000
    reporter.pump(cloud)
    reporter.pump(cloud)
    assert cloud.told == [("J1", DOWNLOADED)]
    assert Journal(nvs).get("outbox") == [{"id": "J1", "state": FAILED}]


def test_report_whose_answer_cannot_be_noted_stops_nothing_and_is_told_again_after_a_reset():
    """The error once ended the update that was under way, in one case after its image was selected."""
    nvs, cloud = Nvs(), Cloud()
    journal = Journal(nvs)
    reporter = Reporter(journal)
    reporter.finish("J1", FAILED)
    nvs.refuses = True
    deliver(reporter, cloud)
    assert journal.facts == {"last": "J1"}
    deliver(Reporter(Journal(nvs)), cloud)
    assert cloud.told == [("J1", FAILED)] * 2


def test_report_that_the_journal_does_not_take_is_told_once_as_long_as_there_is_power():
    nvs, cloud = Nvs(), Cloud()
    nvs.refuses = True
    journal = Journal(nvs)
    reporter = Reporter(journal)
    reporter.finish("J1", FAILED)
    deliver(reporter, cloud)
    assert cloud.told == [("J1", FAILED)]
    assert journal.get("last") == "J1"
    assert Journal(nvs).facts == {}


def test_report_keeps_the_last_four_ends():
    nvs = Nvs()
    reporter = Reporter(Journal(nvs))
    for number in range(6):
        reporter.finish("J%d" % number, FAILED)
    assert [event["id"] for event in Journal(nvs).get("outbox")] == ["J2", "J3", "J4", "J5"]


def test_report_without_an_answer_is_given_up_after_two_minutes():
    class Silent(Cloud):
        def delivered(self, handle):
            return False

        def is_quiet(self, since, ms):
            return ticks_diff(ticks_ms(), since) > ms

    reporter = Reporter(Journal(Nvs()))
    reporter.finish("J1", FAILED)
    reporter._since -= 1000
    assert reporter.pump(Silent())
    reporter._since -= 119000
    assert reporter.pump(Silent())
    reporter._since -= 2000
    raises(TransferError, "report_unanswered", reporter.pump, Silent())
