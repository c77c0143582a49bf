# SPDX-License-Identifier: MIT
"""CoAP messages, one peer, and an upload in blocks, against a scripted line (RFC 7252, 7959; lwm2m.md 1.8, 3.1)."""

import binascii

import coap_codes as codes
from fakes import raises

from ota.coap import endpoint as endpoints
from ota.coap import replies
from ota.coap.block import Upload
from ota.coap.endpoint import Endpoint
from ota.coap.message import Message, Writer
from ota.errors import TransferError

unhex = binascii.unhexlify


class Line:
    """`incoming`: datagrams that are there; `sent`: what went out."""

    def __init__(self):
        self.incoming = []
        self.sent = []
        self.takes = True

    def receive(self, ms):
        return self.incoming.pop(0) if self.incoming else None

    def send(self, buf, size):
        if self.takes:
            self.sent.append(bytes(buf[:size]))
        return self.takes


class Clock:
    """Stands for ticks_ms of the modules that look at it."""

    def __init__(self):
        self.now = 0
        endpoints.ticks_ms = self.ticks_ms

    def ticks_ms(self):
        return self.now


def parsed(data):
    message = Message()
    assert message.parse(data, len(data))
    return message


def served(*incoming):
    """What is answered by who counts the requests, and how many there were."""
    calls = []

    def serve(message, out):
        calls.append(message.code)
        out.payload(b"%d" % len(calls))
        return codes.CHANGED

    line = Line()
    line.incoming = list(incoming)
    endpoint = Endpoint(line, serve)
    while endpoint.poll(0):
        pass
    return line.sent, len(calls)


def test_the_register_of_the_sheet_is_composed_byte_for_byte():
    out = Writer(200)
    out.begin(codes.CON, codes.POST, 0x0101, b"\xa1")
    out.option(codes.URI_PATH, b"rd")
    out.uint(codes.CONTENT_FORMAT, 40)
    for query in (b"lwm2m=1.1", b"ep=esp32-01", b"lt=300", b"b=U"):
        out.option(codes.URI_QUERY, query)
    out.payload(b"</>;")
    head = "41020101a1b272641128396c776d326d3d312e310b65703d65737033322d3031066c743d33303003623d55ff3c2f3e3b"
    assert bytes(out.buf[: out.size]) == unhex(head)


def test_the_answer_of_the_sheet_is_taken_apart():
    message = parsed(unhex("61410101a182726403374b78"))
    assert (message.type, message.code, message.mid, message.token) == (codes.ACK, codes.CREATED, 0x0101, b"\xa1")
    assert message.values(codes.LOCATION_PATH) == [b"rd", b"7Kx"]


def test_a_block_of_the_sheet_is_taken_apart():
    message = parsed(unhex("41032001b0b135013001" + "30112ad1020dd314011170ff") + bytes(512))
    assert message.values(codes.URI_PATH) == [b"5", b"0", b"0"]
    assert (message.uint(codes.CONTENT_FORMAT, -1), message.uint(codes.SIZE1, -1)) == (42, 70000)
    assert message.uint(codes.BLOCK1, -1) == codes.block(0, True, 5)
    assert len(message.payload) == 512


def test_options_of_any_length_and_number_come_back():
    for size in (0, 1, 12, 13, 268, 269, 600):
        out = Writer(700)
        out.begin(codes.NON, codes.GET, 1)
        out.option(codes.URI_PATH, bytes(size))
        out.uint(292, 0x1234)
        out.option(2049, b"x")
        message = parsed(bytes(out.buf[: out.size]))
        assert message.values(codes.URI_PATH) == [bytes(size)]
        assert (message.uint(292, 0), message.values(2049)) == (0x1234, [b"x"])
        assert message.is_strange


def test_a_number_that_is_too_long_is_as_strange_as_an_option_that_nobody_knows():
    """RFC 7252 5.4.3. A path, whose option is as critical, may be longer; so may what is elective."""
    for number in (17, 23, 27):
        for size in range(6):
            out = Writer(40)
            out.begin(codes.CON, codes.GET, 1)
            out.option(codes.URI_PATH, b"longer")
            out.option(12, bytes(4))
            out.option(number, bytes(size))
            assert parsed(bytes(out.buf[: out.size])).is_strange == (size > 3), (number, size)


def test_what_is_no_message_is_none():
    for text in ("", "00", "40", "410101", "80010101", "490101010000000000000000", "40010101ff", "4001010111",
                 "40010101f0", "400101011f", "400101013d", "4000010101", "40010101e0", "40010101e0fef3"):  # fmt: skip
        data = unhex(text)
        assert not Message().parse(data, len(data)), text
    assert Message().parse(unhex("40010101e0fef2"), 7)  # no option has a larger number
    assert not Message().parse(unhex("40010101") + b"\x00" * 30, 34)  # more options than anybody needs


def test_a_writer_that_is_full_says_so():
    out = Writer(20)
    out.begin(codes.CON, codes.GET, 1)
    out.option(codes.URI_PATH, bytes(30))
    assert out.is_full


def test_a_request_that_comes_twice_is_served_once():
    request = unhex("41030007aa")
    sent, calls = served(request, request, unhex("41030008aa"), request)
    assert calls == 2
    assert sent[0] == sent[1] == sent[3] == unhex("61440007aaff31")


def test_a_message_id_with_another_token_is_another_message():
    assert served(unhex("41030007aa"), unhex("41030007ab"))[1] == 2


def test_a_message_id_may_come_again_when_its_time_is_over():
    kept = replies.Replies(16)
    message = parsed(unhex("41030007aa"))
    kept.keep(7, b"\xaa", b"1234", 4, 0)
    assert bytes(kept.of(message, 246000)) == b"1234"
    assert kept.of(message, 248000) is None


def test_a_ping_and_what_is_unknown():
    assert served(unhex("40000009"))[0] == [unhex("70000009")]
    assert served(unhex("41010009aae006f6"))[0] == [unhex("61820009aa")]  # option 2051 is critical
    assert served(unhex("70000009"), unhex("60000009"), unhex("61450009aa")) == ([], 0)
    assert served(unhex("4145000abb"))[0] == [unhex("7000000a")]  # an answer that nobody waits for


def asking(clock):
    """A peer who was asked, and what was heard of it."""
    line, heard = Line(), []
    endpoint = Endpoint(line)
    endpoint.ask(codes.GET)
    endpoint.go(lambda m: heard.append(m and (m.type, m.code)))
    return line, endpoint, heard


def test_a_request_goes_out_five_times_ever_more_slowly():
    clock = Clock()
    line, endpoint, heard = asking(clock)
    times = []
    while not heard and clock.now < 200000:
        before = len(line.sent)
        endpoint.tick()
        if len(line.sent) > before:
            times.append(clock.now)
        clock.now += 50
    assert len(line.sent) == 5 and len(set(line.sent)) == 1
    assert 2000 <= times[0] <= 3050
    assert 28000 <= times[3] <= 46000
    assert heard == [None] and 62000 <= clock.now <= 94000


def test_an_answer_that_comes_by_itself_is_matched_once():
    clock = Clock()
    line, endpoint, heard = asking(clock)
    token, mid = line.sent[0][4:8], line.sent[0][2:4]
    line.incoming = [b"\x60\x00" + mid, b"\x44\x45\x12\x34" + token, b"\x44\x45\x12\x34" + token]
    endpoint.poll(0)
    clock.now = 60000
    endpoint.tick()
    assert len(line.sent) == 1  # it was heard
    endpoint.poll(0)
    endpoint.poll(0)
    assert heard == [(codes.CON, codes.CONTENT)]
    assert line.sent[1:] == [unhex("60001234")] * 2


def test_an_answer_with_another_token_is_none():
    line, endpoint, heard = asking(Clock())
    line.incoming = [b"\x64\x45" + line.sent[0][2:4] + b"none"]
    endpoint.poll(0)
    assert heard == [] and not endpoint.is_idle


def test_a_request_is_answered_later():
    clock, line = Clock(), Line()
    endpoint = Endpoint(line, lambda message, out: codes.EMPTY)
    line.incoming = [unhex("41030007aa")] * 2
    endpoint.poll(0)
    endpoint.poll(0)
    assert line.sent == []
    assert endpoint.answer(codes.CONTINUE, lambda out: None)
    assert line.sent == [unhex("615f0007aa")]
    line.incoming = [unhex("41030008ab")]
    endpoint.poll(0)
    clock.now = 1100
    endpoint.tick()
    assert line.sent[1] == unhex("60000008")  # it takes a while
    assert endpoint.answer(codes.CONTINUE, lambda out: None)
    assert line.sent[2][:2] == unhex("415f") and line.sent[2][4:] == b"\xab"


def test_a_line_that_takes_nothing_yet_is_asked_again():
    clock = Clock()
    line = Line()
    line.takes = False
    endpoint, heard = Endpoint(line), []
    endpoint.ask(codes.GET)
    endpoint.go(heard.append)
    clock.now = 500
    endpoint.tick()
    line.takes = True
    endpoint.tick()
    assert len(line.sent) == 1 and not heard


def test_a_line_that_breaks_is_a_transfer_error():
    class Broken(Line):
        def receive(self, ms):
            raise OSError(104)

    raises(TransferError, "link_lost", Endpoint(Broken()).poll, 0)


def put(upload, num, more, size, szx=2, most=None):
    """Judges a block of 64 bytes, takes it if it may be, and reads it. The code."""
    block = codes.block(num, more, szx)
    code = upload.judge(block, size, 0)
    if code == codes.EMPTY:
        assert upload.put(block, bytes([num]) * size)
        buf = bytearray(64)
        while upload.is_waiting:
            upload.read(buf, 0)
    return code


def test_blocks_of_an_upload():
    upload = Upload(200)
    assert put(upload, 1, True, 64) == codes.INCOMPLETE
    assert put(upload, 0, True, 64) == codes.EMPTY
    assert put(upload, 2, True, 64) == codes.INCOMPLETE
    assert put(upload, 1, True, 63) == codes.BAD_REQUEST
    assert put(upload, 1, True, 64, 7) == codes.BAD_REQUEST
    assert put(upload, 1, True, 64) == codes.EMPTY
    assert put(upload, 1, True, 64) == put(upload, 0 + 1, True, 64) == codes.CONTINUE
    assert put(upload, 2, False, 5) == codes.EMPTY
    assert upload.is_last and upload.received == 133
    upload.close()
    assert put(upload, 2, False, 5) == codes.CHANGED
    assert upload.judge(codes.block(0, True, 2), 64, 201) == codes.TOO_LARGE
    assert put(upload, 0, True, 64) == codes.EMPTY
    assert (upload.received, upload.generation) == (64, 3)


def test_an_empty_last_block_says_that_all_has_come():
    upload = Upload(200)
    assert [put(upload, num, True, 64) for num in (0, 1)] == [codes.EMPTY] * 2
    assert put(upload, 1, False, 0) == put(upload, 3, False, 0) == codes.INCOMPLETE
    assert put(upload, 2, False, 0) == codes.EMPTY
    assert upload.is_last and (upload.received, upload.ended_at) == (128, 128)
    assert put(upload, 2, False, 0) == codes.CHANGED
    upload.close()
    assert put(upload, 2, False, 0) == codes.CHANGED
