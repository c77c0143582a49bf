# SPDX-License-Identifier: MIT
"""A body in base64 (RFC 4648), as text/plain has bytes: each block is decoded where it is. Loaded for such a one."""

import binascii

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def decode(upload):
    """What waits in an Upload becomes the bytes that it means; whether it is base64 at all.

    Blocks are of 16 bytes and more, so none begins in the midst of four letters.
    """
    text = bytes(upload.head)
    padding = len(text) - len(text.rstrip(b"="))
    if len(text) % 4 or padding > 2 or (padding and not upload.is_last):
        return False
    for letter in text[: len(text) - padding]:
        if letter not in _ALPHABET:
            return False
    upload.keep(binascii.a2b_base64(text))
    return True
