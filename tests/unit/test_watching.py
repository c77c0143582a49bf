# SPDX-License-Identifier: MIT
"""How long firmware is watched after its trial, with and without a clock, and which crashes count."""

from fakes import Nvs, Watchdog

from ota import bootcheck, probation, watching
from ota.journal import Journal

NOW = 1_800_000_000
HOUR_MS = 3_600_000


class Running:
    label = "ota_1"

    def info(self):
        return (0, 17, 0, 0, self.label, False)


class Board:
    otadata = None  # no way back
    second: object = None
    ticks = 0

    def __init__(self):
        self.settings = {"watch_s": 5000}
        self.nvs = Nvs()
        self.running = Running()
        self.watchdog = Watchdog()

    def number(self, name, default):
        return self.settings.get(name, default)

    def now(self):
        return self.second

    def ticks_ms(self):
        return self.ticks


def begun(second=None):
    board = Board()
    board.second = second
    journal = Journal(board.nvs)
    journal.save(watch=watching.begin(board, "ota_1"))
    return board, journal


def test_watching_is_for_who_wants_it():
    board = Board()
    board.settings = {}
    assert watching.begin(board, "ota_1") is None


def test_watching_ends_by_uptime_and_boots_where_there_is_no_clock():
    board, journal = begun()
    board.watchdog = probation.Probation(board, journal)
    assert journal.get("watch") == ["ota_1", [0, 4400], 0]
    watchdog = board.watchdog
    for board.ticks in (1, HOUR_MS - 1):
        watchdog.feed()
    assert journal.get("watch") == ["ota_1", [0, 4400], 0]
    for board.ticks in (HOUR_MS, HOUR_MS + 1):
        watchdog.feed()
    assert journal.get("watch") == ["ota_1", [0, 800], 0]
    board.ticks = 2 * HOUR_MS
    watchdog.feed()
    assert journal.get("watch") is None
    watchdog.feed()
    assert board.watchdog is not watchdog  # nothing is left to count


def test_watching_ends_by_the_clock_and_writes_nothing_until_then():
    board, journal = begun(NOW)
    board.nvs.refuses = True
    watching.spend(board, journal, 600)
    assert journal.get("watch") == ["ota_1", [NOW + 5000, 5000], 0]
    board.nvs.refuses = False
    board.second = NOW + 5000
    watching.spend(board, journal, 600)
    assert journal.get("watch") is None


def test_watching_counts_crashes_of_what_is_watched_and_in_its_time():
    board, journal = begun(NOW)
    watching.crashed(board, journal)
    watching.crashed(board, journal)
    assert journal.get("watch") == ["ota_1", [NOW + 5000, 5000], 2]
    watching.crashed(board, journal)  # there is no way back: it is not looked for again
    assert journal.get("watch") is None
    for label, second in (("ota_0", NOW), ("ota_1", NOW + 5000)):
        board, journal = begun(NOW)
        board.running.label, board.second = label, second
        watching.crashed(board, journal)
        assert journal.get("watch") is None


def test_watching_begins_once_however_often_the_agent_settles_after_a_bug():
    board, journal = begun()
    watchdog = board.watchdog
    for _ in range(20):
        bootcheck.settle(board, journal, None)
    assert journal.get("watch") == ["ota_1", [0, 4400], 0]
    board.watchdog.feed()
    assert (watchdog.fed, board.watchdog._watchdog) == (1, watchdog)


def test_watching_is_put_off_by_want_of_memory_or_a_bug_and_the_application_does_not_notice():
    board, journal = begun()
    board.watchdog = probation.Probation(board, journal)
    for error in (MemoryError, TypeError):

        def get(name, error=error):
            raise error

        journal.get = get
        board.watchdog.feed()
    del journal.get
    board.ticks = HOUR_MS
    board.watchdog.feed()
    assert journal.get("watch") == ["ota_1", [0, 800], 0]
