# SPDX-License-Identifier: MIT
"""The HTTP door of the mock: connections, one answer to each request, faults. What a request means is in http_api.py.

A sans-IO core of its own (simulator/clouds/core.py) in front of the same server: serve it on another port.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.clouds import http
from simulator.clouds.core import Action, Close, Send
from simulator.clouds.thingsboard import http_api
from simulator.clouds.thingsboard.faults import Rule

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard


class HttpDoor:
    """Devices speak HTTP to `cloud` here. Its clock and timers are the cloud's."""

    def __init__(self, cloud: "ThingsBoard") -> None:
        self.cloud = cloud
        self.actions: list[Action] = []
        self._connections: dict[int, _Connection] = {}

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        """A client's certificate does not count here: over HTTP it is the token that says who it is."""
        self.cloud.tick(now_ms)
        self._connections[conn] = _Connection(self, conn)

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        """Bytes for a connection that is closed already are dropped."""
        self.cloud.tick(now_ms)
        if conn in self._connections:
            self._connections[conn].feed(data)

    def lost(self, conn: int, now_ms: int) -> None:
        self.cloud.tick(now_ms)
        if conn in self._connections:
            self.forget(conn)

    def tick(self, now_ms: int) -> None:
        self.cloud.tick(now_ms)

    def deadline(self) -> int | None:
        return self.cloud.deadline()

    def take(self) -> list[Action]:
        actions, self.actions = self.actions, []
        return actions

    def forget(self, conn: int) -> None:
        self._connections.pop(conn).is_open = False


class _Connection:
    """One peer; its requests are answered one after the other, whenever that is."""

    def __init__(self, door: HttpDoor, conn: int) -> None:
        self.is_open = True
        self._door = door
        self._conn = conn
        self._http = http.Connection(lambda data: door.actions.append(Send(conn, data)))
        self._is_busy = False  # with a request that has no answer yet
        self._is_serving = False

    def feed(self, data: bytes) -> None:
        self._http.feed(data)
        self._serve()

    def _serve(self) -> None:
        """Takes requests as long as there are whole ones and each is answered at once."""
        if self._is_serving:
            return
        self._is_serving = True
        while self.is_open and not self._is_busy and (request := self._next()):
            self._is_busy = True
            Exchange(self._door.cloud, request, self._answer, self._close).begin()
        self._is_serving = False

    def _next(self) -> http.Request | None:
        try:
            return self._http.next()
        except http.BadRequest as error:
            self._door.cloud.log("http_bad", conn=self._conn, status=error.status, reason=str(error))
            self._answer(http.Response(error.status))
            return None

    def _answer(self, response: http.Response) -> None:
        """Nothing is left to say once the connection is gone."""
        if not self.is_open:
            return
        self._is_busy = False
        if self._http.answer(response):
            self._serve()
        else:
            self._close()

    def _close(self) -> None:
        if self.is_open:
            self._door.forget(self._conn)
            self._door.actions.append(Close(self._conn))


class Exchange:
    """One request and, some time, its answer: `answer` works once, however many are offered."""

    def __init__(
        self,
        cloud: "ThingsBoard",
        request: http.Request,
        send: Callable[[http.Response], None],
        close: Callable[[], None],
    ) -> None:
        self.cloud = cloud
        self.request = request
        self.is_open = True
        self.device_name: str | None = None  # once that is known
        self._send = send
        self._close = close
        self.rules: list[Rule] = []

    def begin(self) -> None:
        """Finds the end point and what goes wrong on the way, and lets it answer."""
        where, index = http_api.occasion(self.request)
        self.rules = self.cloud.strike(where, index)
        actions = {rule.action for rule in self.rules}
        status = next((rule.argument for rule in self.rules if rule.action == "status"), None)
        if "close" in actions:
            self._close()
        elif status:
            self.answer(http.Response(int(status)))
        elif "mute" not in actions:
            http_api.handle(self)

    def answer(self, response: http.Response) -> None:
        """Sends the answer, the way the fault rules leave it."""
        if not self.is_open:
            return
        self.is_open = False
        for rule in self.rules:
            response = _spoil(response, rule)
        self.cloud.log(
            "http",
            device=self.device_name,
            method=self.request.method,
            what=http_api.name(self.request),
            status=response.status,
            length=len(response.body),
        )
        delay_ms = sum(int(rule.argument) for rule in self.rules if rule.action == "delay")
        if delay_ms:
            self.cloud.schedule(delay_ms, lambda: self._send(response))
        else:
            self._send(response)


def _spoil(response: http.Response, rule: Rule) -> http.Response:
    cut = int(rule.argument) if rule.action == "cut" else response.cut
    body = bytes(rule.spoil(memoryview(response.body)))
    return http.Response(response.status, body, response.content_type, response.headers, cut)
