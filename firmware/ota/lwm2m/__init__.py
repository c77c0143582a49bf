# SPDX-License-Identifier: MIT
"""LwM2M 1.1 as a device speaks it, over ota.coap: registration, objects 0, 1, 3, 5 and 9, observations, Send.

service.py        what a server asks is taken apart and answered     tree.py      resources by path
objects.py        objects 0, 1 and 3                                 firmware.py  object 5, and software.py object 9
registration.py   Register and Update                                observe.py, send.py  what we say on our own
formats.py        content formats by number: text, TLV, SenML JSON, SenML CBOR
"""
