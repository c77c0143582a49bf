# SPDX-License-Identifier: MIT
"""One resource as text/plain, or as the bytes that it is (lwm2m.md 1.5)."""

import binascii


def encode(rows):
    """Of one row."""
    letter, value = rows[0][4:]
    if letter == "o":
        return binascii.b2a_base64(value).strip()
    if letter == "b":
        return b"1" if value else b"0"
    return str(value).encode()


def decode(payload, path, type_of):
    if len(path) < 3:
        raise ValueError("not of an instance")
    data = bytes(payload)
    letter = type_of(path[0], path[2])
    if letter == "o":
        return [(path, binascii.a2b_base64(data))]
    text = data.decode()
    if letter == "b":
        if text not in ("0", "1"):
            raise ValueError("no boolean")
        return [(path, text == "1")]
    if letter and letter in "it":
        digits = text[1:] if text[:1] == "-" else text
        if not digits.isdigit() or len(digits) > 18:
            raise ValueError("no number")
        return [(path, int(text))]
    return [(path, text)]
