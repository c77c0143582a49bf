# SPDX-License-Identifier: MIT
"""How boots after a crash are counted, and when the application has to stay away."""

import sys

from fakes import Nvs, Watchdog

from ota import crashes, safe
from ota.journal import Journal
from ota.probation import Probation


class Board:
    def __init__(self, nvs, cause):
        self.nvs = nvs
        self.reset_cause = cause
        self.watchdog = Watchdog()
        self.now = 0
        self.resets = 0

    def reset(self):
        self.resets += 1

    def ticks_ms(self):
        return self.now


class Track:
    def __init__(self, journal, label):
        self.journal, self.label = journal, label


class Cloud:
    ready = True
    commands = ()


def boots(nvs, *causes, is_trial=False):
    """Whether the application was kept away, for each boot."""
    kept = []
    for cause in causes:
        sys.modules.pop("app", None)
        crashes.guard(Board(nvs, cause), is_trial)
        kept.append(sys.modules.pop("app", None) is safe)
    return kept


def test_crashes_in_a_row_keep_the_application_away_and_cost_three_writes():
    nvs = Nvs()
    assert boots(nvs, "hard", "watchdog", "hard") == [False, False, True]
    nvs.refuses = True  # nothing more is to be written
    assert boots(nvs, "hard", "soft", "power", "hard") == [True, True, False, True]


def test_crashes_begin_anew_with_deep_sleep_or_a_trial():
    for cause, is_trial in (("deepsleep", False), ("hard", True)):
        nvs = Nvs()
        boots(nvs, "hard", "hard")
        assert boots(nvs, cause, is_trial=is_trial) == [False]
        assert nvs.numbers["crashes"] == 0
        assert boots(nvs, "hard", "hard") == [False, False]


def test_crashes_that_cannot_be_noted_keep_nobody_away():
    nvs = Nvs()
    nvs.refuses = True
    assert boots(nvs, "hard") == [False]


def test_crashes_are_forgotten_after_a_minute_of_work():
    nvs = Nvs()
    boots(nvs, "hard", "hard")
    board, journal = Board(nvs, "hard"), Journal(nvs)
    journal.save(crash="ValueError: x")
    watchdog = board.watchdog
    board.watchdog = Probation(board, journal)
    for now in (0, 60000, 60001):
        board.now = now
        board.watchdog.feed()
    assert (watchdog.fed, board.watchdog) == (3, watchdog)
    assert (nvs.numbers["crashes"], journal.get("crash")) == (0, None)


def test_crashes_stay_noted_while_the_application_is_kept_away():
    nvs = Nvs()
    boots(nvs, "hard", "hard", "hard")
    board = Board(nvs, "hard")
    board.watchdog = Probation(board, Journal(nvs))
    safe.enter()
    for now in (0, 100000):
        board.now = now
        board.watchdog.feed()
    sys.modules.pop("app")
    assert nvs.numbers["crashes"] == 3


def test_safe_tells_once_and_tries_the_application_again_after_an_hour():
    class Real:
        ticks = 0

        def __init__(self, cloud):
            pass

        def tick(self):
            self.ticks += 1

        def works(self):
            return False

    class App:
        Product = Real

    cloud = Cloud()
    safe.enter()
    product = safe.Product(cloud)
    product.tick()
    product.tick()
    assert (cloud.commands, product.works()) == ([("safe_mode", True)], True)
    sys.modules.pop("app")
    product._start(App)
    product.tick()
    assert cloud.commands == [("safe_mode", True), ("safe_mode", False)]
    assert (product._real.ticks, product.works()) == (1, False)


def test_safe_blames_what_is_on_trial_only_if_that_is_what_runs():
    class Agent:
        pass

    for label, crash, why in (("ota_0", None, "ValueError: x"), ("ota_1", "ValueError: x", None)):
        nvs = Nvs()
        agent, journal = Agent(), Journal(nvs)
        agent.board, agent.tracks = Board(nvs, "soft"), [Track(journal, "ota_0")]
        journal.save(job={"id": "J1", "stage": "activating", "slot": label})
        safe.failed(agent, ValueError("x"))
        assert (journal.get("crash"), journal.get("job").get("why")) == (crash, why)
        assert agent.board.resets == 1
