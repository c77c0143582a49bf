# SPDX-License-Identifier: MIT
"""Assignment: a device or profile is saved with the ids of the packages it shall have (thingsboard.md 5.4)."""

from typing import Any

from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.packages import Package
from simulator.clouds.thingsboard.rest.call import Call
from simulator.clouds.thingsboard.rest.entities import PACKAGE_KEYS, read_id
from simulator.errors import UserError

Wanted = dict[str, Package | None]


def wanted(call: Call, body: dict[str, Any], profile: Profile | None) -> Wanted:
    """The package for each type, None where the JSON has no id. `profile`: whose devices they are for, None if new.

    Raises UserError: not_found, wrong_type, and as Tenant.check_assignable.
    """
    found: Wanted = {}
    for package_type, key in PACKAGE_KEYS.items():
        package_id = read_id(body.get(key))
        package = call.tenant.get(Package, package_id) if package_id else None
        if package and package.type != package_type:
            raise UserError("wrong_type", f"{key} is a package of type {package.type}")
        if package and profile:
            call.tenant.check_assignable(package, profile)
        elif package and package.profile:
            raise UserError("other_profile", f"package {package.title} is not for the new profile")
        found[package_type] = package
    return found


def assign(call: Call, owner: Device | Profile, packages: Wanted) -> None:
    """Has an effect only where something changes."""
    for package_type, package in packages.items():
        if package:
            call.cloud.assign(owner, package, call.cloud.now_ms)
        elif package_type in owner.packages:
            call.cloud.unassign(owner, package_type, call.cloud.now_ms)
