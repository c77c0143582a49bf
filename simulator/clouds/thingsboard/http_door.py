# SPDX-License-Identifier: MIT
"""The HTTP door of the mock: one answer to each request, the way the faults leave it; what it means: http_api.py."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.clouds import http, http_door
from simulator.clouds.thingsboard import http_api
from simulator.clouds.thingsboard.faults import Rule

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard


class HttpDoor(http_door.HttpDoor):
    """Devices speak HTTP to `cloud` here; their certificates do not count: it is the token that says who they are."""

    cloud: "ThingsBoard"

    def serve(self, request: http.Request, answer: Callable[[http.Response], None], close: Callable[[], None]) -> None:
        Exchange(self.cloud, request, answer, close).begin()


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
