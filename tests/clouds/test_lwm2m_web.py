# SPDX-License-Identifier: MIT
"""Images of the LwM2M mock by HTTP (item 34): ranges, conditions, and what goes wrong on purpose."""

import pytest

from simulator.clouds.lwm2m import FileManners, WebDoor
from tests.clouds import peer
from tests.clouds.peer import HttpPeer
from tests.clouds.test_lwm2m_files import IMAGE
from tests.clouds.test_lwm2m_requests import Site


class Web:
    """A device that asks for one file."""

    def __init__(self) -> None:
        self.cloud = Site().world.cloud
        self.door = WebDoor(self.cloud)
        self.world = peer.World(self.cloud, self.cloud.now_ms, doors=[self.door])
        self.world.peers[1] = HttpPeer.__new__(HttpPeer)  # the device's own, at the server's door
        self.file = self.cloud.files.add(IMAGE, "esp32-01")
        self.http = HttpPeer(self.world, self.door)

    def get(self, path: str | None = None, **headers: str):
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join([f"GET {path or self.file.path} HTTP/1.1", "Host: x", *lines, "", ""])
        self.http.send(head.encode())
        self.world.wait(1)
        (answer,) = self.http.answers()
        return answer


@pytest.fixture
def web() -> Web:
    return Web()


def test_l34_m_the_whole_image_and_the_rest_of_it(web):
    whole = web.get()
    assert (whole.status, whole.body) == (200, IMAGE)
    rest = web.get(Range="bytes=3000-", If_Match=whole.headers["etag"])
    assert (rest.status, rest.body, rest.headers["content-range"]) == (206, IMAGE[3000:], "bytes 3000-4999/5000")
    assert [event["size"] for event in web.cloud.events if event["event"] == "http"] == [5000, 2000]


def test_l34_m_another_image_does_not_match(web):
    before = web.get().headers["etag"]
    web.cloud.files.change(web.file, IMAGE[::-1])
    assert web.get(Range="bytes=3000-", If_Match=before).status == 412
    assert web.get().headers["etag"] != before


def test_l34_m_a_range_can_be_answered_with_everything(web):
    web.cloud.add_fault("image:no-range")
    assert web.get(Range="bytes=3000-").status == 200
    assert web.get(Range="bytes=9000-").status == 416


def test_l34_m_without_an_etag(web):
    web.cloud.files.manners = FileManners(etag="off")
    assert "etag" not in web.get().headers


def test_l15_m_what_is_not_there(web):
    assert web.get("/f/nothing").status == 404
    web.cloud.add_fault("image:status=500")
    assert [web.get().status for _ in range(2)] == [500, 200]


@pytest.mark.parametrize(("rule", "size"), [("corrupt", 5000), ("truncate=10", 4990)])
def test_an_image_is_spoilt(web, rule, size):
    web.cloud.add_fault(f"image:{rule}")
    spoilt = web.get().body
    assert len(spoilt) == size and spoilt != IMAGE


def test_an_image_is_late(web):
    web.cloud.add_fault("image:delay=500")
    web.http.send(f"GET {web.file.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert web.http.answers() == []
    web.world.wait(500)
    assert len(web.http.answers()) == 1
