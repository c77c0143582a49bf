# SPDX-License-Identifier: MIT
"""A product that has a say in its updates (docs/control.md): the main.py of the first firmware in story `control`.

It switches updates off once in its life, and the reset off when one is on its way, and never switches anything on
again. So the download begins when the first switch is over, after OFF_S, and the reset comes when the job has been put
off for long enough, after DEFER_S. All of it is a fact in the journal, of which each boot takes a part of the time.
"""

from simulator.breakage import FIRMWARE

OFF_S, DEFER_S = 700, 1000  # settings `off_s` and `defer_s`; one boot counts for 600
SETTINGS = (("off_s", OFF_S), ("defer_s", DEFER_S))
OFF, HELD = "product off", "product held"  # said when that is in the journal

_LOOP = """        for _ in agent.steps():
            product.tick()
"""
_SWITCHED_LOOP = f"""        import esp32

        memory = esp32.NVS("product")

        def knows(name):
            try:
                return memory.get_i32(name)
            except OSError:
                return 0

        def once(name, switch, reason, line):
            if not knows(name):
                switch(reason)
                print(line)
                memory.set_i32(name, 1)
                memory.commit()

        once("off", agent.disable_updates, "busy", {OFF!r})
        for _ in agent.steps():
            if agent.job:
                once("held", agent.disable_reset, "pouring", {HELD!r})
            product.tick()
"""


def main() -> bytes:
    """Our main.py with that in it."""
    source = (FIRMWARE / "main.py").read_text()
    assert source.count(_LOOP) == 1, "main.py has its loop where it is expected"
    return source.replace(_LOOP, _SWITCHED_LOOP).encode()
