# SPDX-License-Identifier: MIT
"""Devices as people see them: what they have told of themselves, and keys that they are to have."""

import binascii
from typing import Any

from simulator.clouds.lwm2m.devices import ALL, Device
from simulator.clouds.lwm2m.objects import HARDWARE, MAKER, MODEL, SERIAL, VERSION
from simulator.clouds.lwm2m.rest import mobile
from simulator.clouds.lwm2m.tasks import utc
from simulator.clouds.rest.call import Call, Raw, Routes
from simulator.errors import UserError

BASE = "/api/coiotedm/v3"


def _all(call: Call) -> list[str]:
    return list(call.cloud.devices)


def _one(call: Call) -> dict[str, Any]:
    return described(call.cloud.device(call.path["id"]))


def _add(call: Call) -> Raw:
    """The endpoint name is in the properties, or else it is the id. A key for DTLS may be in hexadecimal or plain, and
    have a name of its own, `dtlsIdentity`.

    `groups` are those that it is put into; more come with what it says of itself.
    """
    said = call.fields
    properties = said.get("properties", {})
    is_mobile = mobile.is_enabled(properties)
    endpoint = properties.get("endpointName") or said.get("id")
    if not isinstance(endpoint, str) or not endpoint:
        raise UserError("bad_request", "a device needs properties.endpointName or an id")
    if endpoint in call.cloud.devices:
        raise UserError("device_exists", f"device {endpoint} exists already")
    key, groups, identity = _key(said.get("dtlsPsk")), _groups(said), said.get("dtlsIdentity")
    if not isinstance(identity, str | None):
        raise UserError("bad_request", "dtlsIdentity is a text")
    device = call.cloud.add_device(endpoint, key, identity)
    device.assigned, device.is_mobile = groups, is_mobile
    return Raw.json(endpoint, 201)


def _change(call: Call) -> Raw:
    """Its properties; of these `mobileFotaEnabled` counts, for tasks that come later."""
    device = call.cloud.device(call.path["id"])
    device.is_mobile = mobile.is_enabled(call.fields.get("properties", {}), device.is_mobile)
    return Raw(status=204)


def _group(call: Call) -> dict[str, Any]:
    name = call.path["group"]
    return {"id": name, "properties": mobile.of_group(call.cloud, name)}


def _change_group(call: Call) -> Raw:
    """The same of a group; who is in it matters when a task is made."""
    name, groups = call.path["group"], call.cloud.mobile_groups
    is_mobile = mobile.is_enabled(call.fields.get("properties", {}), name in groups)
    (groups.add if is_mobile else groups.discard)(name)
    return Raw(status=204)


def _assign(call: Call) -> list[str]:
    """Into other groups than before; returns all that it is in."""
    device = call.cloud.device(call.path["id"])
    device.assigned = _groups(call.fields)
    return list(device.groups)


def _groups(said: dict[str, Any]) -> tuple[str, ...]:
    groups = said.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, str) and group not in ("", ALL) for group in groups):
        raise UserError("bad_request", f"groups are a list of names, and {ALL} is none of them")
    return tuple(groups)


def _key(said: object) -> bytes | None:
    if said is None:
        return None
    if isinstance(said, dict) and isinstance(said.get("HexadecimalPsk"), str):
        try:
            return binascii.unhexlify(said["HexadecimalPsk"])
        except binascii.Error:
            raise UserError("bad_request", "HexadecimalPsk is not hexadecimal") from None
    if isinstance(said, dict) and isinstance(said.get("PlaintextPsk"), str):
        return said["PlaintextPsk"].encode()
    raise UserError("bad_request", "dtlsPsk is neither HexadecimalPsk nor PlaintextPsk")


def described(device: Device) -> dict[str, Any]:
    """The entity; what nobody has told is null."""
    registration = device.registration
    properties = {"endpointName": device.endpoint, **mobile.of_device(device)}
    if registration is not None:
        versions = [f"{number}:{version}" for number, version in registration.objects.items() if version]
        properties |= {
            "registeredObjects": ",".join([*map("/{}".format, registration.objects), *registration.instances]),
            "objectVersions": ",".join(versions),
            "registeredMode": registration.binding,
            "registeredQueueMode": str(registration.is_queued).lower(),
            "lwm2mVersion": f"{registration.version}.0",
        }
    return {
        "id": device.endpoint,
        "connectorType": "management",
        "properties": properties,
        "lastContactTime": utc(device.contact_ms) if device.contact_ms else None,
        "groups": list(device.groups),
        "manufacturer": device.value(MAKER),
        "modelName": device.value(MODEL),
        "serialNumber": device.value(SERIAL),
        "hardwareVersion": device.value(HARDWARE),
        "softwareVersion": device.value(VERSION),
        "securityMode": "psk" if device.psk else "nosec",
        "dtlsIdentity": (device.psk_id or device.endpoint) if device.psk else None,
    }


ROUTES: Routes = (
    ("GET", f"{BASE}/devices", _all),
    ("POST", f"{BASE}/devices", _add),
    ("GET", f"{BASE}/devices/{{id}}", _one),
    ("PUT", f"{BASE}/devices/{{id}}", _change),
    ("PUT", f"{BASE}/devices/{{id}}/groups", _assign),
    ("GET", f"{BASE}/groups/{{group}}", _group),
    ("PUT", f"{BASE}/groups/{{group}}", _change_group),
)
