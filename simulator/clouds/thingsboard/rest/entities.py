# SPDX-License-Identifier: MIT
"""Ids, and how devices, device profiles and packages look as JSON (field names of the server's own API)."""

import json
import uuid
from typing import Any

from simulator.clouds.thingsboard.credentials import MQTT_BASIC
from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.packages import Package
from simulator.errors import UserError

TENANT = "7d1f6a50-0000-11ee-8000-000000000001"
USER = "7d1f6a50-0000-11ee-8000-000000000002"
NOBODY = "13814000-1dd2-11b2-8080-808080808080"  # the server's null UUID
_DEFAULT = {"type": "DEFAULT"}
PACKAGE_KEYS = {"FIRMWARE": "firmwareId", "SOFTWARE": "softwareId"}


def id_of(kind: str, text: str) -> dict[str, str]:
    """An id as the server writes it."""
    return {"entityType": kind, "id": text}


NO_CUSTOMER = id_of("CUSTOMER", NOBODY)


def read_id(value: object) -> str | None:
    """The UUID in an id object, None for no id; UserError("bad_request") for anything else."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise UserError("bad_request", f"not an entity id: {value}")
    return check_id(value.get("id"))


def check_id(text: object) -> str:
    """A UUID as text; UserError("bad_request")."""
    try:
        return str(uuid.UUID(str(text)))
    except ValueError:
        raise UserError("bad_request", f"invalid UUID string: {text}") from None


def package_json(package: Package) -> dict[str, Any]:
    """An OtaPackageInfo: everything but the bytes."""
    return {
        "id": id_of("OTA_PACKAGE", package.id),
        "createdTime": package.created_ms,
        "tenantId": id_of("TENANT", TENANT),
        "deviceProfileId": id_of("DEVICE_PROFILE", package.profile.id) if package.profile else None,
        "type": package.type,
        "title": package.title,
        "version": package.version,
        "tag": package.tag,
        "url": package.url,
        "hasData": package.has_content,
        "fileName": package.file_name,
        "contentType": package.content_type,
        "checksumAlgorithm": package.algorithm,
        "checksum": package.checksum,
        "dataSize": package.size,
        "additionalInfo": package.about,
        "name": package.title,
    }


def profile_json(profile: Profile, is_default: bool) -> dict[str, Any]:
    return {
        "type": "DEFAULT",
        "transportType": "DEFAULT",
        "profileData": {"configuration": _DEFAULT, "transportConfiguration": _DEFAULT},
        **profile.about,
        "id": id_of("DEVICE_PROFILE", profile.id),
        "createdTime": profile.created_ms,
        "tenantId": id_of("TENANT", TENANT),
        "name": profile.name,
        "provisionType": profile.provision_type,
        "provisionDeviceKey": profile.provision_key,
        "default": is_default,
        **_assigned_json(profile),
    }


def device_json(device: Device) -> dict[str, Any]:
    return {
        "deviceData": {"configuration": _DEFAULT, "transportConfiguration": _DEFAULT},
        **device.about,
        "id": id_of("DEVICE", device.id),
        "createdTime": device.created_ms,
        "tenantId": id_of("TENANT", TENANT),
        "customerId": NO_CUSTOMER,
        "name": device.name,
        "type": device.profile.name,
        "deviceProfileId": id_of("DEVICE_PROFILE", device.profile.id),
        **_assigned_json(device),
    }


def device_info_json(device: Device) -> dict[str, Any]:
    return {**device_json(device), "deviceProfileName": device.profile.name, "active": device.session is not None}


def credentials_json(device: Device) -> dict[str, Any]:
    """The value of MQTT basic travels as JSON in a string."""
    credentials = device.credentials
    value = json.dumps(credentials.value) if credentials.type == MQTT_BASIC else credentials.value
    return {
        "id": id_of("DEVICE_CREDENTIALS", device.id),
        "createdTime": device.created_ms,
        "deviceId": id_of("DEVICE", device.id),
        "credentialsType": credentials.type,
        "credentialsId": credentials.id,
        "credentialsValue": value,
    }


def _assigned_json(owner: Device | Profile) -> dict[str, Any]:
    """Its own packages; null where it has none."""
    found = {key: owner.packages.get(package_type) for package_type, key in PACKAGE_KEYS.items()}
    return {key: id_of("OTA_PACKAGE", package.id) if package else None for key, package in found.items()}
