# SPDX-License-Identifier: MIT
"""What the tests of the report share: the records of a small campaign, and a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from simulator.campaign.pictures import MODES
from simulator.campaign.summary import Record
from tests.browser import browser  # noqa: F401 (a fixture)
from tests.report.cases import record

# What the 30 operations of a story are: NVS, an erased and a written slot, boot records by either.
OPERATIONS = [
    *[["program", "nvs", "app"]] * 9,
    *[["erase", "ota_1", "app"]] * 5,
    *[["program", "ota_1", "app"]] * 5,
    *[["erase", "otadata", "app"], ["program", "otadata", "app"]],
    *[["erase", "otadata", "bootloader"], ["program", "otadata", "bootloader"]],
    *[["erase", "nvs", "app"]] * 6,
]


@pytest.fixture
def records() -> list[Record]:
    """Every place and mode of two stories, two of them broken; a case of two cuts; faults of other kinds."""
    places = [(story, op, mode) for story in ("update", "rollback") for op in range(30) for mode in MODES]
    found = [record(f"cut={op}:{mode}", story=story) for story, op, mode in places]
    unbootable = {"end": "unbootable", "violations": [["I1", "no <slot> starts"], ["I6", "it never ends"]]}
    found[52] |= unbootable
    found[160] |= {"end": "stuck", "violations": [["I6", "it never ends"]]}
    return [
        record(operations=OPERATIONS),
        *found,
        record("cut=3:after", "cut=9:half", redownloaded=12_345, extra_boots=2, board_s=99.5),
        record("flash=stuck-0:spare+3", end="failed", erases={"48": 4}, erases_max=4),
        record("net=cut:1234"),
    ]


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:  # noqa: F811
    with browser.new_page(viewport={"width": 1200, "height": 900}) as page:
        yield page
