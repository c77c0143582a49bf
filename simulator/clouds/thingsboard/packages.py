# SPDX-License-Identifier: MIT
"""OTA packages: what the administrator uploads or points to, refused where the server does (thingsboard.md 3, 5.4)."""

from dataclasses import dataclass

from simulator.clouds.thingsboard.checksums import ALGORITHMS, checksum
from simulator.errors import UserError

PREFIXES = {"FIRMWARE": "fw", "SOFTWARE": "sw"}
_TEXT_LIMIT = 255


@dataclass(frozen=True, eq=False)
class Package:
    """One package; two are the same only if they are the same object. `data` is None for a URL package.

    `size` in bytes, `algorithm` and `checksum` are None only for URL packages, where nobody checks them.
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


def upload(
    title: str, version: str, data: bytes, type: str, algorithm: str, tag: str | None, checksum_text: str | None
) -> Package:
    """A package whose bytes the server keeps. A checksum given by hand must be the server's own text to the letter."""
    _check(title, version, type, tag, algorithm)
    if not data:
        raise UserError("empty_package", f"package {title} {version} has no bytes")
    text = checksum(algorithm, data)
    if checksum_text not in (None, text):
        raise UserError("wrong_checksum", f"package {title} {version}: {algorithm} is {text}, not {checksum_text}")
    return Package(title, version, type, data, None, tag, len(data), algorithm, text)


def link(
    title: str,
    version: str,
    url: str,
    type: str,
    algorithm: str | None,
    tag: str | None,
    checksum_text: str | None,
    size: int | None,
) -> Package:
    """A package that lives elsewhere; size and checksum are whatever the administrator says, or nothing."""
    _check(title, version, type, tag, algorithm)
    return Package(title, version, type, None, url, tag, size, algorithm, checksum_text)


def _check(title: str, version: str, type: str, tag: str | None, algorithm: str | None) -> None:
    for name, text in (("title", title), ("version", version), ("tag", tag)):
        if text is not None and not 0 < len(text) <= _TEXT_LIMIT:
            raise UserError("bad_package", f"a package's {name} has 1 to {_TEXT_LIMIT} characters")
    if type not in PREFIXES:
        raise UserError("bad_package", f"package type {type!r} is not one of {', '.join(PREFIXES)}")
    if algorithm is not None and algorithm not in ALGORITHMS:
        raise UserError("bad_algorithm", f"checksum algorithm {algorithm!r} is not one of {', '.join(ALGORITHMS)}")
