# SPDX-License-Identifier: MIT
"""Deadlines, gates and terms, one by one."""

from fakes import Nvs

from ota import availability, deadline, deferral, gates, gating, port, switches, terms
from ota.errors import JobError
from ota.journal import Journal

NOW = 1_800_000_000


def test_deadline_with_a_clock_is_over_on_the_second():
    end = deadline.make(100, NOW)
    assert end == [NOW + 100, 100]
    assert not deadline.is_over(end, NOW + 99)
    assert deadline.is_over(end, NOW + 100)


def test_deadline_without_a_clock_is_over_after_so_much_power():
    end = deadline.make(100, None)
    deadline.spend(end, 99, None)
    assert not deadline.is_over(end, None)
    deadline.spend(end, 1, None)
    assert deadline.is_over(end, None)


def test_deadline_takes_a_clock_that_has_become_known():
    end = deadline.make(100, None)
    deadline.spend(end, 40, NOW)
    assert end == [NOW + 60, 60]


def test_deadline_of_a_clock_that_was_ahead_is_over_nevertheless():
    end = deadline.make(100, NOW + 1_000_000)
    deadline.spend(end, 100, NOW)
    assert deadline.is_over(end, NOW)


def test_deadline_until_a_moment_long_ago_is_over_and_one_far_away_is_a_year():
    assert deadline.is_over(deadline.make(100, NOW, NOW - 5), NOW)
    assert deadline.make(100, NOW, NOW + 10**9) == [NOW + deadline.MOST_S, deadline.MOST_S]


def test_deadline_from_the_journal_is_checked():
    for wrong in (None, 5, [], [1], [1, 2, 3], [1, "2"], [True, 2], [-1, 2]):
        assert not deadline.is_deadline(wrong)
    assert deadline.is_deadline([0, 5])


def test_battery_does_not_flutter_at_its_limit():
    level = [29]
    gate = gates.battery(lambda: level[0], 30)
    assert gate() == (False, "battery_low: 29%")
    level[0] = 30
    assert gate() is True
    level[0] = 26
    assert gate() is True
    level[0] = 24
    assert gate() == (False, "battery_low: 24%")


def test_battery_that_nobody_knows_is_empty_unless_it_is_charging():
    charging = [False]
    gate = gates.battery(lambda: None, 30, lambda: charging[0])
    assert gate() == (False, "battery_unknown")
    charging[0] = True
    assert gate() is True


def test_link_that_is_weak_or_costs_is_closed():
    assert gates.link(lambda: -90, -80)() == (False, "link_weak: -90 dBm")
    assert gates.link(lambda: -70, -80)() is True
    assert gates.link(lambda: None, -80)() is True
    assert gates.link(lambda: -70, -80, lambda: True)() == (False, "link_metered")


def test_temperature_is_open_at_both_ends():
    for value, is_open in ((-11, False), (-10, True), (60, True), (61, False)):
        assert (gates.temperature(lambda value=value: value, -10, 60)() is True) == is_open


def test_busy_may_be_held_twice():
    busy = gates.Busy()
    with busy:
        busy.acquire()
        assert busy() == (False, "busy")
    assert busy() == (False, "busy")
    busy.release()
    busy.release()
    assert busy() is True


def test_answers_of_a_gate_in_any_of_their_forms():
    def ask(answer):
        return gating.ask("name", lambda: answer, True)

    assert ask(True) == ("name", True, "name", 0, True)
    assert ask(False) == ("name", False, "name", 0, True)
    assert ask((False, "low")) == ("name", False, "low", 0, True)
    assert ask((False, "low", NOW)) == ("name", False, "low", NOW, True)
    assert ask((False, "low", "soon")) == ("name", False, "low", 0, True)


def test_gate_that_raises_is_closed_and_not_hard():
    def fails():
        raise ValueError("a bug")

    assert gating.ask("name", fails, True) == ("name", False, "gate_failed: name", 0, False)


def test_terms_are_checked():
    assert terms.read({}) is None
    read = terms.read({"severity": 0, "max_defer": 60})
    assert (read.severity, read.max_defer, read.spread) == (0, 60, None)
    for wrong in ({"severity": 3}, {"severity": True}, {"max_defer": -1}, {"max_defer": "60"}, {"spread": 1.5}):
        try:
            terms.read(wrong)
        except JobError as error:
            assert error.text() == "bad_terms: " + next(iter(wrong))
        else:
            raise AssertionError(wrong)


def test_deferral_is_as_long_as_the_job_says_or_as_it_is_urgent():
    numbers = {}

    class Board:
        def now(self):
            return NOW

        def number(self, name, default):
            return numbers.get(name, default)

    put_off = deferral.Deferral(Board(), Journal(Nvs()))
    assert [put_off.most(terms.read({"severity": n})) for n in (0, 1, 2)] == [3600, 86400, 604800]
    assert put_off.most(None) == put_off.most(terms.read({"spread": 5})) == 604800
    assert put_off.most(terms.read({"severity": 0, "max_defer": 60})) == 60
    assert put_off.most(terms.read({"severity": 2, "max_defer": 0})) == 0
    numbers.update({"defer_crit_s": 1, "defer_mand_s": 2, "defer_s": 3})
    assert [put_off.most(terms.read({"severity": n})) for n in (0, 1, 2)] == [1, 2, 3]


class Waiting:
    """A job, and a board whose clock goes on, or is unknown."""

    id = "J1"
    kind = "firmware"
    terms = None

    def __init__(self, has_clock=True):
        self.now_s = NOW if has_clock else None
        self.nvs = Nvs()
        self.boot()

    def boot(self):
        self.deferral = deferral.Deferral(self, Journal(self.nvs))

    def now(self):
        return self.now_s

    def number(self, name, default):
        return default

    def put_off(self, seconds=0, **fields):
        """With these terms, and so much later it is asked whether that is over."""
        self.terms = terms.read(fields)
        self.deferral.put_off(self, self.terms, "busy")
        if self.now_s is not None:
            self.now_s += seconds
        self.deferral.spend(seconds)
        return self.deferral.is_over(self)

    def left(self):
        return self.deferral._known["firmware"][1]


def test_deadline_of_a_job_is_another_one_when_its_terms_are_and_counts_from_the_first_time_on():
    job = Waiting()
    for fields, seconds in (({}, 604800), ({"severity": 0}, 3600), ({"severity": 0, "max_defer": 40}, 40)):
        for _ in range(2):  # once more changes nothing
            assert not job.put_off(5, **fields)
        assert job.deferral.end(job) == NOW + seconds
    assert job.deferral.count(job) == 1
    assert not job.put_off(9, max_defer=40)
    assert job.put_off(1, max_defer=40)


def test_terms_that_keep_changing_do_not_put_off_for_ever():
    for has_clock in (True, False):
        job = Waiting(has_clock)
        waited = 0
        while not job.put_off(10, max_defer=(600, 590)[waited // 10 % 2]):
            waited += 10
            assert waited < 600
        assert waited == 590


def test_deadline_of_other_terms_is_written_at_once_and_once():
    job = Waiting()
    job.put_off(severity=1)
    writes = job.nvs.writes
    for _ in range(3):
        job.put_off(max_defer=1500)
    assert job.nvs.writes == writes + 1
    job.boot()
    assert job.left() == [NOW + 1500, 1500 - deadline.BOOT_S]


def test_deadline_from_before_a_reset_is_no_longer_than_the_terms_that_are_known_then():
    for has_clock in (True, False):
        job = Waiting(has_clock)
        job.put_off(severity=1)
        job.boot()
        assert not job.put_off(59, max_defer=60)
        assert job.left()[1] == 1
        job.boot()
        assert job.put_off(0, max_defer=60)
    job = Waiting()
    job.put_off(max_defer=1500)
    job.boot()
    writes = job.nvs.writes
    job.put_off(max_defer=1500)  # the same terms: what is left is left, and nothing is written
    assert (job.left(), job.nvs.writes) == ([NOW + 1500, 900], writes)


def test_what_may_not_be_put_off_is_over_before_it_was():
    class Job:
        id = "J1"
        kind = "firmware"
        terms = terms.read({"max_defer": 0})

    class Board:
        def now(self):
            return NOW

    assert deferral.Deferral(Board(), Journal(Nvs())).is_over(Job)


def test_gate_whose_reason_changes_all_the_time_does_not_wear_the_flash():
    class Journal:
        writes = 0

        def get(self, name):
            return None

        def keep(self, **facts):
            self.writes += 1

    class Job:
        id = "J1"
        kind = "firmware"

    class Board:
        def now(self):
            return NOW

        def number(self, name, default):
            return default

    journal = Journal()
    put_off = deferral.Deferral(Board(), journal)
    for level in range(1000):
        put_off.put_off(Job, None, "link_weak: -%d dBm" % level)
    assert (put_off.count(Job), journal.writes) == (1, 1)  # figures are no other reason
    for number in range(1000):
        put_off.put_off(Job, None, ("link_weak", "busy")[number % 2])
    assert put_off.count(Job) == 1001
    assert journal.writes < 10


def test_figures_of_a_reason_are_told_now_and_then_and_another_reason_at_once():
    told = []

    class Words:
        def availability(self, cloud, facts):
            told.append(facts.get("reason"))

    class Cloud:
        def words(self):
            return Words()

    class Agent:
        cloud = Cloud()

    class Control:
        agent = Agent()

    class Said(availability.Availability):
        reason = ""

        def _facts(self):
            return {"reason": self.reason, "until": 0}

    line = Said(Control())
    for reason in ("link_weak: -90 dBm", "link_weak: -91 dBm", "link_weak: -9 dBm", "busy", "link_weak: -90 dBm", ""):
        line.reason = reason
        line.tell()
    assert told == ["link_weak: -90 dBm", "busy", "link_weak: -90 dBm", ""]
    line.reason = "link_weak: -90 dBm"
    line.tell()
    line.reason = "link_weak: -80 dBm"
    line._figures_at = port.ticks_ms() - 60001
    line.tell()
    assert told[4:] == ["link_weak: -90 dBm", "link_weak: -80 dBm"]


class Clock:
    """A board whose clock is known, or not."""

    def __init__(self, seconds):
        self.seconds = seconds

    def now(self):
        return self.seconds

    def number(self, name, default):
        return default


def test_switch_that_is_said_again_in_a_loop_is_not_written_again():
    for seconds in (NOW, None):
        for until in (NOW + 3600, NOW + 10**9):  # the latter is further away than anything may be off
            board, nvs = Clock(seconds), Nvs()
            switch = switches.Switches(board, Journal(nvs))
            for second in range(600):
                if seconds:
                    board.seconds = seconds + second
                switch.off("off", "busy", until)
                switch.spend(1)
            assert nvs.writes == 1, (seconds, until, nvs.writes)
    switch.off("off", "busy", NOW + 60)
    assert (nvs.writes, switch.get("off")[1][0]) == (2, NOW + 60)


def test_switch_that_is_off_until_a_moment_that_has_passed_is_on_and_writes_nothing():
    board, nvs = Clock(NOW), Nvs()
    switch = switches.Switches(board, Journal(nvs))
    for second in range(600):
        board.seconds = NOW + second
        switch.off("hold", "busy", NOW + 300)
        switch.spend(1)
    assert (nvs.writes, switch.get("hold")) == (2, None)  # off and on


def test_switch_that_is_off_for_longer_than_a_year_moves_once_a_day():
    board, nvs = Clock(NOW), Nvs()
    switch = switches.Switches(board, Journal(nvs))
    for hour in range(72):
        board.seconds = NOW + hour * 3600
        switch.off("off", "busy", NOW + 10**9)
    assert nvs.writes == 4
    assert switch.get("off")[1][0] <= board.seconds + deadline.MOST_S
