# SPDX-License-Identifier: MIT
"""A product that is well on its trial and crashes afterwards (docs/control.md): the main.py of the first offer in story
`manners`.

It crashes LATER_S after each start for as long as it is watched. After CRASHES of them the board goes back to the image
from before, and leaves the other alone. One start a day may erase, so the next offer has to wait; and the last one, the
same image again, is refused. Times are shorter here than in ours, for what waits has to be played: a day takes DAY_S, a
boot counts for BOOT_S.
"""

from simulator.breakage import FIRMWARE

LATER_S, CRASHES, WATCH_S, DAY_S, BOOT_S = 40, 2, 400, 900, 60
SETTINGS = (("watch_s", WATCH_S), ("watch_crashes", CRASHES), ("wear_budget", 1))
STEP_MS = 20000
TIMES = {  # {path: {line: what it is here}}
    "ota/wear.py": {b"_DAY_S = const(86400)": b"_DAY_S = const(%d)" % DAY_S},
    "ota/deadline.py": {b"\nBOOT_S = const(600)": b"\nBOOT_S = const(%d)" % BOOT_S},
    "ota/probation.py": {
        b"_BOOT_S = const(600)": b"_BOOT_S = const(%d)" % BOOT_S,
        b"_SAVE_MS = const(3600000)": b"_SAVE_MS = const(60000)",
    },
}

_TICK = "            product.tick()\n"
_CRASH = f"""            if journal.get("watch") and board.ticks_ms() - agent.booted > {LATER_S * 1000}:
                board.reset()
"""


def main() -> bytes:
    """Our main.py with that in it."""
    source = (FIRMWARE / "main.py").read_text()
    assert source.count(_TICK) == 1, "main.py has its loop where it is expected"
    return source.replace(_TICK, _TICK + _CRASH).encode()
