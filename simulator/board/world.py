# SPDX-License-Identifier: MIT
"""A world of modules for one boot of an in-process device: nothing in it is shared with another device or with us."""

import builtins
import functools
import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType

_DEVICE = Path(__file__).resolve().parent / "device"
_STAND_INS = ("micropython", "uselect", "usocket", "utime")  # of MicroPython's own modules, stateless
_SAME = ("array", "binascii", "collections", "errno", "gc", "hashlib", "io", "json", "random", "re", "struct")


@functools.cache
def _twins() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _DEVICE.glob("*.py")}


@functools.lru_cache(maxsize=4096)
def _compiled(name: str, source: bytes) -> CodeType:
    return compile(source, name, "exec")


class World:
    """The modules of one boot: twins, frozen files, and the few of CPython that MicroPython has too."""

    def __init__(self, sources: dict[str, bytes], show: Callable[..., None], os_module: ModuleType) -> None:
        self._sources = _twins() | sources
        self._modules: dict[str, ModuleType] = {"sys": _sys(show), "os": os_module}
        self._main = self._new("__main__")
        self._builtins = {**vars(builtins), "__import__": self._import, "print": show}
        self._main.__dict__["__builtins__"] = self._builtins

    def execute(self, name: str) -> None:
        """Runs a file in `__main__`."""
        exec(_compiled(name, self._sources[name]), self._main.__dict__)

    def load(self, name: str) -> ModuleType:
        """The module of that name, with the packages above it. Raises ImportError."""
        if name in self._modules:
            return self._modules[name]
        parent, _, leaf = name.rpartition(".")
        above = self.load(parent) if parent else None
        path = name.replace(".", "/")
        package, source = f"{path}/__init__.py", f"{path}.py"
        if package in self._sources:
            module = self._run(name, package)
        elif source in self._sources:
            module = self._run(name, source)
        elif any(other.startswith(f"{path}/") for other in self._sources):
            module = self._modules[name] = self._new(name, is_package=True)  # a folder
        else:
            module = self._borrow(name)
        if above is not None:
            setattr(above, leaf, module)
        return module

    def _run(self, name: str, source: str) -> ModuleType:
        module = self._modules[name] = self._new(name, is_package=source.endswith("/__init__.py"))
        module.__dict__["__builtins__"] = self._builtins
        try:
            exec(_compiled(source, self._sources[source]), module.__dict__)
        except BaseException:
            del self._modules[name]
            raise
        return module

    def _borrow(self, name: str) -> ModuleType:
        if name in _STAND_INS:
            module = importlib.import_module("simulator.board.device.cpython." + name)
        elif name in _SAME or name.removeprefix("u") in _SAME:
            module = importlib.import_module(name if name in _SAME else name.removeprefix("u"))
        else:
            raise ImportError(f"no module named '{name}'")
        self._modules[name] = module
        return module

    def _import(self, name, globals=None, locals=None, fromlist=(), level=0):
        if level:
            raise ImportError("relative import")
        module = self.load(name)
        if not fromlist:
            return self.load(name.partition(".")[0])
        for part in fromlist:
            if part != "*" and not hasattr(module, part) and hasattr(module, "__path__"):
                self.load(f"{name}.{part}")
        return module

    @staticmethod
    def _new(name: str, *, is_package: bool = False) -> ModuleType:
        module = ModuleType(name)
        if is_package:
            module.__path__ = []
        return module


def module_like(original: ModuleType, *names: str) -> ModuleType:
    """A module with some of the names of another."""
    module = ModuleType(original.__name__)
    for name in names:
        setattr(module, name, getattr(original, name))
    return module


def _sys(show: Callable[..., None]) -> ModuleType:
    """`sys` as MicroPython has it: exceptions are printed to the device's console."""
    module = module_like(sys, "implementation", "platform", "version", "maxsize", "byteorder", "exit")
    module.path = []
    module.print_exception = lambda error, file=None: show("".join(traceback.format_exception(error)).rstrip())
    return module
