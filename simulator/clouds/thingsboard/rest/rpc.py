# SPDX-License-Identifier: MIT
"""Calls to a device: one way, or with the device's answer as the answer (thingsboard.md 6.1)."""

import asyncio
import json
from collections.abc import Awaitable

from simulator.clouds.rest.call import Raw, Routes
from simulator.clouds.thingsboard import rpc
from simulator.clouds.thingsboard.devices import Device
from simulator.clouds.thingsboard.rest.call import Call
from simulator.clouds.thingsboard.rest.entities import check_id
from simulator.errors import UserError

_TIMEOUT_MS, _MIN_TIMEOUT_MS = 10_000, 5000  # the server's defaults
_STATUS = {"NO_ACTIVE_CONNECTION": 409, "TIMEOUT": 504}
_JSON = {"Content-Type": "application/json"}


def _call(call: Call, is_oneway: bool) -> Awaitable[Raw]:
    """Waits until the call has ended: 200 with the answer, 409 if the device was not there, 504 if it was silent."""
    device = call.tenant.get(Device, check_id(call.path["id"]))
    method, timeout_ms = call.fields.get("method"), call.fields.get("timeout") or _TIMEOUT_MS
    if not isinstance(method, str) or not isinstance(timeout_ms, int):
        raise UserError("bad_request", "a call needs a method, and a timeout is a number of milliseconds")
    timeout_ms = max(_MIN_TIMEOUT_MS, timeout_ms)
    ended: asyncio.Future[Raw] = asyncio.get_running_loop().create_future()

    def on_end(one: rpc.Call) -> None:
        if not ended.done():
            ended.set_result(_answer(one))

    call.cloud.call(device, method, call.fields.get("params"), call.cloud.now_ms, timeout_ms, is_oneway, on_end)
    return ended


def _answer(one: rpc.Call) -> Raw:
    if one.state in _STATUS:
        return Raw(status=_STATUS[one.state])
    if one.answer is None:
        return Raw()
    return Raw(_as_json(one.answer), headers=_JSON)


def _as_json(text: str) -> bytes:
    """The answer itself if it is JSON, or else as a JSON string."""
    try:
        json.loads(text)
    except ValueError:
        text = json.dumps(text)
    return text.encode()


ROUTES: Routes = tuple(
    ("POST", f"/api/{root}/{kind}/{{id}}", lambda call, is_oneway=kind == "oneway": _call(call, is_oneway))
    for root in ("plugins/rpc", "rpc")
    for kind in ("oneway", "twoway")
)
