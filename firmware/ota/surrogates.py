# SPDX-License-Identifier: MIT
"""Characters beyond U+FFFF that arrive in two halves. Rare in titles and versions, so loaded only then."""


def joined(text):
    """`text` with each pair of halves as the one character that it stands for; half of a pair is dropped."""
    whole, first = "", 0
    for c in text:
        n = ord(c)
        if n >> 10 == 0xD800 >> 10:
            first = n & 0x3FF
        elif n >> 10 == 0xDC00 >> 10:
            whole += chr(0x10000 + (first << 10) + (n & 0x3FF))
        else:
            whole += c
    return whole
