# SPDX-License-Identifier: MIT
"""LwM2M 1.1 as a device speaks it, over ota.coap.

What is known between two messages is in facts.py and stays. All other modules are loaded for one message and then
forgotten, for a download needs their place:
reading.py, telling.py, discover.py, writing.py, changing.py, pushing.py   what a server asks, taken apart and answered
tree.py, rows.py, objects.py    resources by path, objects by number; object1.py and so on: one each
registration.py, notify.py, send.py    what we say on our own: say(cloud, endpoint), ended(cloud, message)
firmware.py            what State and Result become    books.py, records.py, recall.py    what follows, in NVS and after
software.py            the same of object 9    packages.py    all that follows from it
jobs.py, reports.py    to and from the agent           line.py    the way to the server
observe.py, news.py, timing.py, attributes.py    who is told of a change, and when
formats.py             content formats by number, each in two modules: one writes it, one reads it
`cloud` is ota.cloud.lwm2m.
"""

import sys

from ota.port import collect, forget


def tidy():
    """What the last message needed makes room (see `forget`)."""
    # Not a list of all modules, for memory is nowhere shorter.
    for name in [name for name in getattr(sys, "modules", ()) if name.startswith("ota.lwm2m.")]:
        forget(name)
    collect()
