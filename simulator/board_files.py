# SPDX-License-Identifier: MIT
"""The agent's sources for a board's file system: with one cloud, for the widest app leaves no room for all of them."""

import shutil
from pathlib import Path

from simulator.breakage import FIRMWARE

# What belongs to a cloud alone, by the names of files and folders.
_OF_CLOUDS = {
    "thingsboard": ("thingsboard*", "tb_*"),
    "rainmaker": ("rainmaker*", "rm_*", "aws_*"),
    "broker": ("broker*", "br_*"),
    "lwm2m": ("lwm2m*", "coap*"),
}


def for_cloud(cloud: str, folder: Path) -> Path:
    """A copy of the firmware in `folder`, which must not be there yet, without what only other clouds need."""
    others = [pattern for name, patterns in _OF_CLOUDS.items() if name != cloud for pattern in patterns]
    return shutil.copytree(FIRMWARE, folder, ignore=shutil.ignore_patterns("__pycache__", *others))
