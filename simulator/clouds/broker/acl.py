# SPDX-License-Identifier: MIT
"""Who may do what, from the text of a mosquitto acl_file: `user`, `topic` and `pattern` lines (mosquitto.conf(5)).

Everything that no line allows is forbidden, silently: a subscription is granted and brings nothing, a message with
QoS 1 is acknowledged and goes nowhere. So does mosquitto.
"""

from dataclasses import dataclass, field

from simulator.clouds.mqtt.filters import is_filter, matches
from simulator.errors import UserError

READ, WRITE = "read", "write"
_ACCESS = {"read": {READ}, "write": {WRITE}, "readwrite": {READ, WRITE}, "deny": set()}


@dataclass
class Acl:
    """`users`: their rules by name, "" for whoever has none. `patterns`: for everybody, `%u` and `%c` to be filled in.

    A rule is (what it allows, topic filter); one that allows nothing denies.
    """

    users: dict[str, list[tuple[set[str], str]]] = field(default_factory=dict)
    patterns: list[tuple[set[str], str]] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str) -> "Acl":
        """Raises UserError("bad_acl") for a line that mosquitto would not take."""
        acl, user = cls(), ""
        for number, line in enumerate(text.splitlines(), 1):
            word, _, rest = line.partition(" ")
            if not line.strip() or word.startswith("#"):
                continue
            if word == "user" and rest.strip():
                user = rest.strip()
            elif word in ("topic", "pattern"):
                rules = acl.users.setdefault(user, []) if word == "topic" else acl.patterns
                rules.append(_rule(rest.strip(), number))
            else:
                raise UserError("bad_acl", f"line {number}: {line!r}")
        return acl

    def allows(self, access: str, topic: str, user: str | None, client_id: str) -> bool:
        """`access`: READ or WRITE."""
        rules = list(self.users.get(user or "", ()))
        for allowed, name in self.patterns:
            if "%u" not in name or user:
                rules.append((allowed, name.replace("%u", user or "").replace("%c", client_id)))
        found = [allowed for allowed, name in rules if matches(name, topic)]
        return all(found) and any(access in allowed for allowed in found)


def _rule(text: str, number: int) -> tuple[set[str], str]:
    word, _, rest = text.partition(" ")
    allowed, name = (_ACCESS[word], rest.strip()) if word in _ACCESS and rest else (_ACCESS["readwrite"], text)
    if not name or not is_filter(name):
        raise UserError("bad_acl", f"line {number}: {name!r} is no topic filter")
    return allowed, name
