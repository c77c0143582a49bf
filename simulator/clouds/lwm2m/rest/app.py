# SPDX-License-Identifier: MIT
"""The aiohttp application of the API."""

from aiohttp import web

from simulator.clouds.lwm2m.rest import auth, devices, errors, resources, tasks
from simulator.clouds.lwm2m.server import Lwm2mServer
from simulator.clouds.rest import app as rest
from simulator.clouds.server import Server

_UPLOAD_LIMIT = 64 << 20  # bytes


def application(cloud: Lwm2mServer, server: Server) -> web.Application:
    """As rest/app.py says."""
    account, store = auth.Account(), resources.Resources()
    manners = rest.Manners(account.admit, errors.refuse, _UPLOAD_LIMIT)
    routes = (account.routes(), devices.ROUTES, store.routes(), tasks.Starter(store).routes(), tasks.ROUTES)
    return rest.application(cloud, server, manners, routes)
