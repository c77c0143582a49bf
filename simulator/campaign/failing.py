# SPDX-License-Identifier: MIT
"""A product whose application cannot start (docs/control.md): the main.py of the first firmware in story `safe-mode`.

Its sensor is broken, so it raises at each start. After MOST of them it is not started any more, and the agent runs
alone and takes the firmware that can do without.
"""

from simulator.breakage import FIRMWARE

MOST = 3
BEGINS = "product begins"  # said just before it raises

_START = "        product = Product(cloud)\n"
_RAISES = f"""        import app

        if not hasattr(app, "IS_SAFE"):
            print({BEGINS!r})
            raise RuntimeError("the sensor is not there")
"""


def main() -> bytes:
    """Our main.py with that in it."""
    source = (FIRMWARE / "main.py").read_text()
    assert source.count(_START) == 1, "main.py has its application where it is expected"
    return source.replace(_START, _RAISES + _START).encode()
