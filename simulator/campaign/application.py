# SPDX-License-Identifier: MIT
"""The software of the campaign: an application that says on the console which version runs, part by part.

`app VERSION PART`: of app.py, and of the module that it imports. They differ when files of two trees are mixed up.
"""

import functools
import random

from simulator import software

TITLE = "app"
BUILT_IN = "built-in"  # the version of what the firmware brings itself
LARGEST = 4600  # bytes of the largest file: a block and a tail
_SMALL = 1300
_LINE = "app "

_APP = """import part

print("app", "{version}", part.VERSION)
{crash}

class Product:
    def __init__(self, cloud):
        pass

    def tick(self):
        pass

    def works(self):
        return {works}
"""


def files(version: str, breaks: str | None = None) -> dict[str, bytes]:
    """A tree, by path. `breaks`: None, "crash" or "unhealthy". What another version has besides is not in this one."""
    return {
        "app.py": _app(version, breaks),
        "lib/part.py": _part(version),
        f"large-{version}.bin": random.Random(version).randbytes(LARGEST),
        f"small-{version}.bin": random.Random(version).randbytes(_SMALL),
    }


@functools.cache
def package(version: str, breaks: str | None = None) -> bytes:
    """The archive of `files`."""
    return software.pack(files(version, breaks), TITLE, version)


def built_in() -> dict[str, bytes]:
    """What a firmware brings itself: frozen modules of the same names, which a tree has to come in front of."""
    return {"app.py": _app(BUILT_IN, None), "part.py": _part(BUILT_IN)}


def told(line: str) -> tuple[str, str] | None:
    """The versions of app.py and of its module, from a line of the console; None for any other line."""
    if not line.startswith(_LINE):
        return None
    version, part = line.removeprefix(_LINE).split(" ")
    return version, part


def _app(version: str, breaks: str | None) -> bytes:
    crash = "raise RuntimeError('a planted bug')" if breaks == "crash" else ""
    return _APP.format(version=version, crash=crash, works=breaks is None).encode()


def _part(version: str) -> bytes:
    return f'VERSION = "{version}"\n'.encode()
