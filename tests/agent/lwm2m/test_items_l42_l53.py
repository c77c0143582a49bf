# SPDX-License-Identifier: MIT
"""Items 42 to 53 of lwm2m.md, section 9: who is told of what, when, and over which line."""

from itertools import pairwise

import pytest
from aiocoap import Message

from simulator.board.datagrams import lost, nth
from simulator.board.net import Packet
from simulator.clouds.lwm2m import coap, formats, requests
from simulator.clouds.lwm2m.objects import RESULT, STATE
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, FILES, HOST, LwWorld, firmware
from tests.agent.lwm2m.test_items_l54_l57 import MAIN as DEFERS
from tests.agent.lwm2m.test_items_l54_l57 import say

SMALL = small_app(30_000)
SIX = {"/5/0/3", "/5/0/5", "/5/0/8/0", "/5/0/8/1", "/5/0/9", "/3/0/3", "/3/0/19"}
GONE = f"coap://{FILES}/f/gone.bin"


def observe(world: LwWorld, *paths: str, accept: int | None = None) -> None:
    for path in paths:
        assert world.code(world.device.observe(path, accept)) == "2.05"


def repeated(world: LwWorld, kind: str) -> list[dict]:
    """Requests of this kind that the server had to say again."""
    return [event for event in world.seen("retransmit") if event["kind"] == kind]


@pytest.mark.parametrize("by_reset", [False, True])
def test_l42_each_change_is_told_until_nobody_wants_to_know(world: LwWorld, by_reset: bool) -> None:
    world.start()
    observe(world, STATE, RESULT)
    assert world.pull(data=SMALL) == "2.04"
    world.wait(lambda: world.notified() == [1, 2])
    numbers = [event["sequence"] for event in world.seen("notify")]
    assert numbers == sorted(set(numbers))
    assert all(event["confirmable"] for event in world.seen("notify"))
    for path in (STATE, RESULT):
        operation = world.device.cancel_observation(path, by_reset)
        assert by_reset or world.code(operation) == "2.05"
    told = len(world.seen("notify"))
    for _ in range(2):
        assert world.code(world.device.write("/5/0/1", "")) == "2.04"
        world.pass_time(5)
    assert len(world.seen("notify")) == told
    assert len(world.seen("unwanted")) == (2 if by_reset else 0)


def test_l42_a_cancel_that_is_late_ends_nothing_new(world: LwWorld) -> None:
    """The server observes anew, and takes back what it had before."""
    world.start()
    observe(world, STATE)
    (old,) = world.device.observations
    observe(world, STATE)
    assert world.code(world.device._ask("observe", STATE, requests.observing(STATE, None, old, True))) == "2.05"
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    world.wait(lambda: world.notified() == [0], 10)


def test_l43_one_notification_has_state_and_result_of_one_moment(world: LwWorld) -> None:
    world.start()
    observe(world, "/5/0", accept=formats.SENML_CBOR)
    assert world.code(world.device.write("/5/0/1", GONE)) == "2.04"
    world.wait(lambda: (0, 7) in told_pairs(world))
    assert world.pull(data=SMALL) == "2.04"
    world.wait(lambda: (2, 0) in told_pairs(world))
    assert set(told_pairs(world)) <= {(1, 0), (0, 7), (2, 0)}
    assert all(event["format"] == formats.SENML_CBOR for event in world.seen("notify"))


def told_pairs(world: LwWorld) -> list[tuple[object, object]]:
    return [(event["values"][STATE], event["values"][RESULT]) for event in world.seen("notify")]


def test_l43_a_long_notification_is_fetched_to_its_end(make_world) -> None:
    """What does not go into one message comes in blocks, the first of which tells that there are more."""
    names = {"maker": "Maker " + "m" * 50, "model": "Model " + "o" * 50, "hardware": "Hardware " + "h" * 50}
    world = make_world(settings=names)
    world.start()
    assert world.code(world.device.attributes("/3/0", pmax=10)) == "2.04"
    observe(world, "/3/0", accept=formats.SENML_JSON)
    world.wait(lambda: bool(world.seen("notify")), 30)
    notes = [m for _, _, m in world.sent if m.mtype is coap.CON and m.opt.observe is not None]
    assert (notes[0].opt.block2.block_number, notes[0].opt.block2.more, notes[0].opt.block2.size) == (0, True, 256)
    assert [event["failure"] for event in world.seen("notify")] == [""]
    found = world.seen("notify")[0]["values"]
    assert {path: found[path] for path in ("/3/0/0", "/3/0/1", "/3/0/18")} == dict(
        zip(("/3/0/0", "/3/0/1", "/3/0/18"), names.values(), strict=True)
    )


def test_l43_a_notification_comes_in_blocks_as_small_as_were_asked_for(world: LwWorld) -> None:
    """RFC 7959 2.4; the first answer and each notification."""
    world.start()
    wanted = {"observe": 0, "accept": formats.SENML_JSON, "block2": (0, False, 2)}
    say(world, coap.build(coap.GET, uri_path=("5", "0"), **wanted), token=b"small")
    world.pass_time(2)
    assert world.code(world.device.write("/5/0/1", "ftp://x")) == "4.00"
    world.pass_time(2)
    told = [m for _, _, m in world.sent if m.token == b"small"]
    assert len(told) == 2
    for message in told:
        assert tuple(message.opt.block2) == (0, True, 2)
        assert len(message.payload) == 64


def test_l44_no_more_often_than_is_wanted_and_the_last_value_arrives(world: LwWorld) -> None:
    world.start()
    assert world.code(world.device.attributes(STATE, pmin=10)) == "2.04"
    assert b"</5/0/3>;pmin=10" in world.ask(world.device.discover("/5/0")).payload
    observe(world, STATE)
    for _ in range(4):
        assert world.pull(data=SMALL) == "2.04"
        world.pass_time(2)
        assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    assert world.pull(data=SMALL) == "2.04"
    world.wait(lambda: world.notified()[-1:] == [2], 60)
    times = [event["at_ms"] for event in world.seen("notify")]
    assert all(after - before >= 9_500 for before, after in pairwise(times))
    world.pass_time(30)
    assert world.notified()[-1] == 2


def test_l44_at_least_as_often_as_is_wanted(world: LwWorld) -> None:
    world.start()
    assert world.code(world.device.attributes("/5/0", pmax=20)) == "2.04"
    observe(world, STATE)
    world.pass_time(90)
    assert world.notified() == [0] * 4
    for wrong in ({"pmin": "x"}, {"pmin": 10, "pmax": 5}, {"gt": "x"}, {"lt": 3, "gt": 2}, {"st": 0}):
        assert world.code(world.device.attributes(STATE, **wrong)) == "4.00"


def test_l44_the_periods_of_the_server_count_where_no_attribute_does(world: LwWorld) -> None:
    """The defaults of /1/0/2 and /1/0/3: of State they hold, of Result attributes are nearer, the 0 as well."""
    world.start()
    assert world.code(world.device.write("/1/0/2", 10)) == "2.04"
    assert world.code(world.device.write("/1/0/3", 20)) == "2.04"
    assert world.code(world.device.attributes(RESULT, pmin=0, pmax=60)) == "2.04"
    observe(world, STATE, RESULT)
    begun = world.twin.now_ms
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    world.pass_time(75)
    assert seconds(world, STATE, begun) == [10, 30, 50, 70]
    assert seconds(world, RESULT, begun) == [0, 60]


def seconds(world: LwWorld, path: str, begun: int) -> list[int]:
    """When it was told of, from then on."""
    return [round((event["at_ms"] - begun) / 1000) for event in world.seen("notify") if path in event["values"]]


def test_l44_attributes_of_an_object_count_for_all_of_it(world: LwWorld) -> None:
    world.start()
    assert world.code(world.device.attributes("/5", pmax=20)) == "2.04"
    assert world.ask(world.device.discover("/5")).payload.startswith(b"</5>;ver=1.1;pmax=20,")
    observe(world, STATE)
    world.pass_time(50)
    assert world.notified() == [0] * 2
    assert world.code(world.device.attributes("/99", pmax=20)) == "4.04"
    assert world.code(world.device.attributes("/0", pmax=20)) == "4.01"
    assert world.code(world.device.put("/5", b"x", formats.TEXT)) == "4.05"


def test_l44_attributes_that_are_taken_back_leave_their_place(world: LwWorld) -> None:
    world.start()
    paths = ["/1", "/1/0", "/3", "/3/0", "/5", "/5/0", "/19", "/19/0", *(f"/5/0/{rid}" for rid in (3, 5, 8, 9, 11, 13))]
    for path in paths:
        assert world.code(world.device.attributes(path, pmin=10)) == "2.04"
        assert world.code(world.device.attributes(path, pmin=None)) == "2.04"
    codes = [world.code(world.device.attributes(path, pmin=10)) for path in paths]
    assert codes == ["2.04"] * 12 + ["5.00"] * 2


def test_only_changes_of_a_number_that_are_wanted_are_told(world: LwWorld) -> None:
    """gt, lt and st of a resource (LwM2M Core 5.1.2)."""
    world.start()
    severity = "/5/0/11"
    assert world.code(world.device.attributes("/5/0", st=2)) == "4.00"
    assert world.code(world.device.attributes("/3/0/3", gt=2)) == "4.00"
    observe(world, severity)
    assert world.code(world.device.attributes(severity, gt=1.5)) == "2.04"
    assert b"</5/0/11>;gt=1.5" in world.ask(world.device.discover("/5/0")).payload
    for value in (0, 1, 2, 1):
        assert world.code(world.device.write(severity, value)) == "2.04"
        world.pass_time(2)
    assert world.notified(severity) == [2, 1]


def test_l45_what_is_repeated_has_the_newest_value(world: LwWorld) -> None:
    world.start()
    observe(world, STATE)
    world.cloud.add_fault("notifyx2:drop")
    assert world.code(world.device.write("/5/0/1", GONE)) == "2.04"
    world.wait(lambda: world.seen("notify"))
    repeated = [(at, m) for at, _, m in world.sent if m.mtype is coap.CON and m.opt.observe is not None]
    assert len(repeated) >= 2
    assert repeated[0][1].payload == b"1"
    assert repeated[1][1].payload == b"0"
    assert repeated[1][1].opt.observe > repeated[0][1].opt.observe
    assert repeated[1][1].mid != repeated[0][1].mid
    assert world.notified() == [0]


def test_l46_a_reset_is_told_although_nothing_has_changed(world: LwWorld) -> None:
    world.start()
    observe(world, STATE, RESULT)
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    world.wait(lambda: world.notified(STATE) == [0] and world.notified(RESULT) == [0], 10)
    assert world.told == [(0, 0)]


def test_l47_send_tells_of_every_state(world: LwWorld) -> None:
    world.start()
    assert world.pull("1.1.0") == "2.04"
    world.wait(lambda: world.told[-1:] == [(2, 0)])
    world.install()
    assert world.told == [(1, 0), (2, 0), (3, 0), (0, 1)]
    assert all(set(event["values"]) == SIX for event in world.seen("sent"))
    sends = [(at, m) for at, _, m in world.said(coap.POST, "/dp")]
    assert {int(m.opt.content_format) for _, m in sends} == {formats.SENML_CBOR}
    assert world.code(world.device.write("/5/0/1", GONE)) == "2.04"
    world.wait(lambda: world.told[-1:] == [(0, 7)])


def test_l47_send_is_silent_when_it_is_muted(world: LwWorld) -> None:
    world.start()
    assert world.read("/1/0/23") is False
    assert world.code(world.device.write("/1/0/23", True)) == "2.04"
    assert world.pull(data=SMALL) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.pass_time(10)
    assert not world.told
    assert world.code(world.device.write("/1/0/23", False)) == "2.04"
    assert world.code(world.device.execute("/5/0/10")) == "2.04"
    world.wait(lambda: world.told == [(0, 10)])


def test_l47_what_waits_to_be_sent_is_muted_too(world: LwWorld) -> None:
    """The first one is on its way, and is repeated; the second has not been said yet, and never is."""
    world.start()
    world.cloud.add_fault("sendx3:drop")
    assert world.pull(data=SMALL) == "2.04"
    world.wait_state(DOWNLOADED, 0, 5)
    assert not world.told
    assert world.code(world.device.write("/1/0/23", True)) == "2.04"
    world.pass_time(60)
    assert world.told == [(1, 0)]


def test_l47_send_waits_for_the_registration(world: LwWorld) -> None:
    world.start()
    world.device.push(firmware("1.1.0"))
    world.wait_log("ota progress")
    world.twin.cut()
    world.cloud.add_fault("registerx3:drop")
    world.wait(lambda: world.told[-1:] == [(0, 4)])
    kinds = [event["event"] for event in world.events if event["event"] in ("registered", "sent")]
    assert kinds[-2:] == ["registered", "sent"]


def test_l47_send_tells_nothing_that_was_before_what_has_been_read(world: LwWorld) -> None:
    world.start()
    world.cloud.add_fault("sendx2:drop")
    assert world.pull(data=SMALL) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert world.code(world.device.execute("/5/0/10")) == "2.04"
    assert world.state == (0, 10)
    world.wait(lambda: world.told[-1:] == [(0, 10)])
    assert world.told == [(1, 0), (0, 10)]  # the first was on its way


def test_l48_a_send_that_nobody_ever_answers_is_given_up_when_the_server_is_there(world: LwWorld) -> None:
    """Each pair is said once, with its repetitions; what else is to be said does not wait behind it for ever."""
    world.start()
    world.cloud.add_fault("sendx*:drop")
    assert world.pull(data=SMALL) == "2.04"
    world.pass_time(400)
    said = [m.payload for _, _, m in world.said(coap.POST, "/dp")]
    assert len(said) == 2 * 5 and len(set(said)) == 2
    assert len(world.seen("registered")) == 1
    world.clear_faults()
    assert world.code(world.device.execute("/5/0/10")) == "2.04"
    world.wait(lambda: world.told == [(0, 10)])


def test_l48_a_send_is_said_again_on_the_next_line(world: LwWorld) -> None:
    """Where nothing is answered it is not the Send's fault."""
    world.start()
    world.cloud.add_fault("sendx5:drop")
    assert world.pull(data=SMALL) == "2.04"
    world.wait(lambda: world.said(coap.POST, "/dp"))
    world.cloud.add_fault("updatex5:drop")
    world.wait(lambda: len(world.told) == 2)
    assert world.told == [(1, 0), (2, 0)]
    assert world.logged("update_unanswered") == 1


@pytest.mark.parametrize("code", ["4.04", "4.00"])
def test_l48_a_send_that_is_refused_is_not_said_again(world: LwWorld, code: str) -> None:
    world.start()
    world.cloud.add_fault(f"send:refuse={code}")
    assert world.pull(data=SMALL) == "2.04"
    world.wait(lambda: world.told == [(2, 0)])
    world.pass_time(30)
    assert len(world.said(coap.POST, "/dp")) == 2


def test_l49_each_change_is_followed_by_an_update(world: LwWorld) -> None:
    world.start()
    for operation in ("pull", "reset"):
        before = len(world.seen("updated"))
        if operation == "pull":
            assert world.pull(data=SMALL) == "2.04"
            world.wait_state(DOWNLOADED)
            world.pass_time(1)
            assert len(world.seen("updated")) >= before + 2
        else:
            assert world.code(world.device.write("/5/0/1", "")) == "2.04"
            world.pass_time(1)
            assert len(world.seen("updated")) == before + 1


def test_l50_one_update_after_the_other(world: LwWorld) -> None:
    world.start()
    observe(world, STATE, RESULT)
    for version in ("1.1.0", "1.2.0"):
        assert world.pull(version) == "2.04"
        world.wait_state(DOWNLOADED, 0)
        world.install()
        assert world.version == version
        observe(world, STATE, RESULT)
        assert world.state == (0, 1)
    assert world.push(firmware("1.3.0")) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.install()
    assert world.version == "1.3.0"


def test_l51_requests_that_come_again_change_nothing(world: LwWorld) -> None:
    world.start()
    uri = world.serve(SMALL)
    assert world.code(world.device.write("/5/0/1", uri)) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.pass_time(120)
    assert world.code(world.device.write("/5/0/1", uri)) == "2.04"
    world.pass_time(5)
    assert len(world.fetched()) == len(set(world.fetched()))
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.install()
    world.pass_time(120)
    assert world.execute() == "4.05"
    world.pass_time(30)
    assert len(world.seen("registered")) == 2
    assert world.state == (0, 1)


def test_l51_an_order_whose_answer_is_lost_is_carried_out_once(world: LwWorld) -> None:
    world.start()
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.twin.net.faults.append(nth(0, lost, to_device=False))
    world.device.execute("/5/0/2")
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.wait_state(0, 1)
    world.pass_time(60)
    assert len(world.seen("registered")) == 2
    assert repeated(world, "execute")


def test_l51_an_order_that_is_deferred_is_heard_once(make_world) -> None:
    """The board is still there when its server, which has lost the answer, says it again."""
    world = make_world(app=firmware("1.0.0", DEFERS))
    world.start()
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.pass_time(5)
    world.twin.net.faults.append(nth(0, lost, to_device=False))
    assert world.execute() == "2.04"
    assert len(repeated(world, "execute")) == 1
    world.pass_time(30)
    assert world.told == [(1, 0), (2, 0), (3, 0), (2, 11)]


def test_l51_an_order_that_comes_again_is_answered_as_before(world: LwWorld) -> None:
    """Cancel is allowed once: without a memory of answers the second one would be 4.05."""
    world.start()
    assert world.pull(data=SMALL) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.pass_time(5)
    world.twin.net.faults.append(nth(0, lost, to_device=False))
    assert world.code(world.device.execute("/5/0/10")) == "2.04"
    assert len(repeated(world, "execute")) == 1
    world.pass_time(5)
    assert world.told == [(1, 0), (2, 0), (0, 10)]


def test_l52_a_uri_that_comes_unannounced(world: LwWorld) -> None:
    world.start()
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    world.install()
    assert world.state == (0, 1)
    assert world.pull(data=SMALL) == "2.04"
    assert world.state[1] == 0
    world.wait_state(DOWNLOADED, 0)


def test_l53_after_the_wifi_was_gone_an_update_comes_first(world: LwWorld) -> None:
    world.start()
    observe(world, STATE)
    silent = [True]

    def wifi(packet: Packet) -> list[Packet]:
        return [] if silent[0] and not packet.link.is_stream else [packet]

    operation = world.device.write("/5/0/1", world.serve(SMALL))
    assert world.code(operation) == "2.04"
    world.twin.net.faults.append(wifi)
    links = {link for _, link, _ in world.sent}
    world.wait_log("ota offline", 400)
    silent[0] = False
    world.wait(lambda: world.notified()[-1:] == [2], 900)
    assert not world.seen("stranger")
    assert len(world.seen("registered")) == 1
    assert world.seen("updated")[-1]["conn"] != world.seen("registered")[0]["conn"]
    updates_come_first(world, links)


@pytest.mark.parametrize("is_stored", [True, False])
def test_l53_what_became_due_without_a_line_is_told_if_it_is_stored(world: LwWorld, is_stored: bool) -> None:
    """As the server has written to /1/0/6; what is new afterwards is told in any case."""
    world.start()
    assert world.code(world.device.write("/1/0/6", is_stored)) == "2.04"
    observe(world, STATE)
    assert world.pull(data=SMALL) == "2.04"
    is_away = True

    def silence(packet: Packet) -> list[Packet]:
        return [] if is_away and packet.link.peer_address[0] == HOST else [packet]

    world.twin.net.faults.append(silence)
    before = len(world.seen("updated"))
    world.wait_log("ota offline", 400)
    is_away = False
    world.wait(lambda: len(world.seen("updated")) > before)
    world.pass_time(10)
    assert (2 in world.notified()) == is_stored
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    world.wait(lambda: world.notified()[-1:] == [0], 10)


def test_l53_an_update_comes_first_although_only_a_notification_is_due(make_world) -> None:
    world = make_world(settings={"lifetime": 3600})
    world.start()
    assert world.code(world.device.attributes(STATE, pmax=20)) == "2.04"
    observe(world, STATE)
    world.cloud.add_fault("notifyx10:drop")
    links = {link for _, link, _ in world.sent}
    world.wait_log("ota offline code=notify_unanswered", 400)
    world.wait(lambda: bool(world.seen("notify")), 400)
    updates_come_first(world, links)


def updates_come_first(world: LwWorld, links: set[int]) -> None:
    """On each link to the server but these; the others are to the file server."""
    firsts: dict[int, Message] = {}
    for _, link, message in world.sent:
        if link not in links:
            firsts.setdefault(link, message)
    to_server = [message for message in firsts.values() if message.code != coap.GET]
    assert to_server
    for message in to_server:
        assert (message.code, coap.path_of(message)) == (coap.POST, f"/rd/{world.device.registration.id}")
