# SPDX-License-Identifier: MIT
"""The broker itself: a sans-IO core (simulator/clouds/core.py) that routes and retains, and knows no updates.

MQTT 3.1, 3.1.1 and 5 with QoS 0 and 1, retained messages, wills, kept sessions and take-over, as mosquitto does it
(tests/clouds/test_broker_judged.py holds both against the same stories).
"""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.clouds.broker.acl import READ, Acl
from simulator.clouds.broker.clients import Client, Message
from simulator.clouds.broker.faults import Rule
from simulator.clouds.broker.session import Session
from simulator.clouds.mock import Mock
from simulator.clouds.mqtt.filters import is_plain, matches

MAKER = "maker"  # whose messages do not come over a connection


@dataclass(frozen=True)
class Settings:
    """`persistence`: retained messages and kept sessions outlive a restart. `in_flight`: messages with QoS 1 that a
    client has not acknowledged; more of them wait, `queued` at most, and the rest is lost.
    """

    persistence: bool = True
    in_flight: int = 20
    queued: int = 1000


class Broker(Mock):
    """`users`: passwords by name, None: whoever comes is let in. `retained`: by topic. `clients`: by client id, also
    those whose session is kept while they are away.
    """

    def __init__(
        self,
        seed: int = 0,
        now_ms: int = 0,
        on_event: Callable[[dict], None] | None = None,
        users: dict[str, bytes] | None = None,
        acl: Acl | None = None,
        **settings,
    ) -> None:
        super().__init__(seed, now_ms, on_event)
        self.settings = Settings(**settings)
        self.users = users
        self.acl = acl
        self.retained: dict[str, Message] = {}
        self.clients: dict[str, Client] = {}
        self._sessions: dict[int, Session] = {}

    # The contract of a core

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        self.tick(now_ms)
        self._sessions[conn] = Session(self, conn)

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        """Bytes for a connection that is closed already are dropped."""
        self.tick(now_ms)
        if conn in self._sessions:
            self._sessions[conn].feed(data)

    def lost(self, conn: int, now_ms: int) -> None:
        self.tick(now_ms)
        if conn in self._sessions:
            self._sessions[conn].end("client", "connection lost")

    # Who runs it, and who is beside it

    def publish(self, topic: str, payload: bytes, now_ms: int, retain: bool = False, qos: int = 1) -> None:
        """A message of the maker's, who needs no connection."""
        self.tick(now_ms)
        self.take_in(Message(topic, payload, qos, retain), MAKER)

    def restart(self, now_ms: int) -> None:
        """Every connection ends without a will; without `persistence` nothing is remembered."""
        self.tick(now_ms)
        for session in list(self._sessions.values()):
            session.will = None
            session.end("broker", "restart")
        if not self.settings.persistence:
            self.retained.clear()
            self.clients.clear()
        self.log("restart")

    def take_over(self, client_id: str, now_ms: int) -> None:
        """A second client comes with this id, and goes again: the first is disconnected."""
        self.tick(now_ms)
        client = self.clients.get(client_id)
        if client and client.session:
            client.session.close(Session.TAKEN_OVER, "session taken over")

    def add_fault(self, text: str) -> None:
        """Puts a rule in force (faults.py says which there are); UserError("bad_fault")."""
        self.add_rule(Rule.parse(text), text)

    # For sessions

    def take_in(self, message: Message, client_id: str) -> None:
        """Keeps it if it is to be retained, an empty one takes that away; and hands it to who has subscribed."""
        self.log("publish", client=client_id, topic=message.topic, qos=message.qos, retain=message.is_retained,
                 size=len(message.payload), text=_text(message.payload))  # fmt: skip
        if message.is_retained and message.payload:
            self.retained[message.topic] = message
        elif message.is_retained:
            self.retained.pop(message.topic, None)
        for client in list(self.clients.values()):
            grades = [qos for name, qos in client.filters.items() if matches(name, message.topic)]
            if grades and self.may(client, READ, message.topic):
                client.give(message.to(max(grades), is_retained=False))

    def kept_for(self, client: Client, name: str, qos: int) -> list[Message]:
        """The retained messages that a new subscription brings, in the order they were first kept."""
        if is_plain(name):  # as of each chunk of an image, with as many topics
            found = [self.retained[name]] if name in self.retained else []
        else:
            found = [message for topic, message in self.retained.items() if matches(name, topic)]
        return [message.to(qos, is_retained=True) for message in found if self.may(client, READ, message.topic)]

    def may(self, client: Client, access: str, topic: str) -> bool:
        return self.acl is None or self.acl.allows(access, topic, client.user, client.id)

    def forget(self, session: Session) -> None:
        self._sessions.pop(session.conn, None)


def _text(payload: bytes) -> str | None:
    """For the record; None for what is no short text."""
    try:
        return payload.decode() if len(payload) <= 4096 else None
    except UnicodeDecodeError:
        return None
