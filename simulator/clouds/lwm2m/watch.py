# SPDX-License-Identifier: MIT
"""How a task learns State, Result and version of a device: by one of five strategies (lwm2m.md 4.1)."""

from typing import TYPE_CHECKING, ClassVar

from simulator.clouds.lwm2m import options
from simulator.clouds.lwm2m.devices import OBSERVE, READ, SEND, Heard
from simulator.clouds.lwm2m.objects import DELIVERY, FIRMWARE, PROTOCOLS, RESULT, STATE, VERSION, Value
from simulator.clouds.lwm2m.script import Steps, Wait

if TYPE_CHECKING:
    from simulator.clouds.lwm2m.upgrade import Upgrade

_FALLBACK_MS = 10_000  # for a notification of a reset that need not come
_VERSION_MS = 5_000  # for a Send of the version


class Watch:
    """`hows`: which ways of hearing count. `begin` before the first change, `mark` before one that is
    to be seen, `news` until something is new.
    """

    hows: ClassVar[tuple[str, ...]] = (READ, OBSERVE, SEND)
    may_read: ClassVar[bool] = True
    observes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, upgrade: "Upgrade") -> None:
        self._upgrade = upgrade
        self._device = upgrade.device
        self._options = upgrade.options
        self._registration: object = None
        self._seen: object = None

    def heard(self, path: str) -> Heard | None:
        return self._device.last(path, self.hows)

    def facts(self) -> Steps:
        """What the device can do, and how it is: its protocols, its methods, State and Result."""
        yield from self._read(PROTOCOLS, DELIVERY, STATE, RESULT, VERSION)

    def _read(self, *paths: str) -> Steps:
        for path in paths:
            yield from self._upgrade.ask(lambda path=path: self._device.read(path, self._options.accept), gone=True)

    def begin(self) -> Steps:
        """Sets the observations there are to be."""
        self._registration = self._device.registration
        for path in self.observes:
            yield from self._upgrade.ask(lambda path=path: self._device.observe(path, self._options.accept), gone=True)

    def look(self) -> Steps:
        """Reads State and Result now."""
        yield from self._read(STATE, RESULT)

    def mark(self) -> None:
        """What comes from now on is news."""
        self._seen = self._count()

    def is_news(self) -> bool:
        return self._count() != self._seen

    def _count(self) -> object:
        """Changes with everything that may be news, but for a new registration."""
        raise NotImplementedError

    def news(self) -> Steps:
        """Until something may have changed."""
        device, known = self._device, self._registration
        yield Wait(lambda: self.is_news() or device.registration not in (None, known))
        self.mark()
        if device.registration is not known:
            yield from self.begin()
        yield from self.look()

    def reset_done(self) -> Steps:
        """After a reset was written: what is to be known of it."""
        yield from self.look()

    def version(self) -> Steps:
        """The version that runs now, or None."""
        reply = yield from self._upgrade.ask(lambda: self._device.read(VERSION, self._options.accept), matters=False)
        return reply.values.get(VERSION) if reply is not None else None

    def end(self) -> Steps:
        """No observation is left."""
        for path in (one.path for one in list(self._device.observations.values()) if one.path in self.observes):
            if self._device.peer is None:
                self._device.forget_observation(path)
                continue
            operation = self._device.cancel_observation(path, self._options.by_reset)
            if operation is not None:
                yield operation


class WithoutObservations(Watch):
    """Whenever the device has spoken, both are read."""

    def _count(self) -> object:
        return self._device.uplinks


class ObservationTrigger(Watch):
    """A notification is a reason to read. After a registration everything is observed anew."""

    observes = (STATE, RESULT)

    def _count(self) -> object:
        return self._device.heard_by(OBSERVE)


class _WithoutReads(Watch):
    """What comes by itself is all there is."""

    may_read = False

    def facts(self) -> Steps:
        return
        yield

    def look(self) -> Steps:
        return
        yield

    def _count(self) -> object:
        return sum(self._device.heard_by(how) for how in self.hows)


class ObservationOnly(_WithoutReads):
    """Observations of single resources, whose first answer is the value there is."""

    hows = (OBSERVE,)
    observes = (STATE, RESULT)

    def facts(self) -> Steps:
        for path in (PROTOCOLS, DELIVERY, VERSION):
            yield from self._once(path)

    def _once(self, path: str) -> Steps:
        """An observation that is over once it has told the value."""
        reply = yield from self._upgrade.ask(lambda: self._device.observe(path, self._options.accept), matters=False)
        operation = self._device.cancel_observation(path, self._options.by_reset)
        if operation is not None:
            yield operation
        return reply

    def reset_done(self) -> Steps:
        """If nobody tells, observing anew does; but not in versions that hung here."""
        if self._options.is_strict:
            return
        number = self._device.number
        came = yield Wait(lambda: all(self._is_new(path, number) for path in (STATE, RESULT)), _FALLBACK_MS)
        if not came:
            yield from self.begin()

    def _is_new(self, path: str, number: int) -> bool:
        heard = self.heard(path)
        return heard is not None and heard.number > number

    def version(self) -> Steps:
        reply = yield from self._once(VERSION)
        return reply.values.get(VERSION) if reply is not None else None


class ObservationBased(ObservationOnly):
    """One observation of the whole instance."""

    observes = (FIRMWARE,)

    def facts(self) -> Steps:
        yield from self._once(VERSION)


class SendBased(_WithoutReads):
    """Nothing is asked for: the device sends, or nobody knows."""

    hows = (SEND,)

    def version(self) -> Steps:
        since = self._upgrade.since
        yield Wait(lambda: self._version(since) is not None, _VERSION_MS)
        return self._version(since)

    def _version(self, since: int) -> Value | None:
        heard = self.heard(VERSION)
        return heard.value if heard is not None and heard.number > since else None


WATCHES: dict[str, type[Watch]] = {
    options.WITHOUT_OBSERVATIONS: WithoutObservations,
    options.OBSERVATION_TRIGGER: ObservationTrigger,
    options.OBSERVATION_BASED: ObservationBased,
    options.SEND_BASED: SendBased,
    options.OBSERVATION_ONLY: ObservationOnly,
}
