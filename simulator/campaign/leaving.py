# SPDX-License-Identifier: MIT
"""A product that restarts in good order while it is on trial (docs/control.md): the main.py of the offer in story
`leaving`.

At its first start it has no network, and wants to restart at once. So the trial goes on at the next start, where it
reaches its cloud and is confirmed.
"""

from simulator.breakage import FIRMWARE

_LOOP = "        for _ in agent.steps():\n"
_LEAVES = """        import esp32

        memory = esp32.NVS("product")
        try:
            memory.get_i32("left")
        except OSError:
            memory.set_i32("left", 1)
            memory.commit()
            board.has_network = lambda: False
            agent.restart_soon()
"""


def main() -> bytes:
    """Our main.py with that in it."""
    source = (FIRMWARE / "main.py").read_text()
    assert source.count(_LOOP) == 1, "main.py has its loop where it is expected"
    return source.replace(_LOOP, _LEAVES + _LOOP).encode()
