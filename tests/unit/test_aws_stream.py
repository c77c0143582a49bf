# SPDX-License-Identifier: MIT
"""AWS IoT file streams from the device's side, against a scripted broker (rainmaker.md 6.2, items 35, 36, 55)."""

import gc

from aws import BLOCK, IMAGE, STREAM, THING, Aws, Clock, Install, Job, block, encode
from fakes import Partition, raises

from ota import scatter
from ota.errors import TransferError
from ota.source import aws_stream
from ota.source.cbor import Cbor

BATCH = b"\xa5af\x01al\x19\x10\x00ao"


def installed(cloud, step=0, partition=None):
    """Downloads it all; the clock gains `step` ms at each look."""
    if hasattr(gc, "threshold"):
        gc.collect()  # MicroPython's heap is small and full of holes
    size = len(cloud.image)
    install = Install(partition or Partition(-(-size // BLOCK) * BLOCK, fill=0x55), Job(size))
    with Clock(step):
        install.download(cloud)
    assert install.holds(cloud.image)
    return install


def requests(cloud):
    """(first block, blocks asked for) of each request, without that for the beginning."""
    assert cloud.requests[0] == {"f": 1, "l": 289, "o": 0, "n": 1}
    assert all(request["l"] == BLOCK and request["n"] == 16 for request in cloud.requests[1:])
    return [(request["o"], cloud.wanted(request)) for request in cloud.requests[1:]]


def test_stream_beginning_first_then_batches_of_sixteen_r35():
    cloud = Aws()
    install = installed(cloud)
    assert install.judged == [IMAGE[:289]]
    assert requests(cloud) == [(0, list(range(16))), (16, list(range(16, 32))), (32, list(range(32, 38)))]


def test_stream_requests_are_byte_for_byte_what_the_vendor_sends_r35():
    missing = []

    def answer(request):
        if request["o"] == 32 and not missing:
            missing.extend((33, 40))
            return [block(i, cloud.part(i)) for i in cloud.wanted(request) if i not in missing]
        return cloud.honest(request)

    image = IMAGE + IMAGE[: 5 * BLOCK]
    cloud = Aws(image, answer)
    installed(cloud, 20)
    payloads = [packet[packet.index(b"/get/cbor") + 11 :] for packet in cloud.packets]
    assert payloads[0] == b"\xa4af\x01al\x19\x01\x21ao\x00an\x01"
    assert payloads[1] == BATCH + b"\x00abB\xff\xffan\x10"
    assert payloads[-1] == BATCH + b"\x18\x20abB\x02\x01an\x10"
    assert block(33, bytes(BLOCK))[:16] == b"\xa4af\x01ai\x18\x21al\x19\x10\x00ap\x59"
    assert [request["o"] for request in cloud.requests] == [0, 0, 16, 32, 32]


def test_stream_subscribes_to_blocks_and_refusals_before_it_asks():
    cloud = Aws()
    cloud.grants = False
    install = Install(Partition())
    source = aws_stream.AwsStream(cloud, install.job, 0, Cbor)
    for _ in range(5):
        assert source.readinto(bytearray(BLOCK)) is None
    assert not cloud.requests
    cloud = Aws()
    installed(cloud)
    base = b"$aws/things/" + THING + b"/streams/" + STREAM.encode()
    assert base + b"/data/cbor\x00" in cloud.topics[0]  # QoS 0
    assert base + b"/rejected/cbor\x01" in cloud.topics[0]


def test_stream_every_answer_is_acknowledged():
    cloud = Aws()
    installed(cloud)
    assert cloud.acknowledged == list(range(1, 40))


def test_stream_next_batch_is_asked_for_before_this_one_is_complete():
    heard = []

    def answer(request):
        heard.append((request["o"], bytes(install.slot._partition.data[15 * BLOCK : 16 * BLOCK]) == cloud.part(15)))
        return cloud.honest(request)

    cloud = Aws(answer=answer)
    install = Install(Partition(40 * BLOCK))
    install.download(cloud)
    assert heard[2] == (16, False)


def test_stream_blocks_in_any_order_r35():
    for order in (reversed, lambda told: told[1::2] + told[::2], lambda told: told[5:] + told[:5]):
        cloud = Aws()
        cloud.answer = lambda request, cloud=cloud, order=order: list(order(cloud.honest(request)))
        installed(cloud)
        assert len(cloud.requests) == 4


def test_stream_each_block_of_a_batch_lost_once_is_asked_for_alone_after_ten_seconds_r35():
    for lost in range(16):
        cloud = Aws(IMAGE[: 16 * BLOCK])

        def answer(request, cloud=cloud, lost=lost):
            told = cloud.honest(request)
            if len(cloud.requests) == 2:
                told.pop(lost)
            return told

        cloud.answer = answer
        installed(cloud, 100)
        assert requests(cloud) == [(0, list(range(16))), (0, [lost])], lost


def test_stream_each_block_twice_is_written_once_r35():
    cloud = Aws()
    cloud.answer = lambda request: [told for told in cloud.honest(request) for _ in (1, 2)]
    partition = Partition(40 * BLOCK)
    installed(cloud, partition=partition)
    assert partition.programs == list(range(38))


def spoilt(spoil):
    """A block of a batch comes as what `spoil(cloud, index)` returns: it alone is asked for again."""
    for wrong in (0, 1, 7, 14, 15):
        cloud = Aws(IMAGE[: 15 * BLOCK + 77])

        def answer(request, cloud=cloud, wrong=wrong):
            told = cloud.honest(request)
            if len(cloud.requests) == 2:
                told[wrong] = spoil(cloud, wrong)
            return told

        cloud.answer = answer
        installed(cloud, 100)
        assert requests(cloud) == [(0, list(range(16))), (0, [wrong])], wrong


def test_stream_block_of_another_length_is_never_written():
    spoilt(lambda cloud, index: block(index, cloud.part(index)[:-1]))
    spoilt(lambda cloud, index: block(index, b""))


def test_stream_block_larger_than_a_block_is_never_written():
    spoilt(lambda cloud, index: block(index, cloud.part(index) + bytes(BLOCK + 1)))
    spoilt(lambda cloud, index: block(index, bytes(20000)))


def test_stream_block_of_another_file_is_never_written():
    spoilt(lambda cloud, index: block(index, cloud.part(index), file=2))
    spoilt(lambda cloud, index: encode([("i", index), ("p", cloud.part(index))]))


def test_stream_block_from_outside_the_batch_is_never_written():
    spoilt(lambda cloud, index: block(index + 16, bytes(BLOCK)))
    spoilt(lambda cloud, index: block(98304, bytes(BLOCK)))
    spoilt(lambda cloud, index: block(0xFFFFFFFF, bytes(BLOCK)))


def test_stream_truncated_block_is_never_written():
    for cut in (1, 2, 9, 15, 19, 20, 500, 4096):
        spoilt(lambda cloud, index, cut=cut: block(index, cloud.part(index))[:-cut])


def test_stream_message_on_another_topic_is_passed_over():
    spoilt(lambda cloud, index: (b"description/cbor", block(index, cloud.part(index))))
    spoilt(lambda cloud, index: (b"data/json", block(index, cloud.part(index))))
    spoilt(lambda cloud, index: (b"data/cborg", block(index, cloud.part(index))))


def test_stream_silence_three_times_ten_seconds_ends_it_r35():
    cloud = Aws(answer=lambda request: [])
    install = Install(Partition())
    with Clock(100) as clock:
        raises(TransferError, "stream_silence", install.download, cloud)
        assert 30000 <= clock.passed < 34000
    assert cloud.requests == [{"f": 1, "l": 289, "o": 0, "n": 1}] * 3
    assert install.slot._partition.erases == []


def test_stream_any_block_ends_the_silence_r35():
    told = []

    def answer(request):
        """A block at every second request."""
        told.append(request)
        return cloud.honest(request)[:1] if len(told) % 2 else []

    cloud = Aws(IMAGE[: 3 * BLOCK], answer)
    installed(cloud, 1000)
    assert len(told) == 7


def test_stream_that_brings_nothing_but_duplicates_is_a_silent_one():
    def answer(request):
        return cloud.honest(request)[:1] * 100 if request["l"] == 289 else [block(0, cloud.part(0))] * 40

    cloud = Aws(IMAGE[: 3 * BLOCK], answer)
    install = Install(Partition(), Job(3 * BLOCK))
    with Clock(200):
        raises(TransferError, "stream_silence", install.download, cloud)
    assert install.slot.offset == BLOCK


def test_stream_on_a_slow_line_is_asked_for_a_few_blocks_at_a_time():
    cloud = Aws(IMAGE[: 18 * BLOCK])
    installed(cloud, 1400)
    assert [len(cloud.wanted(request)) for request in cloud.requests[1:]] == [2] * 9


def test_stream_that_is_called_off_ends_a_slow_line_only():
    for step, ends in ((0, False), (600, True)):
        cloud = Aws()
        install = Install(Partition())
        source = aws_stream.AwsStream(cloud, install.job, 0, Cbor)
        source.begin(scatter.Scatter(install.slot))
        with Clock(step):
            while source.readinto(install.slot.block) is None:
                pass
            source.readinto(install.slot.block)
            source.close()
        assert cloud.closed == ends


def test_stream_refusal_ends_it_at_once_r36():
    refusals = (
        ([("o", "ResourceNotFound"), ("m", "no such stream"), ("c", "t1")], "ResourceNotFound"),
        ([("m", "x" * 300), ("o", "Unauthorized")], "Unauthorized"),
        ([("o", 404)], "404"),
        ([("code", "InvalidRequest")], ""),
        ([("o", "E" * 60)], "E" * 40),
        ([("o", "two\nlines")], "twolines"),
    )
    for refusal, detail in refusals:
        cloud = Aws(answer=lambda request, refusal=refusal: [(b"rejected/cbor", encode(refusal))])
        install = Install(Partition())
        assert raises(TransferError, "stream_rejected", install.download, cloud).detail == detail
        assert len(cloud.requests) == 1
    for junk in (b"", b"\xff", b"\xa1", b"\xa1aoxx", b"{}"):
        cloud = Aws(answer=lambda request, junk=junk: [(b"rejected/cbor", junk)])
        assert raises(TransferError, "stream_rejected", Install(Partition()).download, cloud).detail == ""


def test_stream_keys_in_any_order_and_of_any_width():
    widths = (
        lambda n: bytes([0x18, n]),
        lambda n: bytes([0x19, 0, n]),
        lambda n: bytes([0x1A, 0, 0, 0, n]),
        lambda n: bytes([0x1B, 0, 0, 0, 0, 0, 0, 0, n]),
    )
    for wide in widths:
        for order in ("fipl", "plif", "ipfl", "lfpi", "fpi", "pif"):
            cloud = Aws(IMAGE[: 2 * BLOCK])

            def answer(request, cloud=cloud, wide=wide, order=order):
                told = []
                for index in cloud.wanted(request):
                    data = cloud.part(index, request["l"])
                    length = b"\x5b" + bytes(6) + bytes([len(data) >> 8, len(data) & 0xFF])
                    items = {"f": wide(1), "i": wide(index), "l": wide(9), "p": length + data}
                    pairs = b"".join([b"a" + key.encode() + items[key] for key in order])
                    told.append(bytes([0xA0 + len(order)]) + pairs)
                return told

            cloud.answer = answer
            installed(cloud)
            assert len(cloud.requests) == 2


def test_stream_unknown_keys_are_passed_over_whatever_they_hold():
    junk = (
        b"acdtok1",  # a token
        b"detag\x1b\x01\x02\x03\x04\x05\x06\x07\x08",
        b"ax\xa2aa\x83\x01\x02\x80ab\xa0",  # a map with lists in it
        b"ax\xc1\x1a\x00\x00\x00\x00",  # a tag
        b"ax\xfb\x00\x00\x00\x00\x00\x00\x00\x00",  # a float
        b"ax\xf6",
        b"ax\x20",
        b"x\x19" + b"k" * 25 + b"\xf5",
        b"apAx",  # the second payload of a block does not count
    )
    for extra in junk:
        for opening in (b"\xa4", b"\xb8\x04", b"\xbf"):
            cloud = Aws(IMAGE[: 2 * BLOCK])

            def answer(request, cloud=cloud, extra=extra, opening=opening):
                told = []
                for message in cloud.honest(request):
                    without_l = message[1 : message.index(b"al")] + message[message.index(b"ap") :]
                    told.append(opening + without_l + extra + (b"\xff" if opening == b"\xbf" else b""))
                return told

            cloud.answer = answer
            installed(cloud)
            assert len(cloud.requests) == 2, (extra, opening)


def test_stream_answers_that_are_no_cbor_of_ours_are_passed_over():
    block_of = lambda cloud, index: block(index, cloud.part(index))  # noqa: E731
    spoilt(lambda cloud, index: b"")
    spoilt(lambda cloud, index: b"\xbf" + block_of(cloud, index)[1:])  # no end
    spoilt(lambda cloud, index: block_of(cloud, index) + b"\x00")  # more than there should be
    spoilt(lambda cloud, index: b"\xa3" + block_of(cloud, index)[1:])
    spoilt(lambda cloud, index: b"\xa5" + block_of(cloud, index)[1:])
    spoilt(lambda cloud, index: b"\x84" + block_of(cloud, index)[1:])  # a list
    spoilt(lambda cloud, index: b"\xa1ax" + b"\x81" * 4000)  # deep
    spoilt(lambda cloud, index: b"\xa1ax\x9b" + b"\xff" * 8)  # long
    spoilt(lambda cloud, index: b"\xa1ap\x5b" + b"\xff" * 8)
    spoilt(lambda cloud, index: b"\xa1ap\x5f\x41\x00\xff")  # in pieces
    spoilt(lambda cloud, index: b"\xbb" + b"\xff" * 4000)


def test_stream_names_of_any_length_are_told_apart():
    long = "s" * 42
    image = IMAGE[: 2 * BLOCK]
    for thing in (b"N", THING, b"T" * 128):
        cloud = Aws(image)
        cloud.mqtt.client_id = thing
        topic = b"$aws/things/" + thing + b"/streams/" + long.encode() + b"/"
        source = aws_stream.AwsStream(cloud, Job(len(image), long), 0, Cbor)
        for name, expected in ((b"rejected/cbor", True), (b"rejected/cborx", False), (b"rejected/cbo", False)):
            cloud.hear(topic + name)
            while not cloud.poll_chunk():
                pass  # the subscription's answer comes first
            assert source._is_topic(source._rejected) == expected, name
            cloud.mqtt.skip()


def test_stream_tail_block_is_short_and_an_exact_one_is_not():
    for size in (BLOCK - 1, BLOCK, BLOCK + 1, 16 * BLOCK, 16 * BLOCK + 1, 17 * BLOCK - 1):
        cloud = Aws(IMAGE[:size])
        installed(cloud)


def test_stream_resumed_in_the_midst_of_a_batch_asks_for_the_rest_of_it():
    cloud = Aws()
    install = Install(Partition(40 * BLOCK))
    install.slot.offset = 21 * BLOCK
    install.told = 21 * BLOCK
    install.sha256.update(IMAGE[: 21 * BLOCK])
    install.download(cloud)
    assert install.told == len(IMAGE)
    asked = [(request["o"], cloud.wanted(request)) for request in cloud.requests]
    assert asked == [(16, [21, 22]), (16, list(range(23, 32))), (32, list(range(32, 38)))]
    assert install.judged == []


def test_stream_after_a_lost_link_asks_only_for_what_is_missing_r36():
    cloud = Aws(IMAGE[: 16 * BLOCK])
    kept = (0, 1, 3, 4, 9, 15)

    def answer(request):
        return cloud.honest(request) if request["l"] == 289 else [block(i, cloud.part(i)) for i in kept]

    cloud.answer = answer
    install = Install(Partition(16 * BLOCK), Job(16 * BLOCK))
    with Clock(200):
        raises(TransferError, "stream_silence", install.download, cloud)
    assert install.slot.offset == 2 * BLOCK
    again = Aws(IMAGE[: 16 * BLOCK])
    install.download(again)
    assert install.holds(again.image)
    asked = [again.wanted(request) for request in again.requests]
    assert asked == [[2, 5], [i for i in range(6, 16) if i not in kept]]  # first a few, for the line may be slow now
    assert install.slot._partition.programs.count(3) == 2  # its head when its turn had come


def test_stream_without_an_md5_begins_anew_after_a_lost_link_r36():
    for mark, kept in (("0f343b0931126a20f133d67c2b018a3b", True), ("", False)):
        image = IMAGE[: 8 * BLOCK]
        cloud = Aws(image)
        install = Install(Partition(8 * BLOCK), Job(len(image)))
        install.job.mark = mark
        cloud.answer = lambda request, cloud=cloud: [told for told in cloud.honest(request) if told[6] < 3]
        with Clock(400):
            raises(TransferError, "stream_silence", install.download, cloud)
        again = Aws(image)
        install.download(again)
        assert install.holds(image)
        assert (again.requests[0]["l"] == 289) != kept
        assert install.slot._partition.erases == list(range(8)) * (1 if kept else 2)


def test_stream_close_leaves_no_payload_behind():
    cloud = Aws()
    source = aws_stream.AwsStream(cloud, Job(), 0, Cbor)
    cloud.say(block(0, IMAGE[:BLOCK]))
    while not cloud.poll_chunk():
        pass
    assert cloud.mqtt.left
    source.close()
    assert not cloud.mqtt.left
