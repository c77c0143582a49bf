# SPDX-License-Identifier: MIT
"""Our mock's CoAP and DTLS, judged by libcoap's client.

But for blocks that come separately: of those libcoap 4.3.1 says "large body receive internal issue".
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.clouds import dtls
from simulator.clouds.lwm2m import FileDoor, Lwm2mServer
from simulator.clouds.lwm2m.files import FileManners
from simulator.clouds.server import Door, ThreadServer
from tests.pki import Authority
from tests.wire import libcoap

IMAGE = bytes(range(256)) * 150 + b"tail"
KEY = "0123456789abcdef"


@contextmanager
def served(manners: FileManners | None = None, secured: dtls.Dtls | None = None, image: bytes = IMAGE) -> Iterator[str]:
    """The address of an image, without its scheme."""
    cloud = Lwm2mServer()
    if manners:
        cloud.files.manners = manners
    file = cloud.files.add(IMAGE, "board-1")
    with ThreadServer(Door(FileDoor(cloud), tls=secured, datagrams=True)) as server:
        yield f"127.0.0.1:{server.port}{file.path}"


@pytest.mark.parametrize("block", [16, 64, 512, 1024])
def test_libcoap_fetches_an_image_in_blocks_of_any_size(block: int, tmp_path: Path) -> None:
    with served(FileManners(block=block)) as address:
        done = libcoap.client("-o", tmp_path / "image", f"coap://{address}")
    assert (tmp_path / "image").read_bytes() == IMAGE, done


def test_libcoap_chooses_smaller_blocks_than_the_mock(tmp_path: Path) -> None:
    with served() as address:
        libcoap.client("-b", "128", "-o", tmp_path / "image", f"coap://{address}")
    assert (tmp_path / "image").read_bytes() == IMAGE


def test_libcoap_fetches_an_image_with_a_shared_key(tmp_path: Path) -> None:
    with served(secured=dtls.with_keys({"board-1": KEY.encode()})) as address:
        libcoap.client("-u", "board-1", "-k", KEY, "-o", tmp_path / "image", f"coaps://{address}")
        assert (tmp_path / "image").read_bytes() == IMAGE
        wrong = libcoap.client("-B", "2", "-u", "board-1", "-k", "wrong", f"coaps://{address}")
        assert b"cannot send" in wrong.stdout + wrong.stderr


def test_libcoap_fetches_an_image_and_both_show_certificates(tmp_path: Path) -> None:
    authority = Authority()
    mine = authority.client("board-1")
    for name, pem in {"ca": authority.pem, **mine}.items():
        (tmp_path / name).write_bytes(pem)
    chain, key = authority.pems("127.0.0.1")
    with served(secured=dtls.with_certificate(chain, key, authority.pem)) as address:
        shown = ("-c", tmp_path / "cert", "-j", tmp_path / "key", "-C", tmp_path / "ca")
        libcoap.client(*shown, "-o", tmp_path / "image", f"coaps://{address}")
    assert (tmp_path / "image").read_bytes() == IMAGE


def test_what_is_not_there_is_said_in_a_code() -> None:
    with served() as address:
        done = libcoap.client(f"coap://{re.sub('/f/.*', '/f/nothing', address)}")
    assert b"4.04" in done.stdout + done.stderr
