# SPDX-License-Identifier: MIT
"""The image store: signed URLs that expire, ranges, conditions, and what a bad web server does (items 53 and 56)."""

from urllib.parse import urlsplit

import pytest

from tests.clouds.peer import Answer
from tests.clouds.rm_peer import NODE, Site, get

DATA = bytes(range(256)) * 40  # 10,240 bytes
DAY_MS = 86_400_000


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def image(site):
    return site.image(DATA)


@pytest.fixture
def url(site, image) -> str:
    return site.cloud.image_url(image)


@pytest.fixture
def ask(site, url):
    """Asks for the image on a connection of its own."""

    def run(target: str = url, method: str = "GET", **headers: str) -> Answer:
        return site.web().send(get(target, method, **headers)).answer()

    return run


def code(answer: Answer) -> str:
    return answer.body.decode().partition("<Code>")[2].partition("</Code>")[0]


def test_image_is_served_with_its_length_and_tag(ask, image):
    answer = ask()
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.headers["content-length"] == "10240"
    assert answer.headers["etag"] == f'"{image.md5}"'
    assert answer.headers["accept-ranges"] == "bytes"


def test_url_is_as_long_as_those_of_s3(url):
    assert 1000 < len(url) < 1300
    assert "X-Amz-Expires=86400" in url


def test_url_works_for_a_day_and_not_a_moment_longer(site, ask):
    site.world.wait(DAY_MS - 1)
    assert ask().status == 200
    site.world.wait(1)
    answer = ask()
    assert (answer.status, code(answer)) == (403, "AccessDenied")


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.replace("X-Amz-Expires=86400", "X-Amz-Expires=99999"),
        lambda url: url.replace("fw.bin", "fx.bin"),
    ],
)
def test_url_that_was_changed_is_refused(ask, url, change):
    answer = ask(change(url))
    assert (answer.status, code(answer)) == (403, "SignatureDoesNotMatch")


def test_url_without_a_signature_is_refused(ask, url):
    assert ask(url.partition("?")[0]).status == 403


def test_signature_is_for_get_only(site, url):
    head = site.web().send(get(url, "HEAD"))
    assert head.received.startswith(b"HTTP/1.1 403 ")


def test_image_that_is_gone_is_not_found(site, ask, image):
    site.cloud.delete_image(image)
    assert (ask().status, code(ask())) == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=100-", 100, 10_240),
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=-5", 10_235, 10_240),
        ("bytes=10000-99999", 10_000, 10_240),
        ("bytes=-99999", 0, 10_240),
    ],
)
def test_range_is_served_as_206(ask, wanted, start, end):
    answer = ask(range=wanted)
    assert (answer.status, answer.body) == (206, DATA[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/10240"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("wanted", ["bytes=10240-", "bytes=-0", "bytes=5-4"])
def test_range_outside_is_416(ask, wanted):
    answer = ask(range=wanted)
    assert (answer.status, code(answer)) == (416, "InvalidRange")
    assert answer.headers["content-range"] == "bytes */10240"


@pytest.mark.parametrize("wanted", ["bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=x-"])
def test_range_that_is_none_is_ignored(ask, wanted):
    assert ask(range=wanted).status == 200


def test_conditions_hold_or_not(ask, image):
    tag = f'"{image.md5}"'
    assert ask(if_match='"other"').status == 412
    assert ask(if_match=tag).status == 200
    assert ask(if_none_match=tag).status == 304
    assert ask(range="bytes=5-", if_range=tag).status == 206
    assert ask(range="bytes=5-", if_range='"other"').status == 200
    modified = ask().headers["last-modified"]
    assert ask(range="bytes=5-", if_range=modified).status == 206
    assert ask(range="bytes=5-", if_range="Mon, 01 Jan 2024 00:00:00 GMT").status == 200


def test_connection_serves_request_after_request(site, url):
    web = site.web().send(get(url, range="bytes=0-9") + get(url, range="bytes=10-19"))
    assert [answer.body for answer in web.answers()] == [DATA[:10], DATA[10:20]]
    assert not web.closed


def test_record_says_which_node_downloads(site, image):
    site.start()
    job = site.job(image=image, force_push=True)
    (offer,) = [event for event in site.events("otaurl") if event["job"] == job.id]
    assert offer["delivered"]
    node_url = site.cloud.image_url(image, site.node)
    site.web().send(get(node_url, range="bytes=10-"))
    event = site.events("http")[-1]
    assert (event["node"], event["status"], event["range"], event["length"]) == (NODE, 206, "bytes=10-", 10_230)
    assert "X-Amz" not in event["what"]


# Faults


def test_r56_expired_url_and_any_other_status(site, ask):
    site.cloud.add_fault("image:expired")
    assert (ask().status, ask().status) == (403, 200)
    site.cloud.add_fault("imagex2:status=503")
    assert [ask().status for _ in range(3)] == [503, 503, 200]


def test_r56_redirect_leads_to_another_url_that_works(site, ask, url):
    site.cloud.add_fault("image:redirect")
    answer = ask()
    location = answer.headers["location"]
    assert (answer.status, location != url) == (302, True)
    assert ask(location).body == DATA
    site.cloud.add_fault("image:redirect=http://plain.test:80")
    assert urlsplit(ask().headers["location"])[:2] == ("http", "plain.test:80")


@pytest.mark.parametrize(
    ("action", "length", "body"),
    [
        ("truncate=40", "10200", DATA[:-40]),
        ("extend=3", "10243", DATA + b"\xa5" * 3),
        ("empty", "0", b""),
        ("corrupt", "10240", DATA[:5120] + bytes((DATA[5120] ^ 1,)) + DATA[5121:]),
        ("length=10241", "10241", DATA),
    ],
)
def test_r56_body_is_another_one(site, ask, action, length, body):
    site.cloud.add_fault(f"image:{action}")
    answer = ask()
    assert (answer.headers["content-length"], answer.body) == (length, body)
    assert ask().body == DATA


def test_r56_body_is_cut_off(site, url):
    site.cloud.add_fault("image:cut=1000")
    web = site.web().send(get(url))
    head, _, body = bytes(web.received).partition(b"\r\n\r\n")
    assert b"Content-Length: 10240" in head
    assert (body, web.closed) == (DATA[:1000], True)


def test_r56_range_is_not_known(site, ask):
    site.cloud.add_fault("image:no-range")
    answer = ask(range="bytes=5-")
    assert (answer.status, answer.body) == (200, DATA)


def test_r56_tag_and_headers_are_others(site, ask):
    site.cloud.add_fault("image:tag=other")
    site.cloud.add_fault("image:header=Content-Encoding: gzip")
    answer = ask()
    assert (answer.headers["etag"], answer.headers["content-encoding"]) == ('"other"', "gzip")


def test_r56_body_without_a_length_and_in_chunks(site, url):
    site.cloud.add_fault("image:unframed")
    web = site.web().send(get(url))
    head, _, body = bytes(web.received).partition(b"\r\n\r\n")
    assert b"length" not in head.lower()
    assert (body, web.closed) == (DATA, True)
    site.cloud.add_fault("image:chunked")
    web = site.web().send(get(url))
    head, _, body = bytes(web.received).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"bb8;part\r\n" + DATA[:3000] + b"\r\nbb8;part\r\n" + DATA[3000:6000] + (
        b"\r\nbb8;part\r\n" + DATA[6000:9000] + b"\r\n4d8;part\r\n" + DATA[9000:] + b"\r\n0;part\r\n\r\n"
    )


def test_r56_answer_that_is_no_http(site, url):
    site.cloud.add_fault("image:raw")
    web = site.web().send(get(url))
    assert not web.received.startswith(b"HTTP")
    assert web.closed
    site.cloud.add_fault("image:raw=HTTP/1.1 200 OK\\r\\n\\xff: \\r\\n\\r\\n")
    assert site.web().send(get(url)).received == b"HTTP/1.1 200 OK\r\n\xff: \r\n\r\n"


def test_r56_silence_and_a_closed_door(site, url):
    site.cloud.add_fault("image:mute")
    web = site.web().send(get(url))
    site.world.wait(60_000)
    assert (bytes(web.received), web.closed) == (b"", False)
    site.cloud.add_fault("image:close")
    assert site.web().send(get(url)).closed


def test_r56_body_that_comes_slowly(site, url):
    site.cloud.add_fault("image:pace=100")
    web = site.web().send(get(url) + get(url, range="bytes=0-0"))
    assert len(web.received) == 1460
    site.world.wait(100)
    assert len(web.received) == 2920
    site.world.wait(10_000)
    assert [len(answer.body) for answer in web.answers()] == [10_240, 1]


def test_r56_body_that_stops_for_six_seconds_in_the_middle(site, url):
    site.cloud.add_fault("image:stall=6000")
    web = site.web().send(get(url))
    site.world.wait(5999)
    assert len(web.received) == 5120
    site.world.wait(6001)
    assert web.answer().body == DATA


def test_r56_late_answer(site, url):
    site.cloud.add_fault("image:delay=300")
    web = site.web().send(get(url))
    site.world.wait(299)
    assert web.received == b""
    site.world.wait(1)
    assert web.answer().body == DATA


def test_r56_peer_that_leaves_in_the_middle_hurts_nobody(site, url):
    site.cloud.add_fault("image:pace=100")
    web = site.web().send(get(url))
    site.store.lost(web.conn, site.world.now_ms)
    site.world.wait(10_000)
    assert len(web.received) == 1460
