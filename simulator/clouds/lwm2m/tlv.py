# SPDX-License-Identifier: MIT
"""OMA TLV (content format 11542): values by path to bytes and back (lwm2m.md 1.6)."""

import struct
from collections.abc import Mapping

from simulator.clouds.lwm2m import objects
from simulator.clouds.lwm2m.coap import segments
from simulator.clouds.lwm2m.objects import Value

_INSTANCE, _RESOURCE_INSTANCE, _MULTIPLE, _RESOURCE = 0, 0x40, 0x80, 0xC0
_WIDE_ID = 0x20
_INT_SIZES = (1, 2, 4, 8)


def decode(data: bytes, path: str) -> dict[str, Value]:
    """`path`: what the bytes are the contents of. Raises ValueError."""
    parts = segments(path)
    values: dict[str, Value] = {}
    for kind, number, body in _entries(data):
        if kind == _INSTANCE and len(parts) == 1:
            values |= decode(body, f"{path}/{number}")
        elif kind == _RESOURCE_INSTANCE and len(parts) == 4 and number == int(parts[3]):
            values[path] = _value(body, path)
        elif kind in (_RESOURCE, _MULTIPLE) and len(parts) in (1, 2, 3):
            if len(parts) == 3 and number != int(parts[2]):
                raise ValueError(f"resource {number} for {path}")
            base = "/" + "/".join(parts[:2] if len(parts) > 1 else (*parts, "0"))
            values |= _resource(kind, f"{base}/{number}", body)
        else:
            raise ValueError(f"kind {kind:#x}, number {number} in {path}")
    return values


def encode(values: Mapping[str, Value], path: str) -> bytes:
    """Of resources of one instance; `path`: that instance, or one resource of it."""
    out, multiple = b"", {}
    for name, value in values.items():
        parts = segments(name)
        if len(parts) == 4:
            inner = entry(_RESOURCE_INSTANCE, int(parts[3]), _bytes(value))
            multiple[int(parts[2])] = multiple.get(int(parts[2]), b"") + inner
        else:
            out += entry(_RESOURCE, int(parts[2]), _bytes(value))
    return out + b"".join(entry(_MULTIPLE, number, body) for number, body in multiple.items())


def resource_head(number: int, size: int) -> bytes:
    """What stands before the value of a resource of so many bytes: a package that is pushed in this format."""
    return _head(_RESOURCE, number, size)


def entry(kind: int, number: int, body: bytes) -> bytes:
    return _head(kind, number, len(body)) + body


def _head(kind: int, number: int, size: int) -> bytes:
    wide = _WIDE_ID if number > 255 else 0
    name = number.to_bytes(2 if wide else 1)
    if size < 8:
        return bytes((kind | wide | size,)) + name
    width = (size.bit_length() + 7) // 8
    return bytes((kind | wide | width << 3,)) + name + size.to_bytes(width)


def _entries(data: bytes) -> list[tuple[int, int, bytes]]:
    found, at = [], 0
    while at < len(data):
        first = data[at]
        at += 1
        name = 2 if first & _WIDE_ID else 1
        width = first >> 3 & 3
        end = at + name + width
        if end > len(data):
            raise ValueError("head is cut off")
        number = int.from_bytes(data[at : at + name])
        size = int.from_bytes(data[at + name : end]) if width else first & 7
        if end + size > len(data):
            raise ValueError("value is cut off")
        found.append((first & 0xC0, number, data[end : end + size]))
        at = end + size
    return found


def _resource(kind: int, path: str, body: bytes) -> dict[str, Value]:
    if kind == _RESOURCE:
        return {path: _value(body, path)}
    inner = _entries(body)
    if any(kind != _RESOURCE_INSTANCE for kind, _, _ in inner):
        raise ValueError(f"something else than instances in {path}")
    return {f"{path}/{number}": _value(part, path) for _, number, part in inner}


def _value(body: bytes, path: str) -> Value:
    kind = objects.type_of(path)
    if kind in (objects.INTEGER, objects.TIME):
        if len(body) not in _INT_SIZES:
            raise ValueError(f"{path} is no integer of {len(body)} bytes")
        return int.from_bytes(body, signed=True)
    if kind == objects.BOOLEAN:
        if body not in (b"\0", b"\1"):
            raise ValueError(f"{path} is no boolean")
        return body == b"\1"
    return body.decode() if kind == objects.STRING else bytes(body)


def _bytes(value: Value) -> bytes:
    if isinstance(value, bool):
        return b"\1" if value else b"\0"
    if isinstance(value, int):
        size = next(size for size in _INT_SIZES if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1)
        return value.to_bytes(size, signed=True)
    if isinstance(value, float):
        return struct.pack(">d", value)
    return value.encode() if isinstance(value, str) else value
