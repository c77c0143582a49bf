# SPDX-License-Identifier: MIT
"""The cloud that the settings name (docs/WIRE.md 11), for a product that can use any. Loaded once, then gone."""


def cloud(board, running):
    """`running`: (title, version) of what runs."""
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
