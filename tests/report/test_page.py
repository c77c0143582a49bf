# SPDX-License-Identifier: MIT
"""The page that a campaign leaves behind, as a browser shows it."""

import itertools
import json
from xml.etree import ElementTree

import pytest
from matplotlib.colors import to_rgb

from simulator.campaign import pictures, report
from simulator.campaign.pictures import COLOURS
from simulator.campaign.summary import ENDS, replay_line
from simulator.errors import UserError
from tests.report.cases import record

PICTURES = ("heat", "redownloads", "ends", "boots", "erases")


def test_page_shows_the_verdict_the_failing_cases_and_pictures_with_a_size(records, tmp_path, tab):
    asked, complaints = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    page = report.write(records, tmp_path, {"seed": "7"}, limit=8192)
    tab.goto(page.as_uri())
    assert asked == [page.as_uri()]
    assert complaints == []
    assert tab.inner_text("#verdict") == "2 of 304 cases broke a rule"
    assert tab.locator("#failing code").all_inner_texts() == [replay_line(records[n]) for n in (53, 161)]
    assert "no <slot> starts" in tab.inner_text("#failing")
    for name in PICTURES:
        box = tab.locator(f"#{name} svg").bounding_box()
        assert box["width"] > 300 and box["height"] > 80, name
    assert "limit 8,192" in tab.locator("#redownloads svg").text_content()
    assert {"ota_1", "0x30000", "4"} <= set(tab.locator("#erases svg text").all_text_contents())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1200


def test_page_fits_a_telephone(records, tmp_path, tab):
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.goto(report.write(records, tmp_path, {}).as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_page_without_failures_says_so_and_has_no_list_of_them(tmp_path, tab):
    tab.goto(report.write([record("cut=1:after")], tmp_path, {}).as_uri())
    assert tab.inner_text("#verdict") == "No rule was broken in 1 cases"
    assert tab.locator("#failing").count() == 0


def test_page_of_nothing_has_no_pictures(tmp_path, tab):
    tab.goto(report.write([], tmp_path, {}).as_uri())
    assert tab.inner_text("#verdict") == "No cases were run"
    assert tab.locator("svg").count() == 0


def test_page_is_the_same_for_the_same_records(records, tmp_path):
    pages = [report.write(records, tmp_path / name, {"seed": "7"}).read_bytes() for name in ("a", "b")]
    assert pages[0] == pages[1]


def test_data_lies_beside_the_page(records, tmp_path):
    report.write(records, tmp_path, {"seed": "7"})
    lines = (tmp_path / "records.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["total"]["cases"] == 304
    assert summary["failing"] == [records[53]["case"], records[161]["case"]]
    assert summary["about"] == {"seed": "7"}


def test_folder_that_cannot_be_written_is_an_error_of_the_user(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as error:
        report.write([], tmp_path / "file" / "below", {})
    assert error.value.code == "cannot_write"


def test_colours_get_darker_as_ends_get_worse():
    shades = [sum(w * c for w, c in zip((0.30, 0.59, 0.11), to_rgb(COLOURS[end]), strict=True)) for end in ENDS]
    assert all(lighter - darker > 0.1 for lighter, darker in itertools.pairwise(shades))


def test_heat_map_has_a_panel_a_story_and_a_cell_a_run(records):
    text = " ".join(ElementTree.fromstring(pictures.heat_map(records)).itertext())
    for word in ("update", "rollback", *pictures.MODES, "unbootable", "stuck"):
        assert word in text
    assert "failed" not in text  # no single cut ended so


def test_heat_map_tells_what_the_operations_are_where_a_clean_run_has_told(records):
    text = " ".join(ElementTree.fromstring(pictures.heat_map(records)).itertext())
    for word in ("what", "ota_1", "nvs", "erase slot", "program otadata", "by the bootloader"):
        assert word in text
    unknown = [found for found in records if not found["operations"]]
    assert "by the bootloader" not in " ".join(ElementTree.fromstring(pictures.heat_map(unknown)).itertext())


def test_wear_shows_every_area_that_was_erased_and_what_is_typical_of_all_cases(tmp_path, tab):
    worn = [record(erases={"15": 3, "48": 1}), *[record(erases={"15": 1})] * 4]
    tab.goto(report.write(worn, tmp_path, {}).as_uri())
    assert {"otadata", "ota_1", "0xf000"} <= set(tab.locator("#erases svg text").all_text_contents())


def test_heat_map_of_thousands_of_operations_stays_small():
    many = [record(f"cut={op}:after") for op in range(6500)]
    assert len(pictures.heat_map(many)) < 300_000
