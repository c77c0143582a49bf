# SPDX-License-Identifier: MIT
"""The agent fetches images from CoAP servers of others, and is pushed one by libcoap's client."""

import json
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiocoap import Message

from simulator import interpreters
from simulator.board.net import Packet
from simulator.clouds import dtls
from simulator.clouds.lwm2m import formats
from simulator.errors import UserError
from simulator.faults.datagram_proxy import ThreadDatagramProxy
from simulator.interpreters import Interpreter
from tests.agent.board_world import firmware
from tests.agent.harness import small_app
from tests.pki import Authority
from tests.wire import libcoap
from tests.wire.lw_board import HOST, NAME, LwBoard

IDLE, DOWNLOADING, DOWNLOADED = 0, 1, 2
Done = subprocess.CompletedProcess[bytes]
NO_ROOM = 2  # a Result
BLOCK, SECTOR = 1024, 4096
CUT_AT = 150  # a block


def libcoap_put(path: Path, uri: str, block: int, content_format: int = formats.OCTETS) -> Done:
    return libcoap.client("-m", "put", "-t", str(content_format), "-b", str(block), "-f", path, uri)


def aiocoap_put(path: Path, uri: str, block: int) -> Done:
    exponent = block.bit_length() - 5
    words = ("--content-format", "42", "--payload-initial-szx", str(exponent), "--payload", f"@{path}")
    return libcoap.aiocoap_client("-m", "PUT", *words, uri)


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
        libcoap_put(tmp_path / "image", uri, 1024)
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
        pusher = threading.Thread(target=libcoap_put, args=(tmp_path / "image", uri, block))
        pusher.start()
        board.wait(lambda: not pusher.is_alive(), 60)
        board.wait_state(DOWNLOADED)
        board.install()
        assert (board.story.version, board.story.slot) == ("1.1.0", "ota_1")


def test_libcoap_s_client_writes_a_uri_in_blocks(interpreter: Interpreter, tmp_path: Path) -> None:
    """Block1 of a Write that is no package; three of 64 bytes, and the image is fetched from there."""
    name = "long" * 30 + ".bin"
    (tmp_path / name).write_bytes(firmware("1.1.0"))
    with libcoap.file_server(tmp_path) as port, LwBoard(interpreter) as board, ThreadPoolExecutor(1) as pool:
        uri = f"coap://127.0.0.1:{port}/{name}"
        assert 128 < len(uri) <= 192
        (tmp_path / "uri").write_text(uri)
        board.start()
        place = f"coap://127.0.0.1:{board.relay.entrance}/5/0/1"
        end = pool.submit(libcoap_put, tmp_path / "uri", place, 64, formats.TEXT)
        board.wait(end.done, 60)
        assert not end.result().stderr  # where it says what was refused
        board.wait_state(DOWNLOADED)
        board.install()
        assert (board.story.version, board.story.slot) == ("1.1.0", "ota_1")


@pytest.mark.parametrize("size", [9_008, 8 * 1024])
@pytest.mark.parametrize("block", [16, 1024])
def test_libcoap_s_client_pushes_blocks_of_any_size_to_the_last_byte(tmp_path: Path, size: int, block: int) -> None:
    """Also of an image that is a multiple of them."""

    pushed(tmp_path, small_app(size), lambda path, uri: libcoap_put(path, uri, block))


def test_libcoap_s_client_loses_datagrams_and_says_them_again(tmp_path: Path) -> None:
    def push(path: Path, uri: str) -> None:
        libcoap.client("-l", "3,6", "-m", "put", "-t", "42", "-b", "1024", "-f", path, uri)

    pushed(tmp_path, small_app(9_008), push)


def test_libcoap_s_client_is_told_at_once_that_an_image_is_too_large(tmp_path: Path) -> None:
    """By the size that it tells with the first block."""
    (tmp_path / "image").write_bytes(small_app(9_008) + bytes(1_600_000))
    with LwBoard(interpreters.find("cpython")) as board:
        board.start()
        uri = f"coap://127.0.0.1:{board.relay.entrance}/5/0/0"
        with ThreadPoolExecutor(1) as pool:
            end = pool.submit(libcoap_put, tmp_path / "image", uri, 1024)
            board.wait(end.done, 60)
        said = end.result()
        assert b"4.13" in said.stdout + said.stderr
        board.wait_state(IDLE, NO_ROOM)


@pytest.mark.parametrize("exponent", [0, 6])
def test_aiocoap_s_client_pushes_an_image(tmp_path: Path, exponent: int) -> None:
    def push(path: Path, uri: str) -> None:
        done = aiocoap_put(path, uri, 16 << exponent)
        assert done.returncode == 0, done.stderr

    pushed(tmp_path, small_app(9_008), push)


@pytest.mark.parametrize(
    ("put_first", "put_second"),
    [(libcoap_put, libcoap_put), (libcoap_put, aiocoap_put), (aiocoap_put, libcoap_put)],
)
def test_a_second_push_in_the_midst_of_a_first_one_takes_its_place(
    tmp_path: Path, put_first: Callable[..., Done], put_second: Callable[..., Done]
) -> None:
    """Block 0 begins anew (lwm2m.md 3.1); who pushed before is told with the next block that it is not the next."""
    image = small_app(9_008, "1.2.0")
    (tmp_path / "first").write_bytes(small_app(800_000))
    (tmp_path / "second").write_bytes(image)
    with LwBoard(interpreters.find("cpython")) as board, ThreadPoolExecutor(2) as pool:
        board.start()
        uri = f"coap://127.0.0.1:{board.relay.entrance}/5/0/0"
        first = pool.submit(put_first, tmp_path / "first", uri, 16)
        board.wait_state(DOWNLOADING)
        assert not first.done()
        second = pool.submit(put_second, tmp_path / "second", uri, 1024)
        board.wait(lambda: first.done() and second.done(), 60)
        assert b"4.08" in first.result().stdout + first.result().stderr
        assert second.result().returncode == 0
        board.wait_state(DOWNLOADED)
        assert board.slot_holds(image)


def pushed(folder: Path, image: bytes, push: Callable[[Path, str], object]) -> None:
    """On CPython alone: what it shows is how messages of others are read, and that code is one for all."""
    (folder / "image").write_bytes(image)
    with LwBoard(interpreters.find("cpython")) as board:
        board.start()
        with ThreadPoolExecutor(1) as pool:
            end = pool.submit(push, folder / "image", f"coap://127.0.0.1:{board.relay.entrance}/5/0/0")
            board.wait(end.done, 60)
            end.result()
        board.wait_state(DOWNLOADED)
        assert board.slot_holds(image)


def test_libcoap_s_client_observes_what_is_longer_than_a_block() -> None:
    """Of each notification it fetches the rest (RFC 7959 2.6)."""
    names = {"/0": "Maker " + "m" * 50, "/1": "Model " + "o" * 50, "/18": "Hardware " + "h" * 50}
    settings = {name: text.encode() for name, text in zip(("maker", "model", "hardware"), names.values(), strict=True)}
    with LwBoard(interpreters.find("cpython"), settings=settings) as board, ThreadPoolExecutor(1) as pool:
        board.start()
        assert board.ask(lambda: board.device.attributes("/3/0", pmax=1)) == "2.04"
        uri = f"coap://127.0.0.1:{board.relay.entrance}/3/0"
        observer = pool.submit(libcoap.client, "-s", "3", "-B", "8", "-A", "110", uri)
        board.wait(observer.done, 60)
    said = observer.result().stdout.decode().strip()
    first = said[: said.index("]") + 1]
    assert {"/" + row["n"]: row.get("vs") for row in json.loads(first)}.items() >= names.items()
    assert said == first * said.count("]") and said.count("]") >= 2


def test_agent_fetches_a_whole_number_of_blocks_from_libcoap_s_server(tmp_path: Path) -> None:
    image = small_app(8 * 1024)
    (tmp_path / "image").write_bytes(image)
    with libcoap.server() as port, LwBoard(interpreters.find("cpython")) as board:
        uri = f"coap://127.0.0.1:{port}/app.bin"
        libcoap_put(tmp_path / "image", uri, 1024)
        board.start()
        assert board.ask(lambda: board.device.write("/5/0/1", uri)) == "2.04"
        board.wait_state(DOWNLOADED)
        assert board.slot_holds(image)


def test_agent_goes_on_when_libcoap_s_server_was_started_anew(tmp_path: Path) -> None:
    """Whatever its ETag is then: the bytes are the same, or the download begins once more."""
    image, came = small_app(200_000), []
    (tmp_path / "image").write_bytes(image)

    def silence(packet: Packet) -> list[Packet]:
        came.append(packet)
        return [] if len(came) > 150 and not is_back else [packet]

    def put(port: int) -> None:
        uri = f"coap://127.0.0.1:{port}/app.bin"
        libcoap_put(tmp_path / "image", uri, 1024)

    is_back = False
    with ExitStack() as first, LwBoard(interpreters.find("cpython")) as board:
        port = first.enter_context(libcoap.server())
        put(port)
        with ThreadDatagramProxy(("127.0.0.1", port), 0, [silence]) as proxy:
            board.start()
            uri = f"coap://127.0.0.1:{proxy.port}/app.bin"
            assert board.ask(lambda: board.device.write("/5/0/1", uri)) == "2.04"
            board.wait(lambda: len(came) > 150)
            first.close()
            with libcoap.server(port=port):
                put(port)
                is_back = True
                board.wait_state(DOWNLOADED)
    assert board.slot_holds(image)


def test_agent_goes_on_after_a_power_cut_by_the_etag_of_aiocoap_s_file_server(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    """What it had is not fetched again but for two sectors at most: the last whole one may be in doubt."""
    image = small_app(200_000)
    asked = fetched_after_a_cut(interpreter, tmp_path, image, image)
    assert 0 <= (CUT_AT - asked[0]) * BLOCK <= 2 * SECTOR
    assert asked == list(range(asked[0], blocks(image)))


def test_agent_begins_anew_after_a_power_cut_when_aiocoap_s_file_server_has_other_bytes(tmp_path: Path) -> None:
    """That is what the ETag of the first answer says; one block for nothing."""
    image = small_app(200_000, "1.2.0")
    asked = fetched_after_a_cut(interpreters.find("cpython"), tmp_path, small_app(200_000), image)
    assert 0 < asked[0] <= CUT_AT
    assert asked[1:] == list(range(blocks(image)))


def blocks(image: bytes) -> int:
    return -(-len(image) // BLOCK)


def fetched_after_a_cut(interpreter: Interpreter, folder: Path, image: bytes, then: bytes) -> list[int]:
    """The power goes before block CUT_AT has come; what is there `then` is in the slot in the end.

    The blocks that are asked for once the power is back, each once: datagrams that come again are not counted.
    """
    asked: dict[tuple[int, int], int] = {}  # by link and message id
    is_back = False

    def listen(packet: Packet) -> list[Packet]:
        if not packet.to_device:
            assert isinstance(packet.content, bytes)
            message = Message.decode(packet.content)
            wanted = message.opt.block2.block_number if message.opt.block2 else 0
            asked[packet.link.number, message.mid] = wanted
        return [packet] if is_back or CUT_AT not in asked.values() else []

    (folder / "app.bin").write_bytes(image)
    with (
        libcoap.file_server(folder) as port,
        ThreadDatagramProxy(("127.0.0.1", port), 0, [listen]) as proxy,
        LwBoard(interpreter) as board,
    ):
        board.start()
        uri = f"coap://127.0.0.1:{proxy.port}/app.bin"
        assert board.ask(lambda: board.device.write("/5/0/1", uri)) == "2.04"
        board.wait(lambda: CUT_AT in list(asked.values()))
        board.cut()
        before, is_back = len(asked), True
        if then != image:
            (folder / "app.bin").write_bytes(then)
        board.wait_state(DOWNLOADED)
        assert board.slot_holds(then)
    return list(asked.values())[before:]


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
        libcoap_put(tmp_path / "image", uri, 1024)
        settings = {"security": b"cert", "ca": authority.pem, **mine}
        fetched(
            micropython,
            f"coaps://127.0.0.1:{port + 1}/app.bin",
            heap="200k",
            secured=dtls.with_certificate(chain, key, authority.pem),
            settings=settings,
        )
