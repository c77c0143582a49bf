# SPDX-License-Identifier: MIT
"""Item 56 of rainmaker.md section 11 over MQTT: each knob with its effect, and the next occasion without.

What a web server does wrong is in test_rainmaker_store.py.
"""

import cbor2
import pytest

from simulator.clouds.rainmaker import Rule, faults
from simulator.errors import UserError
from tests.clouds import rm_peer
from tests.clouds.rm_peer import NODE, Site
from tests.clouds.test_rainmaker_streams import ANSWER_MS, Reader, block


@pytest.fixture
def site() -> Site:
    return Site()


def test_r56_no_puback_though_the_message_counts(site):
    node = site.start()
    job = site.job()
    node.take()
    site.cloud.add_fault("otastatus:mute")
    node.report(job.id, "in-progress")
    assert node.take() == []
    assert site.state(job) == "in-progress"
    assert [packet["kind"] for packet in node.report(job.id, "failed").take()] == ["puback"]


@pytest.mark.parametrize(
    ("what", "payload"),
    [
        ("config", rm_peer.config(fw_version="9")),
        ("params/local", {"Lamp": {"on": True}}),
        ("otafetch", {"node_id": NODE}),
        ("otastatus", {"ota_job_id": "x", "status": "failed"}),
        ("otastatus", {"ota_job_id": "x", "status": "success"}),
    ],
)
@pytest.mark.parametrize("action", ["drop", "mute", "close", "kick"])
def test_r56_every_report_can_be_lost_or_cost_the_connection(site, what, payload, action):
    node = site.start()
    node.take()
    place = "success" if "success" in str(payload) else what.split("/")[0]
    site.cloud.add_fault(f"{place}:{action}")
    before = len(site.cloud.events)
    node.say(what, payload)
    seen = [event["event"] for event in site.cloud.events[before:]]
    assert (place in seen or "otastatus" in seen) == (action != "drop")
    assert node.closed == (action in ("close", "kick"))
    assert [packet["kind"] for packet in node.take()] == ["puback"] * (action == "kick")


def test_r56_connection_is_gone_after_the_report_of_success(site):
    node = site.start()
    job = site.job()
    site.cloud.add_fault("success:kick")
    assert not node.report(job.id, "in-progress").closed
    assert node.report(job.id, "success").closed
    assert site.state(job) == "success"


def test_r56_job_is_told_before_the_suback(site):
    site.job()
    node = site.connect().login()
    node.take()
    site.cloud.add_fault("subscribe:push")
    node.send_subscribe(f"node/{NODE}/otaurl")
    assert [packet["kind"] for packet in node.take()] == ["publish", "suback"]


@pytest.mark.parametrize(("action", "is_closed"), [("mute", False), ("close", True)])
def test_r56_no_answer_to_connect_and_subscribe(site, action, is_closed):
    site.cloud.add_fault(f"connect:{action}")
    node = site.connect().login()
    assert (node.take(), node.closed) == ([], is_closed)
    site.world.wait(1000)
    node = site.connect().login()
    node.take()
    site.cloud.add_fault(f"subscribe:{action}")
    node.send_subscribe(f"node/{NODE}/otaurl")
    assert (node.take(), node.closed) == ([], is_closed)


def test_r56_second_client_with_the_same_id_ends_the_first(level):
    site = Site(level)
    first = site.start()
    site.world.wait(1000)
    second = site.connect().login()
    assert (first.closed, second.closed) == (True, False)
    assert [packet["kind"] for packet in first.take()][-1:] == ["disconnect"] * (level == 5)
    assert site.events("close")[-1]["reason"] == "session taken over"
    assert site.node.is_connected


def test_r56_take_over_ends_the_first_and_leaves_nobody(site):
    node = site.start()
    site.world.do(site.cloud.take_over, site.node)
    assert (node.closed, site.node.is_connected) == (True, False)
    site.world.do(site.cloud.take_over, site.node)


def told(site: Site, fault: str) -> list[dict]:
    """What a node hears on otaurl with this fault, and that the next time it is right again."""
    node = site.start()
    site.job(metadata={"a": "b"})
    (right,) = node.fetch()
    site.cloud.add_fault(f"otaurl:{fault}")
    found = node.fetch()
    (again,) = node.fetch()
    assert {**again, "url": ""} == {**right, "url": ""}
    return found


def test_r56_otaurl_twice_or_never(site):
    first, second = told(site, "duplicate")
    assert first == second
    assert told(Site(), "drop") == []


@pytest.mark.parametrize(
    ("fault", "key", "value"),
    [
        ("md5", "file_md5", "0" * 32),
        ("md5=abc", "file_md5", "abc"),
        ("size=7", "file_size", 7),
        ("omit=url", "url", None),
        ("omit=ota_job_id", "ota_job_id", None),
        ("set=metadata=[1]", "metadata", [1]),
        ('set=url="http://a/b"', "url", "http://a/b"),
        ("set=action=null", "action", None),
    ],
)
def test_r56_otaurl_with_a_field_that_is_wrong_or_missing(site, fault, key, value):
    (offer,) = told(site, fault)
    assert offer.get(key) == value
    assert (key in offer) == (not fault.startswith("omit"))


def test_r56_otaurl_with_escapes_and_cut_off(site):
    node = site.start()
    job = site.job()
    site.cloud.add_fault("otaurl:escape")
    site.world.do(site.cloud.retrigger, job)
    (payload,) = node.messages(f"node/{NODE}/otaurl")
    assert payload.startswith(b'{"url":"https:\\/\\/')
    assert b"\\u0026X-Amz-Expires=" in payload
    site.cloud.add_fault("otaurl:truncate=5")
    site.world.do(site.cloud.retrigger, job)
    (payload,) = node.messages(f"node/{NODE}/otaurl")
    assert payload.endswith(job.stream_id[:-3].encode())


def test_r56_otaurl_comes_late(site):
    node = site.start()
    site.cloud.add_fault("otaurl:delay=5000")
    site.job(force_push=True)
    site.world.wait(4999)
    assert node.offers() == []
    site.world.wait(1)
    assert len(node.offers()) == 1


def test_r56_url_is_too_old_when_it_comes():
    site = Site(url_valid_s=5)
    node = site.start()
    site.cloud.add_fault("otaurl:delay=5000")
    site.job(force_push=True)
    site.world.wait(5000)
    (offer,) = node.offers()
    assert site.web().send(rm_peer.get(offer["url"])).answer().status == 403
    (offer,) = node.fetch()
    assert site.web().send(rm_peer.get(offer["url"])).answer().status == 200


# Streams


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("drop", [0, 2, 3]),
        ("duplicate", [0, 1, 1, 2, 3]),
        ("reorder", [0, 2, 3, 1]),
    ],
)
def test_r56_block_is_lost_or_comes_twice_or_late(action, expected):
    reader = Reader()
    reader.site.cloud.add_fault(f"block=1:{action}")
    assert reader.blocks(n=4) == [block(index) for index in expected]
    assert reader.blocks(n=4) == [block(index) for index in range(4)]


@pytest.mark.parametrize(
    ("action", "spoiled"),
    [
        ("empty", lambda index, data: (index, b"")),
        ("truncate=16", lambda index, data: (index, data[:-16])),
        ("extend=2", lambda index, data: (index, data + b"\xa5\xa5")),
        ("corrupt", lambda index, data: (index, data[:2048] + bytes((data[2048] ^ 1,)) + data[2049:])),
        ("other-index", lambda index, data: (index + 1, data)),
    ],
)
def test_r56_block_is_spoiled(action, spoiled):
    reader = Reader()
    reader.site.cloud.add_fault(f"block=1:{action}")
    assert reader.blocks(n=2) == [block(0), spoiled(*block(1))]
    assert reader.blocks(n=2) == [block(0), block(1)]


def test_r56_stream_is_silent_once_the_node_has_connected_anew():
    reader = Reader()
    reader.site.cloud.add_fault("resumedx*:silent")
    assert len(reader.blocks(n=2)) == 2
    reader.site.world.wait(1000)
    reader.connect()
    assert reader.ask(f=1, l=4096) == []
    other = reader.site.job("other", image=reader.job.image)
    reader.job = other
    reader.node.subscribe(reader.topic("data"))
    assert reader.blocks(n=1) == [block(0)]


def test_r56_stream_request_is_acknowledged_and_no_more_or_lost():
    reader = Reader()
    for fault, kinds in (("answer:silent", ["puback"]), ("stream:drop", []), ("stream:mute", ["publish"])):
        reader.site.cloud.add_fault(fault)
        reader.node.take()
        reader.node.publish(reader.topic("get"), cbor2.dumps({"f": 1, "l": 4096, "n": 1}))
        reader.site.world.wait(ANSWER_MS)
        assert [packet["kind"] for packet in reader.node.take()] == kinds


def test_r56_stream_refuses_for_any_reason():
    reader = Reader()
    reader.site.cloud.add_fault("answer:reject=ETagMismatch")
    assert reader.code() == "ETagMismatch"
    assert len(reader.blocks(n=1)) == 1


def test_r56_blocks_come_late():
    reader = Reader()
    reader.site.cloud.add_fault("answer:delay=9000")
    assert reader.ask(f=1, l=4096, n=1) == []
    reader.site.world.wait(9000)
    assert len(reader.node.heard()) == 1


# Rules


@pytest.mark.parametrize(
    "text",
    [
        "otaurl",
        "otaurl:fly",
        "otaurl=1:drop",
        "nothing:drop",
        "otaurl:size",
        "otaurl:size=x",
        "otaurl:omit",
        "otaurl:set=x",
        "otaurl:set=url=http",
        "otaurl:drop=1",
        "image:status=99",
        "blockx0:drop",
        "block=-1:drop",
        "image:raw=\\x",
        "image:raw=\u0100",
    ],
)
def test_rule_that_does_not_exist_is_refused(text):
    with pytest.raises(UserError) as caught:
        Rule.parse(text)
    assert caught.value.code == "bad_fault"


def test_every_rule_of_the_docstring_exists_and_every_rule_is_in_it():
    lines, place = [line for line in faults.__doc__.splitlines() if line.startswith("    ")], ""
    listed: dict[str, set[str]] = {}
    for line in lines:
        place = line[4:15].strip() or place
        words = line[15:].split()
        listed.setdefault(place, set()).update(word.partition("=")[0].partition("[")[0] for word in words)
    assert listed == Rule.ACTIONS
