# SPDX-License-Identifier: MIT
"""A small product: reads a sensor, tells its cloud, and is kept up to date by the agent meanwhile."""

from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.thingsboard import ThingsBoard
from ota.errors import TransferError
from ota.journal import Journal
from ota.port import ticks_diff, ticks_ms

TELEMETRY_MS = 10000


class Thermometer:
    """Stands for the product's sensor: a slow wave around 21 degrees, in tenths."""

    def __init__(self):
        self._reading = 0

    def read(self):
        self._reading += 1
        return 210 + abs(self._reading % 40 - 20)

    def works(self):
        return 0 < self.read() < 600


class Product:
    """The application's own loop: one `tick` between two steps of the agent."""

    def __init__(self, cloud):
        self.sensor = Thermometer()
        self._cloud = cloud
        self._sent = ticks_ms()

    def tick(self):
        if self._cloud.linked and ticks_diff(ticks_ms(), self._sent) >= TELEMETRY_MS:
            self._sent = ticks_ms()
            try:
                self._cloud.publish({"temperature": self.sensor.read() / 10}, qos=0)
            except TransferError:
                pass  # the agent notices too, and mends it


def main():
    board = Board()
    board.join(board.text("ssid", "simulated"), board.text("wifi_key", ""))
    journal = Journal(board.nvs)
    cloud = ThingsBoard(
        board,
        board.text("host", "127.0.0.1"),
        board.number("port", 1883),
        board.text("token", ""),
        identity.running(board, journal),
        chunk=board.number("chunk", 4096),
        window=board.number("window", 4),
    )
    product = Product(cloud)
    agent = Agent(board, cloud, journal, health=(product.sensor.works,))
    for _ in agent.steps():
        product.tick()


main()
