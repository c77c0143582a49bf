# SPDX-License-Identifier: MIT
"""Which device gets which package, and the paced queue that tells it (thingsboard.md 5.2)."""

from typing import TYPE_CHECKING

from simulator.clouds.thingsboard import attributes
from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.packages import Package, attribute_names

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard


class Assignments:
    """A change counts for downloads at once; attributes follow when the queue gets to the device."""

    def __init__(self, cloud: "ThingsBoard") -> None:
        self._cloud = cloud
        self._free_ms = 0  # when the queue is through with what it holds

    def set(self, target: Device | Profile, package_type: str, package: Package | None) -> None:
        """Gives `target` this package of its own, or none. A profile's change leaves devices with their own alone."""
        devices = [target] if isinstance(target, Device) else self._followers(target, package_type)
        before = [device.package(package_type) for device in devices]
        if package is None:
            target.packages.pop(package_type, None)
        else:
            target.packages[package_type] = package
        for device, old in zip(devices, before, strict=True):
            self._changed(device, package_type, old)

    def created(self, device: Device) -> None:
        """A device born under a profile with packages is queued for them."""
        for package_type in device.profile.packages:
            self._changed(device, package_type, None)

    def _followers(self, profile: Profile, package_type: str) -> list[Device]:
        devices = self._cloud.devices.values()
        return [device for device in devices if device.profile is profile and package_type not in device.packages]

    def _changed(self, device: Device, package_type: str, old: Package | None) -> None:
        new = device.package(package_type)
        if new is None:
            self._cloud.log("unassigned", device=device.name, type=package_type)
            attributes.delete(self._cloud, device, attribute_names(package_type))
        elif new is not old:
            self._enqueue(device, new)

    def _enqueue(self, device: Device, package: Package) -> None:
        cloud, prefix = self._cloud, package.prefix
        target = {"title": package.title, "version": package.version, "tag": package.tag, "ts": cloud.now_ms}
        values = {f"target_{prefix}_{name}": value for name, value in target.items() if value is not None}
        device.telemetry.save(cloud.now_ms, {**values, f"{prefix}_state": "QUEUED"})
        cloud.log("queued", device=device.name, type=package.type, title=package.title, version=package.version)
        self._free_ms = max(self._free_ms, cloud.now_ms) + cloud.settings.queue_ms
        cloud.schedule(self._free_ms - cloud.now_ms, lambda: self._reach(device, package))

    def _reach(self, device: Device, package: Package) -> None:
        """The queue has come to this device: is it still the package to have? Then tell it, in two pushes."""
        cloud = self._cloud
        what = {"type": package.type, "title": package.title, "version": package.version}
        if device.package(package.type) is not package:
            cloud.log("dropped", device=device.name, **what)
            return
        device.telemetry.save(cloud.now_ms, {f"{package.prefix}_state": "INITIATED"})
        cloud.log("initiated", device=device.name, **what)
        present, absent = package.attributes()
        pushes = [lambda: attributes.save(cloud, device, present)]
        if absent:
            pushes.append(lambda: attributes.delete(cloud, device, absent))
        if cloud.settings.push_order == "deleted-first":
            pushes.reverse()
        elif cloud.settings.push_order == "random":
            cloud.random.shuffle(pushes)
        for push in pushes:
            push()
