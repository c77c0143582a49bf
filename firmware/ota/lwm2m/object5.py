# SPDX-License-Identifier: MIT
"""Object 5 (Firmware Update 1.1) as a server sees it (lwm2m.md 2.1). What it does is in firmware.py."""

from ota.port import const

_DOWNLOADED = const(2)


class Object:
    resources = {
        0: "Wo", 1: "RWs", 2: "E", 3: "Ri", 5: "Ri", 6: "Rs", 7: "Rs", 8: "Ri*", 9: "Ri", 10: "E", 11: "RWi", 12: "Rt",
        13: "RWi",
    }  # fmt: skip

    def __init__(self, cloud):
        self._cloud = cloud

    def read(self, rid):
        facts = self._cloud.facts
        if rid in (6, 7) and facts.state < _DOWNLOADED:
            return None
        if rid == 8:
            return facts.protocols
        return {
            1: facts.uri, 3: facts.state, 5: facts.result, 6: facts.name, 7: facts.version, 9: 2,
            11: facts.severity, 12: facts.changed_at, 13: facts.max_defer,
        }[rid]  # fmt: skip

    def write(self, rid, value):
        """A code. The package itself comes by lw_push.py; with the instance it can be the NUL only."""
        from ota.lwm2m import firmware

        machine = firmware.Firmware(self._cloud)
        return machine.reset() if not rid and value == b"\0" else machine.write(rid, value)

    def execute(self, rid, arguments):
        from ota.lwm2m import firmware

        return firmware.Firmware(self._cloud).execute(rid)
