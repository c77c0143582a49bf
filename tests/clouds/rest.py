# SPDX-License-Identifier: MIT
"""The mock with its REST side on real sockets, and an administrator who speaks plain HTTP to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp

from simulator.clouds.server import Server
from simulator.clouds.site import Site
from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.rest.app import application
from simulator.clouds.thingsboard.rest.auth import Account
from simulator.loop_thread import LoopThread

NO_ID = "00000000-0000-4000-8000-000000000000"


class Administrator:
    """`get`, `post`, `delete` return (status, JSON or bytes); `act` reaches the cloud where it lives."""

    def __init__(self, thread: LoopThread, server: Server, port: int, mqtt_port: int) -> None:
        self._thread, self._server = thread, server
        self.url, self.mqtt_port = f"http://127.0.0.1:{port}", mqtt_port
        self.headers: dict[str, str] = {}

    def log_in(self) -> "Administrator":
        _, pair = self.post("/api/auth/login", {"username": Account.email, "password": Account.password})
        self.headers = {"X-Authorization": "Bearer " + pair["token"]}
        return self

    def act(self, call) -> Any:
        async def run() -> Any:
            return self._server.act(call)

        return self._thread.run(run())

    def get(self, path: str, **query: object) -> tuple[int, Any]:
        return self._ask("GET", path, query)

    def post(self, path: str, body: object = None, **query: object) -> tuple[int, Any]:
        return self._ask("POST", path, query, json=body)

    def delete(self, path: str, **query: object) -> tuple[int, Any]:
        return self._ask("DELETE", path, query)

    def send(self, path: str, data: bytes | str) -> tuple[int, Any]:
        """Posts what need not be JSON."""
        return self._ask("POST", path, {}, data=data)

    def upload(self, package_id: str, data: bytes, **query: object) -> tuple[int, Any]:
        form = aiohttp.FormData()
        form.add_field("file", data, filename="app.bin", content_type="application/octet-stream")
        return self._ask("POST", f"/api/otaPackage/{package_id}", query, data=form)

    def _ask(self, method: str, path: str, query: dict, **body: object) -> tuple[int, Any]:
        async def run() -> tuple[int, Any]:
            texts = {name: str(value) for name, value in query.items()}
            async with (
                aiohttp.ClientSession(headers=self.headers) as session,
                session.request(method, self.url + path, params=texts, **body) as answer,
            ):
                self.answer_headers = answer.headers
                is_json = answer.content_type == "application/json"
                return answer.status, await (answer.json() if is_json else answer.read())

        return self._thread.run(run())

    # what most tests begin with

    def profile(self, name: str, **fields: object) -> dict[str, Any]:
        return self._made("/api/deviceProfile", {"name": name, **fields})

    def device(self, name: str, profile: dict | None = None, **fields: object) -> dict[str, Any]:
        wanted = {"deviceProfileId": profile["id"]} if profile else {}
        return self._made("/api/device", {"name": name, **wanted, **fields})

    def package(self, profile: dict, title: str, version: str, data: bytes | None = None, **fields) -> dict[str, Any]:
        """Made, and filled if there is data."""
        about = {"title": title, "version": version, "deviceProfileId": profile["id"], "type": "FIRMWARE", **fields}
        package = self._made("/api/otaPackage", about)
        if data is None:
            return package
        status, package = self.upload(package["id"]["id"], data, checksumAlgorithm="SHA256")
        assert status == 200, package
        return package

    def _made(self, path: str, body: dict) -> dict[str, Any]:
        status, made = self.post(path, body)
        assert status == 200, made
        return made


@contextmanager
def administration(cloud: ThingsBoard) -> Iterator[Administrator]:
    """Serves the cloud until the end of the block; the administrator has logged in."""
    thread = LoopThread("cloud")
    server = Server(cloud)
    try:
        mqtt_port = thread.run(server.open())
        site = Site(application(cloud, server))
        port = thread.run(site.open())
        yield Administrator(thread, server, port, mqtt_port).log_in()
        thread.run(site.close())
        thread.run(server.close())
    finally:
        thread.stop()
