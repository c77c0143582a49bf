# SPDX-License-Identifier: MIT
"""A LwM2M server in the campaign: one device without DTLS, each offer a task, pulled or pushed."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.board.lockstep import HOST
from simulator.board.net import EPOCH_MS
from simulator.campaign.sides.story_side import TERMINAL, StorySide
from simulator.clouds.lwm2m import FileDoor, Lwm2mServer, Manners, Options, objects, tasks
from simulator.clouds.lwm2m.devices import READ, SEND
from simulator.sides.lwm2m import Lwm2mSide

if TYPE_CHECKING:
    from simulator.board.net import VirtualNet

_PORT, _FILE_PORT = 5683, 5685
_UPDATED, _LINK_LOST, _ROLLED_BACK = 1, 4, 8  # Results
_ENDS = {_UPDATED: "updated", _LINK_LOST: "again", _ROLLED_BACK: "rolled_back"}
_SW_LINK_LOST = 52  # the same of object 9
_SW_ENDS = {objects.SW_GOOD: "updated", _SW_LINK_LOST: "again", objects.SW_NOT_INSTALLED: "rolled_back"}
# What was lost is said again when the device speaks next; a task that comes to nothing is tried again.
_PATIENT = Options(
    starts_at_once=True, extends_lifetime=False, resumes=True, timeout_s=600, attempts=5,
    retries=(_LINK_LOST, _SW_LINK_LOST), retries_silence=True,
)  # fmt: skip


class Lwm2mStory(Lwm2mSide, StorySide):
    """See StorySide."""

    NAME: ClassVar = "lwm2m"
    AHEAD: ClassVar = 1024
    IS_SILENT: ClassVar = True
    HEARS_LATE: ClassVar = True
    CAN_BE_KEPT: ClassVar = False  # a task is a generator
    OPTIONS: ClassVar = replace(_PATIENT, method="pull")
    secret = "no secret of any kind"

    def __init__(self, cloud: Lwm2mServer) -> None:
        super().__init__(cloud)
        self.peer = self.add(1)
        self._heard = ""  # in which way we know how the update has ended
        self.reached(HOST, {"coap_port": _PORT, "file_port": _FILE_PORT, "http_port": 80})

    @classmethod
    def of(cls, seed: int) -> "Lwm2mStory":
        return cls(Lwm2mServer(seed=seed, now_ms=EPOCH_MS, manners=Manners(after_register="nothing")))

    def serve(self, net: "VirtualNet") -> None:
        net.serve_datagrams(HOST, _PORT, self.cloud)
        net.serve_datagrams(HOST, _FILE_PORT, FileDoor(self.cloud))

    def board(self) -> dict[str, int | str]:
        return {name: v if isinstance(v, int) else v.decode() for name, v in self.settings(self.peer).items()}

    def give(self, package: Any, now_ms: int) -> None:
        self._heard = ""
        self.offer((self.peer,), package, now_ms)

    def take_back(self, kind: str, now_ms: int) -> bool:
        """A task that is over offers nothing."""
        waiting = self._waiting
        for task in waiting:
            self.cloud.tasks.cancel(task)
        return bool(waiting)

    @property
    def _waiting(self) -> list:
        """The tasks that are not over."""
        return [task for task in self.cloud.tasks.of(self.cloud.devices[self.peer]) if not task.is_over]

    def take_over(self, number: int, now_ms: int) -> None:
        """CoAP without DTLS has no sessions to be taken."""

    def entries(self, event: dict) -> list[dict]:
        kind = event["event"]
        if kind == "registered":
            return [{"event": "answer"}, *([] if self._waiting else [{"event": "nothing"}])]
        if kind == "updated":
            return [{"event": "answer"}]
        if kind == "task" and event["step"] == "over":
            told = self._installed(event) if event["type"] == "SOFTWARE" else self._read(event)
            return [*told, {"event": "nothing"}]
        if kind in ("block", "file"):
            return [{"event": "bytes", "length": event["size"]}]
        if kind == "sent":
            values = event["values"]
            state, result = values[objects.STATE], values[objects.RESULT]
            return [
                {"event": "said", "text": str(values)},
                {"event": "version", "kind": "FIRMWARE", "version": values[objects.VERSION]},
                *self._state(state, result, SEND),
            ]
        return []

    def _read(self, event: dict) -> list[dict]:
        """What a task knows in the end, whoever has told."""
        result = _UPDATED if event["status"] == tasks.GOOD else event["result"]
        return [] if self._heard or result is None else self._state(objects.IDLE, result, READ)

    @staticmethod
    def _installed(event: dict) -> list[dict]:
        """The same of object 9, and the version that was read in the end."""
        result = objects.SW_GOOD if event["status"] == tasks.GOOD else event["result"]
        end = _SW_ENDS.get(result, "failed")
        state = {"event": "state", "kind": "SOFTWARE", "word": end, "version": None, "end": end}
        version = {"event": "version", "kind": "SOFTWARE", "version": event["running"]}
        return [version, state] if event["running"] else [state]

    def _state(self, state: int, result: int, how: str) -> list[dict]:
        """Of object 5. An end that was read first is not told twice if it is sent, too."""
        end = None
        if state == objects.IDLE:
            if result == objects.INITIAL:
                return []
            end = _ENDS.get(result, "failed")
        if end in TERMINAL:
            before, self._heard = self._heard, how
            if (before, how) == (READ, SEND):
                return []
        word = objects.state_text(state) if state else end
        return [{"event": "state", "kind": "FIRMWARE", "word": word, "version": None, "end": end}]


class Lwm2mPushStory(Lwm2mStory):
    NAME: ClassVar = "lwm2m-push"
    AHEAD: ClassVar = 12_000  # what is pushed comes again, all of it
    OPTIONS: ClassVar = replace(_PATIENT, method="push")
