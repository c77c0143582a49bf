# SPDX-License-Identifier: MIT
"""Update tasks: one or many devices, one after the other for each device, and what is told of them."""

import datetime
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.clouds.lwm2m.objects import RESULT, STATE, SW_RESULT, SW_STATE
from simulator.clouds.lwm2m.options import Options
from simulator.clouds.lwm2m.script import Script, Steps
from simulator.clouds.lwm2m.software import SoftwareUpgrade
from simulator.clouds.lwm2m.upgrade import Failed, Upgrade
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.clouds.lwm2m.devices import Device
    from simulator.clouds.lwm2m.files import File
    from simulator.clouds.lwm2m.server import Lwm2mServer

PENDING, RUNNING, GOOD, ERROR, CANCELLED = "Pending", "InProgress", "Success", "Error", "Cancelled"
_TIMEOUT, _DONE = "Timeout", {"FIRMWARE": "Firmware update successful", "SOFTWARE": "Software update successful"}
_CANCELLING = "cancelling"  # a step


@dataclass(frozen=True)
class Package:
    """An image, or a package of SOFTWARE. `version` is what people call it; the device has its own word for what it
    runs. `id` and `file`: of the resource that it comes from, if there is one."""

    name: str
    data: bytes = field(repr=False)
    version: str = ""
    type: str = "FIRMWARE"
    id: str = ""
    file: str = ""

    @property
    def is_software(self) -> bool:
        return self.type == "SOFTWARE"


@dataclass(eq=False)
class Task:
    """Of one device; tasks for a group share their `id`. `result`: the device's Update Result if the update failed."""

    id: str
    device: "Device"
    package: Package
    options: Options
    server: "Lwm2mServer" = field(repr=False)
    status: str = PENDING
    step: str = "pending"
    summary: str = ""
    result: int | None = None
    attempt: int = 0
    old_version: Any = None
    new_version: Any = None
    file: "File | None" = None
    received: int = 0  # what its device had been sent before
    begun_ms: int | None = None
    ended_ms: int | None = None

    @property
    def is_over(self) -> bool:
        return self.status in (GOOD, ERROR, CANCELLED)

    def uri(self) -> str:
        """A new one for every attempt."""
        if self.file is not None:
            self.server.files.remove(self.file)
        self.file = self.server.files.add(self.package.data, self.device.endpoint, self.options.file_lasts_s)
        base = self.options.base or self.server.bases.get(self.options.protocol)
        if base is None:
            raise Failed(f"The server has no door for {self.options.protocol}")
        return base + self.file.path

    def log(self, step: str) -> None:
        self.step = step
        self.server.log("task", device=self.device.endpoint, task=self.id, status=self.status, step=step,
                        type=self.package.type, package=self.package.name, version=self.package.version,
                        size=len(self.package.data), summary=self.summary, result=self.result,
                        running=self.new_version)  # fmt: skip

    def verdict(self) -> dict[str, Any]:
        """What is known in the end, for who compares it with the flash of the device."""
        device = self.device
        state, result = (SW_STATE, SW_RESULT) if self.package.is_software else (STATE, RESULT)
        return {
            "state": device.value(state),
            "result": device.value(result),
            "version": self.new_version,
            "sent": device.received - self.received,
            "sha256": hashlib.sha256(self.package.data).hexdigest(),
        }

    def report(self) -> dict[str, Any]:
        """As the REST interface has it. Raises UserError("task_not_executed") before it has begun."""
        if self.begun_ms is None:
            raise UserError("task_not_executed", "Task has not been executed yet.")
        facts = {"newFirmwareVersion": self.new_version, "oldFirmwareVersion": self.old_version}
        if self.is_over:
            facts |= {"result": "SUCCESS" if self.status == GOOD else "FAILURE", "resultDetails": self.summary}
        times = {"startTime": self.begun_ms, "finishTime": self.ended_ms}
        told = {name: utc(ms) for name, ms in times.items() if ms is not None}
        told["lastUpdateTime"] = utc(self.ended_ms or self.server.now_ms)
        return {
            "taskId": self.id,
            "deviceId": self.device.endpoint,
            **told,
            "status": self.status,
            "summary": self.summary,
            "properties": [{"name": name, "value": str(value)} for name, value in facts.items() if value is not None],
        }


class Tasks:
    """All there are, oldest first."""

    def __init__(self, server: "Lwm2mServer") -> None:
        self._server = server
        self._count = 0
        self._scripts: dict[Task, Script] = {}
        self.tasks: list[Task] = []

    def upgrade(
        self, devices: "Sequence[Device]", package: Package, options: Options | None = None, group: str | None = None
    ) -> list[Task]:
        """A task for each of the devices; it begins once those before it are over, and the device is there.

        Raises UserError("bad_options") for a strategy that is not known for software.
        """
        if package.is_software and options is not None and options.strategy not in SoftwareUpgrade.watches:
            raise UserError("bad_options", f"software is updated by {' or '.join(SoftwareUpgrade.watches)}")
        self._count += 1
        made = []
        for device in devices:
            task_id = f"g:{group}:{self._count}" if group else f"d:{device.endpoint}:{self._count}"
            wanted = options or Options()
            if device.is_behind_phone:
                wanted = replace(wanted, is_mobile=True)
            made.append(Task(task_id, device, package, wanted, self._server))
        self.tasks += made
        for task in made:
            task.log("pending")
            self._next(task.device)
        return made

    def of(self, device: "Device") -> list[Task]:
        return [task for task in self.tasks if task.device is device]

    def find(self, task_id: str, endpoint: str) -> Task:
        """Raises UserError("no_such_task")."""
        for task in self.tasks:
            if (task.id, task.device.endpoint) == (task_id, endpoint):
                return task
        raise UserError("no_such_task", f"there is no task {task_id} of {endpoint}")

    def cancel(self, task: Task) -> None:
        """The device is told to stop, in the ways of the options."""
        if task.is_over:
            return
        script = self._scripts.pop(task, None)
        if script:
            self._server.scripts.stop(script)
        if task.begun_ms is None:
            self._finish(task, CANCELLED, "Cancelled before it began")
            return
        task.log(_CANCELLING)
        self._run(task, self._cancelling(task))

    def summary(self, task_id: str) -> dict[str, Any]:
        """Counts, as the REST interface has them."""
        found = [task for task in self.tasks if task.id == task_id]
        good = sum(task.status == GOOD for task in found)
        over = sum(task.is_over for task in found)
        running = sum(task.status == RUNNING for task in found)
        total = len(found) or 1
        return {
            "totalScheduled": len(found),
            "inProgress": running,
            "completed": over,
            "successes": good,
            "failures": over - good,
            "notCompleted": len(found) - over,
            "completionRate": over / total,
            "successRate": good / total,
            "failureRate": (over - good) / total,
        }

    # One after the other

    def _next(self, device: "Device") -> None:
        task = next((task for task in self.of(device) if not task.is_over), None)
        if task is not None and task not in self._scripts and task.status == PENDING:
            self._run(task, self._whole(task))

    def _run(self, task: Task, steps: Steps) -> None:
        ended: Callable[[Any], None] = partial(self._ended, task)
        self._scripts[task] = self._server.scripts.start(Script(task.device, "task", steps, ended))

    def _ended(self, task: Task, outcome: tuple[str, str]) -> None:
        self._scripts.pop(task, None)
        self._finish(task, *outcome)

    def _finish(self, task: Task, status: str, summary: str) -> None:
        task.status, task.summary, task.ended_ms = status, summary, self._server.now_ms
        if task.file is not None:
            self._server.files.remove(task.file)
        task.log("over")
        self._server.log("verdict", device=task.device.endpoint, task=task.id, **task.verdict())
        self._next(task.device)

    def _whole(self, task: Task) -> Steps:
        upgrade = _upgrade_of(task)
        yield from upgrade.waiting()
        task.begun_ms, task.status = self._server.now_ms, RUNNING
        task.received = task.device.received
        return (yield from self._attempts(task, upgrade))

    def _attempts(self, task: Task, upgrade: Upgrade) -> Steps:
        while True:
            task.attempt += 1
            task.result = None
            self._server.schedule(task.options.timeout_s * 1000, partial(self._expire, task, task.attempt))
            try:
                task.new_version = yield from upgrade.steps()
                outcome = GOOD, _DONE[task.package.type]
            except Failed as failed:
                outcome, task.result = (ERROR, str(failed)), failed.result
                if self._is_tried_again(task):
                    task.log("retrying")
                    continue
            task.log("cleanup")
            yield from upgrade.cleanup()
            return outcome

    def _is_tried_again(self, task: Task) -> bool:
        wanted, result = task.options, task.result
        is_curable = wanted.retries_silence if result is None else result in wanted.retries
        return is_curable and task.attempt < wanted.attempts

    def _cancelling(self, task: Task) -> Steps:
        upgrade = _upgrade_of(task)
        form = yield from upgrade.cancelling()
        yield from upgrade.cleanup()
        return CANCELLED, f"Cancelled by {form}" if form else "Cancelled; the device did not take it"

    def _expire(self, task: Task, attempt: int) -> None:
        """The device stays in whatever state it is; the next attempt, or the next task, resets it."""
        if task.is_over or task.attempt != attempt or task not in self._scripts:
            return
        self._server.scripts.stop(self._scripts.pop(task))
        for path in [one.path for one in task.device.observations.values()]:
            task.device.forget_observation(path)
        if task.step != _CANCELLING and self._is_tried_again(task):
            task.log("retrying")
            self._run(task, self._attempts(task, _upgrade_of(task)))
        else:
            self._finish(task, ERROR, _TIMEOUT)


def _upgrade_of(task: Task) -> Upgrade:
    return SoftwareUpgrade(task) if task.package.is_software else Upgrade(task)


def utc(ms: int) -> str:
    """A time as the REST interface writes it."""
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
