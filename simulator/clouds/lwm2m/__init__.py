# SPDX-License-Identifier: MIT
"""LwM2M as Coiote runs it, as a sans-IO core: registrations, requests to devices, images, update tasks.

| file | what it is |
|---|---|
| `coap.py`, `peer.py` | messages, and the layer of messages to one peer |
| `objects.py`, `formats.py`, `tlv.py` | what the server knows of objects; values to bytes and back |
| `registration.py`, `devices.py`, `requests.py`, `push.py` | who is there, what it has said, what it is asked |
| `files.py`, `web.py` | images that devices fetch, by CoAP and by HTTP |
| `script.py`, `refresh.py` | what is done step by step |
| `options.py`, `tasks.py`, `upgrade.py`, `watch.py` | updates: choices, queue, steps, strategies |
| `software.py` | the steps of an update of software |
| `server.py` | the core |
| `faults.py`, `manners.py`, `knobs.py` | misbehaviour on demand, and all else that can be set |
"""

from simulator.clouds.lwm2m.files import FileDoor, FileManners
from simulator.clouds.lwm2m.knobs import Knobs
from simulator.clouds.lwm2m.manners import Manners
from simulator.clouds.lwm2m.options import STRATEGIES, Options
from simulator.clouds.lwm2m.push import Style
from simulator.clouds.lwm2m.server import Lwm2mServer
from simulator.clouds.lwm2m.tasks import Package, Task
from simulator.clouds.lwm2m.web import WebDoor

__all__ = [
    "STRATEGIES",
    "FileDoor",
    "FileManners",
    "Knobs",
    "Lwm2mServer",
    "Manners",
    "Options",
    "Package",
    "Style",
    "Task",
    "WebDoor",
]
