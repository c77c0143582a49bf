# SPDX-License-Identifier: MIT
"""Write-Attributes (lwm2m.md 1.8): how often an observation is told of, and for numbers, from which changes on.

`known`: path -> {name: number}, see facts.py.
"""

from ota.lwm2m import timing, tree
from ota.port import const

_CHANGED = const(68)  # 2.04
_CONTENT = const(69)  # 2.05
_BAD_REQUEST = const(128)  # 4.00
_SERVER_ERROR = const(160)  # 5.00
_MOST = 12
_PERIODS = ("pmin", "pmax", "epmin", "epmax")
_STEPS = ("gt", "lt", "st")


def write(cloud, path, queries):
    """A code. Nothing is changed unless all of it is right."""
    facts = cloud.facts
    known = dict(facts.notes.get(path, {}))
    for query in queries:
        try:
            name, equals, value = query.decode().partition("=")
            if name not in _PERIODS and not (name in _STEPS and _is_number(cloud, path)):
                return _BAD_REQUEST
            known.pop(name, None)
            if equals:
                known[name] = _value(name, value)
        except ValueError:
            return _BAD_REQUEST
    if not _is_sound(known):
        return _BAD_REQUEST
    if not known:
        facts.notes.pop(path, None)
    elif path not in facts.notes and len(facts.notes) >= _MOST:
        return _SERVER_ERROR
    else:
        facts.notes[path] = known
    timing.plan(facts)
    return _CHANGED


def _value(name, text):
    """Raises ValueError."""
    digits = text[1:] if text[:1] == "-" and name in ("gt", "lt") else text
    if digits.isdigit() and len(digits) < 9:
        return int(text)
    whole, _, rest = digits.partition(".")
    if name in _PERIODS or not (whole.isdigit() and rest.isdigit() and len(text) < 16):
        raise ValueError("no number")
    return float(text)


def _is_number(cloud, path):
    """Whether it is a resource with numbers (Core 5.1.2)."""
    if len(path) < 3:
        return False
    code, rows = tree.rows(cloud, path)
    return code == _CONTENT and rows[0][4] == "i"


def _is_sound(known):
    """Whether the attributes of a place go together."""
    if known.get("pmax") and known["pmax"] < known.get("pmin", 0):
        return False
    if "st" in known and not known["st"] > 0:
        return False
    return "lt" not in known or "gt" not in known or known["lt"] + 2 * known.get("st", 0) < known["gt"]


def notes(known, path):
    """The attributes of a place, as Discover tells them."""
    found = known.get(path, {})
    return "".join([";%s=%s" % (name, found[name]) for name in _PERIODS + _STEPS if name in found])


def is_worth(steps, told, value):
    """Whether a number is to be told after `told`. `steps`: gt, lt and st, None for those that nobody has written."""
    above, below, step = steps
    if told is None or value is None:
        return True
    return (
        (step is not None and abs(value - told) >= step)
        or (above is not None and (told > above) != (value > above))
        or (below is not None and (told < below) != (value < below))
    )
