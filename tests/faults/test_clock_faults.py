# SPDX-License-Identifier: MIT
"""Time that jumps, wraps or was never set, and resets at any moment (reliability.md K)."""

import pytest

from simulator.campaign.case import Case
from simulator.campaign.clock_faults import EPOCH_2000
from simulator.campaign.run import Run, execute
from simulator.errors import UserError


def ended(line: str) -> str:
    record = execute(Case.parse(line)).record()
    assert not record["violations"], record
    return record["end"]


@pytest.mark.parametrize("jump", ["315360000", "-86400", "-999999999"])
@pytest.mark.parametrize("at", [1300, 1600, 3300])
def test_clock_that_jumps_disturbs_no_update(jump, at):
    assert ended(f"update clock=set:1760000000 later={at}:clock=jump:{jump}") == "updated"


@pytest.mark.parametrize("seconds", [1_760_000_000, 2_085_978_495, 2_145_916_800, 2_147_483_647, 4_102_444_800])
def test_clock_that_is_set_right_or_wrong_disturbs_no_update(seconds):
    assert ended(f"update clock=set:{seconds}") == "updated"


def test_clock_fault_changes_what_time_it_is():
    run = Run(Case("update", faults=("clock=set:1760000000", "later=10:clock=jump:-86400")))
    assert run.twin.chip.time() + EPOCH_2000 == 1_760_000_000
    run.twin.run_for(2)
    assert run.twin.chip.time() + EPOCH_2000 == pytest.approx(1_760_000_000 - 86_400, abs=3)


@pytest.mark.parametrize("ms", [0, 1, 100, 170, 300, 450, 600, 800, 60_000])
def test_ticks_that_wrap_in_mid_update_time_nothing_out(ms):
    line = f"update ticks={ms}"
    assert ended(line) == "updated"
    assert Run(Case.parse(line)).play().board_s == pytest.approx(Run(Case("update")).play().board_s, abs=0.1)


def test_ticks_fault_is_seen_by_the_device():
    program = (
        b"import time\na = time.ticks_ms()\ntime.sleep_ms(50)\nb = time.ticks_ms()\n"
        b"print(a > b, time.ticks_diff(b, a))\n"
    )
    run = Run(Case("update", faults=("ticks=20",)), {"boot.py": b"", "main.py": program})
    run.twin.run(lambda event: event["event"] == "repl", timeout_s=5)
    assert run.twin.story.lines[0] == "True 50"


@pytest.mark.parametrize("how", ["power", "hard", "soft"])
@pytest.mark.parametrize("at", [1300, 1450, 1600, 1750, 1900, 3300, 3495, 3510])
def test_reset_at_any_moment_ends_in_an_update_or_in_the_old_image(how, at):
    line = f"update later={at}:reset={how}"
    assert ended(line) in ("updated", "rolled_back")
    run = Run(Case.parse(line))
    run.play()
    expected = "off" if how == "power" else "reset"
    assert any(event["event"] == expected and event["ms"] <= at + 300 for event in run.twin.story.events)


@pytest.mark.parametrize(
    "text", ["clock=back:1", "clock=jump:", "ticks=-1", "reset=never", "later=x:reset=hard", "later=1:moon=1"]
)
def test_fault_of_time_that_makes_no_sense_is_a_user_error(text):
    with pytest.raises(UserError):
        Run(Case("update", faults=(text,)))
