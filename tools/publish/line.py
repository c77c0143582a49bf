# SPDX-License-Identifier: MIT
"""A line to the broker, by paho-mqtt: what is retained, what comes, and publishing until it is acknowledged."""

import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import paho.mqtt.client as paho

from simulator.errors import UserError

_QUIET_S = 0.5  # so long nothing more comes of what is retained
_ACK_S = 30  # for whatever the broker has to acknowledge
_AHEAD = 64  # messages without an acknowledgement: more of them would only fill memory


@dataclass(frozen=True)
class Where:
    """The broker. `ca`: file of the CA that it is verified against, so TLS it is."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    connect_s: float = 10


class Line:
    """A context manager. A line that breaks is mended, and whatever was listened to is listened to again.

    Listens with QoS 0: what a fleet has told is retained, and a broker queues only so many messages with QoS 1.
    """

    def __init__(self, where: Where) -> None:
        self._where = where
        self._inbox: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._filters: list[str] = []
        self._connected: queue.Queue[str] = queue.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._on_connect
        self._client.on_message = lambda client, data, message: self._inbox.put((message.topic, message.payload))
        self._client.on_publish = lambda *_: self._room.release()

    def __enter__(self) -> Self:
        """Raises UserError: cannot_connect, refused, bad_certificate."""
        where = self._where
        if where.user is not None:
            self._client.username_pw_set(where.user, where.password)
        if (where.cert or where.key) and not where.ca:
            raise UserError("bad_certificate", "a certificate of ours is for TLS, which needs --ca")
        if where.ca:
            self._client.tls_set_context(_context(where))
        try:
            self._client.connect(where.host, where.port)
        except (OSError, ValueError) as error:
            raise UserError("cannot_connect", f"no broker at {where.host}:{where.port}: {error}") from error
        self._client.loop_start()
        try:
            answer = self._connected.get(timeout=where.connect_s)
        except queue.Empty:
            answer = "no answer"
        if answer != "Success":
            self.__exit__()
            raise UserError("refused", f"the broker at {where.host}:{where.port} says: {answer}")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, data: object, flags: object, code: object, *_: object) -> None:
        self._connected.put(str(code))
        if self._filters:
            client.subscribe([(name, 0) for name in self._filters])

    def keep(self, messages: Iterable[tuple[str, bytes]], advance: Callable[[int], object] = lambda size: None) -> None:
        """Publishes retained messages. `advance` hears of the bytes of each. Raises UserError("not_acknowledged")."""
        last = None
        for topic, payload in messages:
            if not self._room.acquire(timeout=_ACK_S):
                raise UserError("not_acknowledged", f"the broker takes no more, before {topic}")
            last = self._client.publish(topic, payload, 1, retain=True)
            advance(len(payload))
        if last is not None:
            self._wait(last)

    def send(self, topic: str, payload: bytes) -> None:
        """A message that is not kept. Raises UserError("not_acknowledged")."""
        self._wait(self._client.publish(topic, payload, 1))

    def _wait(self, info: paho.MQTTMessageInfo) -> None:
        try:
            info.wait_for_publish(_ACK_S)
        except (RuntimeError, ValueError) as error:
            raise UserError("not_acknowledged", str(error)) from error
        if not info.is_published():
            raise UserError("not_acknowledged", f"the broker did not acknowledge within {_ACK_S} s")

    def listen(self, *filters: str) -> None:
        """From now on `next` brings what is on these topics, what is retained first."""
        self._filters += filters
        self._client.subscribe([(name, 0) for name in filters])

    def next(self, timeout_s: float) -> tuple[str, bytes] | None:
        """The next (topic, payload), None when there is none for so long."""
        try:
            return self._inbox.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None

    def retained(self, *filters: str) -> dict[str, bytes]:
        """What the broker keeps on these topics. Nothing else is listened to meanwhile."""
        self._client.subscribe([(name, 0) for name in filters])
        found = {}
        end = time.monotonic() + _ACK_S
        while time.monotonic() < end and (message := self.next(_QUIET_S)):
            found[message[0]] = message[1]
        self._client.unsubscribe(list(filters))
        return found

    def check_kept(self, topic: str, payload: bytes) -> None:
        """Raises UserError("not_kept"): a broker acknowledges what its ACL forbids, and drops it."""
        if self.retained(topic).get(topic, b"") != payload:
            raise UserError("not_kept", f"the broker does not keep {topic}: may this user write there?")


def _context(where: Where) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=where.ca)
        if where.cert:
            context.load_cert_chain(where.cert, where.key)
    except (OSError, ssl.SSLError) as error:
        raise UserError("bad_certificate", f"cannot use the certificates: {error}") from error
    return context
