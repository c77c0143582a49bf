# SPDX-License-Identifier: MIT
"""How a LwM2M server is to update, for commands that take any cloud."""

from collections.abc import Callable

import click

from simulator.clouds.lwm2m.options import METHODS, STRATEGIES
from simulator.errors import UserError
from simulator.interpreters import Interpreter
from simulator.sides import SIDES, Lwm2mSide, Side

_PROTOCOLS = ("coap", "coaps", "http", "https")


def choices(command: Callable) -> Callable:
    """The options; `command` gets them as `strategy`, `method` and `protocol`."""
    strategy = click.option(
        "--strategy", type=click.Choice(STRATEGIES), envvar="STRATEGY", help="LwM2M: how it is told."
    )
    method = click.option("--method", type=click.Choice(METHODS), envvar="METHOD", help="LwM2M: how the image comes.")
    protocol = click.option(
        "--protocol",
        type=click.Choice(_PROTOCOLS),
        envvar="PROTOCOL",
        help="LwM2M: of a pull; coaps: the server is reached so, too.",
    )
    return strategy(method(protocol(command)))


def side_of(
    cloud: str, interpreter: Interpreter, strategy: str | None, method: str | None, protocol: str | None
) -> type[Side]:
    """For a board on this interpreter. Raises UserError("no_dtls"), click.UsageError for what this cloud has not."""
    given = {"strategy": strategy, "method": method, "protocol": protocol}
    chosen = {name: value for name, value in given.items() if value is not None}
    if chosen and cloud != Lwm2mSide.NAME:
        raise click.UsageError(f"--{next(iter(chosen))} is for --cloud lwm2m")
    side = Lwm2mSide.choosing(**chosen) if chosen else SIDES[cloud]
    if issubclass(side, Lwm2mSide) and side.needs_dtls() and not interpreter.is_micropython:
        raise UserError("no_dtls", f"{interpreter.name} has no DTLS, which coaps needs: choose a MicroPython")
    return side
