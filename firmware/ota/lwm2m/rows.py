# SPDX-License-Identifier: MIT
"""What is below a path, for who needs room for what becomes of it: the code that knows is gone when it is told."""

from ota.lwm2m import tidy


def below(cloud, path):
    """(code, rows), see tree.py."""
    from ota.lwm2m import tree

    made = tree.rows(cloud, path)
    tidy()
    return made


def number(path, rows):
    """The value of a resource, to compare it with the next one. None if it is no number."""
    return rows[0][5] if len(path) == 3 and rows and rows[0][3] is None and rows[0][4] in "it" else None
