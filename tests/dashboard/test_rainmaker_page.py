# SPDX-License-Identifier: MIT
"""RainMaker's nodes and jobs on the page: in the fleet, and as a browser shows them."""

from playwright.sync_api import expect

from simulator.dashboard.fleet import FAILED, IDLE, UPDATED, UPDATING, WAITING
from tests.dashboard.test_page import cells, shown, wait_for

ROLLED_BACK = "rolled_back: it was not confirmed in time"


def facts(show, node, *names: str) -> tuple:
    row = show.fleet.rows[node.id]
    return tuple(getattr(row, name) for name in names)


def test_job_moves_through_its_states_and_the_bar_with_the_bytes(rainmaker):
    node = rainmaker.node("A1")
    assert facts(rainmaker, node, "current", "state", "group", "is_online") == ("thermo 1.0.0", "IDLE", IDLE, True)
    job = rainmaker.job("2.0.0", node)
    assert facts(rainmaker, node, "target", "state", "group", "progress") == ("thermo 2.0.0", "started", UPDATING, 5)
    rainmaker.report(node, job, "in-progress", "Downloading")
    rainmaker.download(node, 243, status=403)
    rainmaker.download(node, 5000)
    assert facts(rainmaker, node, "state", "progress") == ("in-progress", 50)
    rainmaker.report(node, job, "in-progress", "Downloaded 40% Firmware Image")
    assert facts(rainmaker, node, "progress") == (50,)
    rainmaker.report(node, job, "in-progress", "Downloaded 80% Firmware Image")
    assert facts(rainmaker, node, "progress") == (74,)
    rainmaker.config(node, "2.0.0")
    rainmaker.report(node, job, "success")
    assert facts(rainmaker, node, "current", "group", "progress", "attempts") == ("thermo 2.0.0", UPDATED, 100, 1)


def test_failed_is_tried_again_and_the_error_goes(rainmaker):
    node = rainmaker.node("A1")
    job = rainmaker.job("2.0.0", node)
    rainmaker.report(node, job, "failed", "timeout: nothing came")
    assert facts(rainmaker, node, "group", "error", "error_text") == (FAILED, "timeout", "timeout: nothing came")
    rainmaker.act(lambda now_ms: rainmaker.cloud.retrigger(job, now_ms))
    assert facts(rainmaker, node, "group", "error", "attempts") == (UPDATING, None, 2)
    rainmaker.report(node, job, "rejected", ROLLED_BACK)
    assert facts(rainmaker, node, "state", "group", "error") == ("rejected", FAILED, "rolled_back")
    assert rainmaker.fleet.counts()["rolled_back"] == 1


def test_job_that_nobody_heard_is_no_attempt(rainmaker):
    node = rainmaker.node("A1")
    rainmaker.act(lambda now_ms: node.session.close(0, "gone"))
    rainmaker.job("2.0.0", node)
    assert facts(rainmaker, node, "state", "attempts", "is_online") == ("started", 0, False)


def test_new_job_waits_behind_the_one_under_way(rainmaker):
    node = rainmaker.node("A1")
    first = rainmaker.job("2.0.0", node)
    image = rainmaker.cloud.add_image("thermo 3.0.0", b"x", "3.0.0")
    later = rainmaker.act(lambda now_ms: rainmaker.cloud.create_job("later", image, now_ms, nodes=(node.id,)))
    assert facts(rainmaker, node, "target", "state") == ("thermo 2.0.0", "started")
    rainmaker.report(node, first, "success")
    rainmaker.act(lambda now_ms: rainmaker.cloud.ota.fetch(node))
    assert facts(rainmaker, node, "target", "state") == ("thermo 3.0.0", "started")
    rainmaker.report(node, later, "delayed", "not now")
    assert facts(rainmaker, node, "group") == (WAITING,)
    rainmaker.act(lambda now_ms: rainmaker.cloud.cancel_job(later, now_ms))
    assert facts(rainmaker, node, "state", "group", "target") == ("IDLE", IDLE, None)


def test_update_by_parameters_is_seen_without_a_job(rainmaker):
    node = rainmaker.node("A1")
    rainmaker.say(node, "params/local", {"OTA": {"Info": "at it"}})
    rainmaker.say(node, "params/local", {"OTA": {"Status": "in-progress"}, "Lamp": {"on": True}})
    assert facts(rainmaker, node, "state", "group") == ("in-progress", UPDATING)
    rainmaker.say(node, "params/local", {"OTA": 5})
    assert facts(rainmaker, node, "state") == ("in-progress",)


def test_page_shows_nodes_and_the_history_of_one(rainmaker, rainmaker_tab):
    waiting, done, failed = (rainmaker.node(name) for name in ("wait-1", "done-1", "fail-1"))
    job = rainmaker.job("2.0.0", done, failed)
    image = job.image
    rainmaker.act(
        lambda now_ms: rainmaker.cloud.create_job("ask", image, now_ms, nodes=("wait-1",), user_approval=True)
    )
    for node in (done, failed):
        rainmaker.report(node, job, "in-progress", "Firmware image downloaded")
    rainmaker.config(done, "2.0.0")
    rainmaker.report(done, job, "success", "Running and confirmed")
    rainmaker.report(failed, job, "rejected", ROLLED_BACK)
    wait_for(rainmaker_tab, "fail-1", "rolled_back")
    assert cells(rainmaker_tab, "done-1") | {"Last report": ""} == {
        "Device": "done-1",
        "Cloud": "RainMaker",
        "Current": "thermo 2.0.0",
        "Target": "thermo 2.0.0",
        "State": "success",
        "Progress": "100 %",
        "Slot": "—",
        "Boots": "—",
        "Attempts": "1",
        "Last report": "",
        "Error code": "—",
    }
    rainmaker_tab.click("#tab-waiting")
    assert shown(rainmaker_tab) == [waiting.id]
    rainmaker_tab.click("#tab-failed")
    rainmaker_tab.locator("tr.row", has_text="fail-1").click()
    rainmaker_tab.wait_for_selector("dialog[open]")
    expect(rainmaker_tab.locator("#history")).to_contain_text("in-progress: Firmware image downloaded")
    what = [row.split("\t") for row in rainmaker_tab.inner_text("#history").splitlines()]
    assert [cell[1] for cell in what][:2] == ["rejected", "in-progress: Firmware image downloaded"]
    assert what[0][2:] == ["thermo 1.0.0", "thermo 2.0.0", ROLLED_BACK]
    assert rainmaker_tab.complaints == []
