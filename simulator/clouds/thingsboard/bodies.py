# SPDX-License-Identifier: MIT
"""The JSON a device publishes, read as the server reads it, numeric strings and all (thingsboard.md 2.2, 5.1)."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal

Value = str | int | float | bool | dict | list
_NUMERIC = re.compile(r"-?[0-9]*\.?[0-9]+")
_INT = re.compile(r"[+-]?[0-9]+")
_LONG = 1 << 63
_DECIMALS = 16
_MAX_EXPONENT = 10_000  # keeps 1e999999999 from becoming a gigabyte of zeros


class BadBody(Exception):
    """The payload is not what the topic asks for; what follows depends on the protocol version (thingsboard.md 1.5)."""


class BadNumber(Exception):
    """A number where the server forgets to catch its own error: the connection dies without a word."""


def int32(text: str) -> int:
    """As the server parses an int: an optional sign and digits, 32 bits, not a blank more; else BadNumber."""
    if not _INT.fullmatch(text):
        raise BadNumber(text)
    value = Decimal(text)
    if not -(1 << 31) <= value < 1 << 31:
        raise BadNumber(text)
    return int(value)


def telemetry(payload: bytes, now_ms: int) -> list[tuple[int, dict[str, Value]]]:
    """`(unix ms, values)` in order, from an object, a `ts`/`values` object or an array of either. Nulls are gone."""
    body = _load(payload)
    return [_entry(item, now_ms) for item in (body if isinstance(body, list) else [body])]


def _entry(item: object, now_ms: int) -> tuple[int, dict[str, Value]]:
    if not isinstance(item, dict):
        raise BadBody("telemetry is not an object")
    if "ts" in item and "values" in item:
        return _timestamp(item["ts"]), _values(item["values"])
    return now_ms, _values(item)


def _timestamp(ts: object) -> int:
    if isinstance(ts, bool) or not isinstance(ts, int | float | str):
        raise BadBody("ts is not a number")
    try:
        return int(ts)
    except (ValueError, OverflowError) as error:
        raise BadBody("ts is not a number") from error


def attributes(payload: bytes) -> dict[str, Value]:
    """The client attributes to save."""
    return _values(_load(payload))


def _values(item: object) -> dict[str, Value]:
    if not isinstance(item, dict):
        raise BadBody("values are not an object")
    return {key: _cast(value) for key, value in item.items() if value is not None}


def _cast(value: Value) -> Value:
    """A string that looks like a number becomes one: version "1.10" is stored as 1.1."""
    if not isinstance(value, str) or not _NUMERIC.fullmatch(value):
        return value
    try:
        return _number(value)
    except ValueError:
        return value


def _number(text: str) -> int | float | str:
    """Whole numbers of 64 bits, then floats; what fits neither stays text."""
    exact = Decimal(text)
    if abs(exact.as_tuple().exponent) > _MAX_EXPONENT:
        raise ValueError(text)
    simple_double = "." in text and "e" not in text.lower()
    if exact == exact.to_integral_value() and not simple_double:
        return int(exact) if -_LONG <= exact < _LONG else format(exact, "f")
    return float(exact) if -exact.as_tuple().exponent <= _DECIMALS else format(exact, "f")


def attribute_request(payload: bytes) -> tuple[list[str] | None, list[str] | None]:
    """Client keys and shared keys asked for; None is "not this section", both None is "everything"."""
    body = _load(payload)
    if not isinstance(body, dict):
        raise BadBody("attribute request is not an object")
    return _keys(body, "clientKeys"), _keys(body, "sharedKeys")


def _keys(body: dict, name: str) -> list[str] | None:
    """One comma-joined string, split to the letter; an array of one counts as its element."""
    if name not in body:
        return None
    value = body[name]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or isinstance(value, dict | list):
        raise BadBody(f"{name} is not a string")
    return str(value).split(",")


def request_id(text: str) -> int:
    """The number at the end of a request topic; BadBody if it is none."""
    try:
        return int32(text)
    except BadNumber as error:
        raise BadBody("request id is not a number") from error


def rpc_request(payload: bytes) -> tuple[str, object]:
    """Method and params of a call from the device."""
    body = _load(payload)
    if not isinstance(body, dict) or not isinstance(body.get("method"), str):
        raise BadBody("rpc request without a method")
    return body["method"], body.get("params")


def claim(payload: bytes) -> tuple[str, int | None]:
    """Secret and duration in ms that a device wants to be claimed with; an empty payload is neither."""
    body = _load(payload) if payload else {}
    if not isinstance(body, dict):
        raise BadBody("claim is not an object")
    duration_ms = body.get("durationMs")
    if isinstance(duration_ms, bool) or not isinstance(duration_ms, int | None):
        raise BadBody("durationMs is not a number")
    return _text(body, "secretKey"), duration_ms


@dataclass(frozen=True, slots=True)
class Provision:
    """A request for credentials; what the device left out is empty."""

    key: str
    secret: str
    name: str
    credentials_type: str
    token: str
    client_id: str
    username: str
    password: str
    certificate: str


_CREDENTIALS_TYPES = ("ACCESS_TOKEN", "MQTT_BASIC", "X509_CERTIFICATE")


def provision(payload: bytes) -> Provision:
    """BadBody without key or secret, or for a type of credentials that does not exist."""
    body = _load(payload)
    if not isinstance(body, dict):
        raise BadBody("provision request is not an object")
    for name in ("provisionDeviceKey", "provisionDeviceSecret"):
        if body.get(name) is None:
            raise BadBody(f"provision request without {name}")
    kind = _text(body, "credentialsType") or _CREDENTIALS_TYPES[0]
    if kind not in _CREDENTIALS_TYPES:
        raise BadBody(f"credentials of type {kind}")
    names = ("provisionDeviceKey", "provisionDeviceSecret", "deviceName")
    data = ("token", "clientId", "username", "password", "hash")
    return Provision(*(_text(body, name) for name in names), kind, *(_text(body, name) for name in data))


def _text(body: dict, name: str) -> str:
    """A field as the server reads text: a number is its digits, nothing is empty."""
    value = body.get(name)
    if isinstance(value, dict | list):
        raise BadBody(f"{name} is not a string")
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _load(payload: bytes) -> object:
    try:
        return json.loads(payload.decode(), parse_int=_number, parse_float=_number, parse_constant=_refuse)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise BadBody("not JSON") from error


def _refuse(name: str) -> None:
    raise ValueError(name)
