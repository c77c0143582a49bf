# SPDX-License-Identifier: MIT
"""The aiohttp application of the users' side."""

from aiohttp import web

from simulator.clouds.rainmaker.cloud import RainMaker
from simulator.clouds.rainmaker.rest import auth, errors, groups, images, jobs, nodes, updates, uploads
from simulator.clouds.rainmaker.rest.call import Call
from simulator.clouds.rest import app as rest
from simulator.clouds.server import Server


def application(cloud: RainMaker, server: Server) -> web.Application:
    """As rest/app.py says."""
    account = auth.Account()
    manners = rest.Manners(account.admit, errors.refuse, uploads.LIMIT + 1, Call)
    tables = (nodes.ROUTES, groups.ROUTES, images.ROUTES, jobs.ROUTES, updates.ROUTES)
    return rest.application(cloud, server, manners, (account.routes(), uploads.Uploads().routes(), *tables))
