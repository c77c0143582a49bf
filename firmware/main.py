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


def rainmaker(board, running):
    from ota.cloud.rainmaker import RainMaker

    return RainMaker(board, running)


def broker(board, running):
    from ota.cloud.broker import Broker

    return Broker(board, running)


def lwm2m(board, running):
    from ota.cloud.lwm2m import Lwm2m

    return Lwm2m(board, running)


def main():
    board = Board()
    board.join(board.text("ssid", "simulated"), board.text("wifi_key", ""))
    journal = Journal(board.nvs)
    make = {"rainmaker": rainmaker, "broker": broker, "lwm2m": lwm2m}.get(board.text("cloud", ""), thingsboard)
    cloud = make(board, identity.running(board, journal))
    product = Product(cloud)
    agent = Agent(board, cloud, journal, health=(product.works,), when=board.text("when", ""))
    for _ in agent.steps():
        product.tick()


main()
