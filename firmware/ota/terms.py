# SPDX-License-Identifier: MIT
"""What a job says of itself besides what it is: how urgent it is and what it needs. Loaded where a job says so.

severity    0 critical, 1 mandatory, 2 optional, as in LwM2M
max_defer   seconds that it may be put off from the first time on; without it, by the severity (ota.deferral)
spread      seconds over which a fleet starts, each board at its own moment; not where it is critical
requires    of software: "TITLE >= VERSION" of the firmware that it needs. It waits for that, and nothing is fetched
"""

from ota.errors import JobError
from ota.port import const

CRITICAL = const(0)
MANDATORY = const(1)
OPTIONAL = const(2)
FIELDS = ("severity", "max_defer", "spread", "requires")
_MOST = const((2, 31536000, 604800))
_LONGEST = const(300)  # characters


class Terms:
    """Checked. What is not said is None."""

    def __init__(self, fields):
        """`fields`: dict with some of FIELDS. Raises JobError `bad_terms`."""
        self.severity, self.max_defer, self.spread = [_number(fields, name, most) for name, most in zip(FIELDS, _MOST)]

        self.requires = fields.get("requires")
        if self.requires is not None and not _parts(self.requires):
            raise JobError("bad_terms", "requires")

    def unmet(self, firmware):
        """Why the firmware that runs, (title, version), will not do; "" if it does."""
        if self.requires is None:
            return ""
        from ota import versions

        title, version = _parts(self.requires) or ("", "")
        if firmware[0] == title and not versions.is_higher(version, firmware[1]):
            return ""
        return "needs " + self.requires


def _parts(text):
    """(title, version) of what is required, None if it makes no sense."""
    if isinstance(text, str) and len(text) < _LONGEST:
        title, _, version = text.partition(" >= ")
        if title and version:
            return title, version
    return None


def _number(fields, name, most):
    value = fields.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most):
        return value
    raise JobError("bad_terms", name)


def read(fields):
    """Terms, None where there are none of them."""
    return Terms(fields) if any(fields.get(name) is not None for name in FIELDS) else None
