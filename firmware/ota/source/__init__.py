# SPDX-License-Identifier: MIT
"""Where images come from: one file a way; each can be left off the board.

A Source has `readinto(block) -> n` and `close()`. It fills the block, or returns the short tail once; None
means "nothing yet, call again"; anything else is a TransferError. It knows nothing of flash.
"""
