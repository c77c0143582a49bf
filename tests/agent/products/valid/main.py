# SPDX-License-Identifier: MIT
"""A product whose cloud tells with each job when it is valid: numbers `valid_from` and `valid_until` in NVS."""

from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.thingsboard import ThingsBoard
from ota.journal import Journal


class Cloud(ThingsBoard):
    """Stands for one that has such jobs; ThingsBoard has none."""

    validity = (None, None)

    def job(self, kind):
        job = super().job(kind)
        if job is not None:
            from ota.schedule import Rules

            job.rules = Rules(self.validity)
        return job


def main():
    board = Board()
    board.join("simulated", "")
    journal = Journal(board.nvs)
    where = board.text("host", ""), board.number("port", 1883)
    cloud = Cloud(board, *where, board.text("token", ""), identity.running(board, journal))
    cloud.validity = (board.number("valid_from", None), board.number("valid_until", None))
    for _ in Agent(board, cloud, journal, when=board.text("when", "")).steps():
        pass


main()
