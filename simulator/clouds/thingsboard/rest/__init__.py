# SPDX-License-Identifier: MIT
"""The administrator's side of the mock: REST under the real server's paths (thingsboard.md 5.4).

| file | what it holds |
|---|---|
| `app.py` | the aiohttp application (simulator/clouds/rest): who may call, errors told the server's way |
| `call.py` | what a handler gets |
| `auth.py` | users, JWTs, login and refresh |
| `entities.py` | ids, and the JSON of devices, profiles and packages |
| `paging.py` | search, sort and pages of a list |
| `packages.py`, `profiles.py`, `devices.py` | their calls |
| `telemetry.py` | time series and attributes |
| `rpc.py` | calls to a device |
| `assigned.py` | which packages a saved device or profile shall have |
| `forward.py` | the device API under the same port |

Each file of calls has a table `ROUTES` of (method, path, handler); a handler is a function of a `Call`. Not modelled:
customers, edges, groups, audit, aggregation of time series, the time of an attribute's last change.
"""
