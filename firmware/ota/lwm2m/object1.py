# SPDX-License-Identifier: MIT
"""Object 1 (Server), the account at the server, as far as it is needed (lwm2m.md 1.3)."""

from ota.port import const

_CHANGED = const(68)  # 2.04
_BAD_REQUEST = const(128)  # 4.00
_LIFETIME = const(1)
_PMIN = const(2)
_PMAX = const(3)
_STORING = const(6)
_BINDING = const(7)
_MUTE = const(23)
_MOST_S = const(0x7FFFFFFF)


class Object:
    resources = {0: "Ri", 1: "RWi", 2: "RWi", 3: "RWi", 6: "RWb", 7: "RWs", 8: "E", 23: "RWb"}

    def __init__(self, cloud):
        self._cloud = cloud

    def read(self, rid):
        facts = self._cloud.facts
        return {
            0: self._cloud.board.number("short_id", 1), 1: facts.lifetime, 2: facts.pmin, 3: facts.pmax or None,
            6: facts.is_storing, 7: "U", 23: facts.is_mute,
        }[rid]  # fmt: skip

    def write(self, rid, value):
        facts = self._cloud.facts
        if rid == _BINDING:
            return _CHANGED if value == "U" else _BAD_REQUEST
        if rid == _STORING:
            facts.is_storing = value
            return _CHANGED
        if rid == _MUTE:
            facts.is_mute = value
            if value:
                facts.sends = []
            self._cloud.journal.keep(mute=value)
        elif not (rid == _LIFETIME) <= value <= _MOST_S:
            return _BAD_REQUEST
        elif rid == _LIFETIME:
            facts.lifetime = value
            facts.is_due = True
            self._cloud.journal.keep(lt=value)
        else:
            if rid == _PMIN:
                facts.pmin = value
            else:
                facts.pmax = value
            from ota.lwm2m import timing

            timing.plan(facts)
        return _CHANGED

    def execute(self, rid, arguments):
        self._cloud.facts.is_due = True
        return _CHANGED
