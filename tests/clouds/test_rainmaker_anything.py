# SPDX-License-Identifier: MIT
"""Whatever a node says, the RainMaker mock lives on; its record can be written as JSON, and is what it says it is."""

import json
import re
import string
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.clouds import http_door, mock, rainmaker
from simulator.clouds.mqtt import session
from tests.clouds import rm_peer
from tests.clouds.rm_peer import RULES, Site, get

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("node_id", "config_version", "info", "devices", "attributes", "ota_job_id", "status", "ts", "additional_info")
SAID = st.dictionaries(st.sampled_from((*KEYS, "Lamp")), VALUES, max_size=9)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=5), st.sampled_from((4, 5)))
def test_any_bytes_end_the_connection_at_worst(pieces, level):
    site = Site(level)
    node = site.start()
    for piece in pieces:
        node.send(piece)
    json.dumps(site.cloud.events)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(tuple(RULES)), SAID), max_size=6))
def test_any_json_is_taken_or_counted(messages):
    site = Site()
    node = site.start()
    job = site.job()
    for what, said in messages:
        node.say(what, {"ota_job_id": job.id, **said} if what == "otastatus" else said)
        node.say(what, {**rm_peer.config(), **said})
    site.world.wait(rm_peer.ANSWER_MS)
    assert not node.closed
    json.dumps(site.cloud.events)
    assert set(job.counts()) == {"triggered", "started", "in-progress", "success", "failed", "delayed", "rejected"}


@settings(deadline=None)
@given(st.text(string.printable, max_size=60), st.text(st.characters(codec="latin-1"), max_size=20))
def test_any_request_is_answered_by_the_image_store(target, wanted):
    site = Site()
    url = site.cloud.image_url(site.image(b"firmware"))
    for line in (url.replace("X-Amz-Date", target), url + target, target):
        web = site.web().send(get("https://h/x").replace(b"/x?", line.encode()))
        assert web.received.startswith(b"HTTP/1.1 ")
    web = site.web().send(
        get(url, range=wanted).replace(b"\r\n\r\n", b"\r\nIf-Range: " + wanted.encode() + b"\r\n\r\n")
    )
    assert web.received.startswith(b"HTTP/1.1 ")
    json.dumps(site.cloud.events)


def test_every_event_is_in_the_table_and_no_other():
    shared = [Path(module.__file__) for module in (http_door, mock, session)]
    sources = [*shared, *Path(rainmaker.__file__).parent.glob("*.py")]
    logged = {name for file in sources for name in re.findall(r'[._]log\(\s*"(\w+)"', file.read_text())}
    table = rainmaker.__doc__.partition("| event |")[2]
    listed = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed == logged
