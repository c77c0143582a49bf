# SPDX-License-Identifier: MIT
"""LwM2M 1.1 as a device speaks it, over ota.coap.

What is known between two messages is in facts.py and stays. All other modules are loaded for one message and then
forgotten, for a download needs their place:
reading.py, writing.py   what a server asks, taken apart and answered      discover.py   the same for links
tree.py, objects.py      resources by path, objects by number              object1.py and so on: one each
registration.py, notify.py, send.py    what we say on our own: say(cloud, endpoint), ended(cloud, message)
books.py, jobs.py        the job, for object 5, NVS and the agent          line.py       the way to the server
firmware.py              what State and Result become     observe.py, attributes.py    who is told of it, how often
formats.py               content formats by number, each in two modules: one writes it, one reads it
`cloud` is ota.cloud.lwm2m.
"""

import sys

from ota.port import forget


def tidy():
    """What the last message needed makes room (see `forget`)."""
    for name in list(getattr(sys, "modules", ())):
        if name.startswith("ota.lwm2m.") and name != "ota.lwm2m.facts":
            forget(name)
