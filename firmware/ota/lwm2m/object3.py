# SPDX-License-Identifier: MIT
"""Object 3 (Device), the board, as far as a server needs it (lwm2m.md 1.4)."""

from ota.port import const

_CHANGED = const(68)  # 2.04
_REBOOT = const(4)


class Object:
    resources = {
        0: "Rs", 1: "Rs", 2: "Rs", 3: "Rs", 4: "E", 11: "Ri*", 12: "E", 16: "Rs", 18: "Rs", 19: "Rs",
    }  # fmt: skip

    def __init__(self, cloud):
        self._cloud = cloud

    def read(self, rid):
        cloud = self._cloud
        board, (title, version) = cloud.board, cloud.identity
        if rid == 0:
            return board.text("maker", "MicroPython")
        if rid == 1:
            return board.text("model", "") or title
        if rid == 18:
            return board.text("hardware", "") or None
        return {2: board.name, 3: version, 11: [0], 16: "U", 19: cloud.software[1] if cloud.software else version}[rid]

    def execute(self, rid, arguments):
        if rid == _REBOOT:
            self._cloud.reboot()
        return _CHANGED
