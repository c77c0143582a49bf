# SPDX-License-Identifier: MIT
"""URLs taken apart and answers read: what ota.http makes of every odd thing a web server may say."""

from fakes import Pieces, raises

from ota import http, redirect
from ota.answer import Answer
from ota.errors import JobError, TransferError

OK = b"HTTP/1.1 200 OK\r\n"


def read(*pieces, size=100):
    """(status, body) of an answer that comes in these pieces."""
    answer = Answer(Pieces(*pieces))
    for _ in range(1000):
        if answer.head():
            break
    body, buf = b"", bytearray(size)
    for _ in range(1000):
        got = answer.body.readinto(buf, size)
        if got == 0:
            return answer.status, body
        body += bytes(buf[: got or 0])
    raise AssertionError("no end")


def refused(*pieces):
    """The code that an answer is refused with."""
    try:
        read(*pieces)
    except TransferError as error:
        return error.code
    return None


def bytewise(data):
    """Each byte on its own, with a pause before it."""
    pieces = []
    for i in range(len(data)):
        pieces += [None, data[i : i + 1]]
    return pieces


def asked(place, headers=""):
    """The request for what is there, in one piece."""
    return b"".join(http.request("GET", place, headers))


def split(url):
    """With the path as a request has it."""
    place = http.split(url)
    tls, host, port = place[:3]
    return tls, host, port, asked(place).split()[1].decode()


def test_http_url_is_split():
    assert split("http://h") == (False, "h", 80, "/")
    assert split("https://h.example/a/b?c=d#e") == (True, "h.example", 443, "/a/b?c=d")
    assert split("HTTP://h:8080?x=1") == (False, "h", 8080, "/?x=1")
    assert split("http://h#only") == (False, "h", 80, "/")
    long = "/" + "%41" * 600 + "?" + "x" * 240
    assert split("http://h" + long) == (False, "h", 80, long)


def test_http_url_however_long_is_not_copied():
    url = "http://h/" + "x" * 2000
    assert http.split(url)[3] is url
    assert all(len(piece) <= 256 for piece in http.request("GET", http.split(url)))


def test_http_url_that_is_none_is_refused():
    for url in (
        "", "h", "h/x", "ftp://h/x", "http://", "http:///x", "http://:80/x", "http://h:/x", "http://h:0/x",
        "http://h:65536/x", "http://h:8o/x", "http://user:secret@h/x", "http://[::1]/x", "http://h/a b",
        "http://h/a\r\nX: y", "http://h/\u00e4", "http://h\t/x", "http://h:-1/x",
    ):  # fmt: skip
        raises(JobError, "bad_url", http.split, url)


def test_http_location_is_joined():
    for location, url in (
        ("x", "https://h:8443/a/b/x"),
        ("/x?y=http://z", "https://h:8443/x?y=http://z"),
        ("?y", "https://h:8443/a/b/c?y"),
        ("//other/x", "https://other/x"),
        ("http://other/x", "http://other/x"),
    ):
        assert redirect.join(http.split("https://h:8443/a/b/c?d=/e"), location) == http.split(url)
    assert redirect.join(http.split("http://h"), "x") == http.split("http://h:80/x")
    raises(JobError, "bad_url", redirect.join, http.split("http://h"), "ftp://other/x")


def test_http_request_names_the_port_only_when_it_is_another():
    head = b"GET /x HTTP/1.1\r\nHost: h\r\nAccept-Encoding: identity\r\n\r\n"
    assert asked((False, "h", 80, "/x", 0)) == head
    assert b"\r\nHost: h:443\r\n" in asked((False, "h", 443, "/x", 0))
    assert b"\r\nHost: h\r\n" in asked((True, "h", 443, "/x", 0))


def test_http_answer_with_a_length_is_read_to_it_and_no_further():
    assert read(OK + b"Content-Length: 5\r\n\r\nhelloMORE") == (200, b"hello")
    assert read(OK + b"Content-Length: 0\r\n\r\nMORE") == (200, b"")
    assert read(b"HTTP/1.1 204 No Content\r\n\r\nMORE") == (204, b"")


def test_http_answer_without_a_length_ends_with_the_connection():
    assert read(OK + b"\r\nhello", b" world", b"") == (200, b"hello world")
    assert read(b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n", b"") == (200, b"")


def test_http_answer_may_come_byte_by_byte():
    assert read(*bytewise(OK + b"Content-Length: 5\r\n\r\nhello")) == (200, b"hello")
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"
    assert read(*bytewise(chunked)) == (200, b"he0123456789")


def test_http_answer_that_is_interim_is_passed_over():
    interim = b"HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    assert read(interim + OK + b"Content-Length: 2\r\n\r\nok") == (200, b"ok")


def test_http_answer_of_interim_heads_without_end_is_refused():
    assert refused(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000) == "http_bad_answer"


def test_http_answer_in_chunks():
    head = OK + b"Transfer-Encoding: Chunked\r\n\r\n"
    assert read(head + b"5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n") == (200, b"hello")
    assert read(head + b"5 \r\nhello\r\n00000\r\n\r\n") == (200, b"hello")
    assert read(head + b"1a\nabcdefghijklmnopqrstuvwxyz\n0\n\n") == (200, b"abcdefghijklmnopqrstuvwxyz")


def test_http_chunks_that_are_none_are_refused():
    head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    for body in (b"\r\n", b"x\r\n", b"-5\r\nhello", b"5\r\nhelloX\r\n0\r\n\r\n", b"12345678\r\n", b";x\r\n", b"1" * 9):
        assert refused(head + body) == "http_bad_answer", body
    assert refused(head + b"5;" + b"x" * 1000) == "http_bad_answer"


def test_http_answer_that_ends_too_early_is_a_lost_link():
    whole = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
    for size in range(len(whole) - 1):
        assert refused(whole[:size], b"") == "link_lost", size
    assert refused(OK + b"Content-Length: 5\r\n\r\nhell", b"") == "link_lost"


def test_http_answer_with_two_lengths_is_refused():
    assert refused(OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello") == "http_bad_answer"
    assert refused(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n") == "http_bad_answer"


def test_http_length_that_is_none_is_refused():
    for length in (b"-10", b"+10", b"10, 10", b"1e1", b"ten", b"9" * 400, b""):
        assert refused(OK + b"Content-Length: " + length + b"\r\n\r\n") == "http_bad_answer", length


def test_http_status_line_that_is_none_is_refused():
    for line in (b"", b"HTTP/2 200 OK", b"HTTP/1.1", b"HTTP/1.1 20", b"HTTP/1.1 2000 OK", b"HTTP/1.1 abc", b"\xff\xfe",
                 b"HTTP/1.1 099 Low", b"SSH-2.0-x y z"):  # fmt: skip
        assert refused(line + b"\r\n\r\n") == "http_bad_answer", line


def test_http_header_called_status_does_not_replace_the_status_line():
    assert read(b"HTTP/1.1 503 Busy\r\nStatus: 200 OK\r\nContent-Length: 0\r\n\r\n")[0] == 503


def test_http_coded_body_is_refused():
    for header in (b"Content-Encoding: gzip", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: x"):
        assert refused(OK + header + b"\r\n\r\n") == "http_encoded", header


def test_http_head_without_end_is_refused_after_a_bounded_part_of_it():
    for endless in (b"a" * 100000, b"a: b\r\n" * 20000, b"\xff" * 100000, b"a: " + b"b" * 100000):
        stream = Pieces(OK + endless)
        raises(TransferError, "http_bad_answer", Answer(stream).head)
        assert stream.left() > 90000


def test_http_connection_is_used_again_only_when_that_is_certain():
    def is_reusable(data):
        answer = Answer(Pieces(data, b""))
        assert answer.head()
        while answer.body.readinto(bytearray(9), 9):
            pass
        return answer.reusable

    assert is_reusable(OK + b"Content-Length: 2\r\n\r\nok")
    assert not is_reusable(OK + b"Content-Length: 2\r\nConnection: Close\r\n\r\nok")
    assert not is_reusable(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert not is_reusable(OK + b"\r\nok")
