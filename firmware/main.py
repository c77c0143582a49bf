# SPDX-License-Identifier: MIT
"""A small product: runs its application (app.py), and is kept up to date by the agent meanwhile."""

from app import Product
from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.journal import Journal


def thingsboard(board, running):
    if board.text("transport", "mqtt") == "http":  # where MQTT does not get through
        from ota.cloud.tb_http import ThingsBoardHttp as ThingsBoard
    else:
        from ota.cloud.thingsboard import ThingsBoard
    return ThingsBoard(
        board,
        board.text("host", "127.0.0.1"),
        board.number("port", 1883),
        board.text("token", ""),
        running,
        chunk=board.number("chunk", 4096),
        window=board.number("window", 4),
    )


def connect(board, running):
    """The cloud of the setting `cloud`. One function: what stays of each would cost every board memory."""
    name = board.text("cloud", "")
    if name == "rainmaker":
        from ota.cloud.rainmaker import RainMaker as Cloud
    elif name == "broker":
        from ota.cloud.broker import Broker as Cloud
    elif name == "lwm2m":
        from ota.cloud.lwm2m import Lwm2m as Cloud
    else:
        return thingsboard(board, running)
    return Cloud(board, running)


def main():
    board = Board()
    board.join(board.text("ssid", "simulated"), board.text("wifi_key", ""))
    journal = Journal(board.nvs)
    cloud = connect(board, identity.running(board, journal))
    product = Product(cloud)
    agent = Agent(board, cloud, journal, health=(product.works,), when=board.text("when", ""))
    for _ in agent.steps():
        product.tick()


main()
