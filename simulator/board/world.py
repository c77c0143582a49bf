# SPDX-License-Identifier: MIT
"""A world of modules for one boot of an in-process device: nothing in it is shared with another device or with us.

Loading the firmware anew takes longer than most of what a boot does with it. So a world that is no longer used is kept:
at the next boot of the same sources all its modules are put back into the state in which their code had left them
(`kept.py`). A module for which that cannot be done is executed again; so is one that has imported another one then: on
a chip with a file system what lies there in front of the frozen modules takes their place.
"""

import builtins
import contextlib
import errno
import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType

from simulator.board.console import traceback_text
from simulator.board.direct import Ask, DirectChip, Take
from simulator.board.direct_files import DirectFiles
from simulator.board.kept import Kept

_DEVICE = Path(__file__).resolve().parent / "device"
_STAND_INS = ("micropython", "uselect", "usocket", "utime")  # of MicroPython's own modules, stateless
_SAME = ("array", "binascii", "collections", "errno", "hashlib", "io", "json", "random", "re", "struct")
_FILES = ("getcwd", "listdir", "mkdir", "remove", "rename", "rmdir", "stat", "statvfs")  # of os
_FROZEN = ".frozen"  # where the image's own modules come in sys.path
_MOST_KEPT = 64  # worlds

_Imports = dict[str, ModuleType]  # what a module has imported, the first first

_free: dict[frozenset, list["World"]] = {}


@contextlib.contextmanager
def borrow(sources: dict[str, bytes]) -> Iterator["World"]:
    """A world that nobody uses, to be begun."""
    key = frozenset(sources.items())
    free = _free.get(key)
    world = free.pop() if free else World(sources)
    try:
        yield world
    finally:
        world.end()
        _free.setdefault(key, []).append(world)
        while len(_free) > _MOST_KEPT:
            del _free[next(iter(_free))]


@functools.cache
def _twins() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _DEVICE.glob("*.py") if path.name != "_chip.py"}


@functools.lru_cache(maxsize=4096)
def _compiled(name: str, source: bytes) -> CodeType:
    return compile(source, name, "exec")


class World:
    """The modules of one boot: twins, frozen files, and the few of CPython that MicroPython has too.

    `files`: its file system, None without one.
    """

    def __init__(self, sources: dict[str, bytes]) -> None:
        self._sources = sources
        self.files: DirectFiles | None = None
        self._chip = DirectChip()
        self.call = self._chip.call
        self._shown = 0
        self._os = ModuleType("os")
        self._os.urandom = self._random_bytes
        self._sys = _sys(self._print)
        self._gc = _gc()
        self._given = {id(value) for module in (self._chip.module, self._gc) for value in vars(module).values()}
        self._looked = 0  # requests of ours, to find files
        self._main = self._new("__main__")
        self._kept: dict[str, tuple[Kept, _Imports]] = {}
        self._asleep: dict[str, tuple[Kept, _Imports]] = {}  # those that this boot has not imported yet
        self._loading: list[_Imports] = []  # for each module being loaded
        self._builtins = {**vars(builtins), "__import__": self._import, "print": self._print}

    def begin(self, ask: Ask, take: Take, show: Callable[..., None], urandom: Callable[[int], bytes]) -> None:
        """A boot: RAM is as new."""
        self._chip.begin(ask, take, show)
        self._show, self._urandom = show, urandom
        self._sys.path = ["", _FROZEN, "/lib"]
        self._modules = {"sys": self._sys, "os": self._os, "gc": self._gc, "_chip": self._chip.module}
        self._sys.modules = self._modules  # pyright: ignore[reportAttributeAccessIssue]
        self._mount()
        self._asleep = dict(self._kept)
        self._main = self._new("__main__")
        self._main.__dict__["__builtins__"] = self._builtins

    def end(self) -> None:
        """The boot is over. Functions of `__main__` know it, and it knows them."""
        vars(self._main).clear()

    def _mount(self) -> None:
        """The file system, if the chip has a partition for one. Without it `os` has no files either."""
        self.files = DirectFiles.find(self.call)
        for name in _FILES:
            setattr(self._os, name, getattr(self.files, name, _no_files))
        self._os.getcwd = DirectFiles.getcwd
        self._builtins["open"] = getattr(self.files, "open", _no_files)

    def has(self, name: str) -> bool:
        """Whether there is such a file to be executed, frozen or not."""
        return name in self._sources or (self.files is not None and self.files.exists("/" + name))

    def execute(self, name: str) -> None:
        """Runs a file in `__main__`. A frozen one wins."""
        source = self._sources[name] if name in self._sources or self.files is None else self.files.read("/" + name)
        exec(_compiled(name, source), self._main.__dict__)

    def load(self, name: str) -> ModuleType:
        """The module of that name, with the packages above it. Raises ImportError."""
        if name in self._modules:
            return self._modules[name]
        parent, _, leaf = name.rpartition(".")
        above = self.load(parent) if parent else None
        module = self._found(name, above)
        if above is not None:
            setattr(above, leaf, module)
        return module

    def _woken(self, name: str) -> ModuleType | None:
        """One of an earlier boot as its code has left it then, with what it imports; None if there is none."""
        if name not in self._asleep:
            return None
        kept, imported = self._asleep.pop(name)
        module = self._modules[name] = kept.restore()
        for other, then in imported.items():
            if self.load(other) is not then:
                del self._kept[name]
                return None
        return module

    def _found(self, name: str, above: ModuleType | None) -> ModuleType:
        """A module that is not loaded yet: built in, or from the first place that has it."""
        path = name.replace(".", "/")
        if f"{path}.py" in _twins():
            return self._woken(name) or self._run(name, f"{path}.py", _twins()[f"{path}.py"])
        if _is_ours(name):
            return self._borrow(name)
        for place in self._sys.path if above is None else above.__path__:
            is_frozen = place == _FROZEN
            module = (self._woken(name) or self._frozen(name, path)) if is_frozen else self._filed(name, path, place)
            if module:
                return module
        raise ImportError(f"no module named '{name}'")

    def _frozen(self, name: str, path: str) -> ModuleType | None:
        for source in (f"{path}/__init__.py", f"{path}.py"):
            if source in self._sources:
                return self._run(name, source, self._sources[source])
        if any(other.startswith(f"{path}/") for other in self._sources):
            module = self._modules[name] = self._new(name, is_package=True)  # a folder
            self._keep(name, module, {})
            return module
        return None

    def _filed(self, name: str, path: str, place: str) -> ModuleType | None:
        if self.files:
            for source in (f"{place}/{path}/__init__.py", f"{place}/{path}.py"):
                content = self._content(source)
                if content is not None:
                    return self._run(name, source, content, place)
        return None

    def _content(self, path: str) -> bytes | None:
        """Of a file, if it is there."""
        before = self._chip.asked
        try:
            return self.files.read(path) if self.files.exists(path) else None
        finally:
            self._looked += self._chip.asked - before

    def _run(self, name: str, file: str, source: bytes, place: str = _FROZEN) -> ModuleType:
        module = self._modules[name] = self._new(name, is_package=file.endswith("/__init__.py"), place=place)
        module.__dict__["__builtins__"] = self._builtins
        effects = self._chip.asked - self._looked, self._shown
        self._loading.append({})
        try:
            exec(_compiled(file, source), module.__dict__)
        except BaseException:
            del self._modules[name]
            raise
        finally:
            imported = self._loading.pop()
        if place == _FROZEN and effects == (self._chip.asked - self._looked, self._shown):
            self._keep(name, module, imported)
        return module

    def _keep(self, name: str, module: ModuleType, imported: _Imports) -> None:
        """For the next boot, if that is possible at all, and if it is for all that the module has imported."""
        own = {other: its for other, its in imported.items() if not _is_ours(other)}
        are_kept = all(other in self._kept and self._kept[other][0].module is its for other, its in own.items())
        kept = Kept.of(module, self._given) if are_kept and name not in self._kept else None
        if kept:
            self._kept[name] = kept, own

    def _borrow(self, name: str) -> ModuleType:
        if name in _STAND_INS:
            module = importlib.import_module("simulator.board.device.cpython." + name)
        else:
            module = importlib.import_module(name if name in _SAME else name.removeprefix("u"))
        self._modules[name] = module
        self._given |= {id(value) for value in vars(module).values()}
        return module

    def _import(self, name, globals=None, locals=None, fromlist=(), level=0):
        if level:
            raise ImportError("relative import")
        module = self.load(name)
        if self._loading:
            self._loading[-1][name] = module
        if not fromlist:
            return self.load(name.partition(".")[0])
        for part in fromlist if hasattr(module, "__path__") else ():
            if part != "*" and not hasattr(module, part):
                self.load(f"{name}.{part}")
            if self._loading and f"{name}.{part}" in self._modules:
                self._loading[-1][f"{name}.{part}"] = self._modules[f"{name}.{part}"]
        return module

    def _random_bytes(self, size: int) -> bytes:
        return self._urandom(size)

    def _print(self, *values: object, sep: str = " ", end: str = "\n") -> None:
        self._shown += 1
        self._show(*values, sep=sep, end=end)

    @staticmethod
    def _new(name: str, *, is_package: bool = False, place: str = _FROZEN) -> ModuleType:
        module = ModuleType(name)
        if is_package:
            module.__path__ = [place]
        return module


def _is_ours(name: str) -> bool:
    """Whether a module is not one of the device's: it has no state, or `World` takes care of it."""
    return name in ("sys", "os", "gc", "_chip", *_STAND_INS) or name in _SAME or name.removeprefix("u") in _SAME


def _no_files(*_: object) -> None:
    raise OSError(errno.ENODEV)


def module_like(original: ModuleType, *names: str) -> ModuleType:
    """A module with some of the names of another."""
    module = ModuleType(original.__name__)
    for name in names:
        setattr(module, name, getattr(original, name))
    return module


def _gc() -> ModuleType:
    """`gc` of a device whose heap is ours: a collection would look at everything that the simulator has."""
    module = ModuleType("gc")
    module.collect = lambda: 0
    return module


def _sys(show: Callable[..., None]) -> ModuleType:
    """`sys` as MicroPython has it: exceptions are printed to the device's console."""
    module = module_like(sys, "implementation", "platform", "version", "maxsize", "byteorder", "exit")
    module.path = []
    module.print_exception = lambda error, file=None: show(traceback_text(error))
    return module
