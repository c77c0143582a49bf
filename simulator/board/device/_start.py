# SPDX-License-Identifier: MIT
"""What the device process runs. Kept this small so that `__main__` belongs to boot.py and main.py."""

__import__("_port").main(globals())
