# SPDX-License-Identifier: MIT
"""The site's Wi-Fi, and the board's radio: finds the access point after a while, or never."""

from dataclasses import dataclass

from simulator.board.clock import Clock
from simulator.board.link import DONE, Handler, Op, Reply, Request

_IDLE, _CONNECTING, _GOT_IP, _NO_AP, _WRONG_PASSWORD = 1000, 1001, 1010, 201, 202


@dataclass
class Site:
    """What is on the air. `is_up` may change at any time; `join_ms` is what joining takes."""

    ssid: str = "simulated"
    password: str = ""
    join_ms: float = 1500
    is_up: bool = True


class Radio:
    """The station's state. Reconnects by itself, as the driver does, once it was told where to."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self._site = site
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        self._active = {0: False, 1: False}
        self._wanted: tuple[str, str] | None = None
        self._since: float | None = None  # when joining began; None while the site is not on the air

    def status(self) -> int:
        """The driver's status number."""
        if not self._active[0] or self._wanted is None:
            return _IDLE
        ssid, password = self._wanted
        if not self._site.is_up:
            self._since = None
        elif self._since is None:
            self._since = self._clock.now_ms()
        if self._since is None or self._clock.now_ms() - self._since < self._site.join_ms:
            return _CONNECTING
        if ssid != self._site.ssid:
            return _NO_AP
        return _GOT_IP if password == self._site.password else _WRONG_PASSWORD

    @property
    def is_connected(self) -> bool:
        return self.status() == _GOT_IP

    def handlers(self) -> dict[Op, Handler]:
        return {
            Op.WLAN_ACTIVE: self._activate,
            Op.WLAN_CONNECT: self._connect,
            Op.WLAN_DISCONNECT: self._disconnect,
            Op.WLAN_STATUS: lambda request: Reply(self.status()),
        }

    def _activate(self, request: Request) -> Reply:
        if request.a >= 0:
            self._active[request.handle] = bool(request.a)
        return Reply(int(self._active[request.handle]))

    def _connect(self, request: Request) -> Reply:
        ssid, password = (
            part.decode(errors="replace") for part in (request.data[: request.a], request.data[request.a :])
        )
        if request.a or self._wanted is None:
            self._wanted = (ssid, password)
            self._since = self._clock.now_ms() if self._site.is_up else None
        return DONE

    def _disconnect(self, request: Request) -> Reply:
        self._wanted = None
        return DONE
