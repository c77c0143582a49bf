# SPDX-License-Identifier: MIT
"""The JSON form of AWS IoT file streams, against the same scripted broker (rainmaker.md 6.2)."""

import binascii
import json

from aws import BLOCK, IMAGE, Aws, Clock, Install, Job
from fakes import Partition, raises

from ota.errors import TransferError
from ota.source.aws_json import Json

SIZE = 18 * BLOCK + 1234


def base64(data):
    return binascii.b2a_base64(data).strip().decode()


def hexadecimal(data):
    return binascii.hexlify(data).decode()


def block(index, data, text=base64, spell='{"f":%d,"i":%d,"l":%d,"p":"%s"}'):
    return (spell % (1, index, len(data), text(data))).encode()


def request(payload):
    """As the CBOR one: the bitmap as bytes."""
    fields = json.loads(payload)
    if "b" in fields:
        assert fields["b"][:2] == "0x"
        fields["b"] = binascii.unhexlify(fields["b"][2:])
    return fields


class JsonAws(Aws):
    form = b"json"
    read_request = staticmethod(request)
    text = staticmethod(base64)

    def honest(self, request):
        return [block(index, self.part(index, request["l"]), self.text) for index in self.wanted(request)]


def installed(cloud, step=0):
    install = Install(Partition(-(-len(cloud.image) // BLOCK) * BLOCK), Job(len(cloud.image)))
    with Clock(step):
        install.download(cloud, Json)
    assert install.holds(cloud.image)
    return install


def test_json_requests_are_what_the_service_expects():
    cloud = JsonAws(IMAGE[:SIZE])
    installed(cloud)
    payloads = [packet[packet.index(b"/get/json") + 11 :] for packet in cloud.packets]
    assert payloads == [
        b'{"f":1,"l":289,"o":0,"n":1}',
        b'{"f":1,"l":4096,"o":0,"b":"0xffff","n":16}',
        b'{"f":1,"l":4096,"o":16,"b":"0x0700","n":16}',
    ]


def test_json_blocks_in_base64_and_in_hexadecimal():
    for text in (
        base64,
        lambda data: binascii.hexlify(data).decode(),
        lambda data: binascii.hexlify(data).decode().upper(),
    ):
        for size in (SIZE, 2 * BLOCK + 1, 2 * BLOCK + 2, 2 * BLOCK + 3, 3 * BLOCK):
            cloud = JsonAws(IMAGE[:size])
            cloud.text = text
            installed(cloud)


def test_json_however_it_is_spelt():
    spellings = (
        '{"i":%(i)d,"p":"%(p)s","f":1,"l":%(l)d}',
        ' { "f" : 1 , "i" : %(i)d , "l" : %(l)d, "p" : "%(p)s" } \r\n',
        '{"c":"tok\\"en","f":1,"i":%(i)d,"x":[1,{"y":"]}"},[]],"z":{},"t":true,"n":-1.5e3,"l":%(l)d,"p":"%(p)s"}',
    )
    for spelling in spellings:
        cloud = JsonAws(IMAGE[: 2 * BLOCK])

        def answer(request, cloud=cloud, spelling=spelling):
            size = request["l"]
            parts = [(index, cloud.part(index, size)) for index in cloud.wanted(request)]
            return [(spelling % {"i": i, "p": base64(data), "l": len(data)}).encode() for i, data in parts]

        cloud.answer = answer
        installed(cloud)
        assert len(cloud.requests) == 2
    cloud = JsonAws(IMAGE[: 2 * BLOCK])
    cloud.answer = lambda request: [told.replace(b"/", b"\\/") for told in cloud.honest(request)]
    installed(cloud)


def test_json_answers_that_are_wrong_are_asked_for_again():
    whole = block(1, IMAGE[BLOCK : 2 * BLOCK])
    wrong = (
        b"",
        b"{",
        b"[]",
        b"nonsense",
        whole[:-1],
        whole[:500],
        whole + b"}",
        whole[:-1] + b",}",
        whole.replace(b'"f":1', b'"f":2'),
        whole.replace(b'"i":1', b'"i":1.0'),
        whole.replace(b'"i":1', b'"i":-1'),
        whole.replace(b'"i":1', b'"i":99999999999999999999'),
        whole.replace(b'"i":1', b'"i":"1"'),
        whole.replace(b'"f":1,', b'"f":1 '),
        whole[:-6] + b'"}',
        whole[:-6] + b'?==="}',
        whole[:-2] + b'AAAA"}',
        b'{"x":' + b"[" * 5000 + b"}",
        b'{"x":]}',
        b'{"p":5}',
    )
    for told in wrong:
        cloud = JsonAws(IMAGE[: 2 * BLOCK])

        def answer(request, cloud=cloud, told=told):
            good = cloud.honest(request)
            if len(cloud.requests) == 2:
                good[1] = told
            return good

        cloud.answer = answer
        installed(cloud, 100)
        assert cloud.wanted(cloud.requests[-1]) == [1], told


def test_json_refusal_ends_it_at_once():
    for told, detail in ((b'{"o":"ResourceNotFound","m":"no"}', "ResourceNotFound"), (b'{"o":7}', "7"), (b"x", "")):
        cloud = JsonAws(answer=lambda request, told=told: [(b"rejected/json", told)])
        assert raises(TransferError, "stream_rejected", Install(Partition()).download, cloud, Json).detail == detail
