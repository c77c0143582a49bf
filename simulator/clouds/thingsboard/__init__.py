# SPDX-License-Identifier: MIT
"""A mock ThingsBoard: what a device can see of the server over MQTT, as strict and as odd as thingsboard.md says.

It is an end point, not a broker: it knows a fixed set of topics and answers each in its own way.

| file | what it holds |
|---|---|
| `cloud.py` | `ThingsBoard`: the sans-IO core, its clock and timers, and the calls that play the administrator |
| `session.py` | one connection: what each packet means, packet ids, how it ends |
| `login.py`, `subscriptions.py` | CONNECT; what is granted |
| `topics.py` | the topics and filters that exist |
| `bodies.py` | the JSON in a publish, read and cast as the server does |
| `devices.py`, `telemetry.py` | devices and profiles; time series |
| `packages.py`, `checksums.py` | firmware and software packages, checked as at upload |
| `assignment.py` | who gets which package, and the paced queue that tells the devices |
| `attributes.py` | attribute requests, and pushes of what changed |
| `chunks.py`, `cache.py` | the download, with its pins and its traps |
| `rpc.py` | calls from the device to the server |
| `faults.py` | misbehaviour on demand |

Not modelled: protobuf payloads (granted as filters, then silence), TLS, gateways, provisioning, claiming, HTTP, CoAP.
"""

from simulator.clouds.thingsboard.cloud import Settings, ThingsBoard
from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.faults import Rule
from simulator.clouds.thingsboard.packages import Package

__all__ = ["Device", "Package", "Profile", "Rule", "Settings", "ThingsBoard"]
