# SPDX-License-Identifier: MIT
"""The aiohttp application of the administrator's side: it knows the login, the handlers, and how the server says no."""

from typing import Any

from aiohttp import web

from simulator.clouds.rest import app as rest
from simulator.clouds.rest.call import Routes
from simulator.clouds.server import Server
from simulator.clouds.thingsboard.cloud import ThingsBoard
from simulator.clouds.thingsboard.rest import auth, devices, entities, packages, profiles, rpc, telemetry
from simulator.clouds.thingsboard.rest.call import Call
from simulator.clouds.thingsboard.rest.forward import PATH, forward, keep_session
from simulator.errors import UserError

_UPLOAD_LIMIT = 50 << 20  # bytes of a whole request (thingsboard.md 3.3)
# (status, the server's errorCode) for our codes; everything else is a bad parameter.
_REFUSALS = {"not_found": (404, 32), "no_login": (401, 10), "token_expired": (401, 11)}
_BAD_PARAMETER = (400, 31)


def application(cloud: ThingsBoard, server: Server, device_port: int | None = None) -> web.Application:
    """As rest/app.py says. `device_port` is where the HTTP device API listens, if it shall be here too."""
    account = auth.Account()
    manners = rest.Manners(account.admit, _refuse, _UPLOAD_LIMIT, Call)
    tables = (account.routes(), _TENANT, packages.ROUTES, profiles.ROUTES, devices.ROUTES, telemetry.ROUTES, rpc.ROUTES)
    app = rest.application(cloud, server, manners, tables)
    if device_port is not None:
        app.cleanup_ctx.append(keep_session)
        app.router.add_route("*", PATH, forward(device_port))
    return app


def _refuse(refusal: rest.Refusal, now_ms: int) -> tuple[int, dict[str, Any]]:
    if isinstance(refusal, UserError):
        status, number = _REFUSALS.get(refusal.code, _BAD_PARAMETER)
        message = refusal.text
    else:
        status, number, message = refusal.status, 2, refusal.reason
    return status, {"status": status, "message": message, "errorCode": number, "timestamp": now_ms}


def _tenant(call: Call) -> dict[str, Any]:
    if entities.check_id(call.path["id"]) != entities.TENANT:
        raise UserError("not_found", "there is one tenant only")
    tenant_id = entities.id_of("TENANT", entities.TENANT)
    return {"id": tenant_id, "createdTime": 0, "title": "Tenant", "name": "Tenant", "region": "Global"}


_TENANT: Routes = (("GET", "/api/tenant/{id}", _tenant), ("GET", "/api/tenant/info/{id}", _tenant))
