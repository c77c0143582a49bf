# SPDX-License-Identifier: MIT
"""A page in the browser that shows a fleet of devices and their updates, live; the same for every cloud.

| file | what it is |
|---|---|
| `fleet.py` | the neutral model: rows, marks on a device's timeline, counts over time |
| `page.py`, `page.html` | the page, its event stream and its one question, on aiohttp |
| `thingsboard.py` | fills the fleet from the log of the mock ThingsBoard |
| `boards.py` | adds what only a simulated board knows: slot, boots, resets |

Another cloud needs one adapter file: a callable that takes the cloud's events and changes rows.
"""
