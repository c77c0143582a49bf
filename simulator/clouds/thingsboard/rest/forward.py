# SPDX-License-Identifier: MIT
"""The device API under the administrator's port too, as on the real server: passed on to the core that answers it."""

from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import web
from yarl import URL

PATH = "/api/v1/{rest:.*}"
_SESSION = web.AppKey("session", aiohttp.ClientSession)
_PASSED = ("Content-Type", "Content-Disposition", "x-filename", "Retry-After")


def forward(port: int) -> Callable:
    """A handler that asks the same of 127.0.0.1:`port`. An answer that breaks off there breaks off here."""

    async def serve(request: web.Request) -> web.Response:
        url = f"http://127.0.0.1:{port}{request.raw_path}"
        kind = {"Content-Type": request.headers["Content-Type"]} if "Content-Type" in request.headers else {}
        try:
            async with request.app[_SESSION].request(
                request.method, URL(url, encoded=True), data=await request.read(), headers=kind, allow_redirects=False
            ) as answer:
                headers = {name: answer.headers[name] for name in _PASSED if name in answer.headers}
                return web.Response(status=answer.status, body=await answer.read(), headers=headers)
        except aiohttp.ClientError:
            assert request.transport, "there is a peer"
            request.transport.abort()
            raise

    return serve


async def keep_session(app: web.Application) -> AsyncIterator[None]:
    """The client that all forwarded requests share, for as long as the application runs."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        app[_SESSION] = session
        yield
