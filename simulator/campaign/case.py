# SPDX-License-Identifier: MIT
"""A case of the campaign: `update seed=7 cut=17:prefix net=cut:1234`. One line says all that a run depends on."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from simulator.campaign import stories
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.campaign.run import Run

_FAULT = re.compile(r"([a-z][a-z-]*)=(\S+)")


class Fault(Protocol):
    """Something that goes wrong. `attach` is called once, before the board gets its power.

    It may hang itself on `run.observers` (flash operations), `run.twin.net.faults` (packets), `run.twin` and
    `run.cloud`. It keeps no time and no randomness but the board's clock and the Random it was made with.
    """

    def attach(self, run: "Run") -> None: ...


Maker = Callable[[list[str], random.Random], Fault]
FAULTS: dict[str, Maker] = {}


def fault(kind: str) -> Callable[[Maker], Maker]:
    """Decorator: registers a class or function that makes a fault of `KIND=ARGUMENT[:ARGUMENT...]`.

    Raises UserError("bad_case") for arguments that make no sense.
    """

    def register(make: Maker) -> Maker:
        FAULTS[kind] = make
        return make

    return register


@dataclass(frozen=True)
class Case:
    """`faults`: texts `KIND=ARGUMENT[:ARGUMENT...]`. `str(case)` is one line, `parse` its inverse."""

    story: str
    seed: int = 0
    faults: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.story, f"seed={self.seed}", *self.faults))

    @classmethod
    def parse(cls, line: str) -> "Case":
        """Raises UserError("bad_case"). Whether the story exists is found out when it runs."""
        story, *rest = line.split() or [""]
        seed = 0
        if rest and rest[0].startswith("seed="):
            text = rest.pop(0).removeprefix("seed=")
            if not (text.isascii() and text.isdecimal()):
                raise UserError("bad_case", f"seed {text!r} is not a number")
            seed = int(text)
        for text in rest:
            if not _FAULT.fullmatch(text):
                raise UserError("bad_case", f"{text!r} is not KIND=ARGUMENT[:ARGUMENT...]")
        return cls(story, seed, tuple(rest))

    def make_faults(self) -> list[Fault]:
        """The story's setting and its faults, each with randomness of its own: leaving one out changes no other."""
        texts = (*stories.find(self.story).setting, *self.faults)
        return [self.make_fault(text, texts[:number].count(text)) for number, text in enumerate(texts)]

    def make_fault(self, text: str, same_before: int = 0) -> Fault:
        """One of them, before which there are so many of the same text."""
        kind, _, arguments = text.partition("=")
        if kind not in FAULTS:
            raise UserError("bad_case", f"fault {kind!r} is not one of {', '.join(sorted(FAULTS))}")
        return FAULTS[kind](arguments.split(":"), random.Random(f"{self.seed} {text} {same_before}"))
