# SPDX-License-Identifier: MIT
"""The page of a mock cloud with a few devices, which the test plays itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import browser  # noqa: F401 (a fixture)
from tests.dashboard.show import RainMakerShow, Show, Stage


@pytest.fixture
def show() -> Iterator[Show]:
    with Show() as show:
        yield show


@pytest.fixture
def rainmaker() -> Iterator[RainMakerShow]:
    with RainMakerShow() as show:
        yield show


@pytest.fixture
def tab(browser: Browser, show: Show) -> Iterator[Page]:  # noqa: F811
    """A browser that shows the page."""
    with opened(browser, show) as page:
        yield page


@pytest.fixture
def rainmaker_tab(browser: Browser, rainmaker: RainMakerShow) -> Iterator[Page]:  # noqa: F811
    with opened(browser, rainmaker) as page:
        yield page


@contextmanager
def opened(browser: Browser, stage: Stage) -> Iterator[Page]:  # noqa: F811
    with browser.new_page(viewport={"width": 1280, "height": 900}) as page:
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(stage.url)
        page.wait_for_selector("#live.on")
        yield page
