# SPDX-License-Identifier: MIT
"""OTA packages: what the administrator uploads or points to, refused where the server does (thingsboard.md 3, 5.4)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.clouds.thingsboard.checksums import ALGORITHMS, checksum
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.devices import Profile

PREFIXES = {"FIRMWARE": "fw", "SOFTWARE": "sw"}
DEFAULT_ALGORITHM = "SHA256"
_TEXT_LIMIT = 255


@dataclass(eq=False)
class Package:
    """One package; two are the same only if they are the same object. It changes once at most: when it gets its bytes.

    `data` is None for a URL package, and for one that still waits for its upload. `size` in bytes, `algorithm` and
    `checksum` come with the bytes; for URL packages they are optional, and nobody checks them. `profile` is whose
    devices may have it; None, which only the simulator's own packages have, is any. `about` is the administrator's
    additionalInfo, where the page of the real server keeps the description.
    """

    title: str
    version: str
    type: str = "FIRMWARE"
    data: bytes | None = None
    url: str | None = None
    tag: str | None = None
    size: int | None = None
    algorithm: str | None = None
    checksum: str | None = None
    profile: "Profile | None" = None
    file_name: str | None = None
    content_type: str | None = None
    id: str = ""
    created_ms: int = 0
    about: dict = field(default_factory=dict)

    @property
    def has_content(self) -> bool:
        """Whether there is anything to give to a device."""
        return self.data is not None or self.url is not None

    @property
    def prefix(self) -> str:
        """How its attributes begin: "fw" or "sw"."""
        return PREFIXES[self.type]

    def attributes(self) -> tuple[dict[str, object], list[str]]:
        """The shared attributes to write and the names to delete when it is assigned (thingsboard.md 2.4, 3.1)."""
        values = {
            "title": self.title,
            "version": self.version,
            "tag": self.tag,
            "size": self.size,
            "checksum_algorithm": self.algorithm,
            "checksum": self.checksum,
            "url": self.url,
        }
        present = {f"{self.prefix}_{name}": value for name, value in values.items() if value is not None}
        return present, [f"{self.prefix}_{name}" for name, value in values.items() if value is None]


def attribute_names(package_type: str) -> list[str]:
    """The nine names that an unassignment deletes, two of which never exist (thingsboard.md 2.4)."""
    names = ("title", "version", "ts", "state", "size", "checksum", "checksum_algorithm", "url", "tag")
    return [f"{PREFIXES[package_type]}_{name}" for name in names]


def check(package: Package) -> None:
    """What every package needs before it is kept. UserError: bad_package, bad_algorithm."""
    for name, text in (("title", package.title), ("version", package.version), ("tag", package.tag)):
        if text is not None and not 0 < len(text) <= _TEXT_LIMIT:
            raise UserError("bad_package", f"a package's {name} has 1 to {_TEXT_LIMIT} characters")
    if package.type not in PREFIXES:
        raise UserError("bad_package", f"package type {package.type!r} is not one of {', '.join(PREFIXES)}")
    if package.algorithm is not None:
        check_algorithm(package.algorithm)


def check_algorithm(name: str) -> None:
    if name not in ALGORITHMS:
        raise UserError("bad_algorithm", f"checksum algorithm {name!r} is not one of {', '.join(ALGORITHMS)}")


def fill(package: Package, data: bytes, algorithm: str = DEFAULT_ALGORITHM, checksum_text: str | None = None) -> None:
    """Gives a package its bytes, once. A checksum given by hand must be the server's own text to the letter.

    Raises UserError: package_immutable, empty_package, bad_algorithm, wrong_checksum.
    """
    name = f"package {package.title} {package.version}"
    if package.has_content:
        raise UserError("package_immutable", f"{name} has its content already, and it cannot be changed")
    if not data:
        raise UserError("empty_package", f"{name} has no bytes")
    check_algorithm(algorithm)
    text = checksum(algorithm, data)
    if checksum_text and checksum_text != text:
        raise UserError("wrong_checksum", f"{name}: {algorithm} is {text}, not {checksum_text}")
    package.data, package.size, package.algorithm, package.checksum = data, len(data), algorithm, text
