# SPDX-License-Identifier: MIT
"""Devices and their credentials: made, changed, listed, deleted, claimed."""

import json
import secrets
from typing import Any

from simulator.clouds.rest.call import Routes
from simulator.clouds.thingsboard import credentials
from simulator.clouds.thingsboard.credentials import ACCESS_TOKEN, MQTT_BASIC, X509_CERTIFICATE, Credentials
from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.packages import PREFIXES
from simulator.clouds.thingsboard.rest import assigned
from simulator.clouds.thingsboard.rest.call import Call
from simulator.clouds.thingsboard.rest.entities import (
    TENANT,
    check_id,
    credentials_json,
    device_info_json,
    device_json,
    id_of,
    read_id,
)
from simulator.clouds.thingsboard.rest.paging import page
from simulator.errors import UserError

_ABOUT = ("label", "additionalInfo", "deviceData")
_TOKEN_BYTES = 10  # of a token that the server invents: 20 characters


def _find(call: Call) -> Device:
    return call.tenant.get(Device, check_id(call.path["id"]))


def _save(call: Call) -> dict[str, Any]:
    """A new device, or with an id an old one as it shall be from now on."""
    token = call.query.get("accessToken") or secrets.token_hex(_TOKEN_BYTES)
    return device_json(_saved(call, call.fields, credentials.access_token(token)))


def _save_with_credentials(call: Call) -> dict[str, Any]:
    body = call.fields
    if not isinstance(body.get("device"), dict) or not isinstance(body.get("credentials"), dict):
        raise UserError("bad_request", "a device and its credentials are needed")
    proof = _credentials(body["credentials"])
    device = _saved(call, body["device"], proof)
    call.tenant.set_credentials(device, proof)
    return device_json(device)


def _saved(call: Call, body: dict[str, Any], proof: Credentials) -> Device:
    """`proof` is for a new device only. Everything is checked before anything is changed."""
    known, name = read_id(body.get("id")), str(body.get("name") or "")
    device = call.tenant.get(Device, known) if known else None
    profile = _profile(call, body)
    packages = assigned.wanted(call, body, profile)
    if device is None:
        device = call.cloud.add_device(name, proof, profile)
    else:
        call.tenant.rename_device(device, name)
        if device.profile is not profile:
            call.cloud.move(device, profile, packages, call.cloud.now_ms)
    device.about = {key: body[key] for key in _ABOUT if body.get(key) is not None}
    assigned.assign(call, device, packages)
    return device


def _profile(call: Call, body: dict[str, Any]) -> Profile:
    """By id, or by `type`, the profile's name, which is made if there is none; otherwise the default one."""
    profile_id, name = read_id(body.get("deviceProfileId")), body.get("type")
    if profile_id:
        return call.tenant.get(Profile, profile_id)
    if not name:
        return call.tenant.default_profile
    found = next((profile for profile in call.tenant.profiles if profile.name == name), None)
    return found or call.tenant.add_profile(Profile(str(name)))


def _credentials(body: dict[str, Any]) -> Credentials:
    """Raises UserError("bad_credentials")."""
    kind, value = body.get("credentialsType") or ACCESS_TOKEN, str(body.get("credentialsValue") or "")
    if kind == ACCESS_TOKEN and body.get("credentialsId"):
        return credentials.access_token(str(body["credentialsId"]))
    if kind == X509_CERTIFICATE:
        return credentials.x509(value)
    if kind == MQTT_BASIC:
        try:
            fields = json.loads(value)
            return credentials.mqtt_basic(*(fields.get(key) or "" for key in ("clientId", "userName", "password")))
        except (ValueError, AttributeError):
            raise UserError("bad_credentials", "MQTT basic credentials are a JSON object in a string") from None
    raise UserError("bad_credentials", f"no credentials of type {kind}")


def _update_credentials(call: Call) -> dict[str, Any]:
    device_id = read_id(call.fields.get("deviceId"))
    if device_id is None:
        raise UserError("bad_request", "credentials need a deviceId")
    device = call.tenant.get(Device, device_id)
    call.tenant.set_credentials(device, _credentials(call.fields))
    return credentials_json(device)


def _by_name(call: Call) -> dict[str, Any]:
    name = call.need("deviceName")
    if name not in call.tenant.devices:
        raise UserError("not_found", f"there is no device {name}")
    return device_json(call.tenant.devices[name])


def _by_ids(call: Call) -> list[dict[str, Any]]:
    wanted = [check_id(text) for text in call.need("deviceIds").split(",")]
    return [device_json(device) for device in call.tenant.devices.values() if device.id in wanted]


def _list(call: Call) -> dict[str, Any]:
    wanted = call.query.get("type")
    found = [device for device in call.tenant.devices.values() if wanted in (None, "", device.profile.name)]
    return page(call, map(device_json, found))


def _list_infos(call: Call) -> dict[str, Any]:
    """`deviceProfileId` and `active` leave some out."""
    profile_id, active = call.query.get("deviceProfileId"), call.query.get("active")
    rows = [device_info_json(device) for device in call.tenant.devices.values()]
    if profile_id:
        rows = [row for row in rows if row["deviceProfileId"]["id"] == check_id(profile_id)]
    if active:
        rows = [row for row in rows if row["active"] == call.flag("active")]
    return page(call, rows)


def _types(call: Call) -> list[dict[str, Any]]:
    names = {device.profile.name for device in call.tenant.devices.values()}
    tenant = id_of("TENANT", TENANT)
    return [{"tenantId": tenant, "entityType": "DEVICE", "type": name} for name in sorted(names)]


def _count_without(call: Call) -> int:
    """How many devices of a profile have no package of their own: those that a change of the profile's reaches."""
    profile, kind = call.tenant.get(Profile, check_id(call.path["profile"])), call.path["type"]
    if kind not in PREFIXES:
        raise UserError("bad_request", f"no package type {kind}")
    return sum(d.profile is profile and kind not in d.packages for d in call.tenant.devices.values())


ROUTES: Routes = (
    ("POST", "/api/device", _save),
    ("POST", "/api/device-with-credentials", _save_with_credentials),
    ("POST", "/api/device/credentials", _update_credentials),
    ("GET", "/api/device/types", _types),
    ("GET", "/api/device/info/{id}", lambda call: device_info_json(_find(call))),
    ("GET", "/api/device/{id}/credentials", lambda call: credentials_json(_find(call))),
    ("GET", "/api/device/{id}", lambda call: device_json(_find(call))),
    ("DELETE", "/api/device/{id}", lambda call: call.tenant.delete_device(_find(call))),
    ("GET", "/api/devices", _by_ids),
    ("GET", "/api/devices/count/{type}/{profile}", _count_without),
    ("GET", "/api/tenant/device", _by_name),
    ("GET", "/api/tenant/devices", _list),
    ("GET", "/api/tenant/deviceInfos", _list_infos),
    ("GET", "/api/deviceInfos/all", _list_infos),
)
