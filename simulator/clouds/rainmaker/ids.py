# SPDX-License-Identifier: MIT
"""Ids as the service makes them: 22 letters and digits, none of which looks like another (rainmaker.md 2.1)."""

import random

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH = 22


class Ids:
    """The same ones for the same seed, whatever else is random."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"ids {seed}")

    def new(self) -> str:
        return "".join(self._random.choices(_ALPHABET, k=_LENGTH))
