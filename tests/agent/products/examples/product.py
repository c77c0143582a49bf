# SPDX-License-Identifier: MIT
"""What the examples of docs/control.md leave out: how an agent is made."""

from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.cloud.thingsboard import ThingsBoard
from ota.journal import Journal


def make_agent():
    board = Board()
    board.join("simulated", "")
    journal = Journal(board.nvs)
    where = board.text("host", ""), board.number("port", 1883), board.text("token", "")
    return Agent(board, ThingsBoard(board, *where, identity.running(board, journal)), journal)
