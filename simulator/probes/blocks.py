# SPDX-License-Identifier: MIT
"""Probe: heap that blocks cost while they stream in, from block FIRST to block LAST; with the heap locked if LOCK.

TRACK: 0 for firmware, 1 for software.

Between the two no report is due, so nothing is written to the log and no telemetry is sent.
"""

import gc

from micropython import heap_lock, heap_unlock

from ota import identity
from ota.agent import Agent
from ota.board import Board
from ota.journal import Journal
from ota.slot import BLOCK


def make_agent():
    board = Board()
    board.join("simulated", "")
    journal = Journal(board.nvs)
    return Agent(board, make_cloud(board, identity.running(board, journal)), journal)


def make_cloud(board, running):
    if board.text("cloud", "") == "rainmaker":
        from ota.cloud.rainmaker import RainMaker

        return RainMaker(board, running)
    if board.text("cloud", "") == "broker":
        from ota.cloud.broker import Broker

        return Broker(board, running)
    from ota.cloud.thingsboard import ThingsBoard

    return ThingsBoard(board, board.text("host", ""), board.number("port", 0), board.text("token", ""), running)


def stream(steps, slot, block):
    while slot.offset < block * BLOCK:
        next(steps)


def main(track, first, last, lock):
    agent = make_agent()
    steps = agent.steps()
    while len(agent.tracks) <= track:
        next(steps)
    slot = agent.tracks[track].slot
    stream(steps, slot, first)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    if lock:
        heap_lock()
    stream(steps, slot, last)
    if lock:
        heap_unlock()
    print("probe blocks", last - first, "bytes", gc.mem_alloc() - before)


main(TRACK, FIRST, LAST, LOCK)  # noqa: F821
