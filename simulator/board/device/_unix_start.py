# SPDX-License-Identifier: MIT
"""`_start.py` for MicroPython's unix port."""

__import__("_rom")
__import__("_port").main(globals())
