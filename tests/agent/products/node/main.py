# SPDX-License-Identifier: MIT
"""A RainMaker node that has a say in its updates, as its settings have it, all in seconds from its start, 0 for never:

brewing_s    updates are disabled until then
pouring_s    a gate is closed until then
charging_s   so long the battery is too low, which nobody can force
pauses       how often it pauses a download, each time after three more blocks and for a second
"""

from ota import gates, identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.rainmaker import RainMaker
from ota.journal import Journal
from ota.port import ticks_diff, ticks_ms

_BLOCKS = 3
_PAUSE_MS = 1000


class Pauses:
    def __init__(self, agent, count):
        self._agent = agent
        self._left = count
        self._blocks = 0
        self._since = None
        agent.on(self.hear)

    def hear(self, event, value):
        if event == "progress" and self._left:
            self._blocks += 1
            if self._blocks % _BLOCKS == 0:
                self._left -= 1
                self._since = ticks_ms()
                self._agent.pause()

    def tick(self):
        if self._since is not None and ticks_diff(ticks_ms(), self._since) > _PAUSE_MS:
            self._since = None
            self._agent.resume()


def main():
    board = Board()
    board.join(board.text("ssid", "simulated"), "")
    journal = Journal(board.nvs)
    agent = Agent(board, RainMaker(board, identity.running(board, journal)), journal)
    began = ticks_ms()

    def passed(name):
        return ticks_diff(ticks_ms(), began) >= board.number(name, 0) * 1000

    if not passed("pouring_s"):
        agent.gate("machine", lambda: passed("pouring_s") or (False, "pouring"))
    if not passed("charging_s"):
        agent.gate("battery", gates.battery(lambda: 100 if passed("charging_s") else 20, 30), hard=True)
    if not passed("brewing_s"):
        agent.disable_updates("brewing")
    pauses = Pauses(agent, board.number("pauses", 0)) if board.number("pauses", 0) else None
    for _ in agent.steps():
        if pauses:
            pauses.tick()
        if board.number("brewing_s", 0) and passed("brewing_s"):
            agent.enable_updates()


main()
