# SPDX-License-Identifier: MIT
"""A bug that is put into the firmware on purpose."""

from dataclasses import dataclass

from simulator.campaign.stories import sources
from simulator.errors import UserError


@dataclass(frozen=True)
class Planted:
    """`file` below firmware/; `old` is replaced with `new`. `also`: (file, old, new) of what stands behind
    that line, and would hide the bug."""

    name: str
    file: str
    old: str
    new: str
    also: tuple[tuple[str, str, str], ...] = ()

    def sources(self) -> dict[str, bytes]:
        """The firmware with this bug. Raises UserError("planted_rotten") when a line is not there, or twice."""
        files = dict(sources())
        for file, old, new in ((self.file, self.old, self.new), *self.also):
            text = files[file].decode()
            if text.count(old) != 1:
                raise UserError("planted_rotten", f"{self.name}: {file} has {old!r} {text.count(old)} times")
            files[file] = text.replace(old, new).encode()
        return files
