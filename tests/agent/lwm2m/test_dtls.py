# SPDX-License-Identifier: MIT
"""The same over DTLS, by certificates and by a shared key; on virtual time, whose twin judges and loses as mbedTLS."""

import functools
from collections.abc import Callable

import pytest

from simulator.board import datagrams
from simulator.board.errors import EspError
from simulator.board.inprocess import InProcess
from simulator.board.net import HELLO, Fault, Packet
from simulator.clouds.core import Close
from simulator.clouds.lwm2m import coap, formats
from simulator.interpreters import Interpreter
from tests import pki
from tests.agent.harness import small_app
from tests.agent.lw_world import DOWNLOADED, FILE_PORT, FILES, HOST, IDLE, NAME, PORT, LwWorld, firmware
from tests.agent.lwm2m.test_items_l54_l57 import answers, say

KEY = bytes(range(16))
SMALL = small_app(30_000)
ALL = (formats.TEXT, formats.TLV, formats.SENML_JSON, formats.SENML_CBOR)
SETTINGS = {"security": "psk", "psk_key": KEY.hex()}  # the identity is the endpoint's


class SecureWorld(LwWorld):
    """Server and file server speak DTLS only: with certificate `chains` by host, or with the key of the board."""

    def __init__(self, runs: Interpreter | InProcess, settings: dict[str, str], chains: dict, *faults: Fault) -> None:
        self._chains, self._faults = chains, faults
        self.greeted: list[str] = []  # the hosts with which the device has begun a session, in order
        self.most_open = 0  # of its sessions at a time
        super().__init__(runs, settings=settings, heap="200k")

    def connect(self) -> None:
        net, keys = self.twin.net, None if self._chains else {NAME: KEY}
        net.tells_time = True
        if keys:
            self.twin.board.know_shared_keys()
        net.serve_datagrams(HOST, PORT, self.cloud, self._chains.get(HOST, ()), keys)
        net.serve_datagrams(FILES, FILE_PORT, self.door, self._chains.get(FILES, ()), keys)
        net.faults += (self._look, *self._faults)

    def _look(self, packet: Packet) -> list[Packet]:
        if packet.content == HELLO and isinstance(packet.link, datagrams.Flow) and not packet.to_device:
            self.greeted.append(packet.link.peer_address[0])
        self.most_open = max(self.most_open, len(self.open_sessions))
        return [packet]

    @property
    def open_sessions(self) -> list:
        """Those that the device has now: each holds its buffers."""
        assert self.twin.board._sockets
        return list(self.twin.board._sockets.datagrams._sessions.values())

    def pull_secure(self) -> None:
        self.start()
        file = self.cloud.files.add(firmware("1.1.0"), NAME)
        uri = f"coaps://{FILES}:{FILE_PORT}{file.path}"
        assert self.code(self.device.write("/5/0/1", uri)) == "2.04"
        self.wait_state(DOWNLOADED, 0)
        self.install()
        assert self.runs == ("1.1.0", "ota_1")

    def said(self, text: str) -> list[str]:
        return [line for line in self.twin.story.lines if text in line]


@pytest.fixture
def world_class() -> type[SecureWorld]:
    return SecureWorld


@functools.cache
def authority() -> pki.Authority:
    return pki.Authority()


def certified(server: str = HOST) -> tuple[dict[str, str], dict[str, tuple[bytes, ...]]]:
    """Settings of the board, and what the servers show."""
    mine = {name: pem.decode() for name, pem in authority().client(NAME).items()}
    settings = {"security": "cert", "ca": authority().pem.decode(), **mine}
    return settings, {HOST: authority().chain(server), FILES: authority().chain(FILES)}


def test_whole_update_with_certificates(make_world: Callable[..., SecureWorld]) -> None:
    make_world(*certified()).pull_secure()


def test_when_state_has_changed_is_told_in_any_format(make_world: Callable[..., SecureWorld]) -> None:
    """/5/0/12, seconds since 1970, on a board that knows the time; certificates need it (lwm2m.md 2.1)."""
    world = make_world(*certified())
    world.start()
    assert world.code(world.device.read("/5/0/12")) == "4.04"
    for uri in (f"coaps://{FILES}:{FILE_PORT}{world.cloud.files.add(SMALL, NAME).path}", ""):
        world.pass_time(100)
        before = world.twin.net.unix_ms() // 1000
        assert world.code(world.device.write("/5/0/1", uri)) == "2.04"
        world.wait_state(DOWNLOADED if uri else IDLE, 0)
        after = world.twin.net.unix_ms() // 1000
        (told,) = {world.read("/5/0/12", number) for number in (None, *ALL)}
        assert before - 1 <= told <= after  # time servers tell whole seconds
    assert world.ask(world.device.discover("/5")).payload.decode().count("/5/0/12") == 1


def test_whole_update_with_a_shared_key(make_world: Callable[..., SecureWorld]) -> None:
    make_world(SETTINGS, {}).pull_secure()


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("to_device", [False, True], ids=["up", "down"])
def test_a_lost_flight_is_repeated(make_world: Callable[..., SecureWorld], index: int, to_device: bool) -> None:
    world = make_world(*certified(), datagrams.nth(index, datagrams.lost, to_device=to_device))
    world.start()
    assert world.read("/3/0/3") == "1.0.0"


def test_l56_a_certificate_of_another_is_an_error_in_time(make_world: Callable[..., SecureWorld]) -> None:
    """The agent says why, waits, and tries again; the application runs on."""
    world = make_world(*certified("other.example"))
    world.pass_time(60)
    assert world.said("tls_untrusted")
    world.pass_time(240)
    assert not world.cloud.events and world.twin.story.boots == 1
    assert not world.said("Traceback")


def test_l55_two_datagrams_at_once_are_two_messages(make_world: Callable[..., SecureWorld]) -> None:
    world = make_world(SETTINGS, {})
    world.start()
    for mid in (0x7001, 0x7002):
        say(world, coap.build(coap.GET, uri_path=("5", "0", "3")), mid=mid, token=mid.to_bytes(2))
    assert [len(answers(world, mid)) for mid in (0x7001, 0x7002)] == [1, 1]


def test_l56_a_lost_first_flight_is_repeated_in_one_or_two_seconds(make_world: Callable[..., SecureWorld]) -> None:
    times = []
    for faults in ((), (datagrams.nth(0, datagrams.lost, to_device=False),)):
        world = make_world(SETTINGS, {}, *faults)
        world.start()
        times.append(world.seen("registered")[0]["at_ms"])
    assert 1_000 <= times[1] - times[0] <= 2_500


def test_l56_a_wrong_key_is_an_error_in_time(make_world: Callable[..., SecureWorld]) -> None:
    world = make_world({**SETTINGS, "psk_key": "00"}, {})
    world.pass_time(60)
    assert world.said("FATAL_ALERT")
    world.pass_time(240)
    assert not world.cloud.events and world.twin.story.boots == 1
    assert not world.said("Traceback")


def test_a_micropython_without_shared_keys_says_so_and_sends_nothing(make_world: Callable[..., SecureWorld]) -> None:
    """They are there from 1.29 on; what is not there is not tried."""
    world = make_world(SETTINGS, certified()[1])
    world.wait_log("ota offline code=psk_unsupported")
    world.pass_time(300)
    assert not world.sent and not world.cloud.events and world.twin.story.boots == 1
    assert not world.said("Traceback")


def test_a_server_that_begins_to_answer_late_is_reached(make_world: Callable[..., SecureWorld]) -> None:
    deaf = True

    def nothing(packet: Packet) -> list[Packet]:
        return [] if deaf else [packet]

    world = make_world(*certified(), nothing)
    world.pass_time(100)
    deaf = False
    world.start()


def test_a_session_that_the_server_ends_begins_anew(make_world: Callable[..., SecureWorld]) -> None:
    world = make_world(*certified())
    world.start()
    (peer,) = world.cloud.sessions
    world.cloud.actions.append(Close(peer))
    world.wait(lambda: world.seen("updated"), 60)
    assert world.read("/3/0/3") == "1.0.0"


def test_a_session_that_ends_in_the_midst_of_a_push_ends_the_push(make_world: Callable[..., SecureWorld]) -> None:
    world = make_world(*certified())
    world.start()
    (peer,) = world.cloud.sessions
    world.device.push(SMALL)
    world.wait(lambda: len(world.seen("block")) > 8)
    world.cloud.actions.append(Close(peer))
    world.wait(lambda: world.told[-1:] == [(0, 4)], 60)
    assert world.seen("updated")[-1]["conn"] != peer
    assert world.push(SMALL) == "2.04"
    world.wait_state(2, 0)
    assert world.slot_holds("ota_1", SMALL)


@pytest.mark.parametrize("security", ["psk", "cert"])
def test_trap_4_no_read_ever_times_out(make_world: Callable[..., SecureWorld], security: str) -> None:
    """For ten minutes hardly anything comes, and the session is the first one: a read that timed out would end it."""
    world = make_world(*((SETTINGS, {}) if security == "psk" else certified()))
    world.start()
    for _ in range(5):
        world.pass_time(120)
        assert world.read("/3/0/3") == "1.0.0"
    assert world.greeted == [HOST]
    assert len(world.seen("registered")) == 1 and not world.said("link_lost")


def test_trap_4_an_error_that_stays_is_left_for_a_new_session(make_world: Callable[..., SecureWorld]) -> None:
    world = make_world(SETTINGS, {})
    world.start()
    (session,) = world.open_sessions
    with pytest.raises(EspError):
        session.time_out()
    world.wait(lambda: world.seen("updated"), 60)
    assert world.read("/3/0/3") == "1.0.0"
    assert world.greeted == [HOST, HOST] and len(world.open_sessions) == 1


@pytest.mark.parametrize("security", ["psk", "cert"])
def test_trap_6_a_pull_has_two_sessions_at_a_time_and_then_one(
    make_world: Callable[..., SecureWorld], security: str
) -> None:
    """That of the server stays while the file comes over another; docs/memory.md has what that takes."""
    world = make_world(*((SETTINGS, {}) if security == "psk" else certified()))
    world.start()
    file = world.cloud.files.add(firmware("1.1.0"), NAME)
    world.device.write("/5/0/1", f"coaps://{FILES}:{FILE_PORT}{file.path}")
    world.wait_state(DOWNLOADED, 0)
    assert (world.greeted, world.most_open) == ([HOST, FILES], 2)
    assert len(world.open_sessions) == 1


def test_trap_6_a_pull_without_room_for_a_second_session_fails_and_the_first_one_stays(
    make_world: Callable[..., SecureWorld],
) -> None:
    """No memory is Result 3. The server hears of it, and the next pull may find room."""
    world = make_world(SETTINGS, {})
    world.twin.board.limit_dtls_sessions(1)
    world.start()
    file = world.cloud.files.add(firmware("1.1.0"), NAME)
    world.device.write("/5/0/1", uri := f"coaps://{FILES}:{FILE_PORT}{file.path}")
    world.wait(lambda: world.told[-1:] == [(0, 3)])
    assert world.greeted == [HOST] and not world.said("Traceback")
    world.twin.board.limit_dtls_sessions(None)
    world.device.write("/5/0/1", uri)
    world.wait_state(DOWNLOADED, 0)
