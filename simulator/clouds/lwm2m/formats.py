# SPDX-License-Identifier: MIT
"""Content formats of LwM2M (lwm2m.md 1.5, 1.6): values by path to bytes and back.

Values are a dict such as {"/5/0/3": 2, "/5/0/8/0": 0}. A number is a float only where it has a fraction, a link to an
object is text, and so is what comes as text and has a type that nobody knows. `decode` raises FormatError for what is
no such thing.
"""

import base64
import binascii
import io
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import cbor2

from simulator.clouds.lwm2m import objects, tlv
from simulator.clouds.lwm2m.coap import segments
from simulator.clouds.lwm2m.objects import Value

TEXT, LINK, OCTETS, CBOR = 0, 40, 42, 60
SENML_JSON, SENML_CBOR, TLV, LWM2M_JSON, LWM2M_CBOR = 110, 112, 11542, 11543, 11544
Values = Mapping[str, Value]

_BN, _N, _V, _VS, _VB, _VD = -2, 0, 2, 3, 4, 8  # labels of SenML CBOR (RFC 8428, section 6)
_NAMES = {_BN: "bn", _N: "n", _V: "v", _VS: "vs", _VB: "vb", _VD: "vd"}


class FormatError(Exception):
    """Bytes that are not of their format, or a format that nobody knows."""


def decode(number: int | None, payload: bytes, path: str) -> dict[str, Value]:
    """`path`: what was asked for. Without a format it is text. A link-format document has no values."""
    try:
        if number in (None, TEXT):
            return {path: _from_text(payload.decode(), objects.type_of(path))}
        if number == OCTETS:
            return {path: payload}
        if number == CBOR:
            return {path: _checked(_one_cbor(payload))}
        if number == SENML_JSON:
            return dict(_senml(json.loads(payload), path))
        if number == SENML_CBOR:
            return dict(_senml(_one_cbor(payload), path))
        if number == TLV:
            return tlv.decode(payload, path)
        if number == LWM2M_JSON:
            return dict(_old_json(json.loads(payload), path))
        if number == LWM2M_CBOR:
            return dict(_flat(_one_cbor(payload), ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, cbor2.CBORError, binascii.Error) as error:
        raise FormatError(f"format {number}: {error}") from error
    raise FormatError(f"format {number} is unknown")


def encode(number: int | None, values: Values, path: str) -> bytes:
    """`path` is what is written to; for text, octets and CBOR it is one resource."""
    if number in (None, TEXT):
        return _to_text(values[path])
    if number == OCTETS:
        return _octets(values[path])
    if number == CBOR:
        return cbor2.dumps(values[path])
    if number in (SENML_JSON, SENML_CBOR):
        return _to_senml(number, values)
    if number == TLV:
        return tlv.encode(values, path)
    raise FormatError(f"format {number} cannot be written")


def _from_text(text: str, kind: str) -> Value:
    if kind in (objects.INTEGER, objects.TIME):
        return int(text)
    if kind == objects.BOOLEAN:
        return {"0": False, "1": True}[text]
    return base64.b64decode(text, validate=True) if kind == objects.OPAQUE else text


def _to_text(value: Value) -> bytes:
    if isinstance(value, bool):
        return b"1" if value else b"0"
    return base64.b64encode(value) if isinstance(value, bytes) else str(value).encode()


def _octets(value: Value) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _one_cbor(payload: bytes) -> Any:
    """One item and nothing behind it."""
    stream = io.BytesIO(payload)
    item = cbor2.load(stream)
    if stream.tell() != len(payload):
        raise FormatError("bytes behind the item")
    return item


def _checked(value: object) -> Value:
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else value
    if not isinstance(value, (str, int, bool, bytes)):
        raise FormatError(f"{value!r} is no value")
    return value


def _named(record: Mapping) -> dict[Any, Any]:
    """With JSON's names for CBOR's labels."""
    return {_NAMES.get(label, label): value for label, value in record.items()}


def _senml(records: object, path: str) -> Iterator[tuple[str, Value]]:
    """A base name lasts until the next one (RFC 8428, 4.1). One slash between it and the name is enough, or none.

    A path that a device has its objects below may stand in front.
    """
    if not isinstance(records, list):
        raise FormatError("SenML is a list")
    base = ""
    for record in map(_named, records):
        base = record.get("bn", base)
        name = record.get("n", "")
        whole = (
            f"{base}/{name}" if base and name and not base.endswith("/") and not name.startswith("/") else base + name
        )
        found = "/" + "/".join(itertools.dropwhile(lambda part: not part.isdecimal(), segments(whole)))
        if not (found + "/").startswith(path.rstrip("/") + "/"):
            raise FormatError(f"{found} is not below {path}")
        values = [record[label] for label in ("v", "vs", "vb", "vlo") if label in record]
        values += [_data(record["vd"])] if "vd" in record else []
        if len(values) != 1:
            raise FormatError(f"{found} has {len(values)} values")
        yield found, _checked(values[0])


def _data(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _to_senml(number: int, values: Values) -> bytes:
    records = []
    for path, value in values.items():
        label = _label(value)
        if number == SENML_CBOR:
            records.append({_BN: path, label: value})
        else:
            text = base64.urlsafe_b64encode(value).rstrip(b"=").decode() if isinstance(value, bytes) else value
            records.append({"bn": path, _NAMES[label]: text})
    return cbor2.dumps(records) if number == SENML_CBOR else json.dumps(records, separators=(",", ":")).encode()


def _label(value: Value) -> int:
    if isinstance(value, bool):
        return _VB
    return _V if isinstance(value, (int, float)) else _VS if isinstance(value, str) else _VD


def _old_json(body: Mapping, path: str) -> Iterator[tuple[str, Value]]:
    """LwM2M JSON of 1.0: {"bn": "/5/0/", "e": [{"n": "3", "v": 2}]}."""
    base = body.get("bn", path)
    for entry in body["e"]:
        found = "/" + "/".join(segments(f"{base}/{entry.get('n', '')}"))
        yield found, _checked(next((entry[label] for label in ("v", "sv", "bv", "ov") if label in entry), None))


def _flat(body: object, path: str) -> Iterator[tuple[str, Value]]:
    """LwM2M CBOR: maps in maps; a key may be a whole path as a list."""
    if not isinstance(body, dict):
        yield path, _checked(body)
        return
    for key, inner in body.items():
        parts = key if isinstance(key, (list, tuple)) else (key,)
        yield from _flat(inner, path + "".join(f"/{part}" for part in parts))
