# SPDX-License-Identifier: MIT
"""Item 55 of rainmaker.md section 11: blocks of an image over MQTT, in CBOR and in JSON, and every refusal."""

import base64
import json

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clouds.rm_peer import NODE, Site

DATA = b"".join(number.to_bytes(2) for number in range(25_000))  # 50,000 bytes, no two blocks alike
ANSWER_MS = 50  # a request about a stream takes no longer


class Reader:
    """A node that reads the stream of a job. `format`: "cbor" or "json"."""

    def __init__(self, format: str = "cbor", data: bytes = DATA, **settings) -> None:
        self.site = Site(**settings)
        self.job = self.site.job(image=self.site.image(data))
        self.format = format
        self.connect()

    def connect(self) -> None:
        self.node = self.site.start()
        self.node.subscribe(*(self.topic(what) for what in ("data", "rejected", "description")))

    def topic(self, what: str) -> str:
        return f"$aws/things/{NODE}/streams/{self.job.stream_id}/{what}/{self.format}"

    def send(self, payload: bytes, what: str = "get") -> list[tuple[str, dict]]:
        """Publishes; what comes back as (topic's word, fields)."""
        self.node.take()
        self.node.publish(self.topic(what), payload)
        self.site.world.wait(ANSWER_MS)
        load = cbor2.loads if self.format == "cbor" else json.loads
        return [(packet["topic"].split("/")[-2], load(packet["payload"])) for packet in self.node.heard()]

    def ask(self, what: str = "get", **fields) -> list[tuple[str, dict]]:
        return self.send(cbor2.dumps(fields) if self.format == "cbor" else json.dumps(fields).encode(), what)

    def blocks(self, **fields) -> list[tuple[int, bytes]]:
        """Index and bytes of each block that a request brings."""
        found = self.ask(**{"f": 1, "l": 4096, **fields})
        assert {word for word, _ in found} <= {"data"}
        return [(answer["i"], self.bytes(answer)) for _, answer in found]

    def bytes(self, answer: dict) -> bytes:
        data = answer["p"] if self.format == "cbor" else base64.b64decode(answer["p"], validate=True)
        assert answer["l"] == len(data)
        return data

    def code(self, **fields) -> str:
        """The error a request is refused with."""
        ((word, answer),) = self.ask(**{"f": 1, "l": 4096, **fields})
        assert word == "rejected"
        assert set(answer) <= {"o", "m", "c"}
        return answer["o"]


@pytest.fixture(params=["cbor", "json"])
def reader(request) -> Reader:
    return Reader(request.param)


def block(index: int, size: int = 4096) -> tuple[int, bytes]:
    return index, DATA[index * size :][:size]


def test_r55_requests_and_answers_to_the_byte():
    reader = Reader()
    head = bytes.fromhex("a4616601616c190121616f00616e01")
    assert [answer["p"] for _, answer in reader.send(head)] == [DATA[:289]]
    batch = bytes.fromhex("a5616601616c191000616f00616242ffff616e10")
    assert [answer["i"] for _, answer in reader.send(batch)] == list(range(13))
    reader = Reader(data=bytes(300_000))
    reader.node.publish(reader.topic("get"), bytes.fromhex("a5616601616c191000616f18206162420201616e10"))
    reader.site.world.wait(ANSWER_MS)
    first, second = (packet["payload"] for packet in reader.node.take("publish"))
    assert first[:16].hex() == "a461660161691821616c191000617059"
    assert first[16:] == bytes.fromhex("1000") + bytes(4096)
    assert cbor2.loads(second)["i"] == 40


def test_r55_last_block_is_short(reader):
    assert reader.blocks(o=12) == [(12, DATA[12 * 4096 :])]
    assert len(DATA[12 * 4096 :]) == 848


def test_r55_blocks_without_a_bitmap_follow_each_other(reader):
    assert reader.blocks(o=2, n=3) == [block(2), block(3), block(4)]
    assert reader.blocks(n=0) == []


def test_r55_bitmap_begins_with_the_lowest_bit_and_at_the_offset(reader):
    bitmap = bytes((0b00010011, 0, 0b10000000))
    wanted = [20, 21, 24, 43]
    assert reader.blocks(l=256, o=20, b=bitmap if reader.format == "cbor" else "0x130080") == [
        block(index, 256) for index in wanted
    ]
    assert reader.blocks(l=256, o=20, n=2, b=bitmap if reader.format == "cbor" else "130080") == [
        block(index, 256) for index in wanted[:2]
    ]


def test_r55_one_request_brings_128_kib_at_most():
    reader = Reader(data=bytes(600_000))
    assert [index for index, _ in reader.blocks(n=100)] == list(range(32))
    assert [index for index, _ in reader.blocks(o=3)] == list(range(3, 35))
    assert [index for index, _ in reader.blocks(b=b"\xff" * 10, n=90)] == list(range(32))
    assert [index for index, _ in reader.blocks(l=131_072, n=2)] == [0]
    assert [index for index, _ in reader.blocks(l=3072, n=100)] == list(range(42))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"f": 0}, "ResourceNotFound"),
        ({"f": 2}, "ResourceNotFound"),
        ({"f": 256}, "InvalidRequest"),
        ({"f": "1"}, "InvalidRequest"),
        ({"f": True}, "InvalidRequest"),
        ({"f": None}, "InvalidRequest"),
        ({"l": 255}, "BlockSizeOutOfBounds"),
        ({"l": 131_073}, "BlockSizeOutOfBounds"),
        ({"l": 4096.0}, "InvalidRequest"),
        ({"o": 98_305}, "OffsetOutOfBounds"),
        ({"o": -1}, "OffsetOutOfBounds"),
        ({"o": 13}, "ResourceNotFound"),
        ({"n": 98_305}, "BlockCountLimitExceeded"),
        ({"s": 2}, "VersionMismatch"),
        ({"c": "x" * 65}, "InvalidRequest"),
        ({"c": 7}, "InvalidRequest"),
    ],
)
def test_r55_what_is_out_of_bounds_is_refused(reader, fields, code):
    assert reader.code(**fields) == code


def test_r55_limits_themselves_are_good(reader):
    assert len(reader.blocks(l=256, n=98_304)) == len(DATA) // 256 + 1
    assert reader.blocks(l=131_072) == [(0, DATA)]
    assert len(reader.blocks(s=1, c="x" * 64)) == 13


def test_r55_bitmap_has_less_than_12288_bytes():
    reader = Reader()
    assert len(reader.blocks(b=b"\xff" * 12_287)) == 13
    assert reader.code(b=b"\xff" * 12_288) == "BlockBitmapLimitExceeded"
    assert reader.code(b="0x01") == "InvalidRequest"
    assert reader.code(b=b"\0") == "ResourceNotFound"


def test_r55_bitmap_in_json_is_hexadecimal():
    reader = Reader("json")
    assert reader.code(b="0x1") == "InvalidRequest"
    assert reader.code(b="xyz") == "InvalidRequest"
    assert reader.code(b=[1]) == "InvalidRequest"


@pytest.mark.parametrize(
    ("format", "payload", "code"),
    [
        ("cbor", b"\xa1", "InvalidCbor"),
        ("cbor", b"", "InvalidCbor"),
        ("cbor", b"\x9f" * 5000, "InvalidCbor"),
        ("cbor", b"\x01", "InvalidRequest"),
        ("json", b'{"f":1', "InvalidJson"),
        ("json", b"[" * 100_000, "InvalidJson"),
        ("json", b'{"f":NaN}', "InvalidJson"),
        ("json", b"[]", "InvalidRequest"),
    ],
)
def test_r55_what_cannot_be_decoded_is_refused(format, payload, code):
    ((word, answer),) = Reader(format).send(payload)
    assert (word, answer["o"]) == ("rejected", code)


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(max_size=60))
def test_r55_any_bytes_are_answered_and_cost_no_connection(payload):
    reader = Reader(connect_interval_ms=0)
    reader.send(payload)
    assert not reader.node.closed


def test_r55_token_comes_back_with_everything_but_a_bad_one(reader):
    ((_, first), *_) = reader.ask(f=1, l=4096, c="t1")
    assert first["c"] == "t1"
    assert reader.ask(f=9, l=4096, c="t2")[0][1]["c"] == "t2"
    assert "c" not in reader.ask(f=1, l=4096, c="x" * 65)[0][1]


def test_r55_description_has_version_file_and_size(reader):
    assert reader.ask("describe", c="t1") == [
        ("description", {"s": 1, "d": "fw.bin", "r": [{"f": 1, "z": len(DATA)}], "c": "t1"})
    ]


def test_r55_stream_that_is_none_and_that_of_a_cancelled_job(reader):
    site = reader.site
    site.world.do(site.cloud.cancel_job, reader.job)
    assert reader.code() == "ResourceNotFound"
    reader.job.stream_id = "none"
    reader.node.subscribe(reader.topic("rejected"))
    assert reader.ask("describe")[0][1]["o"] == "ResourceNotFound"


def test_r55_blocks_in_json_may_be_hexadecimal():
    ((_, answer),) = Reader("json", json_blocks="hex").ask(f=1, l=256, n=1)
    assert answer["p"] == DATA[:256].hex()


def test_r55_answers_come_to_the_format_that_was_asked_in():
    reader = Reader()
    reader.node.subscribe(reader.topic("data").replace("cbor", "json"))
    found = reader.blocks(n=1)
    assert found == [block(0)]
    assert [event["format"] for event in reader.site.events("stream_request")] == ["cbor"]


def test_r55_requests_are_acknowledged_and_answered_with_the_qos_of_the_subscription():
    reader = Reader()
    reader.node.subscribe(reader.topic("data"), qos=0)
    reader.node.publish(reader.topic("get"), cbor2.dumps({"f": 1, "l": 4096, "n": 1}))
    assert [packet["kind"] for packet in reader.node.take()] == ["puback"]
    reader.site.world.wait(ANSWER_MS)
    (packet,) = reader.node.take()
    assert (packet["topic"], packet["qos"]) == (reader.topic("data"), 0)


def test_record_of_a_request_is_json_whatever_was_in_it():
    reader = Reader()
    reader.ask(f=b"\1", l=cbor2.undefined, o=[1], n=1.5)
    json.dumps(reader.site.cloud.events)
    assert reader.site.events("stream_request")[-1]["f"] == "bytes"
    reader.ask(f=1 << 40_000, l=4096)
    json.dumps(reader.site.cloud.events)
