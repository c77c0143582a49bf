# SPDX-License-Identifier: MIT
"""`python -m simulator explain`: what an agent with these settings would do with this job now, a line for each rule."""

import json
import sys
from datetime import UTC, datetime

import rich_click as click

from simulator.breakage import FIRMWARE
from simulator.errors import UserError

_SPARE = 0x180000
_GATE = "NAME=REASON or NAME=REASON:hard"


@click.command("explain")
@click.option("--now", help="UTC, such as 2026-01-15T02:30; default: a clock that nobody has set.")
@click.option("--when", default="", help="The product's rules about time, as in NVS.")
@click.option("--tz", default="UTC0", show_default=True, help="POSIX time zone, as in NVS.")
@click.option("--running", default="1.0.0", show_default=True, help="Version on the board.")
@click.option("--version", default="1.1.0", show_default=True, help="Version that is offered.")
@click.option("--size", default=1_000_000, show_default=True, help="Bytes of it.")
@click.option("--spare", default=_SPARE, show_default=True, help="Bytes of the spare slot.")
@click.option("--valid", nargs=2, help="From and until when the job is valid, as --now.")
@click.option("--disabled", help="The product has disabled updates, and this is why.")
@click.option("--operator-off", is_flag=True, help="The operator has.")
@click.option("--closed", multiple=True, metavar="GATE", help=f"A gate of the product's that is closed: {_GATE}.")
@click.option("--forced", is_flag=True, help="By the operator.")
@click.option("--on-trial", is_flag=True, help="What runs is not confirmed yet.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of [rule, verdict, reason, until].")
def command(as_json: bool, **given) -> int:
    """Nothing is touched. Exit 0 if the update would start, 1 if not."""
    sys.path.append(str(FIRMWARE))
    try:
        rules = _rules(**given)
        from ota import explain

        lines = [explain.line(rule) for rule in rules]
    finally:
        sys.path.remove(str(FIRMWARE))
    click.echo(json.dumps(rules) if as_json else "\n".join(map(_with_dates, lines, rules)))
    return 0 if rules[-1][1] == "start" else 1


def _rules(
    now: str | None,
    when: str,
    tz: str,
    running: str,
    version: str,
    size: int,
    spare: int,
    valid: tuple[str, str] | None,
    disabled: str | None,
    operator_off: bool,
    closed: tuple[str, ...],
    forced: bool,
    on_trial: bool,
) -> list[tuple]:
    from ota import explain
    from ota.errors import OtaError
    from ota.job import Job
    from ota.schedule import Rules
    from ota.when import parse
    from ota.zone import Zone

    try:
        fields = {"title": "product", "version": version, "size": size, "checksum": "0" * 64, "algorithm": "SHA256"}
        job = Job(fields)
        if valid:
            job.rules = Rules((_unix(valid[0]), _unix(valid[1])))
        rules = parse(when) if when else None
        zone = Zone(tz)
        clock = _unix(now) if now else None
    except OtaError as error:
        raise UserError(error.code, str(error.detail or error.code)) from None
    hours = (clock, zone, rules, forced) if rules or job.rules else None
    track = explain.Looked.__new__(explain.Looked)
    track.running, track.installed_by, track.unconfirmed = ("product", running), None, on_trial
    track.slot = _Slot(spare)
    gates = [
        ("operator", not operator_off, "disabled: by the operator", 0, not forced),
        ("updates", disabled is None, f"disabled: {disabled}", 0, False),
        *map(_gate, closed),
    ]
    return explain.of_job(job, {}, track, gates, hours, forced)


class _Slot:
    def __init__(self, size: int) -> None:
        self.size = size


def _gate(text: str) -> tuple:
    name, _, reason = text.partition("=")
    reason, _, hard = reason.partition(":")
    if not name or not reason or hard not in ("", "hard"):
        raise UserError("bad_gate", f"{text!r} is not {_GATE}")
    return name, False, reason, 0, bool(hard)


def _unix(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise UserError("bad_time", f"{text!r} is not a time such as 2026-01-15T02:30") from None


def _with_dates(line: str, rule: tuple) -> str:
    until = rule[3]
    return line + f" ({datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M:%S} UTC)" if until else line
