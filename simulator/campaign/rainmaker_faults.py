# SPDX-License-Identifier: MIT
"""What a RainMaker cloud may say at any moment (rainmaker.md 2.1, 2.5, 11). For what it does on an occasion: `cloud=`.

`otaurl=KIND`, if the node is there to hear it:

    same    the job once more, with a new URL, as when an administrator retriggers it
    other   a job that nobody has made
    wait    come again later
    no-id   a job without an id
    junk, list, deep, empty    no such message at all

`params=Enabled:false`: the node's user writes this parameter of the service `Updates`, and again every 10 s until the
node says that it is so, or something else is wanted of it.
"""

import json
import random
from typing import TYPE_CHECKING

from simulator.campaign import alarm, mqtt_faults
from simulator.campaign.case import fault
from simulator.clouds.rainmaker import otaurl
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.campaign.run import Run

_STRANGER = {"ota_job_id": "Str4ng3rStr4ng3rStr4ng"}
MESSAGES: dict[str, bytes] = {
    "wait": otaurl.text({"ota_available": True, "action": "wait", "min_wait": 2, "max_wait": 4}),
    "junk": b'{"ota_job_id": "therm',
    "list": b'[{"ota_job_id": "list"}]',
    "deep": b'{"metadata":' * 300 + b"1" + b"}" * 300,
    "empty": b"",
}
SERVICE = "Updates"  # of the agent, see docs/control.md
_AGAIN_MS = 10_000
KINDS = ("same", "other", "no-id", *MESSAGES)


@fault("otaurl")
class OtaurlFault:
    """See the table above."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        self._kind = ":".join(arguments)
        if self._kind not in KINDS:
            raise UserError("bad_case", f"otaurl={self._kind}: {', '.join(KINDS)}")

    def attach(self, run: "Run") -> None:
        """Raises UserError("bad_case") for another cloud."""
        mqtt_faults.only_of("rainmaker", run, "otaurl")
        node, job = run.side.peer, next(reversed(run.cloud.jobs.values()))
        if not job.is_active:
            return
        if self._kind == "same":
            run.cloud.retrigger(job, run.twin.now_ms)
        elif node.session:
            node.session.deliver(f"node/{node.id}/otaurl", MESSAGES.get(self._kind) or self._message(run, job, node))

    def _message(self, run: "Run", job: object, node: object) -> bytes:
        if self._kind == "empty":
            return b""
        fields = otaurl.offer(run.cloud, job, node)
        del fields["ota_job_id"]
        return json.dumps(fields if self._kind == "no-id" else fields | _STRANGER).encode()


@fault("params")
class ParamsFault:
    """See above."""

    def __init__(self, arguments: list[str], rng: random.Random) -> None:
        name, value, *rest = [*arguments, ""]
        if value not in ("true", "false") or rest != [""]:
            raise UserError("bad_case", f"params={':'.join(arguments)}: NAME:true or NAME:false")
        self._name, self._value = name, value == "true"

    def attach(self, run: "Run") -> None:
        """Raises UserError("bad_case") for another cloud."""
        mqtt_faults.only_of("rainmaker", run, "params")
        self._run = run
        run.side.wanted[self._name] = self._value
        self._write()

    def _write(self) -> None:
        run, name = self._run, self._name
        node = run.side.peer
        is_so = node.params.get(SERVICE, {}).get(name) is self._value
        if not is_so and run.side.wanted[name] is self._value:
            run.cloud.set_params(node, {SERVICE: {name: self._value}}, run.twin.now_ms)
            alarm.after(run.twin, _AGAIN_MS, self._write)
