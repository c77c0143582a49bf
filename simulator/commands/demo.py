# SPDX-License-Identifier: MIT
"""`python -m simulator demo`: the first update, and the one that goes wrong and is taken back."""

import rich_click as click

from simulator import breakage, interpreters
from simulator.commands.lwm2m_choices import choices, side_of
from simulator.commands.run import sentence
from simulator.narrator import Narrator
from simulator.sides import SIDES
from simulator.update import SIZE, Bench


@click.command("demo")
@click.option(
    "--interpreter", envvar="INTERPRETER", help=f"{', '.join(interpreters.NAMES)}; default: the best there is."
)
@click.option("--cloud", type=click.Choice(list(SIDES)), envvar="CLOUD", default="thingsboard", show_default=True)
@choices
def command(interpreter: str | None, cloud: str, strategy: str | None, method: str | None, protocol: str | None) -> int:
    """A board with 1.0.0 is updated to 1.1.0, then offered a broken 1.2.0 and rolls back."""
    chosen = interpreters.find(interpreter) if interpreter else interpreters.best()
    side = side_of(cloud, chosen, strategy, method, protocol)
    heap = side.HEAP if chosen.name == "micropython32" else None  # its objects are as large as an ESP32's
    narrator = Narrator()
    click.echo(f"The board runs on {chosen.name} ({chosen.version}){', heap ' + heap if heap else ''}.")
    narrator.expect(SIZE)
    narrator.headline("1. thermometer 1.0.0 is on the board, the cloud offers 1.1.0")
    tell = {"on_event": narrator, "on_told": narrator.told}
    with Bench("1.0.0", chosen, side=side, heap=heap, **tell) as bench:
        good = bench.update("1.1.0", breakage.package(None, "1.1.0", SIZE), works=True)
        narrator.close()
        click.echo(sentence(good))
        narrator.headline("2. the cloud offers 1.2.0, whose main.py raises at once")
        bad = bench.update("1.2.0", breakage.package("crash", "1.2.0", SIZE), works=False)
        narrator.close()
        click.echo(sentence(bad))
    return 0 if good.expected and bad.expected else 1
