# SPDX-License-Identifier: MIT
"""Rules for misbehaviour, `WHERE[=INDEX][xTIMES]:ACTION[=ARGUMENT]`; which there are, each cloud says for itself.

TIMES is 1 unless given, `x*` is for ever. A rule without INDEX applies to the next occasion, whichever it is.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from simulator.errors import UserError

_RULE = re.compile(r"([a-z]+)(?:=([0-9]+))?(?:x([1-9][0-9]*|\*))?:([a-z0-9-]+)(?:=(.+))?", re.DOTALL)


@dataclass
class Rule:
    """One fault. `times` counts down; None never ends. `argument` is text as written.

    A cloud's own class says what exists: `ACTIONS` by place, places that are `INDEXED`, the range of arguments that are
    `NUMBERS`, arguments that are `TEXTS`, and those of them that may be left out (`OPTIONAL`).
    """

    ACTIONS: ClassVar[dict[str, set[str]]] = {}
    INDEXED: ClassVar[tuple[str, ...]] = ()
    NUMBERS: ClassVar[dict[str, range]] = {}
    TEXTS: ClassVar[set[str]] = set()
    OPTIONAL: ClassVar[set[str]] = set()

    where: str
    action: str
    argument: str = ""
    index: int | None = None
    times: int | None = 1

    def __post_init__(self) -> None:
        is_indexed = self.index is not None
        if self.action not in self.ACTIONS.get(self.where, ()) or (is_indexed and self.where not in self.INDEXED):
            raise UserError("bad_fault", f"fault {self.where}:{self.action} does not exist; --help lists them")
        if self.action in self.NUMBERS and not (
            self.argument.isdecimal() and self.argument.isascii() and int(self.argument) in self.NUMBERS[self.action]
        ):
            raise UserError("bad_fault", f"fault {self.action} needs a number, as in {self.action}=5")
        if self.action in self.NUMBERS or (self.action in self.OPTIONAL and not self.argument):
            return
        if (self.action in self.TEXTS) != bool(self.argument):
            raise UserError("bad_fault", f"fault {self.action} with argument {self.argument!r}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises UserError("bad_fault") for what the cloud does not know."""
        match = _RULE.fullmatch(text)
        if not match:
            raise UserError("bad_fault", f"fault {text!r} is not WHERE[=INDEX][xTIMES]:ACTION[=ARGUMENT]")
        where, index, times, action, argument = match.groups()
        count = None if times == "*" else int(times or 1)
        return cls(where, action, argument or "", int(index) if index else None, count)

    def spoil(self, payload: memoryview) -> memoryview:
        """A payload as the rule leaves it: empty, truncate=BYTES, extend=BYTES, corrupt (one bit in the middle)."""
        if self.action == "empty":
            return payload[:0]
        if self.action == "truncate":
            return payload[: max(0, len(payload) - int(self.argument))]
        if self.action == "extend":
            return memoryview(bytes(payload) + b"\xa5" * int(self.argument))
        if self.action == "corrupt" and payload:
            spoiled = bytearray(payload)
            spoiled[len(spoiled) // 2] ^= 0x01
            return memoryview(spoiled)
        return payload


class Faults:
    """The rules still in force, in the order they were given."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        self.rules.append(rule)

    def take(self, where: str, index: int | None = None) -> list[Rule]:
        """The rules for this occasion, each counted down by one."""
        found = [rule for rule in self.rules if rule.where == where and rule.index in (None, index)]
        for rule in found:
            rule.times = rule.times - 1 if rule.times is not None else None
        self.rules = [rule for rule in self.rules if rule.times != 0]
        return found
