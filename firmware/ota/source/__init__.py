# SPDX-License-Identifier: MIT
"""Where images come from: one file a way; each can be left off the board.

A Source has `readinto(block) -> n` and `close()`. It fills the block, or returns the short tail once; None
means "nothing yet, call again"; anything else is a TransferError, with `beside` set when that happened on a line of
the source's own: then the one to the cloud stays up. It knows nothing of flash.

A Source that does not fit into the block loop of Install has one of its own: stream(install), a generator.
unsized.py has that of a source that learns with the last block how long the image is, scatter.py that of one that
brings blocks in any order. The latter is called begin(scatter) first; the argument knows which blocks are there
already. `at`: index of the block that was filled; negative when it is only the beginning of the image, to be judged
before anything is erased: that comes first where the image is wanted from its start.
"""
