# SPDX-License-Identifier: MIT
"""Objects 1 (Server) and 3 (Device), as far as a server needs them (lwm2m.md 1.3, 1.4). Object 0 nobody may read."""

from ota.coap.message import BAD_REQUEST, CHANGED
from ota.port import const

_LIFETIME, _PMIN, _PMAX, _STORING, _BINDING, _TRIGGER, _MUTE = (
    const(1), const(2), const(3), const(6), const(7), const(8), const(23),
)  # fmt: skip
_REBOOT = const(4)
_MOST_S = const(0x7FFFFFF)


class Server:
    """The account at the server. `owner` is told: update(lifetime), and kept() when something is to outlive a reset."""

    oid = 1
    release = ""
    resources = {0: "Ri", 1: "RWi", 2: "RWi", 3: "RWi", 6: "RWb", 7: "RWs", 8: "E", 23: "RWb"}

    def __init__(self, owner, number, lifetime, is_mute):
        self._owner = owner
        self._number = number
        self.lifetime = lifetime
        self.pmin = self.pmax = 0
        self._is_storing = True
        self.is_mute = is_mute

    def read(self, rid):
        return {
            0: self._number, 1: self.lifetime, 2: self.pmin, 3: self.pmax or None, 6: self._is_storing, 7: "U",
            23: self.is_mute,
        }[rid]  # fmt: skip

    def write(self, rid, value):
        if rid == _BINDING:
            return CHANGED if value == "U" else BAD_REQUEST
        if rid == _STORING:
            self._is_storing = value
            return CHANGED
        if rid == _MUTE:
            self.is_mute = value
        elif not (rid == _LIFETIME) <= value <= _MOST_S:
            return BAD_REQUEST
        elif rid == _PMIN:
            self.pmin = value
        elif rid == _PMAX:
            self.pmax = value
        else:
            self.lifetime = value
            self._owner.update(True)
        self._owner.kept()
        return CHANGED

    def execute(self, rid, arguments):
        self._owner.update(False)
        return CHANGED


class Device:
    """The board. `owner` has `identity`, `software`, and reboot() that resets in a moment."""

    oid = 3
    release = ""
    resources = {
        0: "Rs", 1: "Rs", 2: "Rs", 3: "Rs", 4: "E", 11: "Ri*", 12: "E", 16: "Rs", 18: "Rs", 19: "Rs",
    }  # fmt: skip

    def __init__(self, owner, board):
        self._owner = owner
        self._maker = board.text("maker", "MicroPython")
        self._model = board.text("model", "") or owner.identity[0]
        self._hardware = board.text("hardware", "") or None
        self._serial = board.name

    def read(self, rid):
        owner = self._owner
        return {
            0: self._maker, 1: self._model, 2: self._serial, 3: owner.identity[1], 11: [0], 16: "U",
            18: self._hardware, 19: owner.software[1] if owner.software else owner.identity[1],
        }[rid]  # fmt: skip

    def execute(self, rid, arguments):
        if rid == _REBOOT:
            self._owner.reboot()
        return CHANGED
