# SPDX-License-Identifier: MIT
"""One bug that is put into the firmware on purpose."""

from dataclasses import dataclass

from simulator.campaign.stories import sources
from simulator.errors import UserError


@dataclass(frozen=True)
class Planted:
    """`file` below firmware/; `old` is replaced with `new`."""

    name: str
    file: str
    old: str
    new: str

    def sources(self) -> dict[str, bytes]:
        """The firmware with this bug. Raises UserError("planted_rotten") when the line is not there, or twice."""
        files = dict(sources())
        text = files[self.file].decode()
        if text.count(self.old) != 1:
            raise UserError("planted_rotten", f"{self.name}: {self.file} has {self.old!r} {text.count(self.old)} times")
        files[self.file] = text.replace(self.old, self.new).encode()
        return files
