# SPDX-License-Identifier: MIT
"""Serves the page: `/` is one HTML file, `/events` the fleet as it changes, `/device?id=...` one row's timeline.

The stream begins with all rows; after that come those that have changed, several at a time, a few times a second.
"""

import asyncio
import base64
import hashlib
import json
import re
import time
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from simulator.dashboard.fleet import DeviceRow, Fleet

_HTML = Path(__file__).with_name("page.html")
_PAUSE_S = 0.15  # between two messages: a download has thousands of chunks
_ALIVE_S = 15  # a word now and then shows us who has left


def application(fleet: Fleet) -> web.Application:
    """The page of `fleet`, which has to change on the same event loop."""
    html = _HTML.read_text()
    headers = {"Content-Security-Policy": _policy(html), "Cache-Control": "no-store"}

    async def index(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def device(request: web.Request) -> web.Response:
        detail = fleet.detail(request.query.get("id", ""))
        if detail is None:
            raise web.HTTPNotFound
        return web.json_response(detail)

    async def events(request: web.Request) -> web.StreamResponse:
        return await _stream(request, fleet)

    app = web.Application()
    app.add_routes([web.get("/", index), web.get("/device", device), web.get("/events", events)])
    return app


def _policy(html: str) -> str:
    """Only the page's own script runs, and it talks to nobody but us."""
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script, "the page has a script"
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    rules = ("default-src 'none'", "style-src 'unsafe-inline'", "connect-src 'self'", "img-src data:")
    return "; ".join((*rules, f"script-src 'sha256-{digest}'"))


async def _stream(request: web.Request, fleet: Fleet) -> web.StreamResponse:
    """Until the browser leaves."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    changed = asyncio.Event()
    fleet.listeners.add(changed.set)
    try:
        version, samples = -1, 0
        changed.set()
        while True:
            try:
                await asyncio.wait_for(changed.wait(), _ALIVE_S)
            except TimeoutError:
                await response.write(b": alive\n\n")
                continue
            changed.clear()
            rows, version = fleet.changed_since(version), fleet.version
            is_sampled, samples = samples != fleet.sampled, fleet.sampled
            await response.write(_message(fleet, rows, is_sampled))
            await asyncio.sleep(_PAUSE_S)
    except ConnectionError:
        return response
    finally:
        fleet.listeners.discard(changed.set)


def _message(fleet: Fleet, rows: list[DeviceRow], is_sampled: bool) -> bytes:
    """`ids` is every row there is: what the browser has beside is gone. `samples` only if there is a new one."""
    body = {
        "now_ms": int(time.time() * 1000),
        "ids": list(fleet.rows),
        "rows": [asdict(row) for row in rows],
        "counts": fleet.counts(),
        "samples": fleet.samples if is_sampled else None,
    }
    return f"data: {json.dumps(body)}\n\n".encode()
