# SPDX-License-Identifier: MIT
"""The administrators' and users' side of the mock: REST under the real service's paths (rainmaker.md 9, 12).

Bodies, codes and texts of errors are those of Espressif's OpenAPI description of the service, 3.8.0.

| file | what it holds |
|---|---|
| `app.py` | the aiohttp application (simulator/clouds/rest): who may call, errors told the service's way |
| `auth.py` | the one user, who is an administrator too: login, refresh, JWTs |
| `errors.py` | our codes of refusals as the service's status, number and text |
| `call.py` | what a handler gets |
| `paging.py` | lists in pieces |
| `nodes.py`, `groups.py` | nodes: config, parameters, connectivity; groups that jobs can be for |
| `images.py`, `uploads.py` | images: in the body of a request, or put to a signed URL and confirmed |
| `jobs.py`, `job_json.py` | OTA jobs and what became of them |
| `updates.py` | a user asks for an update of a node, approves it, and watches it |

Each file of calls has a table `ROUTES` of (method, path, handler); a handler is a function of a `Call`. Not modelled:
other users, sharing, signed images (`secure_boot`), packages of several files, rates.
"""
