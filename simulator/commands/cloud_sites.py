# SPDX-License-Identifier: MIT
"""What `cloud thingsboard` serves beside its devices: REST for administrators, the page, boards to look at."""

import asyncio
import contextlib
from dataclasses import dataclass

from simulator import fleet as boards
from simulator.clouds.server import Server
from simulator.clouds.site import Site
from simulator.clouds.thingsboard import ThingsBoard
from simulator.clouds.thingsboard.rest.app import application
from simulator.dashboard import boards as board_facts
from simulator.dashboard import page
from simulator.dashboard.fleet import Fleet
from simulator.dashboard.thingsboard import Adapter


@dataclass(frozen=True)
class Wanted:
    """Ports (0: any free one); `dashboard_port` None: no page. `boards`: how many simulated boards to run."""

    host: str
    rest_port: int
    dashboard_port: int | None
    boards: int


class Sites:
    """Opened after the server, closed before it. `hear` wants each event of the cloud."""

    def __init__(self, cloud: ThingsBoard, server: Server, wanted: Wanted) -> None:
        self._cloud, self._server, self._wanted = cloud, server, wanted
        self._fleet = Fleet()
        self._adapter = Adapter(self._fleet, cloud)
        self._sites: list[Site] = []
        self._stack = contextlib.ExitStack()
        self._player: asyncio.Task | None = None

    async def open(self) -> dict[str, int]:
        """Listens and returns the ports by name. Raises UserError as Site.open, and for boards that cannot run."""
        wanted, ports = self._wanted, {}
        device_port = self._server.ports[1]
        sites = {"rest_port": Site(application(self._cloud, self._server, device_port), wanted.host, wanted.rest_port)}
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

        devices = boards.add_devices(self._cloud, self._wanted.boards)
        self._stack.enter_context(boards.Boards(devices, self._server.ports[0], tell))
        self._player = loop.create_task(boards.play(self._cloud, devices, self._server.act))

    def _board_event(self, device: str, event: dict) -> None:
        now_ms = self._server.now_ms()
        board_facts.tell(self._fleet, self._adapter.row(device, "FIRMWARE", now_ms), event, now_ms)

    async def close(self) -> None:
        if self._player:
            self._player.cancel()
        await asyncio.to_thread(self._stack.close)
        for site in self._sites:
            await site.close()
