# SPDX-License-Identifier: MIT
"""A real browser without a window, for tests that look at a page; import the fixture into a conftest."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")  # no longer, as it keeps an event loop running
def browser() -> Iterator[Browser]:
    """A machine that has none skips."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        pytest.skip("no Chromium on this machine (apt install chromium)")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])  # CI is root
        yield browser
        browser.close()
