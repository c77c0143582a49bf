# SPDX-License-Identifier: MIT
"""ThingsBoard's chunk protocol from the device's side, against a scripted server (thingsboard.md 4.1)."""

from fakes import raises

from ota.errors import TransferError
from ota.port import ticks_diff
from ota.source import tb_chunks

IMAGE = bytes((i * 7 + 3) & 0xFF for i in range(10000))


class Server:
    """Plays cloud and connection: answers each request by `answer(request_id, index, size)`, a list of messages."""

    def __init__(self, image=IMAGE):
        self.image = image
        self.mqtt = self
        self.requests = []  # (request id, index, size)
        self.queue = []  # (topic, payload)
        self.topic = bytearray(96)
        self.topic_size = 0
        self.left = 0
        self._payload = b""
        self._id = 100
        self.closed = False
        self.portion = 1 << 20  # bytes that a slow line brings at once
        self.answer = self.honest

    def honest(self, request_id, index, size):
        return [(index, self.image[index * size : index * size + size])]

    def keep_alive(self):
        pass

    def readable(self, ms):
        return True

    def is_quiet(self, since, ms):
        return ticks_diff(tb_chunks.ticks_ms(), since) >= ms

    def next_request_id(self):
        self._id += 1
        return self._id

    def write(self, packet, size):
        packet = bytes(packet[:size])
        assert packet[0] == 0x30 and packet[1] == size - 2
        topic = packet[4 : 4 + packet[3]]
        number, index = [int(part) for part in topic.split(b"/") if part.isdigit()]
        asked = int(packet[4 + packet[3] :])
        self.requests.append((number, index, asked))
        for chunk, payload in self.answer(number, index, asked):
            self.queue.append((b"v2/fw/response/%d/chunk/%d" % (number, chunk), payload))

    def poll_chunk(self):
        if not self.queue:
            return False
        topic, self._payload = self.queue.pop(0)
        self.topic[: len(topic)] = topic
        self.topic_size = len(topic)
        self.left = len(self._payload)
        return True

    def read_payload(self, buf, size):
        assert size <= self.left
        buf[:size] = self._payload[:size]
        self._payload = self._payload[size:]
        self.left -= size

    def readinto(self, buf, size):
        size = min(size, self.portion)
        self.read_payload(buf, size)
        return size

    def skip(self):
        self.left = 0

    def close(self):
        self.closed = True


def download(server, offset=0, chunk=4096, window=4, size=None, calls=200):
    """Reads to the end; returns what arrived. At most `calls` empty-handed calls."""
    size = len(server.image) if size is None else size
    source = tb_chunks.TbChunks(server, size, offset, server.next_request_id(), chunk, window)
    block = bytearray(4096)
    data = b""
    while offset + len(data) < size:
        n = source.readinto(block)
        if n is None:
            calls -= 1
            assert calls, "no progress"
        else:
            assert n == min(4096, size - offset - len(data))
            data += block[:n]
    return data


def silent_clock(step):
    """Replaces the source's clock by one that gains `step` ms at each look; returns the real one."""
    real = tb_chunks.ticks_ms
    now = [0]

    def ticks():
        now[0] += step
        return now[0]

    tb_chunks.ticks_ms = ticks
    return real


def test_chunks_arrive_whole_and_in_order():
    server = Server()
    assert download(server) == IMAGE
    assert [index for _, index, _ in server.requests] == [0, 1, 2]


def test_chunks_exact_multiple_never_asks_past_the_end_a19():
    server = Server(IMAGE[:8192])
    assert download(server) == IMAGE[:8192]
    assert [index for _, index, _ in server.requests] == [0, 1]


def test_chunks_image_smaller_than_a_chunk():
    server = Server(b"tiny")
    assert download(server) == b"tiny"
    assert server.requests == [(101, 0, 4096)]


def test_chunks_request_carries_the_size_in_digits_a15():
    for chunk in (512, 4096, 65536):
        server = Server()
        download(server, chunk=chunk)
        assert server.requests[0][2] == chunk


def test_chunks_zero_alone_first_then_a_window():
    server = Server()
    server.answer = lambda request_id, index, size: []
    source = tb_chunks.TbChunks(server, 10000, 0, 5, 1000, 3)
    source.readinto(bytearray(4096))
    source.readinto(bytearray(4096))
    assert [index for _, index, _ in server.requests] == [0]
    server.queue.append((b"v2/fw/response/5/chunk/0", IMAGE[:1000]))
    source.readinto(bytearray(4096))
    source.readinto(bytearray(4096))
    assert [index for _, index, _ in server.requests] == [0, 1, 2, 3]


def test_chunks_smaller_than_a_block_are_gathered_into_one():
    for chunk in (512, 1000, 2048, 4095):
        assert download(Server(), chunk=chunk) == IMAGE, chunk


def test_chunks_larger_than_a_block_come_block_by_block():
    assert download(Server(), chunk=8192) == IMAGE
    assert download(Server(), chunk=65536) == IMAGE


def test_chunks_resume_in_the_middle_of_a_chunk():
    for offset in (0, 4096, 8192):
        for chunk in (1024, 4096, 8192, 65536):
            assert download(Server(), offset=offset, chunk=chunk) == IMAGE[offset:], (offset, chunk)


def test_chunks_duplicates_are_ignored_a16():
    server = Server()
    server.answer = lambda request_id, index, size: server.honest(request_id, index, size) * 2
    assert download(server) == IMAGE


def test_chunks_of_another_request_or_type_are_ignored_a16():
    server = Server()

    def answer(request_id, index, size):
        server.queue.append((b"v2/fw/response/%d/chunk/%d" % (request_id + 1, index), b"x" * size))
        server.queue.append((b"v2/sw/response/%d/chunk/%d" % (request_id, index), b"x" * size))
        server.queue.append((b"v2/fw/response/%d/chunk/x" % request_id, b"x" * size))
        return server.honest(request_id, index, size)

    server.answer = answer
    assert download(server) == IMAGE


def test_chunks_lost_one_is_asked_for_again_without_waiting():
    server = Server()
    lost = []

    def answer(request_id, index, size):
        if index == 1 and not lost:
            lost.append(index)
            return []
        return server.honest(request_id, index, size)

    server.answer = answer
    assert download(server) == IMAGE
    assert [index for _, index, _ in server.requests].count(1) == 2


def test_chunks_of_wrong_length_are_never_appended_a17():
    for wrong in (b"short", b"x" * 5000):
        server = Server()
        broken = []

        def answer(request_id, index, size, server=server, broken=broken, wrong=wrong):
            if index == 1 and not broken:
                broken.append(index)
                return [(1, wrong)]
            return server.honest(request_id, index, size)

        server.answer = answer
        assert download(server) == IMAGE


def test_chunks_always_broken_end_in_an_error():
    server = Server()
    server.answer = lambda request_id, index, size: [(index, b"short")]
    raises(TransferError, "broken_chunks", download, server)


def test_chunks_empty_answer_is_asked_for_under_a_new_id_a18():
    server = Server()

    def answer(request_id, index, size):
        return [(index, b"")] if index == 1 and request_id == 101 else server.honest(request_id, index, size)

    server.answer = answer
    assert download(server) == IMAGE
    assert server.requests[-1][0] == 102


def test_chunks_always_empty_end_in_an_error_a18():
    server = Server()
    server.answer = lambda request_id, index, size: [(index, b"")]
    raises(TransferError, "broken_chunks", download, server)
    assert len(server.requests) < 20


def test_chunks_silence_is_asked_again_then_given_up_a20():
    server = Server()
    server.answer = lambda request_id, index, size: []
    real = silent_clock(1000)
    try:
        raises(TransferError, "chunk_silence", download, server, 0, 4096, 4, None, 1000)
    finally:
        tb_chunks.ticks_ms = real
    assert [index for _, index, _ in server.requests] == [0, 0, 0, 0]


def test_chunks_a_window_of_nothing_is_a_window_of_one():
    server = Server()
    assert download(server, window=0) == IMAGE
    assert [index for _, index, _ in server.requests] == [0, 1, 2]


def test_chunks_silence_that_ends_costs_one_repeat_a20():
    server = Server()
    heard = []

    def answer(request_id, index, size):
        heard.append(index)
        return [] if heard.count(1) == 1 and index == 1 else server.honest(request_id, index, size)

    server.answer = answer
    real = silent_clock(1000)
    try:
        assert download(server, window=1) == IMAGE
    finally:
        tb_chunks.ticks_ms = real
    assert heard == [0, 1, 1, 2]


def started(server, chunk):
    """A source that has given its first block."""
    source = tb_chunks.TbChunks(server, len(server.image), 0, 5, chunk)
    while source.readinto(bytearray(4096)) is None:
        pass
    return source


def test_chunks_close_leaves_no_payload_behind():
    server = Server(IMAGE * 2)
    source = started(server, 8192)
    source.readinto(bytearray(4096))  # the rest of the first chunk
    source.readinto(bytearray(4096))
    assert server.left == 4096
    source.close()
    assert server.left == 0
    assert not server.closed


def test_chunks_close_ends_a_connection_that_would_be_busy_for_long():
    server = Server()
    source = started(server, 8192)  # before the first chunk is complete nobody knows how fast the line is
    assert server.left == 4096
    source.close()
    assert server.closed


def test_chunks_close_leaves_alone_a_connection_without_anything_under_way():
    server = Server()
    started(server, 4096).close()
    assert not server.closed


def test_chunks_close_leaves_alone_the_connection_that_came_after_its_own():
    server = Server()
    source = started(server, 8192)
    server.mqtt = None
    source.close()
    assert not server.closed


def test_chunks_on_a_slow_line_are_asked_for_one_by_one():
    server = Server()
    server.portion = 100
    real = silent_clock(100)
    try:
        assert download(server, chunk=1024) == IMAGE
    finally:
        tb_chunks.ticks_ms = real
    assert [index for _, index, _ in server.requests] == list(range(10))


def test_chunks_that_are_large_are_never_more_than_two_under_way():
    server = Server(IMAGE * 20)
    source = started(server, 65536)
    block = bytearray(4096)
    read, most = 4096, 0
    while read < len(server.image):
        read += source.readinto(block) or 0
        asked = min(len(server.requests) * 65536, len(server.image))
        most = max(most, asked - read)
    assert most == 65536 + 4096  # the next is asked for when 8 KiB of the first are left, and a block of these is read
