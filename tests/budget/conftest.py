# SPDX-License-Identifier: MIT
"""The MicroPythons that heap figures come from; a test that needs one which is not set up is a skip with its reason."""

import pytest

from simulator import interpreters
from simulator.errors import UserError
from simulator.interpreters import Interpreter


def _find(name: str) -> Interpreter:
    try:
        return interpreters.find(name)
    except UserError as missing:
        pytest.skip(missing.text)


@pytest.fixture(params=["micropython32", "micropython"])
def board(request: pytest.FixtureRequest) -> Interpreter:
    return _find(request.param)


@pytest.fixture
def small() -> Interpreter:
    """The one with the object sizes of an ESP32."""
    return _find("micropython32")


@pytest.fixture
def both() -> list[Interpreter]:
    return [_find("micropython32"), _find("micropython")]
