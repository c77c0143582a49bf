# SPDX-License-Identifier: MIT
"""Content formats, byte for byte as in lwm2m.md 1.6 and 5, and what is none."""

import binascii

from ota.lwm2m import formats, plain, senml_cbor, senml_cbor_read, senml_json, senml_json_read, tlv, tlv_read

unhex = binascii.unhexlify
ROWS = [
    (5, 0, 1, None, "s", ""), (5, 0, 3, None, "i", 2), (5, 0, 5, None, "i", 0), (5, 0, 6, None, "s", "app"),
    (5, 0, 7, None, "s", "1.4.0"), (5, 0, 8, 0, "i", 0), (5, 0, 8, 1, "i", 1), (5, 0, 9, None, "i", 2),
]  # fmt: skip
TLV = "c001c10302c10500c306617070c507312e342e308608410000410101c10902"
CBOR = (
    "88a321652f352f302f0061310360a20061330202a20061350200a200613603" + "63617070a2006137"
    "0365312e342e30a20063382f300200a20063382f310201a20061390202"
)
SEND = (
    "87a321652f352f302f0061330202a20061350200a20063382f300200a20063382f310201a20061390202"
    "a321652f332f302f0061330365312e342e30a2006231390365" + "6170702d37"
)
JSON = (
    b'[{"bn":"/5/0/","n":"1","vs":""},{"n":"3","v":2},{"n":"5","v":0},{"n":"6","vs":"app"},{"n":"7","vs":"1.4.0"},'
    b'{"n":"8/0","v":0},{"n":"8/1","v":1},{"n":"9","v":2}]'
)
LETTERS = {(5, 0): "o", (5, 1): "s", (5, 3): "i", (5, 8): "i", (1, 1): "i", (1, 6): "b", (5, 12): "t"}
BOTH = (
    (lambda rows: tlv.encode(rows, 3), tlv_read), (senml_cbor.encode, senml_cbor_read),
    (senml_json.encode, senml_json_read), (plain.encode, plain),
)  # fmt: skip


def letter(oid, rid):
    return LETTERS.get((oid, rid), "")


def refused(reader, payload, path=(5, 0, 1)):
    try:
        reader.decode(payload, path, letter)
    except ValueError:
        return True
    return False


def test_an_instance_as_the_sheet_has_it():
    assert tlv.encode(ROWS, 2) == unhex(TLV)
    assert senml_cbor.encode(ROWS) == unhex(CBOR)
    assert senml_json.encode(ROWS) == JSON


def test_a_send_as_the_sheet_has_it():
    rows = [row for row in ROWS if row[2] in (3, 5, 8, 9)]
    rows += [(3, 0, 3, None, "s", "1.4.0"), (3, 0, 19, None, "s", "app-7")]
    assert senml_cbor.encode(rows) == unhex(SEND)


def test_the_uri_in_every_form():
    uri = "coap://10.0.0.9/f/app.bin"
    expected = [((5, 0, 1), uri)]
    text = uri.encode()
    assert plain.decode(text, (5, 0, 1), letter) == expected
    assert tlv_read.decode(b"\xc8\x01\x19" + text, (5, 0, 1), letter) == expected
    assert tlv_read.decode(b"\xc8\x01\x19" + text, (5, 0), letter) == expected
    for names in ('"bn":"/5/0/","n":"1"', '"bn":"/5/0","n":"/1"', '"bn":"/5/0/1"', '"n":"/5/0/1"'):
        assert senml_json_read.decode(('[{%s,"vs":"%s"}]' % (names, uri)).encode(), (5, 0, 1), letter) == expected
    whole = b"\x81\xa2\x21\x66/5/0/1\x03\x78\x19" + text
    assert senml_cbor_read.decode(whole, (5, 0, 1), letter) == expected


def test_nothing_in_every_form():
    expected = [((5, 0, 1), "")]
    assert plain.decode(b"", (5, 0, 1), letter) == expected
    assert tlv_read.decode(unhex("c001"), (5, 0, 1), letter) == expected
    assert senml_json_read.decode(b'[{"bn":"/5/0/1","vs":""}]', (5, 0, 1), letter) == expected
    assert senml_cbor_read.decode(unhex("81a221662f352f302f310360"), (5, 0, 1), letter) == expected


def test_numbers_of_any_size_come_back():
    for number in (0, 1, -1, 23, 24, 127, 128, -128, -129, 255, 256, 32767, 65535, 65536, 1 << 31, -(1 << 31), 1 << 40):
        for encode, reader in BOTH:
            made = encode([(1, 0, 1, None, "i", number)])
            assert reader.decode(made, (1, 0, 1), letter) == [((1, 0, 1), number)], (reader, number)


def test_booleans_and_bytes_come_back():
    for encode, reader in BOTH:
        for value in (True, False):
            assert reader.decode(encode([(1, 0, 6, None, "b", value)]), (1, 0, 6), letter) == [((1, 0, 6), value)]
        for value in (b"", b"\xfb\xff\xfe", bytes(300)):
            assert reader.decode(encode([(5, 0, 0, None, "o", value)]), (5, 0, 0), letter) == [((5, 0, 0), value)]


def test_a_number_may_come_with_a_point():
    assert senml_json_read.decode(b'[{"n":"/1/0/1","v":900.0}]', (1, 0, 1), letter) == [((1, 0, 1), 900)]
    assert senml_cbor_read.decode(unhex("81a200662f312f302f3102fa44610000"), (1, 0, 1), letter) == [((1, 0, 1), 900)]
    assert refused(senml_json_read, b'[{"n":"/1/0/1","v":900.5}]', (1, 0, 1))


def test_several_values_and_a_whole_object():
    assert tlv_read.decode(unhex("8608410000410101"), (5, 0), letter) == [((5, 0, 8, 0), 0), ((5, 0, 8, 1), 1)]
    whole = tlv.encode([(5, 0, 3, None, "i", 2)], 1)
    assert whole == unhex("0300c10302")
    assert tlv_read.decode(whole, (5,), letter) == [((5, 0, 3), 2)]


def test_one_of_several_values():
    alone = tlv.encode([(5, 0, 8, 1, "i", 1)], 4)
    assert alone == unhex("410101")
    assert tlv_read.decode(alone, (5, 0, 8, 1), letter) == [((5, 0, 8, 1), 1)]


def test_a_head_whose_end_is_not_there_yet():
    assert tlv_read.head(b"\xd8\x00\x10\x1d\x0c") == (0, 5, 0x101D0C)
    assert tlv_read.head(b"\xe8\x01\x00\x07") == (256, 4, 7)


def test_what_is_cut_short_or_somewhere_else():
    data = unhex(TLV)
    whole = [2, 5, 8, 13, 20, 28]  # where an entry ends
    for size in range(1, len(data)):
        assert size in whole or refused(tlv_read, data[:size], (5, 0)), size
    data = unhex(CBOR)
    for size in range(len(data)):
        assert refused(senml_cbor_read, data[:size], (5, 0))
    for payload in (
        b"",
        b"{}",
        b'[{"n":"/5/0/1"}]',
        b'[{"n":"/1/0/1","v":1}]',
        b'[{"n":"5/0/x","v":1}]',
        b"[1]",
        b"[[[[[[",
    ):
        assert refused(senml_json_read, payload), payload
    for text in ("", "a0", "9f", "81a0", "8100", "ffff", "81a2006131035f", "9b7fffffffffffffff", "c0" * 9, "81" * 9):
        assert refused(senml_cbor_read, unhex(text)), text
    for text in ("c10302", "c8", "c80105aa", "0300"):
        assert refused(tlv_read, unhex(text)), text
    assert refused(plain, b"x", (1, 0, 1)) and refused(plain, b"2", (1, 0, 6)) and refused(plain, b"\xff", (5, 0, 1))


def test_formats_that_nobody_speaks():
    assert formats.reader(9999) is None and formats.reader(11543) is None
    assert formats.reader(112) is not None
