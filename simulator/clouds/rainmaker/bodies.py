# SPDX-License-Identifier: MIT
"""JSON from nodes, read strictly: ValueError for whatever is none."""

import json
from typing import NoReturn


def load(payload: bytes) -> object:
    """ValueError also for what is nested too deep, and for NaN and its like, which are no JSON."""
    try:
        return json.loads(payload, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def load_object(payload: bytes) -> dict:
    said = load(payload)
    if not isinstance(said, dict):
        raise ValueError("not an object")
    return said


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
