# SPDX-License-Identifier: MIT
"""A module as its own code has left it, and the way back to that state. Functions and classes are used again."""

from collections.abc import Collection, Iterable, Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType

_PLAIN = (int, float, str, bytes, bool, type(None))
_BOXES = (list, dict, set, bytearray)
_GIVEN = ("__builtins__", "__dict__", "__weakref__")  # to every module or class


class Kept:
    """`Kept.of(module)` right after its code has run; `restore()` any time later, when nothing runs in it."""

    def __init__(self, module: ModuleType, given: Collection[int]) -> None:
        self.module = module
        self._names = dict(vars(module))
        classes = [value for value in self._names.values() if _is_own_class(value, module) and id(value) not in given]
        self._classes = [(cls, dict(vars(cls))) for cls in classes]
        self._boxes = [(box, box.copy()) for owner in (module, *classes) for box in _boxes(_own(owner))]

    @classmethod
    def of(cls, module: ModuleType, given: Collection[int]) -> "Kept | None":
        """None if something in it may change without a trace. `given`: ids of what is not the device's."""
        values = [value for value in _own(module) if id(value) not in given]
        return cls(module, given) if all(_can_be_kept(value, module) for value in values) else None

    def restore(self) -> ModuleType:
        names = vars(self.module)
        if names != self._names:
            names.clear()
            names.update(self._names)
        for box, content in self._boxes:
            _refill(box, content)
        for cls, attributes in self._classes:
            if vars(cls) != attributes:
                _restore_class(cls, attributes)
        return self.module


def _own(owner: ModuleType | type) -> list[object]:
    """What its code has put there."""
    return [value for name, value in vars(owner).items() if name not in _GIVEN]


def _boxes(values: Iterable[object]) -> Iterator:
    """What can be filled and emptied among these values and the defaults of functions."""
    for value in values:
        if isinstance(value, _BOXES):
            yield value
        elif isinstance(value, FunctionType):
            yield from (default for default in value.__defaults__ or () if isinstance(default, _BOXES))


def _refill(box, content) -> None:
    box.clear()
    if isinstance(box, list | bytearray):
        box.extend(content)
    else:
        box.update(content)


def _is_own_class(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _can_be_kept(value: object, module: ModuleType) -> bool:
    if _is_own_class(value, module):
        return all(map(_can_be_refilled, _own(value)))
    return _can_be_refilled(value)


def _can_be_refilled(value: object) -> bool:
    """Whether it is constant, or a box of what is."""
    if isinstance(value, dict):
        return all(map(_is_constant, value.values()))
    return all(map(_is_constant, value)) if isinstance(value, _BOXES) else _is_constant(value)


def _is_constant(value: object) -> bool:
    """Whether nothing can change it; of a function, its defaults."""
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    if isinstance(value, FunctionType):
        is_plain = value.__code__.co_freevars in ((), ("__class__",))
        return is_plain and all(map(_can_be_refilled, value.__defaults__ or ()))
    if isinstance(value, staticmethod | classmethod):
        return _is_constant(value.__func__)
    if isinstance(value, property):
        return all(map(_is_constant, (value.fget, value.fset, value.fdel)))
    return isinstance(value, (*_PLAIN, type, ModuleType, BuiltinFunctionType))


def _restore_class(cls: type, attributes: dict[str, object]) -> None:
    for name in [name for name in vars(cls) if name not in attributes]:
        delattr(cls, name)
    for name, value in attributes.items():
        if vars(cls).get(name) is not value:
            setattr(cls, name, value)
