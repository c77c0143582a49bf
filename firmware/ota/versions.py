# SPDX-License-Identifier: MIT
"""Which of two versions is the higher one, for any text that a maker calls a version.

1. Numbers with dots between them come first and compare as numbers: 1.10 is higher than 1.9. A "v" before them does not
   count, and neither do zeros at the end: 1.0 and 1 are as high.
2. What follows them: nothing is higher than something, which is a pre-release (1.0-rc1, 1.0rc1), and "+something", a
   build made later, is higher than nothing.
3. Two such rests compare piece by piece, digits as numbers, and a number is lower than text: rc.2, rc.10, rc.x.
Text without a number in front is lower than any number, and compares by rule 3.
"""

_PRE_RELEASE = -1
_BUILD = 1


def is_higher(version, other):
    return key(version) > key(other)


def key(version):
    """A value that compares as versions do; equal for two that are as high."""
    at = 1 if version[:1] in ("v", "V") else 0
    numbers = []
    start = at
    while True:
        end = _digits(version, at)
        if end == at:
            break
        numbers.append(int(version[at:end]))
        start = end
        if version[end : end + 1] != ".":
            break
        at = end + 1
    if not numbers:
        start = 0
    while numbers and not numbers[-1]:
        numbers.pop()
    rest = version[start:]
    rank = 0 if not rest else _BUILD if rest[0] == "+" else _PRE_RELEASE
    return [start > 0, numbers, rank, _pieces(rest)]


def _digits(text, at):
    """Where the digits end that begin at `at`."""
    while at < len(text) and "0" <= text[at] <= "9":
        at += 1
    return at


def _pieces(text):
    """(is text, number, text) of each run of digits or of anything else."""
    pieces = []
    at = 0
    while at < len(text):
        end = _digits(text, at)
        if end > at:
            pieces.append((False, int(text[at:end]), ""))
        else:
            while end < len(text) and not "0" <= text[end] <= "9":
                end += 1
            pieces.append((True, 0, text[at:end]))
        at = end
    return pieces
