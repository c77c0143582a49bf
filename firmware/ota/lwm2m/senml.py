# SPDX-License-Identifier: MIT
"""What both forms of SenML have in common where they are read (RFC 8428)."""


def fit(value, letter):
    """A value, as its type wants it; of what is not there ("") as it is. Raises ValueError."""
    if not letter:
        return value
    if letter in "it":
        if not isinstance(value, (int, float)) or isinstance(value, bool) or int(value) != value:
            raise ValueError("no integer")
        return int(value)
    if letter == "b":
        if not isinstance(value, bool):
            raise ValueError("no boolean")
        return value
    if not isinstance(value, bytes if letter == "o" else str):
        raise ValueError("no " + letter)
    return value


def place_of(base, name, path):
    """The numbers of a path in two parts, with or without the slash between them; below `path`. Raises ValueError."""
    if not isinstance(base, str) or not isinstance(name, str):
        raise ValueError("no name")
    parts = [part for part in (base + name).split("/") if part]
    if not all(part.isdigit() and len(part) < 6 for part in parts):
        raise ValueError("no path")
    place = tuple([int(part) for part in parts])
    if not 3 <= len(place) <= 4 or place[: len(path)] != path:
        raise ValueError("another path")
    return place
