# SPDX-License-Identifier: MIT
"""The service by which a node's user decides who may update what when: what each node says of it at its start.

What is written and told then is in rm_control.py, of which most nodes never need the names.
"""

from ota.port import const

_SERVICE = "Updates"
_PARAMS = const(
    "Enabled:bool:rw Forced:bool:rw Pending:bool:r Reason:string:r Cancel:bool:w Explain:bool:w Explanation:string:r"
)


def add(cloud, services, values):
    """To the node configuration. Takes up what was kept.

    Puts what is so after a start into `values`, unless somebody is about to say more.
    """
    params = []
    for param in _PARAMS.split():
        name, kind, letters = param.split(":")
        ways = [way for way in ("read", "write") if way[0] in letters]
        params.append({"name": name, "type": "ota.param." + name.lower(), "data_type": kind, "properties": ways})
    services.append({"name": _SERVICE, "type": "ota.service.updates", "params": params})
    if not cloud.board.number("enabled", 1):
        cloud.standing = {"enabled": False}
    elif not cloud.is_controlled:
        values[_SERVICE] = {"Enabled": True, "Forced": False, "Pending": False, "Reason": ""}
