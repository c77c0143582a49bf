# SPDX-License-Identifier: MIT
"""A mock with its REST side on real sockets, and an administrator who speaks plain HTTP to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from yarl import URL

from simulator.clouds.server import Server
from simulator.clouds.site import Site
from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.rest.app import application
from simulator.clouds.thingsboard.rest.auth import Account
from simulator.loop_thread import LoopThread

Client = TypeVar("Client", bound="Rest")
NO_ID = "00000000-0000-4000-8000-000000000000"


class Rest:
    """`get`, `post`, `put`, `delete` return (status, JSON or bytes); `act` reaches the cloud where it lives."""

    def __init__(self, thread: LoopThread, server: Server, port: int) -> None:
        self._thread, self._server = thread, server
        self.url = f"http://127.0.0.1:{port}"
        self.headers: dict[str, str] = {}

    def act(self, call) -> Any:
        async def run() -> Any:
            return self._server.act(call)

        return self._thread.run(run())

    def get(self, path: str, **query: object) -> tuple[int, Any]:
        return self._ask("GET", path, query)

    def post(self, path: str, body: object = None, **query: object) -> tuple[int, Any]:
        return self._ask("POST", path, query, json=body)

    def put(self, path: str, body: object = None, **query: object) -> tuple[int, Any]:
        return self._ask("PUT", path, query, json=body)

    def delete(self, path: str, **query: object) -> tuple[int, Any]:
        return self._ask("DELETE", path, query)

    def send(self, path: str, data: bytes | str) -> tuple[int, Any]:
        """Posts what need not be JSON."""
        return self._ask("POST", path, {}, data=data)

    def _ask(self, method: str, path: str, query: dict, **body: object) -> tuple[int, Any]:
        async def run() -> tuple[int, Any]:
            texts = {name: str(value) for name, value in query.items()}
            async with (
                aiohttp.ClientSession(headers=self.headers) as session,
                session.request(method, URL(self.url + path, encoded=True), params=texts, **body) as answer,
            ):
                self.answer_headers = answer.headers
                is_json = answer.content_type == "application/json"
                return answer.status, await (answer.json() if is_json else answer.read())

        return self._thread.run(run())


class Administrator(Rest):
    """Of a ThingsBoard."""

    mqtt_port = 0

    def log_in(self) -> "Administrator":
        _, pair = self.post("/api/auth/login", {"username": Account.email, "password": Account.password})
        self.headers = {"X-Authorization": "Bearer " + pair["token"]}
        return self

    def upload(self, package_id: str, data: bytes, **query: object) -> tuple[int, Any]:
        form = aiohttp.FormData()
        form.add_field("file", data, filename="app.bin", content_type="application/octet-stream")
        return self._ask("POST", f"/api/otaPackage/{package_id}", query, data=form)

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
        with rest(thread, server, application(cloud, server), Administrator) as admin:
            admin.mqtt_port = mqtt_port
            yield admin.log_in()
        thread.run(server.close())
    finally:
        thread.stop()


@contextmanager
def rest(thread: LoopThread, server: Server, app: web.Application, client: type[Client]) -> Iterator[Client]:
    """Serves an application beside a server that is open, to a client of this kind."""
    site = Site(app)
    port = thread.run(site.open())
    try:
        yield client(thread, server, port)
    finally:
        thread.run(site.close())
