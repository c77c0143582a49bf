# SPDX-License-Identifier: MIT
"""A small product: runs its application (app.py), and is kept up to date by the agent meanwhile."""

from app import Product
from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.journal import Journal


def thingsboard(board, running):
    """ThingsBoard over what setting `transport` says: "mqtt", or "http" where that does not get through."""
    where = (board, board.text("host", "127.0.0.1"), board.number("port", 1883), board.text("token", ""), running)
    chunk = board.number("chunk", 4096)
    if board.text("transport", "mqtt") == "http":
        from ota.cloud.tb_http import ThingsBoardHttp

        return ThingsBoardHttp(*where, chunk=chunk)
    from ota.cloud.thingsboard import ThingsBoard

    return ThingsBoard(*where, chunk=chunk, window=board.number("window", 4))


def main():
    board = Board()
    board.join(board.text("ssid", "simulated"), board.text("wifi_key", ""))
    journal = Journal(board.nvs)
    cloud = thingsboard(board, identity.running(board, journal))
    product = Product(cloud)
    agent = Agent(board, cloud, journal, health=(product.works,))
    for _ in agent.steps():
        product.tick()


main()
