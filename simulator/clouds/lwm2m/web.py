# SPDX-License-Identifier: MIT
"""The images that devices fetch, by HTTP: a door of its own (simulator/clouds/http_door.py) in front of the server."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from simulator.clouds import http, http_door, web_file
from simulator.clouds.lwm2m.faults import Rule
from simulator.clouds.lwm2m.files import OFF, File

if TYPE_CHECKING:
    from simulator.clouds.lwm2m.server import Lwm2mServer

_TYPE = "application/octet-stream"


class WebDoor(http_door.HttpDoor):
    """Ranges and conditions; an ETag as the manners of the files say."""

    cloud: "Lwm2mServer"

    def serve(self, request: http.Request, answer: Callable[[http.Response], None], close: Callable[[], None]) -> None:
        """Answers the way the faults leave it."""
        rules = self.cloud.strike("image")
        actions = {rule.action: rule.argument for rule in rules}
        if "close" in actions:
            close()
        elif "mute" not in actions:
            response = self._response(request, rules)
            self.cloud.schedule(int(actions.get("delay", 0)), partial(answer, response))

    def _response(self, request: http.Request, rules: list[Rule]) -> http.Response:
        file = self.cloud.files.find(request.path)
        actions = {rule.action: rule.argument for rule in rules}
        if "status" in actions:
            response = http.Response(int(actions["status"]))
        elif file is None or request.method not in ("GET", "HEAD"):
            response = http.Response(404 if file is None else 405)
        else:
            tag = f'"{actions["tag"]}"' if "tag" in actions else self._tag(file)
            found = web_file.File(file.data, tag, file.created_ms, _TYPE)
            response = web_file.answer(request, found, (), has_ranges="no-range" not in actions)
        for rule in rules:
            response = web_file.spoiled(response, rule)
        size = len(response.body) if response.cut is None else response.cut
        self.cloud.files.count(file, size)
        self.cloud.log("http", device=file.device if file else None, method=request.method,
                       path="/" + "/".join(request.path), range=request.headers.get("range"), status=response.status,
                       size=size)  # fmt: skip
        return response

    def _tag(self, file: File) -> str | None:
        return None if self.cloud.files.manners.etag == OFF else f'"{file.etag().hex()}"'
