# SPDX-License-Identifier: MIT
"""Gates, force, the operator's switch, deferral and windows, all at once, against a model that anyone can read."""

import random

from ota import explain, gating, policy
from ota.job import Job
from ota.schedule import Rules
from ota.zone import Zone

DAY = 1_768_435_200  # 2026-01-15 00:00 UTC
WINDOW = (120, 239)  # minutes
ROUNDS = 4000


class Track:
    running = ("thermo", "1.0.0")
    installed_by = None
    slot = type("Slot", (), {"size": 1 << 20})
    unconfirmed = False


def job() -> Job:
    return Job({"title": "thermo", "version": "1.1.0", "size": 1000, "checksum": "0" * 64, "algorithm": "SHA256"})


def model(gates: list[tuple], forced: bool, minute: int | None, has_window: bool, over: bool) -> str:
    """In words: a job that is not valid any more is refused; hard gates wait always; whoever is forced needs nothing
    else; then soft gates, then the window, and a window needs a clock."""
    if over and minute is not None:
        return "refuse"
    if over and minute is None:
        return "wait"
    if any(not is_open and hard for _, is_open, _, _, hard in gates):
        return "wait"
    if forced:
        return "start"
    if any(not is_open for _, is_open, *_ in gates):
        return "wait"
    if has_window and (minute is None or not WINDOW[0] <= minute <= WINDOW[1]):
        return "wait"
    return "start"


def test_policy_decides_as_the_model_and_explain_as_the_policy():
    chance = random.Random(7)
    seen = set()
    for _ in range(ROUNDS):
        names = chance.sample("abcdef", chance.randint(0, 4))
        gates = [(name, chance.random() < 0.7, "shut " + name, 0, chance.random() < 0.3) for name in names]
        forced, has_window, over = (chance.random() < share for share in (0.4, 0.6, 0.1))
        minute = chance.choice([None, *range(0, 1440, 7)])
        offered = job()
        if over:
            offered.rules = Rules((None, DAY - 1))
        window = Rules(windows=((127, *WINDOW),)) if has_window else None
        now = None if minute is None else DAY + minute * 60
        hours = (now, Zone("UTC0"), window, forced) if has_window or over else None
        expected = model(gates, forced, minute, has_window, over)
        verdict, reason, until = policy.decide(offered, {}, Track, gating.shut(gates, forced), hours)
        assert ("start", "done", "wait", "refuse")[verdict] == expected, (gates, forced, minute, has_window, over)
        assert (reason == "") == (expected == "start")
        rules = explain.of_job(offered, {}, Track, gates, hours, forced)
        assert rules[-1] == ("verdict", expected, reason, until)
        waits = [rule for rule in rules[1:-1] if rule[1] in ("wait", "refuse")]
        assert bool(waits) == (expected != "start")
        assert len(rules) == 3 + len(gates) + (hours is not None)
        seen.add(expected)
    assert seen == {"start", "wait", "refuse"}
