# SPDX-License-Identifier: MIT
"""The mock ThingsBoard itself: the sans-IO core, its clock and timers, and what its administrator can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from simulator.clouds.mock import Mock
from simulator.clouds.thingsboard import attributes, claiming, credentials, packages, rpc
from simulator.clouds.thingsboard.assignment import Assignments
from simulator.clouds.thingsboard.bodies import Value
from simulator.clouds.thingsboard.cache import Cache
from simulator.clouds.thingsboard.credentials import Credentials
from simulator.clouds.thingsboard.devices import Device, Profile
from simulator.clouds.thingsboard.faults import Rule
from simulator.clouds.thingsboard.packages import Package
from simulator.clouds.thingsboard.rate_limits import Allowance, RateLimited, RateLimits
from simulator.clouds.thingsboard.session import Session
from simulator.clouds.thingsboard.tenant import Tenant
from simulator.errors import UserError


@dataclass(frozen=True)
class Settings:
    """The server's configuration, in milliseconds; the defaults are the server's own (thingsboard.md 1.3, 4.1, 5.2).

    A device waits in the queue for `queue_ms` at least; after each that was told the queue pauses for
    `queue_interval_ms` / `queue_size`. `push_order` is "random", "deleted-first" or "update-first"; `lookup_ms` is how
    long the first request of a request id takes, least and most.
    """

    queue_ms: int = 600
    queue_interval_ms: int = 60_000
    queue_size: int = 100
    push_order: str = "random"
    lookup_ms: tuple[int, int] = (1, 5)
    inactivity_ms: int = 600_000
    rpc_timeout_ms: int = 60_000
    http_timeout_ms: int = 60_000
    provision_linger_ms: int = 60_000
    claim_ms: int = 86_400_000
    rate_limits: RateLimits = field(default_factory=RateLimits)
    cache_ttl_ms: int = 3_600_000
    cache_size: int = 10

    @property
    def queue_pause_ms(self) -> int:
        return self.queue_interval_ms // self.queue_size


class ThingsBoard(Mock):
    """A sans-IO core (simulator/clouds/core.py)."""

    client = "device"

    def __init__(self, seed: int = 0, now_ms: int = 0, on_event: Callable[[dict], None] | None = None, **settings):
        super().__init__(seed, now_ms, on_event)
        self.settings = Settings(**settings)
        self.cache = Cache(self.settings.cache_size, self.settings.cache_ttl_ms)
        self.tenant = Tenant(self, seed)
        self._assignments = Assignments(self)

    # The contract of a core

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        """`certificate` is what the client has shown, in DER, where the driver speaks TLS."""
        self.tick(now_ms)
        self.sessions[conn] = Session(self, conn, certificate)

    # The administrator

    def add_device(self, name: str, secret: str | Credentials, profile: Profile | None = None) -> Device:
        """A device that logs in with this access token or these credentials; queued at once for what its profile has.

        Raises UserError as Tenant.add_device.
        """
        owner = profile or self.default_profile
        proof = credentials.access_token(secret) if isinstance(secret, str) else secret
        device = self.tenant.add_device(Device(name, proof, owner))
        self._assignments.created(device)
        return device

    def add_package(
        self,
        title: str,
        version: str,
        data: bytes | None = None,
        url: str | None = None,
        type: str = "FIRMWARE",
        algorithm: str | None = None,
        tag: str | None = None,
        checksum: str | None = None,
        size: int | None = None,
    ) -> Package:
        """Uploads `data` (SHA256 unless told), or points to `url`, where size and checksum are optional and unchecked.

        Raises UserError: package_exists, bad_package, bad_algorithm, empty_package, wrong_checksum.
        """
        if (data is None) == (url is None):
            raise UserError("bad_package", f"package {title} {version} needs either data or a url")
        package = Package(title, version, type, url=url, tag=tag)
        if data is not None:
            packages.fill(package, data, algorithm or packages.DEFAULT_ALGORITHM, checksum)
        else:
            package.algorithm, package.checksum, package.size = algorithm, checksum, size
        return self.tenant.add_package(package)

    def find(self, name: str) -> Package:
        """The package called "TITLE VERSION"; UserError("no_such_package") if there is none."""
        for package in self.packages:
            if f"{package.title} {package.version}" == name:
                return package
        raise UserError("no_such_package", f"there is no package {name!r}")

    def assign(self, target: Device | Profile, package: Package, now_ms: int) -> None:
        """Assigns to a device or to all of a profile; the same package again is nothing."""
        self.tick(now_ms)
        self._assignments.set(target, package.type, package)

    def unassign(self, target: Device | Profile, type: str, now_ms: int) -> None:
        """Takes the device's or profile's own package away; a device falls back to its profile's."""
        self.tick(now_ms)
        self._assignments.set(target, type, None)

    def move(self, device: Device, profile: Profile, own: Mapping[str, Package | None], now_ms: int) -> None:
        """Puts the device under another profile; its own packages are then those of `own`, by type."""
        self.tick(now_ms)
        self._assignments.move(device, profile, own)

    def save_attributes(self, device: Device, values: dict[str, Value], now_ms: int) -> None:
        """Writes shared attributes as an administrator would, with the push."""
        self.tick(now_ms)
        attributes.save(self, device, values)

    def delete_attributes(self, device: Device, names: list[str], now_ms: int) -> None:
        self.tick(now_ms)
        attributes.delete(self, device, names)

    def call(
        self,
        device: Device,
        method: str,
        params: object,
        now_ms: int,
        timeout_ms: int = 10_000,
        is_oneway: bool = False,
        on_end: Callable[[rpc.Call], None] | None = None,
    ) -> rpc.Call:
        """Calls the device, now or when it next listens; `on_end` hears how it ended, at the latest after the time."""
        self.tick(now_ms)
        return rpc.start(self, device, method, params, timeout_ms, is_oneway, on_end)

    def claim(self, name: str, secret: str, user: str, now_ms: int) -> str:
        """A user claims the device of this name: "SUCCESS", "CLAIMED" (somebody has it already) or "FAILURE"."""
        self.tick(now_ms)
        return claiming.take(self, name, secret, user)

    def add_fault(self, text: str) -> None:
        """Puts a rule in force (faults.py says how it is written); UserError for one that cannot work."""
        rule = Rule.parse(text)
        if rule.action in ("reassign", "from"):
            self.find(rule.argument)
        self.add_rule(rule, text)

    def latest(self, device: Device, key: str) -> Value | None:
        """The latest telemetry value of a key."""
        return device.telemetry.latest(key)

    def history(self, device: Device, key: str) -> list[tuple[int, Value]]:
        """`(unix ms, value)` of a key by time."""
        return device.telemetry.history(key)

    @property
    def devices(self) -> dict[str, Device]:
        return self.tenant.devices

    @property
    def packages(self) -> list[Package]:
        return self.tenant.packages

    @property
    def default_profile(self) -> Profile:
        return self.tenant.default_profile

    # For the parts of the cloud

    def lookup_ms(self) -> int:
        return self.random.randint(*self.settings.lookup_ms)

    def device_by_credentials(self, identity: str) -> Device | None:
        return next((device for device in self.devices.values() if device.credentials.id == identity), None)

    def allows(self, device: Device, points: int = 0) -> bool:
        """Counts a message of the device, with so many data points, against its rate limits."""
        if device.allowance is None:
            device.allowance = Allowance(self.settings.rate_limits, self.now_ms)
        return device.allowance.take(self.now_ms, points)

    def spend(self, device: Device, points: int = 0) -> None:
        """As `allows`, but raises RateLimited."""
        if not self.allows(device, points):
            raise RateLimited
