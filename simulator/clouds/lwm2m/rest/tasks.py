# SPDX-License-Identifier: MIT
"""Updates of one device or of a group, and what became of them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator.clouds.lwm2m.options import OBSERVATION_TRIGGER, PULL, PUSH, Options
from simulator.clouds.lwm2m.rest import mobile
from simulator.clouds.lwm2m.rest.devices import BASE
from simulator.clouds.lwm2m.rest.resources import Resource, Resources
from simulator.clouds.rest.call import Call, Raw, Routes
from simulator.errors import UserError

_TEMPLATE = "Lwm2mFirmwareUpdate"
_METHODS = {"Pull": PULL, "Push": PUSH}
_TIMEOUT = re.compile(r"([1-9][0-9]*)([smh])")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_FLAGS = {
    "useCacheForInitialStateRead": "uses_cache",
    "checkDeliveryAndProtocol": "checks_delivery",
    "resumeAfterDownlinkFailure": "resumes",
    "extendLifetime": "extends_lifetime",
    "executeImmediately": "starts_at_once",
    mobile.ENABLED: "is_mobile",
}
_IGNORED = ("blocking", "resourceId")  # tasks of a device wait for each other anyway
_QUOTA_S = 10  # until it is a task's turn


class Starter:
    """Makes tasks for what is in `resources`."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def routes(self) -> Routes:
        return (
            ("POST", f"{BASE}/tasks/upgrade/{{device}}/{{resource}}", self._upgrade),
            ("POST", f"{BASE}/tasksFromTemplates/group/{{group}}", self._upgrade_group),
        )

    def _upgrade(self, call: Call) -> Raw:
        device = call.cloud.device(call.path["device"])
        resource = self._resources.find(call.path["resource"])
        (task,) = call.cloud.tasks.upgrade([device], resource.package, _options(call.query, resource))
        return Raw.json(task.id, 201)

    def _upgrade_group(self, call: Call) -> Raw:
        """All devices that are in it now."""
        config = call.fields.get("config")
        if call.fields.get("templateName") != _TEMPLATE or not isinstance(config, dict):
            raise UserError("bad_request", f"the one template is {_TEMPLATE}, with a config")
        said = {str(one["name"]): str(one["value"]) for one in _parameters(config)}
        group = call.path["group"]
        devices = [device for device in call.cloud.devices.values() if group in device.groups]
        if not devices:
            raise UserError("bad_request", f"no device is in group {group}")
        resource = self._resources.find(said.get("resourceId"))
        made = call.cloud.tasks.upgrade(devices, resource.package, _options(said, resource), group=group)
        return Raw.json(made[0].id, 201)


def _parameters(config: dict[str, Any]) -> list[dict[str, Any]]:
    found = config.get("parameters")
    if not isinstance(found, list) or not all(isinstance(one, dict) and {"name", "value"} <= set(one) for one in found):
        raise UserError("bad_request", "parameters are a list of names and values")
    return found


def _options(said: Mapping[str, str], resource: Resource) -> Options:
    """The service's defaults: by HTTP, twenty minutes. Raises UserError: bad_request, bad_options."""
    options = Options(protocol="http", file_lasts_s=resource.lasts_s)
    changed: dict[str, Any] = {}
    needs_mobile = ""
    for name, text in said.items():
        if name in _FLAGS:
            changed[_FLAGS[name]] = _flag(name, text)
        elif name == "transferMethod":
            changed["method"] = _METHODS.get(text, text)
        elif name == "transferProtocol":
            changed["protocol"] = text.lower()
        elif name == "upgradeStrategy":
            changed["strategy"] = text
        elif name == "useObservation":
            if _flag(name, text):
                changed.setdefault("strategy", OBSERVATION_TRIGGER)  # of State and Result; `upgradeStrategy` says more
        elif name == "baseUri":
            changed["base"] = text.rstrip("/")
        elif name == "timeout":
            changed["timeout_s"] = _seconds(text)
        elif name == "schedule":
            changed["schedule"] = text
        elif name == "useQuota":
            changed["quota_s"] = _QUOTA_S if _flag(name, text) else 0
        elif name.startswith(mobile.PREFIX):
            mobile.check(name, text, resource)
            needs_mobile = name
        elif name not in _IGNORED:
            raise UserError("bad_request", f"parameter {name} is unknown")
    if needs_mobile and not changed.get("is_mobile"):
        raise UserError("bad_request", f"{needs_mobile} is only of use with {mobile.ENABLED}=true")
    return replace(options, **changed)


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise UserError("bad_request", f"{name} is neither true nor false")
    return text == "true"


def _seconds(text: str) -> int:
    found = _TIMEOUT.fullmatch(text)
    if not found:
        raise UserError("bad_request", f"{text!r} is no time such as 20m or 1200s")
    return int(found[1]) * _UNITS[found[2]]


def _report(call: Call) -> dict[str, Any]:
    task = call.cloud.tasks.find(call.path["task"], call.path["device"])
    report = task.report()
    report["properties"] += [{"name": name, "value": value} for name, value in mobile.of_task(task).items()]
    return report


def _summary(call: Call) -> dict[str, Any]:
    return call.cloud.tasks.summary(call.need("taskId"))


ROUTES: Routes = (
    ("GET", f"{BASE}/taskReports/summary", _summary),
    ("GET", f"{BASE}/taskReports/{{task}}/{{device}}", _report),
    ("GET", f"{BASE}/tasks", lambda call: list(dict.fromkeys(task.id for task in call.cloud.tasks.tasks))),
)
