# SPDX-License-Identifier: MIT
"""Who may update what when, on the page: enabled, forced, pending and why, as each cloud is told of it."""

import asyncio
import json

import aiohttp
import pytest

from simulator.clouds.broker import Broker, Names
from simulator.clouds.broker.scheme import FIRMWARE
from simulator.dashboard import broker
from simulator.dashboard.fleet import DeviceRow, Fleet
from tests.clouds import peer
from tests.clouds.lw_peer import NAME
from tests.dashboard.test_lwm2m_page import Show as Lwm2mShow
from tests.dashboard.test_page import cells, shown, wait_for

BREWING = {"enabled": False, "forced": False, "pending": True, "reason": "brewing"}


def said(row: DeviceRow) -> tuple:
    return row.enabled, row.forced, row.pending, row.reason, row.control


def attributes(show, device, **values: object) -> None:
    body = json.dumps({f"ota_{name}": value for name, value in values.items()}).encode()
    show.feed(device.name, peer.packet(0x30, peer.text("v1/devices/me/attributes"), body))


def rows_of(url: str) -> list[dict]:
    """As the page gets them."""

    async def read() -> list[dict]:
        async with aiohttp.ClientSession() as session, session.get(url + "events") as answer:
            return json.loads((await answer.content.readline()).removeprefix(b"data: "))["rows"]

    return asyncio.run(read())


def test_thingsboard_s_attributes_are_on_every_row_of_the_device(show):
    device = show.device("kettle")
    show.report(device, sw_state="UPDATED")
    attributes(show, device, **BREWING, status=2, until=0)
    for row in rows_of(show.url):
        assert {name: row[name] for name in BREWING} == BREWING
        assert row["control"] == "disabled, pending: brewing"
    attributes(show, device, forced=True, pending=False, reason="")
    assert said(show.fleet.rows["fw kettle"]) == (False, True, False, None, "disabled, forced")
    marks = show.fleet.timelines["sw kettle"].marks
    told = [mark.text for mark in marks if mark.kind == "control"]
    assert told == ["updates: disabled, pending: brewing", "updates: disabled, forced"]


def test_a_product_that_has_no_say_shows_nothing(show):
    device = show.device("lamp")
    attributes(show, device, status=1)
    show.feed(device.name, peer.packet(0x30, peer.text("v1/devices/me/attributes"), b'{"enabled": false}'))
    assert said(show.fleet.rows["fw lamp"]) == (None,) * 5


@pytest.mark.parametrize("values", [{"enabled": "no"}, {"pending": 1}, {"reason": None}, {"forced": [True]}])
def test_values_of_another_type_change_nothing(show, values):
    device = show.device("kettle")
    attributes(show, device, **BREWING)
    attributes(show, device, **values)
    assert said(show.fleet.rows["fw kettle"]) == (False, False, True, "brewing", "disabled, pending: brewing")


def test_rainmaker_s_parameters_are_on_the_node_s_row(rainmaker):
    node = rainmaker.node("A1")
    rainmaker.say(node, "params/local", {"Updates": {name.title(): value for name, value in BREWING.items()}})
    row = rainmaker.fleet.rows["A1"]
    assert said(row) == (False, False, True, "brewing", "disabled, pending: brewing")
    rainmaker.say(node, "params/local", {"Updates": {"Enabled": True}, "Lamp": {"Reason": "dark"}})
    assert said(row) == (True, False, True, "brewing", "enabled, pending: brewing")
    rainmaker.say(node, "params/local", {"Updates": 5})
    assert row.control == "enabled, pending: brewing"


def test_the_status_on_the_own_broker_is_on_every_row_of_the_device():
    fleet, names = Fleet(), Names("product")
    adapter = broker.Adapter(fleet, Broker(), names)

    def tell(**status: object) -> None:
        topic, text = names.device("b-1", "status"), json.dumps(status)
        adapter({"event": "publish", "at_ms": 1000, "client": "b-1", "topic": topic, "text": text})

    tell(firmware=["thermo", "1.0.0"], software=["app", "2"])
    assert said(fleet.rows[f"{FIRMWARE} b-1"]) == (None,) * 5
    tell(firmware=["thermo", "1.0.0"], software=["app", "2"], **BREWING)
    assert {row.control for row in fleet.rows.values()} == {"disabled, pending: brewing"}
    assert len(fleet.rows) == 2


def test_an_update_that_is_deferred_by_a_lwm2m_device_is_pending_until_it_goes_on():
    show, seen = Lwm2mShow(), []
    show.fleet.listeners.add(lambda: seen.append((show.row.pending, show.row.control)))
    show.device._off = lambda: (show.device.set(2, 11), show.device.later(60_000, show.device._on))
    show.upgrade()
    assert (True, "pending: Firmware update deferred") in seen
    assert said(show.fleet.rows[NAME]) == (None, None, False, None, None)


def test_the_reason_is_seen_found_and_in_the_history(show, tab):
    device = show.device("kettle")
    show.device("lamp")
    show.offer(device, "2.0.0")
    attributes(show, device, **BREWING)
    wait_for(tab, "kettle", "brewing")
    assert cells(tab, "kettle")["State"].split() == ["INITIATED", "disabled,", "pending:", "brewing"]
    tab.fill("#search", "brewing")
    assert shown(tab) == ["kettle"]
    tab.locator("tr.row").click()
    tab.wait_for_selector("dialog[open]")
    assert "disabled, pending: brewing" in tab.inner_text("dialog dl")
    assert "· updates: disabled, pending: brewing" in tab.inner_text("#history")
    assert tab.complaints == []


@pytest.mark.parametrize("width", [1280, 800])
def test_a_long_reason_fits_the_window(show, tab, width):
    tab.set_viewport_size({"width": width, "height": 900})
    device = show.device("kettle")
    show.offer(device, "2.0.0")
    show.states(device, "DOWNLOADING")
    attributes(show, device, **{**BREWING, "reason": "gate_failed: " + "a_name_without_an_end" * 3})
    wait_for(tab, "kettle", "without")
    assert tab.evaluate("document.querySelector('#panel .scroll').scrollWidth") <= width
