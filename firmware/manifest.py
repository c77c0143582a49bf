# SPDX-License-Identifier: MIT
# ruff: noqa: F821  (MicroPython's build runs this file and brings the names)
"""Freezes the agent and the product into a MicroPython build: make BOARD=... FROZEN_MANIFEST=/path/to/manifest.py"""

include("$(PORT_DIR)/boards/manifest.py")
package("ota", opt=3)
module("boot.py", opt=3)
module("main.py", opt=3)
module("app.py", opt=3)
