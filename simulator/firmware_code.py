# SPDX-License-Identifier: MIT
"""The agent's own code for the host's tools: whatever a board would say, they say the same."""

import importlib
import sys
from typing import Any

from simulator.breakage import FIRMWARE


def of_firmware(name: str) -> Any:
    """A module of the agent, such as "package"."""
    sys.path.append(str(FIRMWARE))
    try:
        return importlib.import_module(f"ota.{name}")
    finally:
        sys.path.remove(str(FIRMWARE))
