# SPDX-License-Identifier: MIT
"""What a `cloud` command serves beside its devices: REST for people, the page, boards to look at."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from simulator import fleet as boards
from simulator.clouds.server import Server
from simulator.clouds.site import Site
from simulator.dashboard import boards as board_facts
from simulator.dashboard import page
from simulator.dashboard.fleet import DeviceRow, Fleet
from simulator.sides import Side


@dataclass(frozen=True)
class Wanted:
    """Ports (0: any free one, None: there is no such). `boards`: how many simulated boards to run."""

    host: str
    rest_port: int | None
    dashboard_port: int | None
    boards: int


class Adapter(Protocol):
    """Of a cloud (simulator/dashboard): called with its events, it fills the page's fleet."""

    def __call__(self, event: dict) -> None: ...

    def firmware_row(self, device: str, now_ms: int) -> DeviceRow: ...


class Sites:
    """Opened after the server, closed before it. `hear` wants each event of the cloud.

    `rest` makes the REST application once the ports of the devices are known, where there is one; `adapter(fleet,
    cloud)` is this cloud's.
    """

    def __init__(
        self,
        side: Side,
        server: Server,
        wanted: Wanted,
        rest: Callable[[Mapping[str, int]], web.Application] | None,
        adapter: Callable[[Fleet, Any], Adapter],
    ) -> None:
        self._side, self._server, self._wanted, self._rest = side, server, wanted, rest
        self._fleet = Fleet()
        self._adapter = adapter(self._fleet, side.cloud)
        self._sites: list[Site] = []
        self._stack = contextlib.ExitStack()
        self._player: asyncio.Task | None = None

    async def open(self, device_ports: Mapping[str, int]) -> dict[str, int]:
        """Listens and returns the ports by name. Raises UserError as Site.open, and for boards that cannot run."""
        wanted, ports = self._wanted, {}
        sites = {}
        if self._rest is not None and wanted.rest_port is not None:
            sites["rest_port"] = Site(self._rest(device_ports), wanted.host, wanted.rest_port)
        if wanted.dashboard_port is not None:  # whoever may listen: the page is for this machine
            sites["dashboard_port"] = Site(page.application(self._fleet), port=wanted.dashboard_port)
        for name, site in sites.items():
            ports[name] = await site.open()
            self._sites.append(site)
        return ports

    def hear(self, event: dict) -> None:
        self._adapter(event)

    def start_boards(self) -> None:
        """The boards, and an administrator who keeps them busy."""
        if not self._wanted.boards:
            return
        loop = asyncio.get_running_loop()

        def tell(device: str, event: dict) -> None:
            loop.call_soon_threadsafe(self._board_event, device, event)

        devices = [self._side.add(number) for number in range(1, self._wanted.boards + 1)]
        self._stack.enter_context(boards.Boards(self._side, devices, tell))
        self._player = loop.create_task(boards.play(self._side, devices, self._server.act))

    def _board_event(self, device: str, event: dict) -> None:
        now_ms = self._server.now_ms()
        board_facts.tell(self._fleet, self._adapter.firmware_row(device, now_ms), event, now_ms)

    async def close(self) -> None:
        if self._player:
            self._player.cancel()
        await asyncio.to_thread(self._stack.close)
        for site in self._sites:
            await site.close()
