# SPDX-License-Identifier: MIT
"""NVS after a cut: what is torn in different ways is mostly mended to the same at the next start.

An entry that is torn is erased like one that nobody had marked as written. What it holds stays, but is dead: nothing
looks at it until its page is erased, and then it makes a difference only if that is cut short. So of the last cuts of a
case those that come to the same need to be played once.
"""

import functools
from collections.abc import Hashable, Mapping

from simulator.board.errors import EspError
from simulator.board.flash import SECTOR, Flash, Operation
from simulator.board.nvs import Nvs
from simulator.board.nvs_page import living
from simulator.campaign import stories


@functools.cache
def _addresses() -> range:
    row = stories.partitions()["nvs"]
    return range(row.offset, row.end)


def cells_of(flash: Flash) -> bytes:
    """All of NVS."""
    addresses = _addresses()
    return flash.peek(addresses.start, len(addresses))


def looked_at(sectors: Mapping[int, bytes], operation: Operation) -> dict[int, bytes]:
    """The sectors of a flash, by address, without what is dead in NVS: if this operation is the last that is cut."""
    nvs = _addresses()
    if operation.kind == "erase" and operation.address in nvs:
        return dict(sectors)
    return {address: living(cells) if address in nvs else cells for address, cells in sectors.items()}


def comes_to(nvs: bytes, operation: Operation, cells: bytes) -> Hashable:
    """The same for cells that no run can tell apart, if this operation leaves them behind, and no other one is cut.

    `nvs`: all of it, before the operation.
    """
    place = operation.address - _addresses().start
    if operation.address not in _addresses():
        return cells
    flash = Flash(len(nvs), cells=bytearray(nvs[:place] + cells + nvs[place + len(cells) :]))
    mended: list[tuple[str, int, int]] = []
    flash.on_op = lambda kind, address, size: mended.append((kind, address, size))
    try:
        Nvs(flash, 0, flash.size)
    except EspError:  # it cannot be mended
        return cells
    return tuple(mended), *(living(flash.peek(start, SECTOR)) for start in range(0, flash.size, SECTOR))
