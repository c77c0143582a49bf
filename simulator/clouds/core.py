# SPDX-License-Identifier: MIT
"""What every mock cloud is to its driver: bytes and time in, actions and a deadline out (docs/DESIGN.md)."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes to the peer."""

    conn: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection once everything sent before is out; the core has forgotten it already."""

    conn: int


Action = Send | Close


class Core(Protocol):
    """A cloud without sockets, clock or threads. Time is unix milliseconds; `conn` is a number the driver chose.

    `certificate` is what a TLS client has shown, in DER; no other call of `open` has this argument. A core that is
    served over DTLS with shared keys also takes `identity: str | None`, the name of the key that the client has.
    """

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None: ...

    def feed(self, conn: int, data: bytes, now_ms: int) -> None: ...

    def lost(self, conn: int, now_ms: int) -> None: ...

    def tick(self, now_ms: int) -> None: ...

    def deadline(self) -> int | None: ...

    def take(self) -> list[Action]: ...
