# SPDX-License-Identifier: MIT
"""FOTA of a device that is there for a moment only, perhaps through somebody's phone: properties that tell of it.

Of a device or a group, and of tasks. A person sets `mobileFotaEnabled`, the service the other three when there is
something to be fetched, which is what an app looks for (Coiote's manual, "Scheduling FOTA for temporarily offline
devices").
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator.clouds.lwm2m.devices import Device
from simulator.clouds.lwm2m.server import Lwm2mServer
from simulator.clouds.lwm2m.tasks import Task
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.clouds.lwm2m.rest.resources import Resource

PREFIX = "mobileFota"  # what begins with it is one of these four, or a mistake
ENABLED = "mobileFotaEnabled"
_STATE, _ID, _NAME = SET = ("mobileFota", "mobileFotaFirmwareId", "mobileFotaFirmwareName")
_AVAILABLE = "available"


def is_enabled(properties: object, before: bool = False) -> bool:
    """What a person says of a device or a group, `before`: if nothing. Raises UserError("bad_request")."""
    if not isinstance(properties, dict):
        raise UserError("bad_request", "properties are an object")
    for name in properties:
        if name.startswith(PREFIX) and name != ENABLED:
            _refuse(name)
    said = properties.get(ENABLED, before)
    text = str(said).lower() if isinstance(said, bool) else said
    if text not in ("true", "false"):
        raise UserError("bad_request", f"{ENABLED} is neither true nor false")
    return text == "true"


def check(name: str, text: str, resource: "Resource") -> None:
    """A parameter of a task: one that the service sets can be said too, but nothing else than it would say.

    Raises UserError("bad_request").
    """
    if name not in SET:
        _refuse(name)
    said = _said(resource.id, resource.file_name)[name]
    if text != said:
        raise UserError("bad_request", f"{name} of this task is {said}, not {text}")


def _refuse(name: str) -> None:
    if name in SET:
        raise UserError("bad_request", f"{name} is set by the server, when an update is there")
    raise UserError("bad_request", f"{name} is unknown; there are {', '.join((ENABLED, *SET))}")


def of_task(task: Task) -> dict[str, str]:
    """Nothing for other tasks. What was made without a resource goes by its name."""
    package = task.package
    return _said(package.id or package.name, package.file or package.name) if task.options.is_mobile else {}


def of_device(device: Device) -> dict[str, str]:
    """What is available is what the first task brings that is not over."""
    return _shown(device.is_behind_phone, device.server.tasks.of(device))


def of_group(cloud: Lwm2mServer, group: str) -> dict[str, str]:
    """The same of the tasks that were made for all of it."""
    tasks = [task for task in cloud.tasks.tasks if task.id.startswith(f"g:{group}:")]
    return _shown(group in cloud.mobile_groups, tasks)


def _shown(is_enabled: bool, tasks: Iterable[Task]) -> dict[str, str]:
    waiting = (of_task(task) for task in tasks if not task.is_over)
    return ({ENABLED: "true"} if is_enabled else {}) | next(filter(None, waiting), {})


def _said(resource_id: str, file_name: str) -> dict[str, str]:
    return {ENABLED: "true", _STATE: _AVAILABLE, _ID: resource_id, _NAME: file_name}
