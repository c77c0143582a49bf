# SPDX-License-Identifier: MIT
"""What remains of an image in a slot after a power cut. Loaded only then.

Heads of blocks are programmed in order, whatever came out of order before its turn (scatter.py). So the image is whole
up to a head that is blank, but for the block in front of it: that one, or its head, may have been cut short.
docs/decisions/0008-blocks-in-any-order.md
"""

from ota.port import const
from ota.slot import BLOCK

SPAN = const(20)  # blocks from the first that is missing to the last that may be in flash
HEAD = const(16)  # bytes at the front of a block that stay blank until it is the block's turn


def find(slot, size):
    """Generator: sets `slot.offset` to the end of what is whole of `size` bytes, and erases what is behind it.

    What is in doubt is erased first: so there is a hole before whatever an erase that is cut short makes of the others.
    """
    end = -(-size // BLOCK)
    while end and _is_blank(slot, end - 1):
        end -= 1
        yield
    hole = _first_hole(slot, end)
    doubt = max(0, hole - 1)
    slot.offset = doubt * BLOCK
    if end:
        slot.erase_block(doubt)
    for index in range(end - 1, doubt, -1):
        yield
        if not _is_blank(slot, index):
            slot.erase_block(index)


def _first_hole(slot, end):
    """The first block whose head is blank; `end` if there is none among those that could be ahead of their turn.

    An image may have such a block of its own: then it is fetched again from there.
    """
    head = bytearray(HEAD)
    hole = end
    for index in range(max(0, end - 1 - SPAN), end):
        slot.read(index, head)
        if index < hole and head.count(b"\xff") == HEAD:
            hole = index
    return hole


def _is_blank(slot, index):
    slot.read(index, slot.block)
    return slot.block.count(b"\xff") == BLOCK
