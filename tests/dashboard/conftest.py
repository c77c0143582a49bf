# SPDX-License-Identifier: MIT
"""The page of a mock ThingsBoard with a few devices, which the test plays itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import browser  # noqa: F401 (a fixture)
from tests.dashboard.show import Show


@pytest.fixture
def show() -> Iterator[Show]:
    with Show() as show:
        yield show


@pytest.fixture
def tab(browser: Browser, show: Show) -> Iterator[Page]:  # noqa: F811
    """A browser that shows the page."""
    with browser.new_page(viewport={"width": 1280, "height": 900}) as page:
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(show.url)
        page.wait_for_selector("#live.on")
        yield page
