# SPDX-License-Identifier: MIT
"""The contract of a Side: the ways into a mock cloud, what a board needs to know of it, offers, and what it hears."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from simulator.clouds.core import Core
from simulator.clouds.mock import Mock
from simulator.clouds.rainmaker.pki import Authority
from simulator.clouds.server import Door

UPDATED, FAILED = "updated", "failed"
_MAC = b"\x24\x0a\xc4"  # the first half, the vendor's


@dataclass(frozen=True)
class Entrance:
    """A port with `core` behind it. `authority`: it speaks TLS with a certificate of that; `asks`: and wants one.

    `datagrams`: it is UDP's, and its TLS is DTLS.
    """

    name: str
    core: Core
    authority: Authority | None = None
    asks: bool = False
    datagrams: bool = False

    def door(self, *names: str, port: int = 0) -> Door:
        """For real sockets (simulator/clouds/server.py). `names`: hosts or addresses that it is found by."""
        if self.authority is None:
            return Door(self.core, port, datagrams=self.datagrams)
        found = dict.fromkeys(("localhost", "127.0.0.1", *names))
        if self.datagrams:
            from simulator.clouds import dtls  # mbedTLS is for those who need it

            secured = dtls.with_certificate(*self.authority.pems(*found), self.authority.pem if self.asks else None)
            return Door(self.core, port, secured, datagrams=True)
        make = self.authority.mqtt if self.asks else self.authority.https
        return Door(self.core, port, make(*found))


@dataclass(frozen=True)
class Told:
    """What one event of the cloud means for the update of a device.

    `what`: "offer" (`text`: of what), "bytes" (`size` more of the image went out) or "state" (`text`: the cloud's own
    word for it, `detail`: what was said beside). `is_report`: the device said so, not the cloud. `result`: how the
    update has ended with that, "updated" or "failed".
    """

    device: str
    what: str
    text: str = ""
    detail: str = ""
    size: int = 0
    is_report: bool = False
    result: str | None = None
    type: str = "FIRMWARE"


class Side(ABC):
    """Around a cloud that exists; `fresh` makes one. All calls belong to where the cloud lives.

    A device is its name in the cloud; a package is whatever `package` gives.
    """

    NAME: ClassVar[str]
    HEAP: ClassVar[str]  # that a 32-bit board needs, with some to spare
    cloud: Mock
    entrances: tuple[Entrance, ...]

    @classmethod
    @abstractmethod
    def fresh(cls, now_ms: int) -> "Side":
        """With a cloud of its own, the same one every time."""

    @abstractmethod
    def reached(self, host: str, ports: Mapping[str, int]) -> None:
        """Where boards find the entrances, by name; to be told before the first board starts."""

    @abstractmethod
    def add(self, number: int) -> str:
        """A new device for the board with this number, whose MAC is `mac(number)`."""

    @abstractmethod
    def settings(self, device: str) -> dict[str, int | bytes]:
        """What its board has in NVS namespace "ota_cfg"."""

    @abstractmethod
    def package(self, title: str, version: str, data: bytes, type: str = "FIRMWARE") -> Any:
        """`type`: FIRMWARE or SOFTWARE, if the cloud knows such."""

    @abstractmethod
    def offer(self, devices: Sequence[str], package: Any, now_ms: int) -> None:
        """This and nothing else is for these devices from now on."""

    @abstractmethod
    def spoil(self) -> None:
        """From now on downloads arrive broken, each in the same place."""

    @abstractmethod
    def told(self, event: dict) -> list[Told]:
        """What an event of the cloud means."""


def mac(number: int) -> bytes:
    return _MAC + number.to_bytes(3)
