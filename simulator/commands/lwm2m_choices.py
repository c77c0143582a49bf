# SPDX-License-Identifier: MIT
"""How a LwM2M server is to update, for commands that take any cloud."""

from collections.abc import Callable

import click

from simulator.clouds.lwm2m.options import METHODS, STRATEGIES
from simulator.sides import SIDES, Lwm2mSide, Side

_PROTOCOLS = ("coap", "http")


def choices(command: Callable) -> Callable:
    """The options; `command` gets them as `strategy`, `method` and `protocol`."""
    strategy = click.option(
        "--strategy", type=click.Choice(STRATEGIES), envvar="STRATEGY", help="LwM2M: how it is told."
    )
    method = click.option("--method", type=click.Choice(METHODS), envvar="METHOD", help="LwM2M: how the image comes.")
    protocol = click.option("--protocol", type=click.Choice(_PROTOCOLS), envvar="PROTOCOL", help="LwM2M: of a pull.")
    return strategy(method(protocol(command)))


def side_of(cloud: str, strategy: str | None, method: str | None, protocol: str | None) -> type[Side]:
    """Raises click.UsageError for choices that this cloud does not have."""
    given = {"strategy": strategy, "method": method, "protocol": protocol}
    chosen = {name: value for name, value in given.items() if value is not None}
    if chosen and cloud != Lwm2mSide.NAME:
        raise click.UsageError(f"--{next(iter(chosen))} is for --cloud lwm2m")
    return Lwm2mSide.choosing(**chosen) if chosen else SIDES[cloud]
