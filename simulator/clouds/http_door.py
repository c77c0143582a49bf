# SPDX-License-Identifier: MIT
"""The HTTP door of a mock cloud: connections, and one answer to each request. What a request means is the cloud's.

A sans-IO core of its own (simulator/clouds/core.py) in front of the same state: serve it on another port.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from simulator.clouds import http
from simulator.clouds.core import Action, Close, Send
from simulator.clouds.mock import Mock


class HttpDoor:
    """Peers speak HTTP to `cloud` here. Its clock and timers are the cloud's. `serve` is for the cloud's own class."""

    def __init__(self, cloud: Mock) -> None:
        self.cloud = cloud
        self.actions: list[Action] = []
        self._connections: dict[int, _Connection] = {}

    def serve(self, request: http.Request, answer: Callable[[http.Response], None], close: Callable[[], None]) -> None:
        """Calls `answer` once, some time, or `close`; or neither, which is silence."""
        raise NotImplementedError

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        """A client's certificate goes with its requests."""
        self.cloud.tick(now_ms)
        self._connections[conn] = _Connection(self, conn, certificate)

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

    def __init__(self, door: HttpDoor, conn: int, certificate: bytes | None) -> None:
        self.is_open = True
        self._certificate = certificate
        self._door = door
        self._conn = conn
        self._http = http.Connection(self._send)
        self._held: bytearray | None = None  # an answer that goes out in pieces
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
            shown = replace(request, certificate=self._certificate)
            self._door.serve(shown, self._answer, self._close)
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
        self._held = bytearray() if response.pace else None
        goes_on = self._http.answer(response)
        if response.pace:
            whole, self._held = bytes(self._held), None
            self._trickle(whole, response.pace, goes_on)
        else:
            self._done(goes_on)

    def _trickle(self, rest: bytes, pace: tuple[int, int], goes_on: bool) -> None:
        """Sends the next piece, and the others after their time."""
        if not self.is_open:
            return
        size, ms = pace
        self._send(rest[:size])
        if rest[size:]:
            self._door.cloud.schedule(ms, partial(self._trickle, rest[size:], pace, goes_on))
        else:
            self._done(goes_on)

    def _done(self, goes_on: bool) -> None:
        self._is_busy = False
        if goes_on:
            self._serve()
        else:
            self._close()

    def _send(self, data: bytes) -> None:
        if self._held is not None:
            self._held += data
        else:
            self._door.actions.append(Send(self._conn, data))

    def _close(self) -> None:
        if self.is_open:
            self._door.forget(self._conn)
            self._door.actions.append(Close(self._conn))
