# SPDX-License-Identifier: MIT
"""The agent fetches images from CoAP servers of others, and is pushed one by libcoap's client."""

import threading
from pathlib import Path
from typing import Any

import pytest

from simulator import interpreters
from simulator.clouds import dtls
from simulator.errors import UserError
from simulator.interpreters import Interpreter
from tests.agent.board_world import firmware
from tests.pki import Authority
from tests.wire import libcoap
from tests.wire.lw_board import HOST, NAME, LwBoard

DOWNLOADED = 2


def fetched(interpreter: Interpreter, uri: str, **how: Any) -> None:
    with LwBoard(interpreter, **how) as board:
        board.start()
        assert board.ask(lambda: board.device.write("/5/0/1", uri)) == "2.04"
        board.wait_state(DOWNLOADED)
        board.install()
        assert (board.story.version, board.story.slot) == ("1.1.0", "ota_1")


def test_agent_fetches_an_image_from_libcoap_s_server(interpreter: Interpreter, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(firmware("1.1.0"))
    with libcoap.server() as port:
        uri = f"coap://127.0.0.1:{port}/app.bin"
        libcoap.client("-m", "put", "-t", "42", "-b", "1024", "-f", tmp_path / "image", uri)
        fetched(interpreter, uri)


def test_agent_fetches_an_image_from_aiocoap_s_file_server(interpreter: Interpreter, tmp_path: Path) -> None:
    (tmp_path / "app.bin").write_bytes(firmware("1.1.0"))
    with libcoap.file_server(tmp_path) as port:
        fetched(interpreter, f"coap://127.0.0.1:{port}/app.bin")


@pytest.mark.parametrize("block", [64, 256, 1024])
def test_libcoap_s_client_pushes_an_image(interpreter: Interpreter, tmp_path: Path, block: int) -> None:
    (tmp_path / "image").write_bytes(firmware("1.1.0"))
    with LwBoard(interpreter) as board:
        board.start()
        uri = f"coap://127.0.0.1:{board.relay.entrance}/5/0/0"
        put = ("-m", "put", "-t", "42", "-b", str(block), "-f", tmp_path / "image", uri)
        pusher = threading.Thread(target=libcoap.client, args=put)
        pusher.start()
        board.wait(lambda: not pusher.is_alive(), 60)
        board.wait_state(DOWNLOADED)
        board.install()
        assert (board.story.version, board.story.slot) == ("1.1.0", "ota_1")


@pytest.fixture(params=("micropython32", "micropython"))
def micropython(request) -> Interpreter:
    """CPython has no DTLS."""
    try:
        return interpreters.find(request.param)
    except UserError as missing:
        pytest.skip(missing.text)


def test_agent_fetches_an_image_from_libcoap_s_server_by_coaps(micropython: Interpreter, tmp_path: Path) -> None:
    """Registered over DTLS at mbedTLS, fetched over DTLS from OpenSSL; all three show certificates of one authority."""
    authority = Authority()
    mine = authority.client(NAME)
    chain, key = authority.pems(HOST)
    (tmp_path / "image").write_bytes(firmware("1.1.0"))
    for name, pem in {
        "ca": authority.pem,
        "cert": chain,
        "key": key,
        **{f"my_{n}": p for n, p in mine.items()},
    }.items():
        (tmp_path / name).write_bytes(pem)
    shown = [str(tmp_path / name) for name in ("cert", "key", "ca")]
    with libcoap.server("-c", shown[0], "-j", shown[1], "-C", shown[2]) as port:
        uri = f"coap://127.0.0.1:{port}/app.bin"
        libcoap.client("-m", "put", "-t", "42", "-b", "1024", "-f", tmp_path / "image", uri)
        settings = {"security": b"cert", "ca": authority.pem, **mine}
        fetched(
            micropython,
            f"coaps://127.0.0.1:{port + 1}/app.bin",
            heap="200k",
            secured=dtls.with_certificate(chain, key, authority.pem),
            settings=settings,
        )
