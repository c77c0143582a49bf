# SPDX-License-Identifier: MIT
"""How the API says no: a status, and JSON with a message and perhaps a code of its own."""

from typing import Any

from simulator.clouds.rest.app import Refusal
from simulator.errors import UserError

_STATUS = {
    "no_login": 401,
    "token_expired": 401,
    "no_such_device": 404,
    "no_such_resource": 404,
    "no_such_task": 404,
    "task_not_executed": 404,
    "device_exists": 409,
    "resource_exists": 409,
}
_CODES = {"no_such_device": 4040, "task_not_executed": 4041}  # its own, where a guide shows one


def refuse(refusal: Refusal, now_ms: int) -> tuple[int, dict[str, Any]]:
    """Status and JSON."""
    if not isinstance(refusal, UserError):
        return refusal.status, {"message": refusal.reason}
    status = _STATUS.get(refusal.code, 400)
    code = {"code": _CODES[refusal.code]} if refusal.code in _CODES else {}
    return status, {"message": refusal.text, **code}
