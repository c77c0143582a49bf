# SPDX-License-Identifier: MIT
"""The aiohttp application of the administrator's side: it knows the login, the handlers, and how the server says no."""

import inspect
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulator.clouds.server import Server
from simulator.clouds.thingsboard.cloud import ThingsBoard
from simulator.clouds.thingsboard.rest import auth, devices, entities, packages, profiles, rpc, telemetry
from simulator.clouds.thingsboard.rest.call import Call, Handler, Raw, Routes, Upload
from simulator.clouds.thingsboard.rest.forward import PATH, forward, keep_session
from simulator.errors import UserError

_UPLOAD_LIMIT = 50 << 20  # bytes of a whole request (thingsboard.md 3.3)
# (status, the server's errorCode) for our codes; everything else is a bad parameter.
_REFUSALS = {"not_found": (404, 32), "no_login": (401, 10), "token_expired": (401, 11)}
_BAD_PARAMETER = (400, 31)


def application(cloud: ThingsBoard, server: Server, device_port: int | None = None) -> web.Application:
    """REST for `cloud`, whose clock and whose sessions' bytes are in the hands of `server`, on the same event loop.

    `device_port` is where the HTTP device API listens, if it shall be here too.
    """
    account = auth.Account()
    app = web.Application(client_max_size=_UPLOAD_LIMIT, middlewares=[_refuse(server)])
    tables = (account.routes(), _TENANT, packages.ROUTES, profiles.ROUTES, devices.ROUTES, telemetry.ROUTES, rpc.ROUTES)
    for table in tables:
        for method, path, handler in table:
            app.router.add_route(method, path, _serve(cloud, server, account, handler))
    if device_port is not None:
        app.cleanup_ctx.append(keep_session)
        app.router.add_route("*", PATH, forward(device_port))
    return app


def _serve(cloud: ThingsBoard, server: Server, account: auth.Account, handler: Handler) -> Callable:
    """The handler as aiohttp wants it. All calls into the cloud happen inside `server.act`."""

    async def serve(request: web.Request) -> web.Response:
        header = request.headers.get("X-Authorization") or request.headers.get("Authorization")
        if request.path not in auth.PUBLIC:
            account.check_header(header, server.now_ms())
        call = await _read(cloud, request)

        def run(now_ms: int) -> object:
            cloud.tick(now_ms)
            return handler(call)

        result = server.act(run)
        return _response(await result if inspect.isawaitable(result) else result)

    return serve


async def _read(cloud: ThingsBoard, request: web.Request) -> Call:
    """What the request carries. UserError("bad_request") for a body that should be JSON and is none."""
    if request.content_type == "multipart/form-data":
        part = (await request.post()).get("file")
        upload = None
        if isinstance(part, web.FileField):
            upload = Upload(part.filename, part.content_type, part.file.read())
        return Call(cloud, request.match_info, request.query, upload=upload)
    raw = await request.read()
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        raise UserError("bad_request", "the body is not JSON") from None
    return Call(cloud, request.match_info, request.query, body, raw)


def _response(result: object) -> web.Response:
    if isinstance(result, Raw):
        return web.Response(body=result.data, status=result.status, headers=result.headers)
    return web.json_response(result) if result is not None else web.Response()


def _refuse(server: Server) -> Any:
    """Every refusal has the server's JSON: status, message, errorCode, timestamp."""

    @web.middleware
    async def refuse(request: web.Request, handler: Callable) -> web.StreamResponse:
        try:
            return await handler(request)
        except UserError as error:
            status, number = _REFUSALS.get(error.code, _BAD_PARAMETER)
            message = error.text
        except web.HTTPException as error:  # no such path, wrong method, too large
            status, number, message = error.status, 2, error.reason
        body = {"status": status, "message": message, "errorCode": number, "timestamp": server.now_ms()}
        return web.json_response(body, status=status)

    return refuse


def _tenant(call: Call) -> dict[str, Any]:
    if entities.check_id(call.path["id"]) != entities.TENANT:
        raise UserError("not_found", "there is one tenant only")
    tenant_id = entities.id_of("TENANT", entities.TENANT)
    return {"id": tenant_id, "createdTime": 0, "title": "Tenant", "name": "Tenant", "region": "Global"}


_TENANT: Routes = (("GET", "/api/tenant/{id}", _tenant), ("GET", "/api/tenant/info/{id}", _tenant))
