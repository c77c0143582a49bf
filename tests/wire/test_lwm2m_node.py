# SPDX-License-Identifier: MIT
"""The agent and FIWARE's LwM2M server, which speaks 1.0: it does not know Send, so the board has `send` 0."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.foreign import free_port
from simulator.interpreters import Interpreter
from tests.agent.board_world import firmware
from tests.wire import libcoap
from tests.wire.lw_board import HOST, NAME, LwBoard
from tests.wire.node_lwm2m import NodeServer


@pytest.fixture
def server() -> Iterator[NodeServer]:
    with NodeServer() as running:
        yield running


@pytest.fixture
def board(interpreter: Interpreter, server: NodeServer) -> Iterator[LwBoard]:
    """One that has registered."""
    with LwBoard(interpreter, settings={"host": HOST.encode(), "port": server.port, "send": 0}) as board:
        board.wait(lambda: server.heard("registered"))
        yield board


def test_it_registers_with_all_that_it_has(board: LwBoard, server: NodeServer) -> None:
    (registered,) = server.heard("registered")
    assert (registered["endpoint"], registered["lifetime"], registered["version"]) == (NAME, "300", "1.1")
    assert {"</1/0>", "</3/0>", "</5/0>", "</19/0>"} <= set(registered["objects"].split(","))


def test_it_is_read_written_and_told_to_update(board: LwBoard, server: NodeServer) -> None:
    assert server.ask(board, "read", "/3/0/3") == "1.0.0"
    assert server.ask(board, "read", "/5/0/3") == "0"
    assert server.ask(board, "read", "/3/0/99").startswith("RESOURCE_NOT_FOUND")
    before = len(server.heard("updated"))
    assert server.ask(board, "write", "/1/0/1", "600") == ""
    board.wait(lambda: len(server.heard("updated")) > before)
    assert server.heard("updated")[-1]["lifetime"] == "600"
    assert server.ask(board, "read", "/1/0/1") == "600"
    before = len(server.heard("updated"))
    assert server.ask(board, "execute", "/1/0/8") == ""
    board.wait(lambda: len(server.heard("updated")) > before)


def test_it_hears_of_the_state_that_it_observes(board: LwBoard, server: NodeServer) -> None:
    assert server.ask(board, "observe", "/5/0/3") == "0"
    assert server.ask(board, "write", "/5/0/1", f"coap://{HOST}:{free_port()}/app.bin") == ""
    board.wait(lambda: server.heard("notify"))
    assert (server.heard("notify")[0]["path"], server.heard("notify")[0]["value"]) == ([5, 0, 3], "1")


def test_it_updates_the_firmware(board: LwBoard, server: NodeServer, tmp_path: Path) -> None:
    """By reads alone: it acknowledges no notification, so a board that is observed says each for most of a minute."""
    (tmp_path / "app.bin").write_bytes(firmware("1.1.0"))
    with libcoap.file_server(tmp_path) as port:
        assert server.ask(board, "write", "/5/0/1", f"coap://{HOST}:{port}/app.bin") == ""
        board.wait(lambda: server.ask(board, "read", "/5/0/3") == "2", 120)
    assert server.ask(board, "execute", "/5/0/2") == ""
    board.wait(lambda: len(server.heard("registered")) == 2, 120)
    board.wait(lambda: server.ask(board, "read", "/5/0/5") == "1", 60)
    assert server.ask(board, "read", "/5/0/3") == "0"
    assert server.ask(board, "read", "/3/0/3") == "1.1.0"
    assert (board.story.version, board.story.slot) == ("1.1.0", "ota_1")
