# SPDX-License-Identifier: MIT
"""`cloud`: one mock cloud alone on its port, for any client. One JSON line on stdout per thing it saw or did."""

import rich_click

from simulator.commands.cloud_broker import broker
from simulator.commands.cloud_lwm2m import lwm2m
from simulator.commands.cloud_rainmaker import rainmaker
from simulator.commands.cloud_thingsboard import thingsboard


@rich_click.group("cloud")
def command() -> None:
    """Serves one mock cloud alone."""


command.add_command(thingsboard)
command.add_command(rainmaker)
command.add_command(broker)
command.add_command(lwm2m)
