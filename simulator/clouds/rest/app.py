# SPDX-License-Identifier: MIT
"""The aiohttp application around a cloud's handlers: who may call, what it carries, how the service says no."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from simulator.clouds.mock import Mock
from simulator.clouds.rest.call import Call, Handler, Raw, Routes, Upload
from simulator.clouds.server import Server
from simulator.errors import UserError

Refusal = UserError | web.HTTPException  # the latter: no such path, wrong method, too large


@dataclass(frozen=True)
class Manners:
    """What is a service's own.

    `admit(request, now_ms)` raises UserError for who may not call. `refuse(refusal, now_ms)` is how the service says
    no: status and JSON. `upload_limit`: bytes of a whole request. `call`: the kind of Call that the handlers take.
    """

    admit: Callable[[web.Request, int], None]
    refuse: Callable[[Refusal, int], tuple[int, dict[str, Any]]]
    upload_limit: int
    call: type[Call] = Call


def application(cloud: Mock, server: Server, manners: Manners, tables: Iterable[Routes]) -> web.Application:
    """REST for `cloud`, whose clock and whose sessions' bytes are in the hands of `server`, on the same event loop."""
    app = web.Application(client_max_size=manners.upload_limit, middlewares=[_refuse(server, manners)])
    for table in tables:
        for method, path, handler in table:
            app.router.add_route(method, path, _serve(cloud, server, manners, handler))
    return app


def _serve(cloud: Mock, server: Server, manners: Manners, handler: Handler) -> Callable:
    """The handler as aiohttp wants it. All calls into the cloud happen inside `server.act`."""

    async def serve(request: web.Request) -> web.Response:
        manners.admit(request, server.now_ms())
        call = await _read(cloud, manners, request)

        def run(now_ms: int) -> object:
            cloud.tick(now_ms)
            return handler(call)

        result = server.act(run)
        return _response(await result if inspect.isawaitable(result) else result)

    return serve


async def _read(cloud: Mock, manners: Manners, request: web.Request) -> Call:
    """What the request carries."""
    carried: dict[str, Any] = {"base": f"{request.scheme}://{request.host}"}
    if request.content_type == "multipart/form-data":
        part = (await request.post()).get("file")
        if isinstance(part, web.FileField):
            carried["upload"] = Upload(part.filename, part.content_type, part.file.read())
    else:
        carried["raw"] = await request.read()
    return manners.call(cloud, request.match_info, request.query, **carried)


def _response(result: object) -> web.Response:
    if isinstance(result, Raw):
        return web.Response(body=result.data, status=result.status, headers=result.headers)
    return web.json_response(result) if result is not None else web.Response()


def _refuse(server: Server, manners: Manners) -> Any:
    """Every refusal is told the service's way."""

    @web.middleware
    async def refuse(request: web.Request, handler: Callable) -> web.StreamResponse:
        try:
            return await handler(request)
        except (UserError, web.HTTPException) as error:
            status, body = manners.refuse(error, server.now_ms())
            return web.json_response(body, status=status)

    return refuse
