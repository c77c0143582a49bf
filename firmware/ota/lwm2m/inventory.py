# SPDX-License-Identifier: MIT
"""What object 9 knows of the one software package that a board has. Data only, see facts.py."""

# pyright: reportAttributeAccessIssue=false

from ota.lwm2m.facts import Facts
from ota.port import const

_INITIAL = const(0)
_INSTALLED = const(4)


def of(cloud):
    """The record; where there is none yet, what can be said without one."""
    if cloud.facts.software is not None:
        return cloud.facts.software
    made = Facts()
    name, version = cloud.software or ("built-in", "")
    made.is_active = name != "built-in"  # another cloud may have installed it
    made.state, made.result = _INSTALLED if made.is_active else _INITIAL, 0
    made.name, made.version = (name, version) if made.is_active else ("", "")
    made.uri = ""  # of what is fetched; empty for what is pushed
    made.is_ordered = False  # Install was executed, and nothing has come of it yet
    return made
