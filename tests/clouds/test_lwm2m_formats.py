# SPDX-License-Identifier: MIT
"""Content formats of the LwM2M mock against the bytes of lwm2m.md 1.6 and 5, and against what is none of them."""

import contextlib
import json

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.clouds.lwm2m import formats
from simulator.clouds.lwm2m.formats import FormatError

INSTANCE = {
    "/5/0/1": "",
    "/5/0/3": 2,
    "/5/0/5": 0,
    "/5/0/6": "app",
    "/5/0/7": "1.4.0",
    "/5/0/8/0": 0,
    "/5/0/8/1": 1,
    "/5/0/9": 2,
}
SEND = {"/5/0/3": 2, "/5/0/5": 0, "/5/0/8/0": 0, "/5/0/8/1": 1, "/5/0/9": 2, "/3/0/3": "1.4.0", "/3/0/19": "app-7"}
TLV = "c001c10302c10500c306617070c507312e342e308608410000410101c10902"
SENML = (
    "88a321652f352f302f0061310360a20061330202a20061350200a20061360363617070a20061370365312e342e30"
    "a20063382f300200a20063382f310201a20061390202"
)
OLD_SEND = (
    "87a321652f352f302f0061330202a20061350200a20063382f300200a20063382f310201a20061390202"
    "a321652f332f302f0061330365312e342e30a20062313903656170702d37"
)
LWM2M_CBOR = "a105a100a701600302050006636170700765312e342e3008a2000001010902"
JSON = (
    '[{"bn":"/5/0/","n":"1","vs":""},{"n":"3","v":2},{"n":"5","v":0},{"n":"6","vs":"app"},{"n":"7","vs":"1.4.0"},'
    '{"n":"8/0","v":0},{"n":"8/1","v":1},{"n":"9","v":2}]'
)
OLD_JSON = '{"bn":"/5/0/","e":[{"n":"3","v":2},{"n":"6","sv":"app"}]}'


@pytest.mark.parametrize(
    ("number", "payload"),
    [
        (11542, bytes.fromhex(TLV)),
        (112, bytes.fromhex(SENML)),
        (11544, bytes.fromhex(LWM2M_CBOR)),
        (110, JSON.encode()),
    ],
)
def test_an_instance_reads_the_same_in_every_format(number, payload):
    assert formats.decode(number, payload, "/5/0") == INSTANCE


def test_a_base_name_lasts_until_the_next():
    assert formats.decode(112, bytes.fromhex(OLD_SEND), "/") == SEND


def test_the_json_of_version_1_0():
    assert formats.decode(11543, OLD_JSON.encode(), "/5/0") == {"/5/0/3": 2, "/5/0/6": "app"}


@pytest.mark.parametrize("record", ['{"bn":"/5/0","n":"/3","v":2}', '{"bn":"/5/0/3","v":2}', '{"n":"/5/0/3","v":2.0}'])
def test_a_name_may_be_split_anywhere(record):
    assert formats.decode(110, f"[{record}]".encode(), "/5/0/3") == {"/5/0/3": 2}


def test_single_resources():
    assert formats.decode(None, b"2", "/5/0/3") == {"/5/0/3": 2}
    assert formats.decode(0, b"1.4.0", "/3/0/3") == {"/3/0/3": "1.4.0"}
    assert formats.decode(0, b"0", "/1/0/23") == {"/1/0/23": False}
    assert formats.decode(60, b"\x02", "/5/0/3") == {"/5/0/3": 2}
    assert formats.decode(11542, bytes.fromhex("c10302"), "/5/0/3") == {"/5/0/3": 2}
    assert formats.decode(11542, bytes.fromhex("8608410000410101"), "/5/0/8") == {"/5/0/8/0": 0, "/5/0/8/1": 1}


def test_one_of_several_values_stands_by_itself_in_tlv():
    """As Leshan's client sends it and its server wants it."""
    assert formats.decode(11542, bytes.fromhex("410102"), "/5/0/8/1") == {"/5/0/8/1": 2}
    for other in ("8603410102", "410002", "c10802"):
        with pytest.raises(formats.FormatError):
            formats.decode(11542, bytes.fromhex(other), "/5/0/8/1")


@pytest.mark.parametrize("number", [110, 112, 11543, 11544])
def test_a_temperature_and_its_unit(number):
    bodies = {
        110: b'[{"bn":"/3303/0/","n":"5700","v":21.5},{"n":"5701","vs":"Cel"}]',
        112: cbor2.dumps([{-2: "/3303/0/", 0: "5700", 2: 21.5}, {0: "5701", 3: "Cel"}]),
        11543: b'{"bn":"/3303/0/","e":[{"n":"5700","v":21.5},{"n":"5701","sv":"Cel"}]}',
        11544: cbor2.dumps({3303: {0: {5700: 21.5, 5701: "Cel"}}}),
    }
    assert formats.decode(number, bodies[number], "/3303/0") == {"/3303/0/5700": 21.5, "/3303/0/5701": "Cel"}


@pytest.mark.parametrize(
    ("number", "payload"),
    [
        (110, b'[{"bn":"/3/0/","n":"22","vlo":"10:0"},{"n":"9","v":97.0}]'),
        (112, cbor2.dumps([{-2: "/3/0", 0: "/22", "vlo": "10:0"}, {0: "/9", 2: 97.0}])),
        (11543, b'{"bn":"/3/0/","e":[{"n":"22","ov":"10:0"},{"n":"9","v":97.0}]}'),
    ],
)
def test_a_link_to_an_object_is_text(number, payload):
    assert formats.decode(number, payload, "/3/0") == {"/3/0/22": "10:0", "/3/0/9": 97}


def test_what_nobody_knows_the_type_of_is_the_text_that_it_is():
    for text in ("21.5", "Cel", "42"):
        assert formats.decode(0, text.encode(), "/3303/0/5700") == {"/3303/0/5700": text}
    assert formats.decode(0, b"AAE=", "/5/0/0") == {"/5/0/0": b"\0\1"}


def test_a_fraction_is_written_as_it_is():
    for number in (60, 110, 112):
        payload = formats.encode(number, {"/3303/0/5601": -0.25}, "/3303/0/5601")
        assert formats.decode(number, payload, "/3303/0/5601") == {"/3303/0/5601": -0.25}
    assert formats.encode(0, {"/3303/0/5601": -0.25}, "/3303/0/5601") == b"-0.25"
    assert formats.encode(11542, {"/3303/0/5601": -0.25}, "/3303/0/5601").hex() == "e815e108bfd0000000000000"


def test_an_object_in_tlv_has_its_instances_in_it():
    assert formats.decode(11542, bytes.fromhex("0300c10302"), "/5") == {"/5/0/3": 2}


@pytest.mark.parametrize(
    ("number", "payload", "path"),
    [
        (0, b"two", "/5/0/3"),
        (0, b"\xff", "/3/0/3"),
        (11542, b"\xc1\x03", "/5/0/3"),
        (11542, b"\xc3\x03abc", "/5/0/3"),
        (11542, b"\xc1\x04\x02", "/5/0/3"),
        (112, b"\x81", "/5/0"),
        (112, b"\x80\x00", "/5/0"),
        (112, b"\xa0", "/5/0"),
        (110, b'[{"n":"/5/0/3"}]', "/5/0"),
        (110, b'[{"n":"/4/0/3","v":1}]', "/5/0"),
        (110, b'[{"n":"/5/0/3","v":null}]', "/5/0"),
        (110, b"[1]", "/5/0"),
        (110, b'[{"n":"/3303/0/5700","v":NaN}]', "/3303/0"),
        (60, cbor2.dumps(float("inf")), "/3303/0/5700"),
        (11543, b"[]", "/5/0"),
        (11543, b'{"bn":"/5/0/","e":[{"n":"3"}]}', "/5/0"),
        (11543, b'{"bn":"/5/0/","e":[{"n":"3","v":null}]}', "/5/0"),
        (9999, b"", "/5/0"),
    ],
)
def test_what_is_no_such_thing_is_refused(number, payload, path):
    with pytest.raises(FormatError):
        formats.decode(number, payload, path)


@given(st.binary(max_size=64), st.sampled_from([None, 0, 42, 60, 110, 112, 11542, 11543, 11544]))
def test_any_bytes_are_values_or_a_format_error(payload, number):
    for path in ("/", "/5", "/5/0", "/5/0/3", "/5/0/8"):
        with contextlib.suppress(FormatError):
            formats.decode(number, payload, path)


_LABELS = ("bn", "n", "v", "vs", "vb", "vd", "vlo", "sv", "bv", "ov", "t")
_ENTRIES = st.lists(
    st.dictionaries(
        st.sampled_from(_LABELS),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.lists(st.none(), max_size=1),
        max_size=3,
    ),
    max_size=3,
)


@given(_ENTRIES)
def test_any_entries_of_json_are_values_or_a_format_error(entries):
    for number, body in ((110, entries), (11543, {"bn": "/5/0/", "e": entries})):
        with contextlib.suppress(FormatError):
            formats.decode(number, json.dumps(body).encode(), "/5/0")


@pytest.mark.parametrize("number", [None, 0, 60, 110, 112, 11542])
@pytest.mark.parametrize(
    ("path", "value"), [("/5/0/1", "coap://10.0.0.9/f/app.bin"), ("/5/0/1", ""), ("/1/0/1", 900), ("/1/0/23", False)]
)
def test_what_is_written_can_be_read(number, path, value):
    payload = formats.encode(number, {path: value}, path)
    assert formats.decode(number, payload, path) == {path: value}


def test_writes_are_the_bytes_of_the_sheet():
    assert formats.encode(11542, {"/5/0/1": "coap://10.0.0.9/f/app.bin"}, "/5/0/1")[:3].hex() == "c80119"
    assert formats.encode(11542, {"/5/0/1": ""}, "/5/0/1").hex() == "c001"
    assert formats.encode(11542, INSTANCE, "/5/0").hex() == (TLV.replace("8608410000410101", "") + "8608410000410101")
    assert formats.encode(0, {"/5/0/1": ""}, "/5/0/1") == b""
    assert formats.encode(110, {"/5/0/1": ""}, "/5/0/1") == b'[{"bn":"/5/0/1","vs":""}]'
