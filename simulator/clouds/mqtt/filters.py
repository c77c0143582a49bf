# SPDX-License-Identifier: MIT
"""Topic filters as the standard has them (MQTT 3.1.1, 4.7)."""


def is_filter(name: str) -> bool:
    """Is it well formed: `+` a level of its own, `#` too and the last one?"""
    *before, last = name.split("/")
    return all(level == "+" or not {"+", "#"} & set(level) for level in before) and (
        last in ("+", "#") or not {"+", "#"} & set(last)
    )


def is_plain(name: str) -> bool:
    """Without a wildcard: it covers the topic of this name and no other."""
    return "+" not in name and "#" not in name


def matches(name: str, topic: str) -> bool:
    """Does a filter cover the topic? `a/#` covers `a` too; no wildcard covers a first level that begins with `$`."""
    wanted, levels = name.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    if wanted[-1] == "#":
        wanted.pop()
        levels = levels[: len(wanted)]
    return len(levels) == len(wanted) and all(w in ("+", level) for w, level in zip(wanted, levels, strict=True))
