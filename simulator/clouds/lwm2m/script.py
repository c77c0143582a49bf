# SPDX-License-Identifier: MIT
"""What the server does with a device step by step, as generators on virtual time.

A script yields an Operation and gets its Reply; or a Wait, and gets True once that is fulfilled, False if time ran out.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.clouds.lwm2m.requests import Operation, Reply

if TYPE_CHECKING:
    from simulator.clouds.lwm2m.devices import Device
    from simulator.clouds.mock import Mock


@dataclass(frozen=True)
class Wait:
    """Until `is_over()`, which is asked whenever something is heard of the device; `ms` at the longest, if not None."""

    is_over: Callable[[], bool]
    ms: int | None = None


def pause(ms: int) -> Wait:
    return Wait(lambda: False, ms)


Step = Operation | Wait
Steps = Generator[Step, Any, Any]


@dataclass(eq=False)
class Script:
    """`name` tells what it is; `ended` is called with what the generator returned."""

    device: "Device"
    name: str
    steps: Steps
    ended: Callable[[Any], None] = lambda result: None
    step: Step | None = None
    is_running: bool = False
    is_over: bool = False


class Scripts:
    """Those under way, of all devices."""

    def __init__(self, cloud: "Mock") -> None:
        self._cloud = cloud
        self._scripts: list[Script] = []

    def start(self, script: Script) -> Script:
        """Runs it up to its first wait."""
        self._scripts.append(script)
        self._cloud.schedule(0, partial(self._go_on, script, None))
        return script

    def stop(self, script: Script) -> None:
        """Between two steps; what it has asked for goes on."""
        if not script.is_over:
            script.is_over = True
            self._scripts.remove(script)
            if not script.is_running:
                script.steps.close()

    def wake(self, device: "Device") -> None:
        """Something has changed; whoever has waited for that goes on once the caller is done."""
        for script in self._scripts:
            if script.device is device and isinstance(script.step, Wait):
                self._cloud.schedule(0, partial(self._look, script, script.step))

    def is_busy(self, device: "Device", name: str) -> bool:
        """Whether a script with this name is under way."""
        return any(script.device is device and script.name == name for script in self._scripts)

    def _look(self, script: Script, wait: Wait) -> None:
        if script.step is wait and wait.is_over():
            self._go_on(script, True)

    def _expired(self, script: Script, wait: Wait) -> None:
        if script.step is wait:
            self._go_on(script, wait.is_over())

    def _go_on(self, script: Script, result: Reply | bool | None) -> None:
        """Sends the result into the generator, and takes the steps that need no waiting."""
        script.step = None
        while not script.is_over:
            script.is_running = True
            try:
                step = script.steps.send(result)
            except StopIteration as end:
                script.is_running = False
                self.stop(script)
                script.ended(end.value)
                self.wake(script.device)
                return
            script.is_running = False
            if isinstance(step, Operation) and step.reply is not None:
                result = step.reply
            elif isinstance(step, Wait) and step.is_over():
                result = True
            else:
                self._suspend(script, step)
                return

    def _suspend(self, script: Script, step: Step) -> None:
        script.step = step
        if isinstance(step, Operation):
            step.then(partial(self._replied, script, step))
        elif step.ms is not None:
            self._cloud.schedule(step.ms, partial(self._expired, script, step))

    def _replied(self, script: Script, step: Operation, reply: Reply) -> None:
        if script.step is step:
            self._go_on(script, reply)
