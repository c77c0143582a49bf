# SPDX-License-Identifier: MIT
"""OTA packages: made, filled, listed, downloaded, deleted (thingsboard.md 5.4)."""

import base64
from typing import Any

from simulator.clouds.rest.call import Raw, Routes
from simulator.clouds.thingsboard import packages
from simulator.clouds.thingsboard.devices import Profile
from simulator.clouds.thingsboard.packages import Package
from simulator.clouds.thingsboard.rest.call import Call
from simulator.clouds.thingsboard.rest.entities import check_id, package_json, read_id
from simulator.clouds.thingsboard.rest.paging import page
from simulator.errors import UserError

_JSON_NAMES = {
    "type": "type",
    "title": "title",
    "version": "version",
    "tag": "tag",
    "size": "dataSize",
    "algorithm": "checksumAlgorithm",
    "checksum": "checksum",
}


def _find(call: Call) -> Package:
    return call.tenant.get(Package, check_id(call.path["id"]))


def _save(call: Call) -> dict[str, Any]:
    """A new package, or with an id a new description of an old one, in which nothing else may change."""
    known = read_id(call.fields.get("id"))
    wanted = _wanted(call)
    if known is None:
        return package_json(call.tenant.add_package(wanted))
    package = call.tenant.get(Package, known)
    call.tenant.change_package(package, wanted)
    return package_json(package)


def _wanted(call: Call) -> Package:
    """The package as the body says. Size and checksum count for URL packages only: an upload brings its own."""
    body = call.fields
    given = {name: body.get(key) for name, key in _JSON_NAMES.items()}
    for name in ("type", "title", "version"):
        if not isinstance(given[name], str):
            raise UserError("bad_package", f"a package needs a {name}")
    profile_id = read_id(body.get("deviceProfileId"))
    if profile_id is None:
        raise UserError("bad_package", "a package needs a deviceProfileId")
    url = body.get("url") or None
    if body.get("usesUrl") and not url:
        raise UserError("bad_package", "a package that uses a url needs one")
    if not url:
        given |= {"size": None, "algorithm": None, "checksum": None}
    profile = call.tenant.get(Profile, profile_id)
    return Package(**given, url=url, profile=profile, about=body.get("additionalInfo") or {})


def _upload(call: Call) -> dict[str, Any]:
    package = _find(call)
    if call.upload is None:
        raise UserError("bad_request", "required part file is not present")
    algorithm = call.need("checksumAlgorithm").upper()
    packages.fill(package, call.upload.data, algorithm, call.query.get("checksum"))
    package.file_name, package.content_type = call.upload.name, call.upload.content_type
    return package_json(package)


def _whole(call: Call) -> dict[str, Any]:
    package = _find(call)
    data = None if package.data is None else base64.b64encode(package.data).decode()
    return {**package_json(package), "data": data}


def _download(call: Call) -> Raw:
    """An empty 400 where the server has no bytes itself."""
    package = _find(call)
    if package.data is None:
        return Raw(status=400)
    name = package.file_name or f"{package.title}-{package.version}.bin"
    headers = {
        "Content-Type": package.content_type or "application/octet-stream",
        "Content-Disposition": f"attachment;filename={name}",
        "x-filename": name,
    }
    return Raw(package.data, headers=headers)


def _list(call: Call) -> dict[str, Any]:
    return page(call, map(package_json, call.tenant.packages), "title")


def _list_for(call: Call) -> dict[str, Any]:
    """Those that can be assigned: of one profile and type, and with something in them."""
    profile, kind = call.tenant.get(Profile, check_id(call.path["profile"])), call.path["type"]
    found = [p for p in call.tenant.packages if p.profile in (None, profile) and p.type == kind and p.has_content]
    return page(call, map(package_json, found), "title")


ROUTES: Routes = (
    ("POST", "/api/otaPackage", _save),
    ("POST", "/api/otaPackage/{id}", _upload),
    ("GET", "/api/otaPackage/info/{id}", lambda call: package_json(_find(call))),
    ("GET", "/api/otaPackage/{id}/download", _download),
    ("GET", "/api/otaPackage/{id}", _whole),
    ("DELETE", "/api/otaPackage/{id}", lambda call: call.tenant.delete_package(_find(call))),
    ("GET", "/api/otaPackages", _list),
    ("GET", "/api/otaPackages/{profile}/{type}", _list_for),
)
