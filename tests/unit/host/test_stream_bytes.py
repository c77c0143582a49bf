# SPDX-License-Identifier: MIT
"""Whatever comes as an answer of a stream: nothing is raised but TransferError, and only whole blocks get through."""

import json

from aws import BLOCK, IMAGE, Aws, Install, Job, block, encode
from fakes import Partition
from hypothesis import given, settings
from hypothesis import strategies as st
from test_aws_json import JsonAws

from ota.errors import TransferError
from ota.remains import SPAN
from ota.scatter import Scatter
from ota.source.aws_json import Json
from ota.source.aws_stream import AwsStream
from ota.source.cbor import Cbor

HONEST = block(3, IMAGE[3 * BLOCK : 4 * BLOCK])
ITEMS = st.recursive(
    st.integers(0, 1 << 63) | st.binary(max_size=40) | st.text("foip", max_size=3),
    lambda item: st.lists(st.tuples(st.text("fiplocm", max_size=2), item).map(tuple), max_size=4),
    max_leaves=6,
)
EDITS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.binary(min_size=0, max_size=3)), max_size=4)


def edited(edits: list[tuple[int, int, bytes]], data: bytes = HONEST) -> bytes:
    """An honest answer with some of its first bytes replaced by others, more or fewer."""
    for at, count, new in edits:
        data = data[:at] + new + data[at + count :]
    return data


def listening(cloud: Aws, form: type) -> tuple[AwsStream, Scatter]:
    """A source that has asked for the first batch; the cloud has not answered yet."""
    cloud.answer = lambda request: cloud.honest(request) if request["l"] == 289 else []
    install = Install(Partition(40 * BLOCK))
    source = AwsStream(cloud, Job(), 0, form)
    scatter = Scatter(install.slot)
    source.begin(scatter)
    while len(cloud.requests) < 2:
        source.readinto(bytearray(BLOCK))
    return source, scatter


def hear(payload: bytes, where: bytes = b"data/", qos: int = 1, cloud: Aws | None = None, form: type = Cbor) -> None:
    """This comes, and then an honest block."""
    cloud = cloud or Aws()
    source, scatter = listening(cloud, form)
    cloud.say(payload, where + cloud.form, qos)
    cloud.say(cloud.honest({"l": BLOCK, "o": 5, "n": 1})[0])
    room = bytearray(BLOCK)
    got = []
    for _ in range(4):
        n = source.readinto(room)
        if n is not None:
            assert n == BLOCK
            assert scatter.first <= source.at < scatter.first + SPAN
            got.append(source.at)
        assert len(room) == BLOCK
        assert cloud.mqtt.left == 0
    assert got[-1] == 5
    assert len(got) <= 2


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=6000), st.integers(0, 1))
def test_any_bytes_are_survived(payload: bytes, qos: int) -> None:
    hear(payload, qos=qos)


@settings(deadline=None, derandomize=True)
@given(EDITS)
def test_an_answer_with_some_bytes_changed_is_survived(edits: list[tuple[int, int, bytes]]) -> None:
    hear(edited(edits))


@settings(deadline=None, derandomize=True)
@given(ITEMS)
def test_any_items_are_survived(item: object) -> None:
    hear(encode(item))


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=400) | ITEMS.map(encode))
def test_any_refusal_is_one(payload: bytes) -> None:
    try:
        hear(payload, b"rejected/")
    except TransferError as error:
        assert error.code == "stream_rejected"
        assert all(" " <= c <= "~" for c in str(error.detail))
        assert len(str(error.detail)) <= 40
    else:
        raise AssertionError("no refusal")


TEXT = JsonAws().honest({"l": BLOCK, "o": 3, "n": 1})[0]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda item: st.lists(item, max_size=3) | st.dictionaries(st.sampled_from("fiplox"), item, max_size=4),
    max_leaves=6,
)


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=300) | st.text('{}[]":,\\fiplo019-.e \n', max_size=60).map(str.encode))
def test_any_text_is_survived(payload: bytes) -> None:
    hear(payload, cloud=JsonAws(), form=Json)


@settings(deadline=None, derandomize=True)
@given(JSON.map(json.dumps))
def test_any_json_is_survived(text: str) -> None:
    hear(text.encode(), cloud=JsonAws(), form=Json)


@settings(deadline=None, derandomize=True)
@given(EDITS)
def test_a_text_with_some_bytes_changed_is_survived(edits: list[tuple[int, int, bytes]]) -> None:
    hear(edited(edits, TEXT), cloud=JsonAws(), form=Json)
