# SPDX-License-Identifier: MIT
"""Our broker and mosquitto told the same stories by paho-mqtt: what the one does, the other does."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from simulator.clouds.broker import Acl, Broker
from simulator.clouds.server import ThreadServer
from simulator.interpreters import BIN
from tests.wire import broker as real

QUIET_S = 0.05  # so long nothing comes, and nothing will
ACL = """
user observer
topic readwrite #

pattern read to/%u/#
pattern write from/%u
topic read news
"""


class Ours:
    """Our core behind a real socket."""

    def __init__(self, acl: str | None) -> None:
        users = {name: password.encode() for name, password in real.USERS.items()}
        self._core = Broker(users=users, acl=Acl.parse(acl) if acl else None)
        self._server = ThreadServer(self._core)
        self.port = self._server.start()

    def restart(self, persistence: bool) -> None:
        object.__setattr__(self._core.settings, "persistence", persistence)
        self._server.call(self._core.restart)

    def stop(self) -> None:
        self._server.stop()


class Mosquitto:
    def __init__(self, folder: Path, acl: str | None) -> None:
        self._broker = real.Broker(BIN / "mosquitto", folder)
        self._broker.__enter__()
        self.port = self._broker.port
        self._more = ""
        if acl:
            (folder / "acl").write_text(acl)
            self._more = f"acl_file {folder}/acl\n"
            self._broker.restart(self._more)

    def restart(self, persistence: bool) -> None:
        if persistence:
            self._broker.restart(self._more)
        else:
            self._broker.kill()  # nothing was written down
            self._broker.start(self._more)

    def stop(self) -> None:
        self._broker.kill()


@pytest.fixture(params=["ours", "mosquitto"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    places = []

    def start(acl: str | None = None) -> Any:
        if request.param == "mosquitto" and not (BIN / "mosquitto").exists():
            pytest.skip("mosquitto is not set up: run `make setup`, which says why it may be left out")
        places.append(Ours(acl) if request.param == "ours" else Mosquitto(tmp_path, acl))
        return places[-1]

    yield start
    for place in places:
        place.stop()


@pytest.fixture
def place(make: Callable[..., Any]) -> Any:
    return make()


class Peer(real.Observer):
    """`taken`: what has come so far and what comes within a moment, each (topic, payload, qos, retain)."""

    def taken(self, least: int = 0) -> list[tuple[str, bytes, int, bool]]:
        found = []
        while True:
            try:
                timeout_s = real.LIMIT_S if len(found) < least else QUIET_S
                message = self._messages.get(timeout=timeout_s)
            except real.queue.Empty:
                return found
            found.append((message.topic, message.payload, message.qos, message.retain))

    def vanish(self) -> None:
        """Without a word."""
        self._client.loop_stop()
        self._client.socket().close()


def login(port: int, user: str | None, password: str = "secret", client_id: str = "x", will: Any = None) -> tuple:
    """(return code of CONNACK as version 3.1.1 has it, the client)"""
    codes: real.queue.Queue[Any] = real.queue.Queue()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id, reconnect_on_failure=False)
    if user:
        client.username_pw_set(user, password)
    if will:
        client.will_set(*will)
    client.on_connect = lambda client, data, flags, code, *_: codes.put(code)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return str(codes.get(timeout=real.LIMIT_S)), client


def end(client: paho.Client) -> None:
    client.disconnect()
    client.loop_stop()


def test_retained_message_comes_with_each_subscription_and_marked(place):
    with Peer(place.port) as peer:
        peer.publish("a/1", b"kept", retain=True)
        for _ in range(2):
            peer.subscribe("a/1")
            assert peer.taken(1) == [("a/1", b"kept", 1, True)]
        peer.publish("a/1", b"live", retain=True)
        assert peer.taken(1) == [("a/1", b"live", 1, False)]
        peer.publish("a/1", b"", retain=True)
        assert peer.taken(1) == [("a/1", b"", 1, False)]
        peer.subscribe("a/1")
        assert peer.taken() == []


def test_retained_messages_behind_wildcards(place):
    with Peer(place.port) as peer:
        for topic in ("a", "a/b", "a/b/c", "b/b", "$x/b"):
            peer.publish(topic, topic.encode(), retain=True)
        for name, covered in {
            "a/#": {"a", "a/b", "a/b/c"},
            "+/b": {"a/b", "b/b"},
            "#": {"a", "a/b", "a/b/c", "b/b"},
            "a/+": {"a/b"},
            "$x/#": {"$x/b"},
            "+/+/+": {"a/b/c"},
        }.items():
            peer.subscribe(name)
            assert {topic for topic, *_ in peer.taken(len(covered))} == covered, name
            peer._client.unsubscribe(name)


def test_message_comes_with_the_lesser_qos_of_sender_and_subscriber(place):
    with Peer(place.port) as peer:
        for name, qos in (("q0", 0), ("q1", 1)):
            peer.subscribe(name, qos)
        for name in ("q0", "q1"):
            for qos in (0, 1):
                peer.publish(name, b"x", qos)
        assert [qos for _, _, qos, _ in peer.taken(4)] == [0, 0, 0, 1]


def test_overlapping_filters_bring_a_message_once(place):
    with Peer(place.port) as peer:
        peer.subscribe("a/#", 0)
        peer.subscribe("a/b", 1)
        peer.publish("a/b", b"x")
        assert peer.taken(1) == [("a/b", b"x", 1, False)]


def test_will_is_published_when_a_client_vanishes_and_not_after_a_goodbye(place):
    with Peer(place.port) as peer:
        peer.subscribe("online")
        code, client = login(place.port, "board", will=("online", b"false", 1, True))
        assert code == "Success"
        end(client)
        assert peer.taken() == []
        _, client = login(place.port, "board", will=("online", b"false", 1, True))
        client.loop_stop()
        client.socket().close()
        assert peer.taken(1) == [("online", b"false", 1, False)]
        peer.subscribe("online")
        assert peer.taken(1) == [("online", b"false", 1, True)]


def test_take_over_ends_the_older_connection_and_publishes_its_will_before_the_newer_one_speaks(place):
    with Peer(place.port) as peer:
        peer.subscribe("online")
        lost: real.queue.Queue[bool] = real.queue.Queue()
        _, old = login(place.port, "board", client_id="same", will=("online", b"false", 1, True))
        old.on_disconnect = lambda *_: lost.put(True)
        _, new = login(place.port, "board", client_id="same")
        new.publish("online", b"true", 1, True).wait_for_publish(real.LIMIT_S)
        assert lost.get(timeout=real.LIMIT_S)
        assert [payload for _, payload, *_ in peer.taken(2)] == [b"false", b"true"]
        for client in (old, new):
            end(client)


def test_login_is_judged_by_user_and_password(place):
    for user, password, expected in (
        ("board", "secret", "Success"),
        ("board", "wrong", "Not authorized"),
        ("nobody", "secret", "Not authorized"),
        (None, "", "Not authorized"),
    ):
        code, client = login(place.port, user, password)
        assert code == expected, (user, password)
        end(client)


def test_kept_session_has_what_came_meanwhile_a_clean_one_has_not(place):
    with Peer(place.port, "kept", kept=True) as peer:
        peer.subscribe("down", 1)
    with Peer(place.port) as other:
        other.publish("down", b"one")
        other.publish("down", b"lost", qos=0)
        other.publish("down", b"two")
    with Peer(place.port, "kept", kept=True) as peer:
        assert peer.session_present
        assert [payload for _, payload, *_ in peer.taken(2)] == [b"one", b"two"]
    with Peer(place.port, "kept") as peer:
        assert not peer.session_present
    with Peer(place.port, "kept", kept=True) as peer:
        assert not peer.session_present


@pytest.mark.parametrize("persistence", [True, False])
def test_restart_with_persistence_keeps_retained_messages_and_sessions(place, persistence):
    with Peer(place.port, "kept", kept=True) as peer:
        peer.publish("a", b"kept", retain=True)
        peer.subscribe("b")
    place.restart(persistence)
    with Peer(place.port, "kept", kept=True) as peer:
        assert peer.session_present == persistence
        peer.subscribe("a")
        assert peer.taken(int(persistence)) == [("a", b"kept", 1, True)] * persistence


def test_what_the_acl_forbids_is_granted_acknowledged_and_goes_nowhere(make):
    place = make(ACL)
    with Peer(place.port) as peer:
        peer.subscribe("#")
        _, board = login(place.port, "board")
        got: real.queue.Queue[Any] = real.queue.Queue()
        granted: real.queue.Queue[Any] = real.queue.Queue()
        board.on_message = lambda client, data, message: got.put(message.topic)
        board.on_subscribe = lambda client, data, mid, codes, *_: granted.put([code.value for code in codes])
        board.subscribe([("#", 1), ("to/other/x", 1)])
        assert granted.get(timeout=real.LIMIT_S) == [1, 1]
        for topic in ("from/board", "from/other", "to/board/x", "release"):
            board.publish(topic, b"x", 1).wait_for_publish(real.LIMIT_S)
        assert [topic for topic, *_ in peer.taken(1)] == ["from/board"]
        for topic in ("to/board/x", "to/other/x", "from/board", "news"):
            peer.publish(topic, b"x")
        assert got.get(timeout=real.LIMIT_S) == "to/board/x"
        time.sleep(QUIET_S)
        assert got.empty()  # "news" is for who comes without a name
        end(board)


def test_bad_filter_ends_the_connection(place):
    for name in ("a/#/b", "a+", "#a"):
        lost: real.queue.Queue[bool] = real.queue.Queue()
        _, client = login(place.port, "board")
        client.on_disconnect = lambda *_, lost=lost: lost.put(True)
        packet = b"\0\1" + len(name).to_bytes(2) + name.encode() + b"\1"
        client.socket().sendall(b"\x82" + bytes([len(packet)]) + packet)
        assert lost.get(timeout=real.LIMIT_S), name
        end(client)


def test_many_messages_of_qos_1_all_come_in_order(place):
    with Peer(place.port) as peer:
        peer.subscribe("many")
        for number in range(100):
            peer._client.publish("many", b"%d" % number, 1)
        assert [int(payload) for _, payload, *_ in peer.taken(100)] == list(range(100))
