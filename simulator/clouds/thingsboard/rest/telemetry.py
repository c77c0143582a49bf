# SPDX-License-Identifier: MIT
"""Time series and attributes of a device, read and written by the administrator."""

from collections.abc import Callable
from typing import Any

from simulator.clouds.rest.call import Routes
from simulator.clouds.thingsboard import bodies
from simulator.clouds.thingsboard.bodies import BadBody, Value
from simulator.clouds.thingsboard.devices import Device
from simulator.clouds.thingsboard.rest.call import Call
from simulator.clouds.thingsboard.rest.entities import check_id
from simulator.errors import UserError

_ROOT = "/api/plugins/telemetry/DEVICE/{id}"
_LIMIT = 100  # values of a key that a history has unless told
_SCOPES: dict[str, Callable[[Device], dict[str, Value]]] = {
    "CLIENT_SCOPE": lambda device: device.client,
    "SERVER_SCOPE": lambda device: device.server,
    "SHARED_SCOPE": lambda device: device.shared,
}


def _find(call: Call) -> Device:
    return call.tenant.get(Device, check_id(call.path["id"]))


# Time series


def _as_told(value: Value, call: Call) -> object:
    """Text, unless strict data types were asked for."""
    if call.flag("useStrictDataTypes"):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _latest(call: Call) -> dict[str, Any]:
    """The latest value of each key, null now for one that has none; a history if a span is given."""
    if "startTs" in call.query:
        return _history(call)
    device = _find(call)
    found = {}
    for key in call.keys() or device.telemetry.keys():
        point = device.telemetry.latest_point(key)
        ts_ms, value = point if point else (call.cloud.now_ms, None)
        found[key] = [{"ts": ts_ms, "value": _as_told(value, call) if point else None}]
    return found


def _history(call: Call) -> dict[str, Any]:
    """From `startTs` to before `endTs`, newest first unless `orderBy` is ASC, `limit` values a key."""
    device, keys = _find(call), call.keys()
    start, end, limit = call.number("startTs"), call.number("endTs"), call.number("limit", _LIMIT)
    if call.query.get("agg", "NONE") != "NONE":
        raise UserError("bad_request", "the mock does not aggregate: agg is NONE")
    step = 1 if call.query.get("orderBy", "DESC").upper() == "ASC" else -1
    found = {}
    for key in keys or device.telemetry.keys():
        points = [point for point in device.telemetry.history(key) if start <= point[0] < end]
        if points:
            found[key] = [{"ts": ts, "value": _as_told(value, call)} for ts, value in points[::step][:limit]]
    return found


def _save_series(call: Call) -> None:
    device = _find(call)
    for ts_ms, values in _parse(bodies.telemetry, call.raw, call.cloud.now_ms):
        device.telemetry.save(ts_ms, values)
        call.cloud.log("telemetry", device=device.name, ts=ts_ms, values=values, by="administrator")


# Attributes


def _attributes(call: Call) -> list[dict[str, Any]]:
    """Of one scope, or of all three."""
    device, keys = _find(call), call.keys()
    scopes = [_scope(call)] if "scope" in call.path else list(_SCOPES)
    found = [pair for scope in scopes for pair in _SCOPES[scope](device).items()]
    return [{"key": key, "value": value} for key, value in found if keys is None or key in keys]


def _attribute_keys(call: Call) -> list[str]:
    return [entry["key"] for entry in _attributes(call)]


def _save_attributes(call: Call) -> None:
    """Shared ones are pushed to the device."""
    device, scope, values = _find(call), _writable(call), _parse(bodies.attributes, call.raw)
    if scope == "SHARED_SCOPE":
        call.cloud.save_attributes(device, values, call.cloud.now_ms)
    else:
        device.server.update(values)


def _delete_attributes(call: Call) -> None:
    call.need("keys")
    device, scope, keys = _find(call), _scope(call), call.keys() or []
    if scope == "SHARED_SCOPE":
        call.cloud.delete_attributes(device, keys, call.cloud.now_ms)
        return
    for key in keys:
        _SCOPES[scope](device).pop(key, None)


def _scope(call: Call) -> str:
    if call.path["scope"] not in _SCOPES:
        raise UserError("bad_request", f"invalid scope: {call.path['scope']}")
    return call.path["scope"]


def _writable(call: Call) -> str:
    """Client attributes are the device's own to write."""
    scope = _scope(call)
    if scope == "CLIENT_SCOPE":
        raise UserError("bad_request", "invalid scope: CLIENT_SCOPE is written by the device")
    return scope


def _parse(read: Callable[..., Any], *arguments: object) -> Any:
    try:
        return read(*arguments)
    except BadBody as error:
        raise UserError("bad_request", f"unable to parse the body: {error}") from None


ROUTES: Routes = (
    ("GET", _ROOT + "/values/timeseries", _latest),
    ("GET", _ROOT + "/values/timeseries/history", _history),
    ("GET", _ROOT + "/keys/timeseries", lambda call: _find(call).telemetry.keys()),
    ("POST", _ROOT + "/timeseries/{scope}", _save_series),
    ("GET", _ROOT + "/values/attributes", _attributes),
    ("GET", _ROOT + "/values/attributes/{scope}", _attributes),
    ("GET", _ROOT + "/keys/attributes", _attribute_keys),
    ("GET", _ROOT + "/keys/attributes/{scope}", _attribute_keys),
    ("POST", _ROOT + "/attributes/{scope}", _save_attributes),
    ("POST", _ROOT + "/{scope}", _save_attributes),
    ("DELETE", _ROOT + "/{scope}", _delete_attributes),
    ("POST", "/api/plugins/telemetry/{id}/{scope}", _save_attributes),
    ("DELETE", "/api/plugins/telemetry/{id}/{scope}", _delete_attributes),
)
