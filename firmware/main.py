# SPDX-License-Identifier: MIT
"""A small product: runs its application (app.py), and is kept up to date by the agent meanwhile."""

from ota.agent import Agent
from ota.board import Board
from ota.journal import Journal
from ota.port import forget


def choose(board, journal):
    """The cloud of the settings. Not part of `main`, which would keep what it has imported."""
    from ota.cloud.choose import cloud
    from ota.identity import running

    forget("ota.cloud.choose", "ota.identity")
    return cloud(board, running(board, journal))


def main():
    board = Board()
    board.join(board.text("ssid", "simulated"), board.text("wifi_key", ""))
    journal = Journal(board.nvs)
    cloud = choose(board, journal)
    agent = Agent(board, cloud, journal, when=board.text("when", ""))
    try:
        from app import Product

        product = Product(cloud)
        agent.health = (product.works,)
        for _ in agent.steps():
            product.tick()
    except Exception as error:  # the application's: without it the agent can still be reached
        from ota import safe

        safe.failed(agent, error)


main()
