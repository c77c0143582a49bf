# SPDX-License-Identifier: MIT
"""A mock ThingsBoard: what a device can see of the server over MQTT and HTTP, as strict and odd as thingsboard.md says.

It is an end point, not a broker: it knows a fixed set of topics and answers each in its own way.

| file | what it holds |
|---|---|
| `cloud.py` | `ThingsBoard`: the sans-IO core, its clock and timers, and the calls that play the administrator |
| `session.py` | one connection: what each packet means, packet ids, how it ends |
| `login.py`, `credentials.py`, `subscriptions.py` | CONNECT; access token, MQTT basic, X.509; what is granted |
| `topics.py` | the topics and filters that exist |
| `bodies.py` | the JSON in a publish, read and cast as the server does |
| `devices.py`, `telemetry.py` | devices and profiles; time series |
| `tenant.py` | all devices, profiles and packages, and the server's rules for changing them |
| `packages.py`, `checksums.py` | firmware and software packages, checked as at upload |
| `assignment.py` | who gets which package, and the paced queue that tells the devices |
| `attributes.py` | attribute requests, and pushes of what changed |
| `chunks.py`, `cache.py` | the download, with its pins and its traps |
| `rpc.py` | calls from the device to the server and from the server to the device |
| `provisioning.py`, `claiming.py` | a device without credentials gets some; a user takes a device |
| `rate_limits.py` | how much a device may say |
| `http_door.py`, `http_api.py` | the HTTP device API: a second core in front of the same state |
| `rest/` | the administrator's side over REST |
| `faults.py` | misbehaviour on demand |

Not modelled: protobuf payloads (granted as filters, then silence), gateways, CoAP, provisioning by a chain of
certificates, persistent calls. TLS is for the driver (simulator/clouds/server.py); a client's certificate comes with
`open`.
"""

from simulator.clouds.thingsboard.cloud import Settings, ThingsBoard
from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.faults import Rule
from simulator.clouds.thingsboard.http_door import HttpDoor
from simulator.clouds.thingsboard.packages import Package
from simulator.clouds.thingsboard.rate_limits import RateLimits

__all__ = ["Device", "HttpDoor", "Package", "Profile", "RateLimits", "Rule", "Settings", "ThingsBoard"]
