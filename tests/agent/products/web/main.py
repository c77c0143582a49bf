# SPDX-License-Identifier: MIT
"""A product that speaks HTTP only, lets itself be claimed and says nothing by itself when a setting says so."""

from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud import tb_provision
from ota.cloud.tb_http import ThingsBoardHttp
from ota.journal import Journal
from ota.port import ticks_diff, ticks_ms

_TELEMETRY_MS = 10000


def main():
    board = Board()
    board.join(board.text("ssid", "simulated"), "")
    journal = Journal(board.nvs)
    host, port, token = board.text("host", ""), board.number("http_port", 8080), board.text("token", "")
    chunk = board.number("chunk", 4096)
    cloud = ThingsBoardHttp(board, host, port, token, identity.running(board, journal), chunk)
    agent = Agent(board, cloud, journal)
    secret = board.text("claim", "")
    told, is_quiet = ticks_ms(), board.number("quiet", 0)
    for _ in agent.steps():
        if cloud.ready and secret:
            tb_provision.claim(cloud, secret, 60000)
            secret = ""
        if cloud.linked and not is_quiet and ticks_diff(ticks_ms(), told) >= _TELEMETRY_MS:
            told = ticks_ms()
            cloud.publish({"temperature": 21.5}, qos=0)


main()
