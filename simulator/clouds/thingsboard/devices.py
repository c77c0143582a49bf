# SPDX-License-Identifier: MIT
"""What the server keeps of a device: credentials, attributes, telemetry, profile, packages, its live session."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.clouds.thingsboard.bodies import Value
from simulator.clouds.thingsboard.credentials import Credentials
from simulator.clouds.thingsboard.packages import Package
from simulator.clouds.thingsboard.rate_limits import Allowance
from simulator.clouds.thingsboard.rpc import Calls
from simulator.clouds.thingsboard.telemetry import Telemetry

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.claiming import Offer
    from simulator.clouds.thingsboard.session import Session


@dataclass(eq=False)
class Profile:
    """A device profile. Its packages serve devices that have none of their own.

    `ack_bad_payload` is the profile's "send PUBACK on validation error" (thingsboard.md 1.5). `provision_type` says
    what a device may do that has the provision key and secret (provisioning.py). `about` is what else the administrator
    wrote into its JSON, kept for reading back.
    """

    name: str
    packages: dict[str, Package] = field(default_factory=dict)
    ack_bad_payload: bool = False
    provision_type: str = "DISABLED"
    provision_key: str | None = None
    provision_secret: str | None = None
    id: str = ""
    created_ms: int = 0
    about: dict = field(default_factory=dict)


@dataclass(eq=False)
class Device:
    """`shared`, `client` and `server` are its attributes; `session` is the one connection it may have, or None.

    `about` is what else the administrator wrote into its JSON, kept for reading back. `offer` is what whoever knows the
    secret may claim it by, `owner` the user who did (claiming.py). `pushes` are HTTP requests that wait for a change of
    shared attributes, `calls` the server's calls to the device, `allowance` what rate limits leave it.
    """

    name: str
    credentials: Credentials
    profile: Profile
    packages: dict[str, Package] = field(default_factory=dict)
    shared: dict[str, Value] = field(default_factory=dict)
    client: dict[str, Value] = field(default_factory=dict)
    server: dict[str, Value] = field(default_factory=dict)
    telemetry: Telemetry = field(default_factory=Telemetry)
    session: "Session | None" = None
    offer: "Offer | None" = None
    owner: str | None = None
    pushes: list[Callable[[dict], None]] = field(default_factory=list)
    calls: Calls = field(default_factory=Calls)
    allowance: Allowance | None = None
    id: str = ""
    created_ms: int = 0
    about: dict = field(default_factory=dict)

    @property
    def token(self) -> str | None:
        """Its access token, if that is how it logs in."""
        return self.credentials.id if self.credentials.type == "ACCESS_TOKEN" else None

    def package(self, package_type: str) -> Package | None:
        """What is assigned now: its own package before its profile's (thingsboard.md 5.2)."""
        return self.packages.get(package_type) or self.profile.packages.get(package_type)
