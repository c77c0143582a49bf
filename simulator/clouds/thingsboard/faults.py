# SPDX-License-Identifier: MIT
"""Misbehaviour on demand: rules such as "chunk 3, twice: corrupt it" (thingsboard.md 8.2, M27).

A rule is written `WHERE[=INDEX][xTIMES]:ACTION[=ARGUMENT]`; TIMES is 1 unless given, `x*` is for ever.
INDEX is the index of a chunk (chunk, download); without one the rule applies to the next occasion.

    connect    refuse=CODE  mute  close
    subscribe  mute  close
    telemetry  mute  close
    attributes drop  mute  close  delay=MS
    chunk      drop  mute  close  delay=MS  duplicate  empty  truncate=BYTES  extend=BYTES  corrupt  other-id
               other-index  error=CODE  reassign=TITLE VERSION  from=TITLE VERSION
    download   mute  close  delay=MS  status=CODE  empty  truncate=BYTES  extend=BYTES  corrupt  cut=BYTES
               reassign=TITLE VERSION  from=TITLE VERSION
    http       mute  close  delay=MS  status=CODE  cut=BYTES

chunk is over MQTT, download the same over HTTP, http any other HTTP request. cut: the connection breaks after so many
bytes of the body.
drop: PUBACK but no answer. mute: neither. truncate and extend: by so many bytes. from: bytes of another package.
other-id, other-index: the answer to a question nobody asked. CODE of refuse is the one of MQTT 3.1.1, 1 to 5.
"""

import re
from dataclasses import dataclass

from simulator.errors import UserError

_ACTIONS = {
    "connect": {"refuse", "mute", "close"},
    "subscribe": {"mute", "close"},
    "telemetry": {"mute", "close"},
    "attributes": {"drop", "mute", "close", "delay"},
    "chunk": {
        *("drop", "mute", "close", "delay", "duplicate", "empty", "truncate", "extend", "corrupt"),
        *("other-id", "other-index", "error", "reassign", "from"),
    },
    "download": {
        *("mute", "close", "delay", "status", "empty", "truncate", "extend", "corrupt", "cut"),
        *("reassign", "from"),
    },
    "http": {"mute", "close", "delay", "status", "cut"},
}
_INDEXED = ("chunk", "download")
_NUMBERS = {
    "refuse": range(1, 6),
    "delay": range(1 << 31),
    "truncate": range(1, 1 << 16),
    "extend": range(1, 1 << 16),
    "status": range(400, 600),
    "cut": range(1 << 31),
}
_TEXTS = {"error", "reassign", "from"}
_RULE = re.compile(r"([a-z]+)(?:=([0-9]+))?(?:x([1-9][0-9]*|\*))?:([a-z-]+)(?:=(.+))?")


@dataclass
class Rule:
    """One fault. `times` counts down; None never ends. `argument` is text as written."""

    where: str
    action: str
    argument: str = ""
    index: int | None = None
    times: int | None = 1

    def __post_init__(self) -> None:
        if self.action not in _ACTIONS.get(self.where, ()) or (self.index is not None and self.where not in _INDEXED):
            raise UserError("bad_fault", f"fault {self.where}:{self.action} does not exist; --help lists them")
        if self.action in _NUMBERS and not (
            self.argument.isdecimal() and self.argument.isascii() and int(self.argument) in _NUMBERS[self.action]
        ):
            raise UserError("bad_fault", f"fault {self.action} needs a number, as in {self.action}=5")
        if (self.action in _TEXTS) != bool(self.argument) and self.action not in _NUMBERS:
            raise UserError("bad_fault", f"fault {self.action} with argument {self.argument!r}")

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Raises UserError("bad_fault") for what the module's docstring does not list."""
        match = _RULE.fullmatch(text)
        if not match:
            raise UserError("bad_fault", f"fault {text!r} is not WHERE[=INDEX][xTIMES]:ACTION[=ARGUMENT]")
        where, index, times, action, argument = match.groups()
        count = None if times == "*" else int(times or 1)
        return cls(where, action, argument or "", int(index) if index else None, count)

    def spoil(self, payload: memoryview) -> memoryview:
        """The chunk as the rule leaves it."""
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
