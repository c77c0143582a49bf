# SPDX-License-Identifier: MIT
"""Object 9 (Software Management 1.0) as a server sees it (OMA registry, 9.xml). What it does is in software.py."""

# pyright: reportAttributeAccessIssue=false

from ota.port import const

_BAD_REQUEST = const(128)  # 4.00
_URI = const(3)


class Object:
    resources = {
        0: "Rs", 1: "Rs", 2: "Wo", 3: "Ws", 4: "E", 6: "E", 7: "Ri", 9: "Ri", 10: "E", 11: "E", 12: "Rb",
    }  # fmt: skip

    def __init__(self, cloud):
        self._cloud = cloud

    def read(self, rid):
        cloud = self._cloud
        if cloud.facts.software is None and cloud.software is None:
            return {7: 0, 9: 0, 12: False}.get(rid, "")  # there never was any
        from ota.lwm2m import software

        return software.value(cloud, rid)

    def write(self, rid, value):
        """A code. The package itself comes by lw_push.py."""
        from ota.lwm2m import software

        return software.Software(self._cloud).write_uri(value) if rid == _URI else _BAD_REQUEST

    def execute(self, rid, arguments):
        from ota.lwm2m import software

        return software.Software(self._cloud).execute(rid, arguments)
