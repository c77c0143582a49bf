# SPDX-License-Identifier: MIT
"""Bugs put into what speaks LwM2M on purpose; see planted.py."""

from simulator.campaign.planted_bug import Planted

_CLOUD, _BOOKS, _JOBS, _READING = (
    "ota/cloud/lwm2m.py", "ota/lwm2m/books.py", "ota/lwm2m/jobs.py", "ota/lwm2m/reading.py",
)  # fmt: skip

LWM2M_BUGS = (
    Planted(
        "obeys an order from before a power cut",
        _BOOKS,
        "    cloud.is_ordered = facts.state == DOWNLOADED and facts.result == DEFERRED\n",
        "    cloud.is_ordered = facts.state == UPDATING\n",
    ),
    Planted(
        "sends what was, after what is has been read",
        _READING,
        "    if path[0] == 5 and (len(path) < 3 or path[2] in (3, 5)):\n",
        "    if False:\n",
    ),
    Planted(
        "forgets which bytes it has when the power goes",
        _JOBS,
        '    known["tag"] = made.mark\n',
        "",
    ),
    Planted(
        "forgets over a reset what it has told",
        _BOOKS,
        "    facts = cloud.facts\n    keep(cloud)\n",
        "    facts = cloud.facts\n",
    ),
    Planted(
        "forgets at a boot that all is there",
        _BOOKS,
        "    elif facts.state in (DOWNLOADED, UPDATING):\n",
        "    elif facts.state == UPDATING:\n",
    ),
    Planted(
        "activates what nobody has ordered",
        _CLOUD,
        "        return self.is_ordered\n",
        "        return True\n",
    ),
    Planted(
        "takes every boot after an order for success",
        _BOOKS,
        "    elif facts.state in (DOWNLOADED, UPDATING):\n",
        "    elif facts.state == UPDATING:\n"
        "        from ota.lwm2m import firmware\n\n"
        "        firmware.Firmware(cloud).updated()\n"
        "    elif facts.state == DOWNLOADED:\n",
    ),
    Planted(
        "is reset before the server has heard of it",
        _CLOUD,
        "        return not handle or self.is_told\n",
        "        return True\n",
    ),
)
