# SPDX-License-Identifier: MIT
"""The HTTP device API (thingsboard.md 4.2: M19), in virtual time, on the state that MQTT sees too."""

import json

import pytest

from simulator.clouds.thingsboard import HttpDoor, Profile, RateLimits, ThingsBoard, credentials
from tests.clouds.peer import HttpPeer, World

NAME = {"title": "thermo 2/a&b", "version": "1.0 ä"}


@pytest.fixture
def package(cloud, device, world, firmware):
    package = cloud.add_package(**NAME, data=firmware)
    world.do(cloud.assign, device, package)
    return package


@pytest.fixture
def mqtt(world):
    peer = world.peer(4)
    peer.take()
    return peer


# Downloads


def test_m19_chunks_come_by_title_and_version(web, package, firmware):
    pieces = [web.get("firmware", **NAME, size=4096, chunk=index) for index in range(3)]
    assert [piece.status for piece in pieces] == [200, 200, 200]
    assert b"".join(piece.body for piece in pieces) == firmware
    assert pieces[2].headers["content-length"] == str(len(firmware) - 8192)


def test_requests_are_on_record_without_the_token(web, package, cloud):
    web.get("firmware", **NAME, size=10)
    event = cloud.events[-1]
    assert [event[key] for key in ("event", "device", "method", "what", "status", "length")] == [
        *("http", "dev", "GET", "firmware", 200, 10)
    ]
    for path in ("SECRET", "SECRET/", "SECRET/rpc", "SECRET/rpc/1", "SECRET/firmware"):
        web.get("/api/v1/" + path)
    assert "SECRET" not in json.dumps(cloud.events)


def test_m19_file_has_a_type_and_a_name(web, package):
    headers = web.get("firmware", **NAME).headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == f"attachment;filename={headers['x-filename']}"
    package.file_name, package.content_type = "a.bin\r\nX-Evil: 1", "text/plain"
    headers = web.get("firmware", **NAME).headers
    assert (headers["x-filename"], headers["content-type"]) == ("a.bin??X-Evil: 1", "text/plain")


@pytest.mark.parametrize("sizes", [{}, {"size": 0}, {"size": 0, "chunk": 7}, {"size": -1}])
def test_m19_whole_file_without_a_size(web, package, firmware, sizes):
    assert web.get("firmware", **NAME, **sizes).body == firmware


@pytest.mark.parametrize(("size", "chunk"), [(5000, 2), (4096, 3), (4096, 500_000)])
def test_m19_past_the_end_is_200_without_bytes(web, package, size, chunk):
    answer = web.get("firmware", **NAME, size=size, chunk=chunk)
    assert (answer.status, answer.body) == (200, b"")


def test_m19_no_upper_bound_on_the_size(web, package, firmware):
    assert web.get("firmware", **NAME, size=70_000).body == firmware


@pytest.mark.parametrize(
    "query",
    [
        {"title": "thermo 2/a&b", "version": "1.1"},
        {"title": "Thermo 2/a&b", "version": "1.0 ä"},
        {"title": "thermo 2/a&b"},
        {"version": "1.0 ä"},
        {**NAME, "size": "big"},
        {**NAME, "chunk": "2147483648"},
    ],
)
def test_m19_wrong_or_missing_parameters_are_400(web, package, query):
    assert web.get("firmware", **query).status == 400


def test_m19_out_of_32_bits_is_500(web, package):
    assert web.get("firmware", **NAME, size=65_536, chunk=65_536).status == 500
    assert web.get("firmware", **NAME, size=65_536, chunk=-1).status == 500


def test_m19_nothing_assigned_or_a_url_is_404(web, world, cloud, device):
    assert web.get("firmware", **NAME).status == 404
    world.do(cloud.assign, device, cloud.add_package("linked", "1", url="http://elsewhere/x.bin"))
    assert web.get("firmware", title="linked", version="1").status == 404


def test_m19_software_is_another_package(web, world, cloud, device, package):
    world.do(cloud.assign, device, cloud.add_package("app", "1", data=b"tar", type="SOFTWARE"))
    assert web.get("software", title="app", version="1").body == b"tar"
    assert web.get("firmware", title="app", version="1").status == 400


@pytest.mark.parametrize("what", ["firmware", "attributes", "attributes/updates", "rpc"])
def test_m19_bad_token_is_401(world, door, cloud, package, what):
    cloud.add_device("basic", credentials.mqtt_basic(username="u"))
    for token in ("wrong", "", "u"):
        assert HttpPeer(world, door, token).get(what, **NAME).status == 401


def test_m19_reassignment_shows_in_the_middle_of_a_download(web, world, cloud, device, package):
    assert web.get("firmware", **NAME, size=4096, chunk=0).status == 200
    world.do(cloud.assign, device, cloud.add_package("thermo", "2", data=b"2" * 9000))
    assert web.get("firmware", **NAME, size=4096, chunk=1).status == 400
    assert web.get("firmware", title="thermo", version="2", size=1, chunk=1).body == b"2"


def test_m19_cache_has_no_hole_here(firmware):
    cloud = ThingsBoard(cache_ttl_ms=10)
    device = cloud.add_device("dev", "T")
    door = HttpDoor(cloud)
    world = World(cloud, doors=[door])
    world.do(cloud.assign, device, cloud.add_package("t", "1", data=firmware))
    web = HttpPeer(world, door)
    web.get("firmware", title="t", version="1", size=100, chunk=0)
    world.wait(1000)
    assert web.get("firmware", title="t", version="1", size=100, chunk=1).body == firmware[100:200]


def test_m19_download_over_http_pins_nothing_for_mqtt(web, mqtt, world, package, firmware):
    web.get("firmware", **NAME, size=4096, chunk=0)
    assert mqtt.chunk("0", 1, 4096).messages() == [firmware[4096:8192]]


@pytest.mark.parametrize(
    "path", ["/", "/api/v1", "/api/v1/T", "/api/v1/T/nothing", "/api/v1/T/rpc/1/2", "/api/v2/T/rpc"]
)
def test_unknown_paths_are_404(web, path):
    assert web.get(path).status == 404


@pytest.mark.parametrize(("method", "what"), [("POST", "firmware"), ("GET", "telemetry"), ("DELETE", "attributes")])
def test_wrong_methods_are_405(web, method, what):
    assert web.ask(method, what).answer().status == 405


def test_one_connection_serves_many_requests_in_order(web, package, firmware):
    for index in range(3):
        web.ask("GET", "firmware", **NAME, size=4096, chunk=index)
    assert b"".join(answer.body for answer in web.answers()) == firmware
    assert not web.closed


def test_thousand_requests_at_once_are_answered(web):
    web.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 1000)
    assert len(web.answers()) == 1000


def test_what_is_not_http_is_answered_and_closed(web):
    assert web.send(b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0\r\n\r\n").answer().status == 400
    assert web.closed
    assert web.send(b"GET / HTTP/1.1\r\n\r\n").answers() == []


# Attributes and telemetry


def test_attributes_by_keys_all_and_none(web, world, cloud, device):
    assert web.get("attributes").json() == {}
    world.do(cloud.save_attributes, device, {"a": 1, "b": True})
    assert web.post("attributes", '{"serial": "0012", "c": {"d": 1}}').status == 200
    assert web.get("attributes").json() == {"client": {"serial": 12, "c": {"d": 1}}, "shared": {"a": 1, "b": True}}
    assert web.get("attributes", sharedKeys="b,none").json() == {"shared": {"b": True}}
    assert web.get("attributes", clientKeys="c", sharedKeys="none").json() == {"client": {"c": {"d": 1}}}


def test_telemetry_over_http_is_what_it_is_over_mqtt(web, cloud, device, world):
    assert web.post("telemetry", '[{"fw_state": "DOWNLOADING"}, {"ts": 5, "values": {"v": "1.10"}}]').status == 200
    assert cloud.history(device, "fw_state") == [(world.now_ms, "DOWNLOADING")]
    assert cloud.history(device, "v") == [(5, 1.1)]


@pytest.mark.parametrize("what", ["telemetry", "attributes", "rpc", "claim", "/api/v1/provision"])
def test_body_that_is_not_json_is_500_and_the_connection_lives(web, what):
    assert web.post(what, "{").status == 500
    assert web.get("attributes").status == 200


def test_long_poll_gets_the_next_push_and_mqtt_gets_it_too(web, mqtt, world, cloud, device):
    mqtt.subscribe("v1/devices/me/attributes")
    web.ask("GET", "attributes/updates", timeout=20_000)
    assert web.answers() == []
    world.do(cloud.save_attributes, device, {"a": 1})
    assert web.answer().json() == {"a": 1}
    assert [json.loads(m) for m in mqtt.messages()] == [{"a": 1}]


def test_long_poll_misses_what_changes_in_between(web, world, cloud, device):
    world.do(cloud.save_attributes, device, {"a": 1})
    web.ask("GET", "attributes/updates")
    world.do(cloud.delete_attributes, device, ["a"])
    world.do(cloud.save_attributes, device, {"a": 2})
    assert web.answer().json() == {"deleted": ["a"]}


@pytest.mark.parametrize(("query", "timeout_ms"), [({"timeout": 7000}, 7000), ({}, 60_000), ({"timeout": 0}, 60_000)])
@pytest.mark.parametrize("what", ["attributes/updates", "rpc"])
def test_long_poll_ends_with_408(web, world, cloud, device, what, query, timeout_ms):
    web.ask("GET", what, **query)
    world.wait(timeout_ms - 1)
    assert web.answers() == []
    world.wait(1)
    assert web.answer().status == 408
    world.do(cloud.save_attributes, device, {"a": 1})
    world.do(cloud.call, device, "m", {})
    assert web.answers() == []


def test_long_poll_of_a_client_that_went_is_forgotten(web, world, cloud, device, door):
    web.ask("GET", "attributes/updates")
    door.lost(web.conn, world.now_ms)
    world.do(cloud.save_attributes, device, {"a": 1})
    assert web.received == b""


# Calls


def test_call_waits_for_a_poll_and_takes_its_answer(web, world, cloud, device):
    ended = []
    call = cloud.call(device, "blink", {"n": 3}, world.now_ms, on_end=ended.append)
    assert web.get("rpc").json() == {"id": 0, "method": "blink", "params": {"n": 3}}
    assert web.post("rpc/0", '{"ok": true}').status == 200
    assert ended == [call]
    assert (call.state, call.answer) == ("ANSWERED", '{"ok": true}')
    assert web.post("rpc/0", "late").status == 200
    assert web.post("rpc/x", "1").status == 400


def test_poll_waits_for_a_call(web, world, cloud, device):
    web.ask("GET", "rpc")
    world.do(cloud.call, device, "blink", 1)
    assert web.answer().json() == {"id": 0, "method": "blink", "params": 1}


def test_call_to_the_server_is_408_in_the_end(web, world):
    web.ask("POST", "rpc", '{"method": "getTime", "params": {}}')
    world.wait(60_000)
    assert web.answer().status == 408


# Limits and faults


def test_m23_reached_rate_limit_is_500(firmware):
    cloud = ThingsBoard(rate_limits=RateLimits(messages="2:60"))
    device = cloud.add_device("dev", "T", Profile("p"))
    door = HttpDoor(cloud)
    world = World(cloud, doors=[door])
    world.do(cloud.assign, device, cloud.add_package("t", "1", data=firmware))
    web = HttpPeer(world, door)
    found = [web.get("firmware", title="t", version="1", size=1).status for _ in range(3)]
    assert found == [200, 200, 500]
    world.wait(30_000)
    assert web.get("attributes").status == 200


@pytest.mark.parametrize(
    ("action", "status", "body"),
    [
        ("empty", 200, b""),
        ("truncate=16", 200, bytes(84)),
        ("extend=3", 200, bytes(100) + b"\xa5" * 3),
        ("corrupt", 200, bytes(50) + b"\1" + bytes(49)),
        ("status=503", 503, b""),
        ("from=other 1", 200, b"o" * 100),
    ],
)
def test_m27_download_is_spoiled_as_often_as_told(web, world, cloud, device, action, status, body):
    world.do(cloud.assign, device, cloud.add_package("zeros", "1", data=bytes(1000)))
    cloud.add_package("other", "1", data=b"o" * 1000)
    cloud.add_fault(f"download=3x2:{action}")
    what = {"title": "zeros", "version": "1", "size": 100}
    assert web.get("firmware", **what, chunk=2).body == bytes(100)
    for _ in range(2):
        answer = web.get("firmware", **what, chunk=3)
        assert (answer.status, answer.body) == (status, body)
    assert web.get("firmware", **what, chunk=3).body == bytes(100)


def test_m27_download_breaks_off_in_the_middle(web, cloud, package, firmware):
    cloud.add_fault("download:cut=70")
    answer = web.get("firmware", **NAME, size=1000)
    assert answer.headers["content-length"] == "1000"
    assert answer.body == firmware[:70]
    assert web.closed


def test_m27_reassignment_before_a_chunk_over_http(web, cloud, package):
    cloud.add_package("next", "1", data=b"n")
    cloud.add_fault("download=1:reassign=next 1")
    assert [web.get("firmware", **NAME, size=4096, chunk=index).status for index in (0, 1)] == [200, 400]


def test_m27_answer_late_never_or_a_close(web, cloud, world):
    cloud.add_fault("http:delay=50")
    web.ask("GET", "attributes")
    world.wait(49)
    assert web.answers() == []
    world.wait(1)
    assert web.answer().status == 200
    cloud.add_fault("http:mute")
    web.ask("GET", "attributes").ask("GET", "attributes")
    world.wait(600_000)
    assert web.answers() == []
    assert not web.closed
    closed = HttpPeer(world, web.door)
    cloud.add_fault("http:close")
    assert closed.ask("GET", "attributes").answers() == []
    assert closed.closed


def test_m27_rules_for_http_and_for_mqtt_are_apart(web, mqtt, cloud, package, firmware):
    cloud.add_fault("chunkx*:empty")
    cloud.add_fault("httpx*:status=500")
    assert web.get("firmware", **NAME).body == firmware
    assert web.get("attributes").status == 500
    assert mqtt.chunk("1", 0).messages() == [b""]
