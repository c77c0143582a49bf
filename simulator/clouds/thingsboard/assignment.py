# SPDX-License-Identifier: MIT
"""Which device gets which package, and the paced queue that tells it (thingsboard.md 5.2)."""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from simulator.clouds.thingsboard import attributes
from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.packages import PREFIXES, Package, attribute_names

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard


class _Waiting(NamedTuple):
    """A device in the queue, from `ready_ms` on."""

    ready_ms: int
    device: Device
    package: Package


class Assignments:
    """A change counts for downloads at once; attributes follow when the queue gets to the device."""

    def __init__(self, cloud: "ThingsBoard") -> None:
        self._cloud = cloud
        self._queue: deque[_Waiting] = deque()
        self._is_serving = False
        self._free_ms = 0  # the pause after the last device ends then

    def set(self, target: Device | Profile, package_type: str, package: Package | None) -> None:
        """Gives `target` this package of its own, or none. A profile's change leaves devices with their own alone.

        Raises UserError as Tenant.check_assignable.
        """
        profile = target.profile if isinstance(target, Device) else target
        if package is not None:
            self._cloud.tenant.check_assignable(package, profile)
        devices = [target] if isinstance(target, Device) else self._followers(target, package_type)
        before = [device.package(package_type) for device in devices]
        if package is None:
            target.packages.pop(package_type, None)
        else:
            target.packages[package_type] = package
        for device, old in zip(devices, before, strict=True):
            self._changed(device, package_type, old)

    def move(self, device: Device, profile: Profile, own: Mapping[str, Package | None]) -> None:
        """Puts the device under another profile, with these packages of its own by type, and queues what changes.

        Raises UserError as Tenant.check_assignable.
        """
        kept = {package_type: package for package_type, package in own.items() if package}
        for package in kept.values():
            self._cloud.tenant.check_assignable(package, profile)
        before = {package_type: device.package(package_type) for package_type in PREFIXES}
        device.profile, device.packages = profile, kept
        for package_type, old in before.items():
            if device.package(package_type) is not old:
                self._changed(device, package_type, old)

    def created(self, device: Device) -> None:
        """A device is queued at birth for its own packages and for its profile's."""
        for package_type in PREFIXES:
            if device.package(package_type):
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
        cloud.log("queued", device=device.name, **_about(package))
        self._queue.append(_Waiting(cloud.now_ms + cloud.settings.queue_ms, device, package))
        self._wind()

    def _wind(self) -> None:
        """The queue has one timer: for its first device, when that is ready and the pause is over."""
        if self._queue and not self._is_serving:
            self._is_serving = True
            due_ms = max(self._queue[0].ready_ms, self._free_ms)
            self._cloud.schedule(due_ms - self._cloud.now_ms, self._serve)

    def _serve(self) -> None:
        """Only a device that was told costs a pause (thingsboard.md 5.2)."""
        self._is_serving = False
        waiting = self._queue.popleft()
        if self._reach(waiting.device, waiting.package):
            self._free_ms = self._cloud.now_ms + self._cloud.settings.queue_pause_ms
        self._wind()

    def _reach(self, device: Device, package: Package) -> bool:
        """The queue has come to this device: is it still the package to have? Then tell it, in two pushes."""
        cloud = self._cloud
        if device.package(package.type) is not package or cloud.devices.get(device.name) is not device:
            cloud.log("dropped", device=device.name, **_about(package))
            return False
        device.telemetry.save(cloud.now_ms, {f"{package.prefix}_state": "INITIATED"})
        cloud.log("initiated", device=device.name, **_about(package))
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
        return True


def _about(package: Package) -> dict[str, object]:
    """What the log says of a package."""
    return {"type": package.type, "title": package.title, "version": package.version, "size": package.size}
