# SPDX-License-Identifier: MIT
"""What a cloud is to the campaign: a Side (simulator/sides/) with one board, whose events read the same in any cloud.

`entries` makes of an event of the cloud:
  said      text: something that the device has told
  state     kind, word (the cloud's own for it), version (of what; None when the cloud does not say), end: None,
            "updated", "rolled_back", "failed"; "again", when a try has failed and the job goes on; "withdrawn", when it
            was given up because the offer was taken back
  version   kind, version: what the device says that it runs
  nonsense  text: something that the device has told and nobody can read
  answer    the device hears from the cloud that it was understood
  bytes     length: so many of a package go out; 0 where that does not say how many arrive
  nothing   the device has asked for work and there is none; only of a cloud that does not tell it so
Beside them all clouds here have "connect" and "close" for MQTT.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.sides import Side

if TYPE_CHECKING:
    from simulator.board.net import VirtualNet

TERMINAL = ("updated", "rolled_back", "failed")  # ends of a job


class StorySide(Side):
    """`peer`: what the cloud keeps of the one board. `secret`: text that nobody may ever read.

    `HEAD`: bytes of a package that are sent once more in any case, `AHEAD`: that may be on their way when the power
    goes. `IS_SILENT`: who asks for work gets no answer when there is none. `HEARS_LATE`: an end is known only after the
    agent has said that it was told. `STARTS`: so many starts of one job without an end, and the agent gives it up.
    `CAN_BE_KEPT`: a run with it can (snapshot.py), for it is in the midst of no function.
    """

    HEAD: ClassVar[int] = 0
    AHEAD: ClassVar[int]
    IS_SILENT: ClassVar[bool]
    HEARS_LATE: ClassVar[bool] = False
    STARTS: ClassVar = 10  # rainmaker.md 11, item 34
    CAN_BE_KEPT: ClassVar[bool] = True
    peer: Any
    secret: str

    @classmethod
    @abstractmethod
    def of(cls, seed: int) -> "StorySide":
        """A new one with its board."""

    @abstractmethod
    def serve(self, net: "VirtualNet") -> None:
        """Puts all entrances on the network."""

    @abstractmethod
    def board(self) -> dict[str, int | str]:
        """The settings of the board."""

    @abstractmethod
    def give(self, package: Any, now_ms: int) -> None:
        """Offers a package to the board."""

    @abstractmethod
    def take_back(self, kind: str, now_ms: int) -> bool:
        """Nothing of this kind is offered to the board any more. Returns whether something was."""

    @abstractmethod
    def take_over(self, number: int, now_ms: int) -> None:
        """Somebody else logs in as the board, for the time with this number."""

    @abstractmethod
    def entries(self, event: dict) -> list[dict]:
        """See the list above."""

    @property
    def constants(self) -> tuple[object, ...]:
        """What no run changes: copies of this side may share it."""
        return (self.cloud.settings,)
