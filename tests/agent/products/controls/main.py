# SPDX-License-Identifier: MIT
"""A product that its owner steers by calls: disable, enable, force, cancel, hold, release, pause, resume, watch, claim,
doze, restart, boot_other, crash, and stumble.

It counts its own pauses. From `watch` on it prints the agent's events; how it takes them is up to `watch`, too.
"""

import machine

from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.thingsboard import ThingsBoard
from ota.errors import OtaError, TransferError
from ota.journal import Journal
from ota.port import ticks_diff, ticks_ms

_REPORT_MS = 1000
CALLS = {
    "enable": "enable_updates",
    "release": "enable_reset",
    "force": "force",
    "cancel": "cancel",
    "pause": "pause",
    "resume": "resume",
    "restart": "restart_soon",
}
TOLD = (
    "updates_enabled",
    "updates_pending",
    "updates_forced",
    "update_status",
    "reset_enabled",
    "reset_pending",
    "transfer",
)


class Pauses:
    """How long the application had to wait between two ticks, at most; told every second."""

    def __init__(self, cloud):
        self._cloud = cloud
        self._last = self._told = ticks_ms()
        self._longest = 0

    def tick(self):
        now = ticks_ms()
        self._longest = max(self._longest, ticks_diff(now, self._last))
        self._last = now
        if self._cloud.linked and ticks_diff(now, self._told) >= _REPORT_MS:
            self._told = now
            try:
                self._cloud.publish({"pause_ms": self._longest}, qos=0)
            except TransferError:
                return  # the next one tells it
            self._longest = 0


def check(kind):
    """A health check: 0 passes, 1 says no, 2 raises."""
    if kind == 2:
        raise RuntimeError("the sensor is not there")
    return kind == 0


def main():
    board = Board()
    board.step_ms = board.number("step_ms", board.step_ms)
    board.join(board.text("ssid", "simulated"), "")
    journal = Journal(board.nvs)
    cloud = ThingsBoard(
        board,
        board.text("host", ""),
        board.number("port", 1883),
        board.text("token", ""),
        identity.running(board, journal),
        chunk=board.number("chunk", 4096),
        window=board.number("window", 4),
        allow_no_checksum=bool(board.number("trusting", 0)),
    )
    kind = board.number("health", 0)
    agent = Agent(board, cloud, journal, health=(lambda: check(kind),), when=board.text("when", ""))
    if board.number("disabled", 0):
        agent.disable_updates("by setting")

    tired = []

    def watch(how):
        asked = [0]

        def handler(event, value):
            print("event", event, value)
            if how == "raises":
                raise RuntimeError("the handler's own bug")
            if how == "slow":
                board.sleep_ms(300)
            if event == "reset":
                asked[0] += 1
                return how == "never" or (how == "later" and asked[0] < 40)

        def runs(event, value):
            if event == "reset":
                return count()

        def count():
            for _ in range(40):
                yield
            print("counted")

        agent.on(runs if how == "generator" else handler)

    state = {"battery": board.number("battery", 100), "broken": False}
    if board.number("gated", 0):
        from ota import gates

        def network():
            if state["broken"]:
                raise RuntimeError("the gate's own bug")
            return True

        busy = gates.Busy("pouring")
        agent.gate("battery", gates.battery(lambda: state["battery"], 30), hard=True)
        agent.gate("network", network)
        agent.gate("machine", busy)

    if board.text("watch", ""):
        watch(board.text("watch", ""))

    def call(method, params):
        if method == "doze":
            tired.append(True)
        elif method == "disable":
            agent.disable_updates(params.get("reason", "busy"), params.get("until"))
        elif method == "hold":
            agent.disable_reset(params.get("reason", "busy"), params.get("until"))
        elif method in CALLS:
            getattr(agent, CALLS[method])()
        elif method == "state":
            state.update(params)
        elif method in ("acquire", "release_lock"):
            (busy.acquire if method == "acquire" else busy.release)()
        elif method == "watch":
            watch(params.get("how", ""))
        elif method == "claim":
            from ota.cloud import tb_provision

            tb_provision.claim(cloud, params["secret"], params["ms"])
        elif method == "boot_other":
            try:
                agent.boot_other("it spills")
            except OtaError as error:
                return error.text()
        elif method == "crash":
            machine.reset()
        elif method == "stumble":
            raise RuntimeError("the product's own bug")
        return {name: getattr(agent, name) for name in TOLD}

    cloud.on_rpc = call
    pauses = Pauses(cloud)
    for _ in agent.steps():
        pauses.tick()
        if tired and (journal.get("job") or {}).get("stage") == "activating":
            machine.deepsleep(2000)


main()
