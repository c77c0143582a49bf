# SPDX-License-Identifier: MIT
"""An image from a web server that is played from a script: one answer for each time it is asked."""

from fakes import Pieces, raises

from ota import body
from ota.errors import JobError, TransferError, VerifyError
from ota.source import http_ask
from ota.source.http import Http

BODY = b"0123456789"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
PART = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-9/10\r\n"
MOVED = b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"


class Job:
    def __init__(self, url="http://h/x", size=10, seen=None):
        self.url = url
        self.size = size
        self.seen = seen


class Cloud:
    def poll(self, ms):
        pass


class Board:
    """Opens streams that play one of `answers` after the other. `opened`: where; `sent`: what it was asked."""

    step_ms = 0

    def __init__(self, *answers):
        self._answers = list(answers)
        self.opened = []
        self.streams = []
        self.settings = {}

    def number(self, name, default):
        return self.settings.get(name, default)

    def open_stream(self, host, port, tls):
        self.opened.append((host, port, tls))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.streams.append(Pieces(*answer) if isinstance(answer, list) else Pieces(answer))
        return self.streams[-1]

    def sleep_ms(self, ms):
        self.slept = True

    @property
    def sent(self):
        return [stream.sent for stream in self.streams]


def fetch(board, job=None, offset=0, block=4096):
    """The bytes from `offset` to the end."""
    job = job or Job()
    source = Http(board, Cloud(), job, offset)
    found, buf = b"", bytearray(block)
    for _ in range(2000):
        n = source.readinto(buf)
        if n is not None:
            found += bytes(buf[:n])
            if len(found) == job.size - offset:
                source.close()
                return found
    raise AssertionError("no end")


def refused(answer, offset=0, kind=TransferError):
    """The code that an answer is refused with."""
    try:
        fetch(Board(answer), offset=offset)
    except kind as error:
        return error.code
    return None


def test_source_reads_the_body():
    board = Board(OK + b"\r\n" + BODY)
    assert fetch(board) == BODY
    assert board.opened == [("h", 80, False)]
    assert board.sent[0].startswith(b"GET /x HTTP/1.1\r\nHost: h\r\n")
    assert b"Range" not in board.sent[0]
    assert board.streams[0].closed


def test_source_fills_blocks_from_pieces_of_any_size():
    size = 10000
    image = bytes([i * 7 & 255 for i in range(size)])
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
    for step in (13, 127, 128, 129, 1460, 4096, 9999):
        pieces = [head]
        for at in range(0, size, step):
            pieces += [None, image[at : at + step]]
        source = Http(Board(pieces), Cloud(), Job(size=size), 0)
        found, lengths, block = b"", [], bytearray(4096)
        while len(found) < size:
            n = source.readinto(block)
            if n is not None:
                lengths.append(n)
                found += bytes(block[:n])
        assert found == image
        assert lengths == [4096, 4096, 1808]


def test_source_takes_chunks_and_bodies_without_a_length():
    assert (
        fetch(Board(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n"))
        == BODY
    )
    assert fetch(Board([b"HTTP/1.0 200 OK\r\n\r\n" + BODY, b""])) == BODY


def test_source_reads_a_body_without_end_to_the_size_and_no_further():
    for head in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n"):
        board = Board(head + BODY + b"x" * 5000)
        assert fetch(board) == BODY
        assert board.streams[0].left() == 5000


def test_source_notices_a_body_that_is_too_short():
    assert refused([b"HTTP/1.0 200 OK\r\n\r\n01234", b""]) == "link_lost"
    assert refused(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n\r\n") == "link_lost"
    assert refused([OK + b"\r\n01234", b""]) == "link_lost"


def test_source_resumes_by_range():
    board = Board(PART + b"Content-Length: 6\r\n\r\n456789")
    assert fetch(board, offset=4) == b"456789"
    assert b"\r\nRange: bytes=4-\r\n" in board.sent[0]
    assert b"If-Range" not in board.sent[0]


def test_source_resumes_only_what_has_the_same_name():
    for header in (b'ETag: "v1"', b"Last-Modified: Fri, 20 Nov 2026 10:00:00 GMT"):
        name = header.partition(b": ")[2].decode()
        job = Job()
        assert fetch(Board(OK + header + b"\r\n\r\n" + BODY), job) == BODY
        assert job.seen == name
        board = Board(PART + header + b"\r\n\r\n456789")
        assert fetch(board, job, 4) == b"456789"
        assert b"\r\nIf-Range: " + name.encode() + b"\r\n" in board.sent[0]


def test_source_never_takes_a_weak_tag_for_a_name():
    job = Job()
    fetch(Board(OK + b'ETag: W/"v1"\r\n\r\n' + BODY), job)
    assert job.seen is None


def test_source_starts_again_when_the_name_has_changed():
    for head in (OK, PART):
        job = Job(seen='"v1"')
        raises(VerifyError, "http_changed", fetch, Board(head + b'ETag: "v2"\r\n\r\n' + BODY), job, 4)
        assert job.seen is None


def test_source_skips_what_it_has_when_the_server_ignores_the_range():
    board = Board(OK + b'ETag: "v1"\r\n\r\n' + BODY)
    assert fetch(board, Job(seen='"v1"'), 4) == b"456789"
    image = bytes([i & 255 for i in range(9000)])
    board = Board(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + image)
    assert fetch(board, Job(size=9000), 8192) == image[8192:]


def test_source_refuses_another_range():
    head = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %s\r\n\r\n456789"
    for other in (b"0-9/10", b"5-9/10", b"4-8/10", b"4-9/11", b"4-9/*", b"4-", b""):
        assert refused(head.replace(b"%s", other), 4) == "http_wrong_range", other
    assert refused(PART.replace(b"Content-Range", b"X") + b"\r\n456789", 4) == "http_wrong_range"
    multipart = b"HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=x\r\n\r\n"
    assert refused(multipart, 4) == "http_wrong_range"
    assert refused(PART.replace(b"4-9", b"0-9") + b"\r\n" + BODY) == "http_wrong_range"  # nobody asked for a part


def test_source_refuses_another_length():
    for length in (b"9", b"11", b"0"):
        assert refused(OK.replace(b"10", length) + b"\r\n" + BODY) == "http_wrong_size"
    assert refused(PART + b"Content-Length: 10\r\n\r\n456789", 4) == "http_wrong_size"


def test_source_asks_a_server_without_that_range_for_all_of_it_once():
    none = b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\n\r\n"
    board = Board(none, OK + b"\r\n" + BODY)
    assert fetch(board, offset=4) == b"456789"
    assert [b"Range" in sent for sent in board.sent] == [True, False]
    raises(JobError, "http_416", fetch, Board(none, none), None, 4)
    raises(JobError, "http_416", fetch, Board(none))


def test_source_takes_a_no_for_an_answer():
    for status in (400, 401, 403, 404, 410, 304):
        head = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status
        assert refused(head, kind=JobError) == "http_%d" % status


def test_source_asks_a_busy_server_again_and_then_gives_up():
    for status in (408, 429, 500, 503):
        busy = b"HTTP/1.1 %d Busy\r\nRetry-After: 0\r\n\r\n" % status
        board = Board(busy, busy, OK + b"\r\n" + BODY)
        assert fetch(board) == BODY
        raises(TransferError, "http_%d" % status, fetch, Board(busy, busy, busy))
        assert all(stream.closed for stream in board.streams)


def test_source_waits_as_long_as_it_is_told_within_bounds():
    for text, seconds in (("7", 7), ("0", 0), ("315360000", 600), ("9" * 40, 600), (None, 5), ("", 60), ("-1", 60)):
        assert http_ask._pause_s(text) == seconds, text
    assert http_ask._pause_s("Fri, 20 Nov 2026 10:00:00 GMT") == 60


def test_source_pauses_before_it_asks_again():
    board = Board(b"HTTP/1.1 503 Busy\r\nRetry-After: 600\r\n\r\n")
    source = Http(board, Cloud(), Job(), 0)
    for _ in range(50):
        assert source.readinto(bytearray(16)) is None
    assert len(board.opened) == 1
    assert board.slept


def test_source_follows_redirects():
    for status in (301, 302, 303, 307, 308):
        board = Board(
            MOVED % (status, b"/y"),
            MOVED % (status, b"//mirror:81/z"),
            MOVED % (status, b"https://safe/"),
            OK + b"\r\n" + BODY,
        )
        assert fetch(board) == BODY
        assert board.opened == [("h", 80, False), ("h", 80, False), ("mirror", 81, False), ("safe", 443, True)]
        assert [sent.split(b" ")[1] for sent in board.sent] == [b"/x", b"/y", b"/z", b"/"]
        assert all(stream.closed for stream in board.streams)


def test_source_follows_redirects_with_its_range():
    board = Board(MOVED % (302, b"/y"), PART + b"\r\n456789")
    assert fetch(board, Job(seen='"v1"'), 4) == b"456789"
    assert all(b"Range: bytes=4-\r\n" in sent and b'If-Range: "v1"' in sent for sent in board.sent)


def test_source_follows_five_redirects_and_not_a_sixth():
    moved = MOVED % (302, b"/x")
    assert fetch(Board(*([moved] * 5), OK + b"\r\n" + BODY)) == BODY
    raises(JobError, "http_redirects", fetch, Board(*([moved] * 6)))


def test_source_never_goes_from_https_to_http():
    board = Board(MOVED % (301, b"http://h/x"))
    raises(JobError, "http_downgrade", fetch, board, Job("https://h/x"))
    assert board.opened == [("h", 443, True)]


def test_source_refuses_redirects_to_nowhere():
    raises(JobError, "http_302", fetch, Board(b"HTTP/1.1 302 Found\r\n\r\n"))
    raises(JobError, "bad_url", fetch, Board(MOVED % (302, b"ftp://h/x")))
    raises(JobError, "bad_url", fetch, Board(MOVED % (302, b"http://user:secret@h/x")))


def test_source_that_can_never_be_trusted_is_refused_at_once():
    for code in ("tls_no_ca", "tls_unsupported", "tls_bad_settings"):
        raises(JobError, code, fetch, Board(TransferError(code)), Job("https://h/x"))
    raises(TransferError, "tls_failed", fetch, Board(TransferError("tls_failed")), Job("https://h/x"))


def test_source_of_no_url_is_refused():
    raises(JobError, "bad_url", Http, Board(), Cloud(), Job("http://"), 0)


def end_of_waiting(pieces, ms, size=200):
    """(code, ms) at which the source gives up when a piece comes every `ms`."""
    clock = [0]
    real, body.ticks_ms = body.ticks_ms, lambda: clock[0]
    try:
        source = Http(Board(pieces), Cloud(), Job(size=size), 0)
        for _ in range(1000):
            source.readinto(bytearray(4096))
            clock[0] += ms
    except TransferError as error:
        return error.code, clock[0]
    finally:
        body.ticks_ms = real
    raise AssertionError("it waits for ever")


def test_source_that_goes_silent_is_given_up():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"
    for pieces in ([], [b"HTTP/1.1"], [head], [head + b"x"]):
        code, ms = end_of_waiting(pieces, 100)
        assert (code, 20000 < ms < 20600) == ("http_silence", True), ms


def test_source_that_only_trickles_is_given_up():
    """A byte now and then, of a head or of a block, is as good as silence."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"
    for beginning in (b"HTTP/1.1 200 OK\r\n", head):
        pieces = [beginning]
        for _ in range(100):
            pieces += [b"x", None]
        code, ms = end_of_waiting(pieces, 4000)
        assert (code, 120000 < ms < 140000) == ("http_slow", True), ms


def test_source_of_a_steady_line_has_its_time_for_each_block():
    """Three blocks, each in a minute and a half, are more than a block may take, and well."""
    clock, block = [0], b"x" * 512
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 12288\r\n\r\n"]
    for _ in range(24):
        pieces += [block, None]
    real, body.ticks_ms = body.ticks_ms, lambda: clock[0]
    try:
        source, got = Http(Board(pieces), Cloud(), Job(size=12288), 0), 0
        for _ in range(200):
            got += source.readinto(bytearray(4096)) or 0 if got < 12288 else 0
            clock[0] += 5000
    finally:
        body.ticks_ms = real
    assert got == 12288
