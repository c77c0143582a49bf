# SPDX-License-Identifier: MIT
"""One update of a device's software by object 9, step by step.

Delivery, Install, Activate, and Uninstall before all that, if there is something: with the argument that lets the old
software run on where one is installed.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from simulator.clouds.lwm2m import objects, options
from simulator.clouds.lwm2m.objects import (
    ACTIVATE,
    FOR_UPDATE,
    INSTALL,
    IS_ACTIVE,
    SW_DELIVERED,
    SW_GOOD,
    SW_INITIAL,
    SW_INSTALLED,
    SW_PACKAGE,
    SW_RESULT,
    SW_STATE,
    SW_URI,
    SW_VERIFIED,
    SW_VERSION,
    SW_WORST,
    UNINSTALL,
)
from simulator.clouds.lwm2m.requests import Reply
from simulator.clouds.lwm2m.script import Steps
from simulator.clouds.lwm2m.upgrade import Failed, Upgrade
from simulator.clouds.lwm2m.watch import ObservationTrigger, Watch, WithoutObservations


class _OfSoftware(Watch):
    def facts(self) -> Steps:
        yield from self._read(SW_STATE, SW_RESULT, SW_VERSION)

    def look(self) -> Steps:
        yield from self._read(SW_STATE, SW_RESULT)

    def version(self) -> Steps:
        reply = yield from self._upgrade.ask(lambda: self._device.read(SW_VERSION, self._options.accept), matters=False)
        return reply.values.get(SW_VERSION) if reply is not None else None


class _WithoutObservations(_OfSoftware, WithoutObservations):
    """Whenever the device has spoken."""


class _ObservationTrigger(_OfSoftware, ObservationTrigger):
    """Notifications are reasons to read."""

    observes = (SW_STATE, SW_RESULT)


class SoftwareUpgrade(Upgrade):
    """`watches` are the strategies there are for software."""

    watches: ClassVar[Mapping[str, type[Watch]]] = {
        options.WITHOUT_OBSERVATIONS: _WithoutObservations,
        options.OBSERVATION_TRIGGER: _ObservationTrigger,
    }

    def steps(self) -> Steps:
        self._step("initializing")
        yield from self._extend_lifetime()
        yield from self._watch.facts()
        yield from self._watch.begin()
        self._task.old_version = self.device.value(SW_VERSION)
        if self.device.value(SW_STATE) != SW_INITIAL:
            yield from self._uninstall()
        self._step("delivering")
        self._mark()
        yield from self._deliver()
        yield from self._until(lambda: self._reached(SW_DELIVERED))
        yield from self._install()
        yield from self._activate()
        self._step("verifying")
        version = yield from self._watch.version()
        return version

    def cancelling(self) -> Steps:
        reply = yield self.device.execute(UNINSTALL, FOR_UPDATE)
        return options.EXECUTE if reply.is_good else None

    def _uninstall(self) -> Steps:
        self._step("uninstalling")
        argument = FOR_UPDATE if self.device.value(SW_STATE) == SW_INSTALLED else ""
        self._mark()
        yield from self._order(UNINSTALL, argument)
        yield from self._watch.look()
        yield from self._until(lambda: self._new(SW_STATE) == SW_INITIAL)

    def _deliver(self) -> Steps:
        if self.options.method == options.PUSH:
            data = self._task.package.data
            reply = yield from self.ask(lambda: self.device.push(data, self.options.style, SW_PACKAGE))
        else:
            uri = self._task.uri()
            reply = yield from self.ask(lambda: self.device.write(SW_URI, uri, self.options.uri_format))
        if not reply.is_good and not self._is_known_already(reply):
            yield from self._refused("The package" if self.options.method == options.PUSH else "The URI", reply)

    def _install(self) -> Steps:
        """The order; once more each time that the device comes back as before it, for its power may have gone first."""
        is_first = is_back = True
        while is_back:
            self._step("executing")
            self._mark()
            registration = self.device.registration
            yield from self._order(INSTALL, is_first=is_first)

            def came_back(before: object = registration) -> bool:
                as_before = (self._new(SW_STATE), self._new(SW_RESULT)) == (SW_DELIVERED, SW_VERIFIED)
                return self.device.registration is not before and as_before

            yield from self._until(lambda is_back=came_back: self._is_installed() or is_back())
            is_first, is_back = False, not self._is_installed()

    def _is_installed(self) -> bool:
        return self._reached(SW_INSTALLED) and self._new(SW_RESULT) == SW_GOOD

    def _order(self, path: str, argument: str = "", is_first: bool = True) -> Steps:
        """A device that is gone already has understood; one that was told twice may say no."""
        reply = yield from self.ask(lambda: self.device.execute(path, argument), gone=True)
        if reply.is_answered and not reply.is_good and is_first and not self._repeats:
            yield from self._refused(f"Execute of {path}", reply)

    def _activate(self) -> Steps:
        """A device may have done it by itself."""
        yield from self.ask(lambda: self.device.read(IS_ACTIVE, self.options.accept), gone=True)
        if not self.device.value(IS_ACTIVE):
            self._step("activating")
            yield from self._order(ACTIVATE)

    def _refused(self, what: str, reply: Reply) -> Steps:
        """The Result tells more than the code."""
        self._watch.mark()
        yield from self._watch.look()
        self._judge()
        raise Failed(f"{what} was refused: {reply}")

    def _reached(self, state: int) -> bool:
        self._judge()
        return self._new(SW_STATE) == state

    def _judge(self) -> None:
        result = self._new(SW_RESULT)
        if isinstance(result, int) and result >= SW_WORST:
            raise Failed(objects.software_result_text(result), result)

    def _until(self, is_over: Callable[[], bool], jumps: bool = True) -> Steps:
        while not is_over():
            yield from self._watch.news()
