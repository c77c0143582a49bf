# SPDX-License-Identifier: MIT
"""The tenant's devices, device profiles and packages, and the server's rules for changing them (thingsboard.md 5.4)."""

import random
import uuid
from typing import TYPE_CHECKING, TypeVar

from simulator.clouds.thingsboard import packages
from simulator.clouds.thingsboard.credentials import Credentials
from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.packages import Package
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard

T = TypeVar("T", Device, Profile, Package)
_CREDENTIALS_CHANGED = 0x98
_IMMUTABLE = ("type", "title", "version", "tag", "url", "profile")


class Tenant:
    """Everything has a name of its own among its kind, and an id. What is refused raises UserError and changes nothing.

    `devices` are kept by name; `profiles` and `packages` in the order they were made.
    """

    def __init__(self, cloud: "ThingsBoard", seed: int) -> None:
        self._cloud = cloud
        self._random = random.Random(f"ids {seed}")
        self.devices: dict[str, Device] = {}
        self.profiles: list[Profile] = []
        self.packages: list[Package] = []
        self.default_profile = self.add_profile(Profile("default"))

    def new_id(self) -> str:
        """A UUID; the same ones for the same seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    # Profiles

    def add_profile(self, profile: Profile) -> Profile:
        """Raises profile_exists."""
        self.check_profile_name(profile.name)
        self._register(profile)
        self.profiles.append(profile)
        return profile

    def check_profile_name(self, name: str, of: Profile | None = None) -> None:
        """A name is not empty and nobody else's than `of`'s. Raises bad_name, profile_exists."""
        if not name:
            raise UserError("bad_name", "a device profile needs a name")
        if any(other.name == name and other is not of for other in self.profiles):
            raise UserError("profile_exists", f"there is a device profile {name} already")

    def delete_profile(self, profile: Profile) -> None:
        """Its packages go with it. Raises profile_in_use."""
        if profile is self.default_profile:
            raise UserError("profile_in_use", "the default device profile cannot be deleted")
        if any(device.profile is profile for device in self.devices.values()):
            raise UserError("profile_in_use", f"there are devices of profile {profile.name}")
        self.profiles.remove(profile)
        self.packages = [package for package in self.packages if package.profile is not profile]

    # Devices

    def add_device(self, device: Device) -> Device:
        """Queued at once for what its profile has. Raises bad_name, device_exists, credentials_exist."""
        self.check_device_name(device.name)
        self._check_credentials(device, device.credentials)
        if device.profile not in self.profiles:
            self.add_profile(device.profile)
        self._register(device)
        self.devices[device.name] = device
        self._cloud.log("device_added", device=device.name)
        return device

    def check_device_name(self, name: str, of: Device | None = None) -> None:
        """A name is not empty and nobody else's than `of`'s. Raises bad_name, device_exists."""
        if not name:
            raise UserError("bad_name", "a device needs a name")
        if self.devices.get(name, of) is not of:
            raise UserError("device_exists", f"there is a device {name} already")

    def rename_device(self, device: Device, name: str) -> None:
        """Raises as check_device_name."""
        self.check_device_name(name, of=device)
        if name == device.name:
            return
        self._cloud.log("device_renamed", device=device.name, name=name)
        del self.devices[device.name]
        device.name = name
        self.devices[name] = device

    def set_credentials(self, device: Device, credentials: Credentials) -> None:
        """Other ones than before end the session. Raises credentials_exist."""
        self._check_credentials(device, credentials)
        if credentials != device.credentials:
            device.credentials = credentials
            self._disconnect(device, "credentials changed")

    def delete_device(self, device: Device) -> None:
        del self.devices[device.name]
        self._disconnect(device, "device deleted")
        self._cloud.log("device_deleted", device=device.name)

    def _disconnect(self, device: Device, why: str) -> None:
        if device.session:
            device.session.close(_CREDENTIALS_CHANGED, why)

    def _check_credentials(self, device: Device, credentials: Credentials) -> None:
        if any(other.credentials.id == credentials.id and other is not device for other in self.devices.values()):
            raise UserError("credentials_exist", "another device has these credentials already")

    # Packages

    def add_package(self, package: Package) -> Package:
        """Raises package_exists, bad_package, bad_algorithm."""
        packages.check(package)
        if any((other.title, other.version) == (package.title, package.version) for other in self.packages):
            raise UserError("package_exists", f"there is a package {package.title} {package.version} already")
        self._register(package)
        self.packages.append(package)
        return package

    def change_package(self, package: Package, wanted: Package) -> None:
        """Only what people read can change. Raises package_immutable."""
        for name in _IMMUTABLE:
            if getattr(package, name) != getattr(wanted, name):
                raise UserError("package_immutable", f"the {name} of a package cannot be changed")
        package.about = wanted.about

    def delete_package(self, package: Package) -> None:
        """Raises package_in_use while a device or a profile has it."""
        for owner in (*self.devices.values(), *self.profiles):
            if package in owner.packages.values():
                kind = "device" if isinstance(owner, Device) else "device profile"
                raise UserError("package_in_use", f"the package is assigned to {kind} {owner.name}")
        self.packages.remove(package)

    def check_assignable(self, package: Package, profile: Profile) -> None:
        """May devices of this profile have it? Raises package_empty, other_profile."""
        name = f"package {package.title} {package.version}"
        if not package.has_content:
            raise UserError("package_empty", f"{name} has neither data nor a url yet")
        if package.profile not in (None, profile):
            raise UserError("other_profile", f"{name} is not for device profile {profile.name}")

    # All of them

    def get(self, kind: type[T], entity_id: str) -> T:
        """The one with this id; UserError("not_found")."""
        kept = {Device: self.devices.values(), Profile: self.profiles, Package: self.packages}[kind]
        for entity in kept:
            if entity.id == entity_id:
                return entity
        raise UserError("not_found", f"there is no {kind.__name__.lower()} with id {entity_id}")

    def _register(self, entity: Device | Profile | Package) -> None:
        entity.id = self.new_id()
        entity.created_ms = self._cloud.now_ms
