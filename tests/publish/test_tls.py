# SPDX-License-Identifier: MIT
"""Whole boards and the maker's tool on a real mosquitto that speaks TLS, with certificates made for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.interpreters import BIN, Interpreter
from tests import pki
from tests.publish.conftest import Mosquitto
from tests.publish.twin import DEVICE, LIMIT_S, Twin, image_file

BY_PASSWORD, BY_CERTIFICATE = "password", "certificate"
_ASKS = "require_certificate true\nuse_identity_as_username true\n"


class Secure(Mosquitto):
    """Nobody gets in without TLS; `how`: by what it knows who somebody is."""

    def __init__(self, program: Path, folder: Path, authority: pki.Authority, how: str) -> None:
        super().__init__(program, folder)
        files = {"ca": authority.pem, **authority.client("maker")}
        files["chain"], files["server_key"] = authority.pems()
        for name, pem in files.items():
            (folder / name).write_bytes(pem)
        chain = (f"{name} {folder / file}\n" for name, file in (("certfile", "chain"), ("keyfile", "server_key")))
        asks = f"cafile {folder / 'ca'}\n{_ASKS}" if how == BY_CERTIFICATE else ""
        self.rules += "".join(chain) + asks
        self.options = ("--host", pki.NAME, "--ca", folder / "ca")
        if how == BY_CERTIFICATE:
            self.options += ("--cert", folder / "cert", "--key", folder / "key")


@pytest.fixture
def authority() -> pki.Authority:
    return pki.Authority()


@pytest.fixture(params=[BY_PASSWORD, BY_CERTIFICATE])
def how(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def broker(tmp_path: Path, authority: pki.Authority, how: str) -> Iterator[Secure]:
    program = BIN / "mosquitto"
    if not program.exists():
        pytest.skip("mosquitto is not set up: run `make setup`, which says why it may be left out")
    with Secure(program, tmp_path, authority, how) as running:
        yield running


def secure(how: str, authority: pki.Authority) -> dict[str, int | bytes]:
    """Settings of a board that trusts this CA, and shows what it has from it where that is wanted."""
    shown = authority.client(DEVICE) | {"password": b"another"} if how == BY_CERTIFICATE else {}
    return {"host": pki.NAME.encode(), "tls": 1, "ca": authority.pem, **shown}


def test_rollout_over_tls_reaches_a_board_that_confirms_it(
    broker: Secure, authority: pki.Authority, how: str, publish, tmp_path: Path, interpreter: Interpreter
) -> None:
    with Twin(broker.port, interpreter, **secure(how, authority)) as board:
        rollout = ("rollout", image_file(tmp_path), "--immediate", "--expect", 1, "--timeout", LIMIT_S)
        status, told = publish(*rollout)
    assert (status, told["result"], told["updated"]) == (0, "done", 1), board.story.lines
    assert (board.story.version, board.story.slot) == ("1.1.0", "ota_1")


@pytest.mark.parametrize("how", [BY_PASSWORD], indirect=True)
def test_broker_of_somebody_else_hears_no_word_of_a_board(broker: Secure, interpreter: Interpreter) -> None:
    with Twin(broker.port, interpreter, **secure(BY_PASSWORD, pki.Authority())) as board:
        board.wait_for_line("ota offline code=tls_untrusted")
    assert "New client connected" not in broker.log and DEVICE not in broker.log


@pytest.mark.parametrize("how", [BY_CERTIFICATE], indirect=True)
def test_board_without_a_certificate_is_not_let_in(
    broker: Secure, authority: pki.Authority, interpreter: Interpreter
) -> None:
    with Twin(broker.port, interpreter, **secure(BY_PASSWORD, authority)) as board:
        board.wait_for_line("ota offline code=")
        broker.wait_for("peer did not return a certificate")
    assert DEVICE not in broker.log
