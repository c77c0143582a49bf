# SPDX-License-Identifier: MIT
"""Device profiles: made, changed, listed, deleted."""

from typing import Any

from simulator.clouds.rest.call import Routes
from simulator.clouds.thingsboard.devices import Profile
from simulator.clouds.thingsboard.rest import assigned
from simulator.clouds.thingsboard.rest.call import Call
from simulator.clouds.thingsboard.rest.entities import check_id, id_of, profile_json, read_id
from simulator.clouds.thingsboard.rest.paging import page

_ABOUT = ("description", "image", "type", "transportType", "profileData", "defaultQueueName")
_INFO = ("id", "name", "image", "defaultDashboardId", "type", "transportType", "tenantId")


def _json(call: Call, profile: Profile) -> dict[str, Any]:
    return profile_json(profile, profile is call.tenant.default_profile)


def _info(call: Call, profile: Profile) -> dict[str, Any]:
    found = _json(call, profile)
    return {key: found.get(key) for key in _INFO}


def _find(call: Call) -> Profile:
    return call.tenant.get(Profile, check_id(call.path["id"]))


def _save(call: Call) -> dict[str, Any]:
    """A new profile, or with an id an old one as it shall be from now on."""
    body, known = call.fields, read_id(call.fields.get("id"))
    profile = call.tenant.get(Profile, known) if known else None
    packages = assigned.wanted(call, body, profile)
    name = str(body.get("name") or "")
    if profile is None:
        profile = call.tenant.add_profile(Profile(name))
    else:
        call.tenant.check_profile_name(name, of=profile)
    profile.name = name
    profile.about = {key: body[key] for key in _ABOUT if body.get(key) is not None}
    _configure(profile, body)
    assigned.assign(call, profile, packages)
    return _json(call, profile)


def _configure(profile: Profile, body: dict[str, Any]) -> None:
    """What of the JSON changes how the mock treats the profile's devices."""
    data = body.get("profileData") or {}
    transport = data.get("transportConfiguration") or {}
    provision = data.get("provisionConfiguration") or {}
    profile.ack_bad_payload = bool(transport.get("sendAckOnValidationException"))
    profile.provision_type = provision.get("type") or body.get("provisionType") or "DISABLED"
    profile.provision_key = body.get("provisionDeviceKey")
    profile.provision_secret = provision.get("provisionDeviceSecret")


def _list(call: Call) -> dict[str, Any]:
    return page(call, [_json(call, profile) for profile in call.tenant.profiles])


def _list_infos(call: Call) -> dict[str, Any]:
    infos, wanted = [_info(call, profile) for profile in call.tenant.profiles], call.query.get("transportType")
    return page(call, [info for info in infos if wanted in (None, "", info["transportType"])])


def _names(call: Call) -> list[dict[str, Any]]:
    return [{"id": id_of("DEVICE_PROFILE", profile.id), "name": profile.name} for profile in call.tenant.profiles]


def _make_default(call: Call) -> dict[str, Any]:
    call.tenant.default_profile = _find(call)
    return _json(call, call.tenant.default_profile)


ROUTES: Routes = (
    ("POST", "/api/deviceProfile", _save),
    ("GET", "/api/deviceProfile/names", _names),
    ("GET", "/api/deviceProfile/{id}", lambda call: _json(call, _find(call))),
    ("DELETE", "/api/deviceProfile/{id}", lambda call: call.tenant.delete_profile(_find(call))),
    ("POST", "/api/deviceProfile/{id}/default", _make_default),
    ("GET", "/api/deviceProfileInfo/default", lambda call: _info(call, call.tenant.default_profile)),
    ("GET", "/api/deviceProfileInfo/{id}", lambda call: _info(call, _find(call))),
    ("GET", "/api/deviceProfiles", _list),
    ("GET", "/api/deviceProfileInfos", _list_infos),
)
