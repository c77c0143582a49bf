# SPDX-License-Identifier: MIT
"""What object 9 knows of the one software package that a board has. Data only, see facts.py."""

# pyright: reportAttributeAccessIssue=false

from ota.lwm2m.facts import Facts
from ota.port import const

_INITIAL = const(0)
_INSTALLED = const(4)
_NOT_INSTALLED = const(58)
_BUILT_IN = "built-in"  # as ota.software calls what the firmware brings


def of(cloud):
    """The record; where there is none yet, what can be said without one."""
    record, runs = cloud.facts.software, cloud.software
    if record is not None:
        if record.state == _INSTALLED and record.is_active and runs not in (None, (record.name, record.version)):
            _fall_back(record, runs)
        return record
    made = Facts()
    name, version = runs or (_BUILT_IN, "")
    made.is_active = name != _BUILT_IN  # another cloud may have installed it
    made.state, made.result = _INSTALLED if made.is_active else _INITIAL, 0
    made.name, made.version = (name, version) if made.is_active else ("", "")
    made.uri = ""  # of what is fetched; empty for what is pushed
    made.is_ordered = False  # Install was executed, and nothing has come of it yet
    return made


def _fall_back(record, runs):
    """What was installed has crashed again and again, so something else runs (ota.crashes)."""
    record.result = _NOT_INSTALLED
    record.is_active = runs[0] != _BUILT_IN
    record.state = _INSTALLED if record.is_active else _INITIAL
    record.name, record.version = runs if record.is_active else ("", "")
