# SPDX-License-Identifier: MIT
"""Items 1 to 11 of lwm2m.md, section 9: registration, Discover and Read."""

import pytest

from simulator.clouds.lwm2m import Options, Package, coap, formats
from simulator.clouds.lwm2m.options import OBSERVATION_BASED
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, FILES, LwWorld, firmware
from tests.agent.lwm2m.test_items_l54_l57 import ask

READ = {"/5/0/1": "", "/5/0/3": 0, "/5/0/5": 0, "/5/0/8/0": 0, "/5/0/8/1": 2, "/5/0/9": 2, "/5/0/11": 1}


def updates(world: LwWorld) -> list[int]:
    """When the Updates came, in ms."""
    return [event["at_ms"] for event in world.seen("updated")]


@pytest.mark.parametrize("location", ["split", "joined"])
def test_l01_the_location_is_kept_as_segments(make_world, location) -> None:
    world = make_world(location=location, settings={"lifetime": 60})
    world.start()
    world.wait(lambda: world.seen("updated"), 40)
    (register,) = world.said(coap.POST, "/rd")
    query = register[2].opt.uri_query
    assert query == ("lwm2m=1.1", "ep=board-1", "lt=60", "b=U")
    assert register[2].payload.startswith(b'</>;rt="oma.lwm2m";ct=112,</1/0>,</3/0>,</5>;ver=1.1,</5/0>')
    (update,) = world.said(coap.POST, f"/rd/{world.device.registration.id}")
    assert update[2].opt.uri_path == ("rd", world.device.registration.id)
    assert not update[2].opt.uri_query
    assert not update[2].payload


@pytest.mark.parametrize("server", ["leshan", "wakaama"])
def test_l01_strict_servers_take_us_in(make_world, server) -> None:
    world = make_world(registration=server)
    world.start()
    assert world.device.registration.objects[5] == "1.1"


def test_a_board_in_queue_mode_is_asked_after_it_has_spoken(make_world) -> None:
    """Its server holds back what comes 93 s after it was heard, until the next Update (lwm2m.md 1.7)."""
    world = make_world(settings={"queue": 1})
    world.cloud.bases["coap"] = f"coap://{FILES}"
    world.start()
    (register,) = world.said(coap.POST, "/rd")
    assert register[2].opt.uri_query == ("lwm2m=1.1", "ep=board-1", "lt=300", "b=U", "Q")
    world.pass_time(100)
    package = Package("app", firmware("1.1.0"), "1.1.0")
    (task,) = world.cloud.tasks.upgrade([world.device], package, Options(strategy=OBSERVATION_BASED))
    world.pass_time(60)
    assert not world.seen("operation")
    world.wait(lambda: bool(updates(world)))
    assert updates(world)[0] > 200_000  # by itself, before its lifetime is over
    world.wait(lambda: task.is_over)
    assert (task.status, task.new_version) == ("Success", "1.1.0")


@pytest.mark.parametrize("code", ["4.00", "4.03", "4.12"])
def test_l02_who_is_refused_does_not_ask_again_at_once(world: LwWorld, code: str) -> None:
    world.cloud.add_fault(f"registerx*:refuse={code}")
    world.wait_log("ota offline")
    world.pass_time(200)
    assert world.logged("register_" + code.replace(".", "")) == 1
    assert len(world.said(coap.POST, "/rd")) == 1
    world.clear_faults()
    world.wait(lambda: world.seen("registered"), 400)


def test_l01_a_name_of_150_bytes_is_the_longest(make_world) -> None:
    world = make_world(settings={"endpoint": "e" * 150})
    world.wait(lambda: world.seen("registered"))
    world = make_world(settings={"endpoint": "e" * 151})
    world.wait_log("ota offline code=bad_settings why=endpoint")
    world.pass_time(60)
    assert not world.sent and world.twin.story.boots == 1
    assert not world.logged("Traceback")


def test_l03_forgotten_it_registers_anew_and_forgets_who_observed(world: LwWorld) -> None:
    world.start()
    assert world.code(world.device.observe("/5/0/3")) == "2.05"
    world.cloud.forget_registration(world.device)
    world.wait(lambda: len(world.seen("registered")) == 2, 400)
    assert world.seen("refused", code="4.04")
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    world.pass_time(20)
    assert not world.seen("unwanted")
    assert not world.seen("notify")


def test_l04_updates_come_before_the_lifetime_is_over(make_world) -> None:
    world = make_world(settings={"lifetime": 60})
    world.start()
    world.pass_time(300)
    assert 5 <= len(updates(world)) <= 12
    assert not world.seen("gone")


def test_l05_the_update_that_is_ordered_comes_after_the_answer(world: LwWorld) -> None:
    world.start()
    assert world.code(world.device.execute("/1/0/8")) == "2.04"
    world.wait(lambda: updates(world), 5)
    kinds = [event["event"] for event in world.events if event["event"] in ("operation", "updated")]
    assert kinds == ["operation", "updated"]


def test_l06_a_new_lifetime_is_told(world: LwWorld) -> None:
    world.start()
    assert world.code(world.device.write("/1/0/1", 900)) == "2.04"
    world.wait(lambda: world.device.registration.lifetime_s == 900, 5)
    assert world.said(coap.POST)[-1][2].opt.uri_query == ("lt=900",)
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    assert world.device.registration.lifetime_s == 900


def test_l06_a_new_lifetime_is_told_until_the_server_has_heard_it(world: LwWorld) -> None:
    world.start()
    world.cloud.add_fault("updatex5:drop")
    assert world.code(world.device.write("/1/0/1", 900)) == "2.04"
    world.wait_log("ota offline code=update_unanswered")
    assert world.device.registration.lifetime_s == 300
    world.wait(lambda: world.device.registration.lifetime_s == 900, 30)
    assert world.code(world.device.execute("/1/0/8")) == "2.04"
    world.pass_time(5)
    assert not world.said(coap.POST)[-1][2].opt.uri_query


def test_l06_the_longest_lifetime_is_told_and_outlives_a_reset(world: LwWorld) -> None:
    world.start()
    longest = 2**31 - 1
    assert world.code(world.device.write("/1/0/1", longest)) == "2.04"
    world.wait(lambda: world.device.registration.lifetime_s == longest, 5)
    assert {world.read("/1/0/1", number) for number in (None, 110, 112, 11542)} == {longest}
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    assert world.device.registration.lifetime_s == longest


@pytest.mark.parametrize("wrong", [0, -1])
def test_l06_a_lifetime_that_is_none_is_not_taken(make_world, wrong: int) -> None:
    world = make_world(settings={"lifetime": wrong})
    world.start()
    assert world.device.registration.lifetime_s == 300
    assert world.code(world.device.write("/1/0/1", wrong)) == "4.00"
    world.pass_time(120)
    assert not updates(world)


def test_l06_what_a_server_has_not_written_stays_a_setting(world: LwWorld) -> None:
    """Write Mute Send, and the lifetime of the next boot is still the one that was provisioned."""
    world.start()
    assert world.code(world.device.write("/1/0/23", True)) == "2.04"
    nvs = world.twin.chip.nvs
    nvs.set_i32(nvs.open("ota_cfg"), "lifetime", 60)
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    assert world.device.registration.lifetime_s == 60
    assert world.read("/1/0/23") is True


def test_l07_discover_lists_what_is_there(world: LwWorld) -> None:
    world.start()
    reply = world.ask(world.device.discover("/5"))
    assert (reply.code, reply.format) == ("2.05", 40)
    links = reply.payload.decode().split(",")
    assert links[:2] == ["</5>;ver=1.1", "</5/0>"]
    names = [link.partition(">")[0][1:] for link in links[2:]]
    assert names == [f"/5/0/{rid}" for rid in (0, 1, 2, 3, 5, 8, 9, 10, 11)]
    assert "</5/0/8>;dim=2" in links
    assert world.code(world.device.write("/5/0/13", 60)) == "2.04"  # it is there once it is written
    assert world.ask(world.device.discover("/5")).payload.decode().endswith("</5/0/13>")


def test_l07_all_is_discovered_and_read_after_registration(make_world) -> None:
    world = make_world(after_register="all")
    world.start()
    world.wait(lambda: "/3/0/3" in world.device.heard and "/5/0/3" in world.device.heard, 20)
    world.pass_time(5)
    assert not [event for event in world.seen("operation") if not str(event["code"]).startswith("2")]
    assert world.device.value("/3/0/19") == "1.0.0"


def test_l07_what_object_1_and_3_tell(make_world) -> None:
    """As they are without settings, then as they were provisioned; what the board does not know is not there."""
    plain = {
        "/1/0/0": 1, "/1/0/1": 300, "/1/0/2": 0, "/1/0/6": True, "/1/0/7": "U", "/1/0/23": False,
        "/3/0/0": "MicroPython", "/3/0/1": "thermometer", "/3/0/3": "1.0.0", "/3/0/11/0": 0, "/3/0/16": "U",
        "/3/0/19": "1.0.0",
    }  # fmt: skip
    given = {"short_id": 77, "maker": "Maker", "model": "T-1", "hardware": "rev B"}
    shown = {"/1/0/0": 77, "/3/0/0": "Maker", "/3/0/1": "T-1", "/3/0/18": "rev B"}
    for settings, expected in ((None, plain), (given, plain | shown)):
        world = make_world(settings=settings)
        world.start()
        found = world.ask(world.device.read("/1/0")).values | world.ask(world.device.read("/3/0")).values
        assert found.pop("/3/0/2") == "esp32-" + world.twin.chip.mac.hex()
        assert found == expected


def test_l07_what_a_server_may_change_in_object_1(world: LwWorld) -> None:
    world.start()
    expected = {("/1/0/2", 5): "2.04", ("/1/0/3", 60): "2.04", ("/1/0/6", False): "2.04", ("/1/0/7", "U"): "2.04"}
    expected |= {("/1/0/7", "S"): "4.00", ("/1/0/2", -1): "4.00", ("/1/0/0", 5): "4.05"}
    assert {one: world.code(world.device.write(*one)) for one in expected} == expected
    found = world.ask(world.device.read("/1/0")).values
    assert {rid: found[f"/1/0/{rid}"] for rid in (0, 2, 3, 6, 7)} == {0: 1, 2: 5, 3: 60, 6: False, 7: "U"}
    assert world.code(world.device.execute("/3/0/12")) == "2.04"  # of one error code that says there is none
    assert world.read("/3/0/11/0") == 0


@pytest.mark.parametrize("accept", [None, formats.TLV, formats.SENML_CBOR, formats.SENML_JSON])
def test_l08_an_instance_is_told_in_the_format_that_is_asked_for(world: LwWorld, accept: int | None) -> None:
    world.start()
    reply = world.ask(world.device.read("/5/0", accept))
    assert (reply.code, reply.format) == ("2.05", accept or formats.SENML_CBOR)
    assert {path: value for path, value in reply.values.items() if path in READ} == READ


def test_l09_formats_that_will_not_do(world: LwWorld) -> None:
    world.start()
    for accept in (formats.TEXT, formats.OCTETS, formats.CBOR, 11543):
        assert world.code(world.device.read("/5/0", accept)) == "4.06"
    assert world.code(world.device.put("/5/0/1", b"x", 9999)) == "4.15"
    order = coap.build(coap.POST, b"\0", uri_path=("1", "0", "8"), content_format=formats.OCTETS)
    assert ask(world, order, 0x7001).code.dotted == "4.15"
    assert not world.seen("updated")
    assert world.state == (0, 0)


def test_l09_bytes_are_told_as_they_are_where_they_are_asked_for(world: LwWorld) -> None:
    world.start()
    reply = world.ask(world.device.read("/19/0/0", formats.OCTETS))
    assert (reply.code, reply.format, reply.payload) == ("2.05", formats.OCTETS, b"{}")
    for path in ("/19/0", "/5/0/3"):
        assert world.code(world.device.read(path, formats.OCTETS)) == "4.06"


def test_l10_several_values_are_never_told_as_one(world: LwWorld) -> None:
    world.start()
    for accept in (None, formats.TLV, formats.SENML_CBOR, formats.SENML_JSON):
        reply = world.ask(world.device.read("/5/0/8", accept))
        assert reply.values == {"/5/0/8/0": 0, "/5/0/8/1": 2}, accept
    assert world.code(world.device.read("/5/0/8", formats.TEXT)) == "4.06"
    assert world.read("/5/0/8/1") == 2


def test_l10_one_of_several_values_is_told_in_every_format(world: LwWorld) -> None:
    """In TLV it stands by itself, as Anjay and Leshan have it: not within its resource, where Leshan finds none."""
    world.start()
    for accept in (formats.TEXT, formats.TLV, formats.SENML_CBOR, formats.SENML_JSON):
        reply = world.ask(world.device.read("/5/0/8/1", accept))
        assert (reply.format, reply.values) == (accept, {"/5/0/8/1": 2})


def test_l11_what_may_not_be_read(world: LwWorld) -> None:
    world.start()
    expected = {
        "/5/0/0": "4.05", "/5/0/2": "4.05", "/5/0/6": "4.04", "/0/0": "4.01", "/0/0/5": "4.01", "/99/0/0": "4.04",
        "/5/1": "4.04", "/5/0/4": "4.04", "/5/0/8/7": "4.04",
    }  # fmt: skip
    assert {path: world.code(world.device.read(path)) for path in expected} == expected
    assert world.code(world.device.write("/5/0/3", 2)) == "4.05"
    for number in (formats.TLV, formats.SENML_JSON, formats.SENML_CBOR):
        for value in ("x", 5):
            assert world.code(world.device.write("/5/0", {"/5/0/77": value}, number)) == "4.04"
    assert world.code(world.device.execute("/5/0/3")) == "4.05"
    assert world.code(world.device.execute("/5/0/77")) == "4.04"


def test_l11_when_state_has_changed_is_not_there_without_a_clock(world: LwWorld) -> None:
    """Nothing sets one for NoSec; test_dtls.py has a board with one."""
    world.start()
    assert world.pull(data=small_app(30_000)) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert world.code(world.device.read("/5/0/12")) == "4.04"
    assert "/5/0/12" not in world.ask(world.device.read("/5/0")).values
