# SPDX-License-Identifier: MIT
"""How long the line to the cloud rests before the next try: longer each time, up to a cap, and not all boards alike."""

from ota import link
from ota.errors import TransferError

LOST = TransferError("link_lost")
STEADY_MS = 30_001


class Board:
    ms = 0

    def ticks_ms(self):
        return self.ms


class Chance:
    """os.urandom, of one value."""

    def __init__(self, value):
        self._value = value

    def urandom(self, count):
        return bytes([self._value]) * count


def waits(chance, count, line=None, error=LOST):
    """The next `count` of them in ms, on a line that breaks each time at once."""
    line = line or link.Link(Board(), None, ())
    before, link.os = link.os, Chance(chance)
    try:
        return [line._back_off(error) for _ in range(count)]
    finally:
        link.os = before


def test_back_off_doubles_up_to_its_cap():
    assert waits(0, 9) == [1000, 2000, 4000, 8000, 16000, 32000, 64000, 64000, 64000]


def test_back_off_is_longer_by_chance_by_less_than_half():
    for least, most in zip(waits(0, 8), waits(255, 8)):
        assert least * 1.49 < most < least * 1.5


def test_back_off_begins_anew_after_a_line_that_held():
    board = Board()
    line = link.Link(board, None, ())
    assert waits(0, 3, line) == [1000, 2000, 4000]
    board.ms += STEADY_MS
    assert waits(0, 1, line) == [1000]


def test_back_off_of_who_is_refused_is_five_minutes_each_time():
    for code in (2, 4, 5):
        assert waits(0, 2, None, TransferError("connect_failed", code)) == [300000, 300000]
