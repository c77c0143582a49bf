# SPDX-License-Identifier: MIT
"""A product with a second microcontroller: a simulated one, whose flash is a file. Its images begin with "HOST"."""

import os

from app import Product
from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.rainmaker import RainMaker
from ota.errors import JobError
from ota.host import HostMcu
from ota.journal import Journal

FLASH = "host.bin"


class Simulated:
    """A target as ota.host wants it."""

    def begin(self, size, version):
        self._file = open(FLASH, "wb")  # noqa: SIM115 (closed by end)
        self._left = size
        print("host erased for", version)

    def write(self, block, n):
        self._file.write(memoryview(block)[:n])
        self._left -= n

    def end(self):
        self._file.close()
        with open(FLASH, "rb") as file:
            starts = file.read(4) == b"HOST"
        if self._left or not starts:
            raise JobError("host_refused", "it does not start")
        print("host runs", os.stat(FLASH)[6])


def main():
    board = Board()
    board.join(board.text("ssid", "simulated"), "")
    journal = Journal(board.nvs)
    cloud = RainMaker(board, identity.running(board, journal))
    product = Product(cloud)
    agent = Agent(board, cloud, journal)
    agent.tracks.append(HostMcu(agent, Simulated()))
    for _ in agent.steps():
        product.tick()


main()
