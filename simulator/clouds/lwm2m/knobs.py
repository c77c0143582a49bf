# SPDX-License-Identifier: MIT
"""All that can be set about a server by name (lwm2m.md 9.1): `file.etag=changing`, `task.strategy=SendBased`."""

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from simulator.clouds.lwm2m.files import FileManners
from simulator.clouds.lwm2m.manners import Manners
from simulator.clouds.lwm2m.options import Options
from simulator.clouds.lwm2m.push import Style
from simulator.errors import UserError

_BOOLEANS = {"true": True, "false": False}
_NONE = "none"
_LISTS: dict[object, Callable[[str], Any]] = {tuple[str, ...]: str, tuple[int, ...]: int}


@dataclass(frozen=True)
class Knobs:
    """`server`: manners of the server, `file`: of its images, `push`: of packages on their way, `task`: of updates."""

    server: Manners = field(default_factory=Manners)
    file: FileManners = field(default_factory=FileManners)
    push: Style = field(default_factory=Style)
    task: Options = field(default_factory=Options)

    def turned(self, *texts: str) -> "Knobs":
        """With other values, PART.NAME=VALUE each; lists have a plus between. Raises UserError("bad_knob")."""
        turned = self
        for text in texts:
            turned = turned._turn(text)
        return turned

    def _turn(self, text: str) -> "Knobs":
        name, equals, value = text.partition("=")
        part, _, name = name.partition(".")
        if not equals or part not in _names(Knobs) or name not in _names(type(getattr(self, part))) - {"style"}:
            raise UserError("bad_knob", f"there is no knob {text!r}; --help lists them")
        holder = getattr(self, part)
        kind = typing.get_type_hints(type(holder))[name]
        try:
            changed = replace(holder, **{name: _value(kind, value)})
        except (ValueError, KeyError) as error:
            raise UserError("bad_knob", f"{text!r}: {value!r} is no value for that") from error
        return replace(self, **{part: changed})

    @property
    def options(self) -> Options:
        """Of a task."""
        return replace(self.task, style=self.push)


def listing() -> list[str]:
    """Every knob as it is now."""
    knobs = Knobs()
    parts = [(part, getattr(knobs, part)) for part in _names(Knobs)]
    return sorted(
        f"{part}.{one.name}={_text(getattr(holder, one.name))}"
        for part, holder in parts
        for one in fields(holder)
        if one.name != "style"
    )


def _names(kind: Any) -> set[str]:
    return {one.name for one in fields(kind)}


def _value(kind: Any, text: str) -> object:
    """Raises ValueError and KeyError."""
    if isinstance(kind, types.UnionType):
        if text == _NONE:
            return None
        (kind,) = (one for one in typing.get_args(kind) if one is not types.NoneType)
    if kind is bool:
        return _BOOLEANS[text]
    if kind in _LISTS:
        return tuple(_LISTS[kind](one) for one in text.split("+") if one)
    return kind(text)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    return _NONE if value is None else str(value).lower() if isinstance(value, bool) else str(value)
