# SPDX-License-Identifier: MIT
"""Whole stories over TLS, in board mode, for lockstep encrypts nothing: MQTT, HTTP, logins, https packages (A30).

Real sockets on the loopback, certificates made for the test, the unmodified firmware on each interpreter.
"""

import functools
import time
from collections.abc import Callable, Iterator

import pytest

from simulator.board import flash_file
from simulator.board.chip import Chip
from simulator.board.clock import RealClock
from simulator.board.power import Board
from simulator.board.story import Story
from simulator.board.wlan import Site
from simulator.clouds.server import Door, ThreadServer
from simulator.clouds.thingsboard import HttpDoor, ThingsBoard, credentials
from simulator.clouds.thingsboard.checksums import checksum
from simulator.clouds.thingsboard.provisioning import CREATE
from simulator.interpreters import Interpreter
from tests import pki
from tests.agent.harness import TITLE, firmware
from tests.agent.web import Web

DATA = firmware("1.1.0")
_SLICE_S = 0.05
_LIMIT_S = 60


@functools.cache
def authority() -> pki.Authority:
    return pki.Authority()


class SecureWorld:
    """A board with `settings` and a cloud whose only ports speak TLS; `web` is behind https."""

    def __init__(self, interpreter: Interpreter, settings: dict[str, int | bytes], login, server, product: str) -> None:
        self.cloud = ThingsBoard(seed=1, now_ms=int(time.time() * 1000), queue_ms=50)
        self.device = self.cloud.add_device("board-1", login)
        self.web = Web(DATA)
        # the first door is for nobody: it would not be secure
        doors = (Door(core, 0, server) for core in (self.cloud, HttpDoor(self.cloud), self.web))
        self.server = ThreadServer(self.cloud, "127.0.0.1", 0, *doors)
        self.server.start()
        _, mqtt, http, self.https = self.server.ports
        values = {"host": b"localhost", "port": mqtt, "http_port": http, "tls": 1, "trial_s": 30, **settings}
        pairs = [("ota_cfg", name, value) for name, value in values.items()]
        flash = flash_file.make(flash_file.layout("4MiB"), firmware("1.0.0", product=product), None, pairs)
        self.story = Story()
        chip = Chip(flash, RealClock())
        self.board = Board(chip, interpreter, site=Site(join_ms=5), on_event=self.story.add)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Runs the board until the cloud has seen it."""
        end = time.monotonic() + _LIMIT_S
        while not self.server.call(lambda now_ms: condition()):
            assert time.monotonic() < end, "\n".join(self.story.lines)
            self.board.run(timeout_s=_SLICE_S)

    def logged(self, text: str) -> bool:
        return any(text in line for line in self.story.lines)

    def told(self, key: str) -> list:
        events = [event for event in self.cloud.events if event["event"] == "telemetry"]
        return [event["values"][key] for event in events if key in event["values"]]

    def offer(self, **what) -> None:
        self.server.call(
            lambda now_ms: self.cloud.assign(self.device, self.cloud.add_package(TITLE, "1.1.0", **what), now_ms)
        )

    def close(self) -> None:
        self.board.close()
        self.server.stop()


@pytest.fixture
def make_world(interpreter: Interpreter) -> Iterator[Callable[..., SecureWorld]]:
    worlds: list[SecureWorld] = []

    def make(
        login="T1", server=None, product: str = "", ca: bytes | None = None, **settings: int | bytes
    ) -> SecureWorld:
        settings["ca"] = authority().pem if ca is None else ca
        worlds.append(SecureWorld(interpreter, settings, login, server or authority().server(), product))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


def test_tls_carries_a_whole_update_over_mqtt(make_world) -> None:
    world = make_world(token=b"T1")
    world.offer(data=DATA)
    world.wait(lambda: "UPDATED" in world.told("fw_state"))
    assert (world.story.version, world.story.slot) == ("1.1.0", "ota_1")


def test_tls_carries_a_whole_update_over_http(make_world) -> None:
    world = make_world(product="web", token=b"T1", chunk=16384)
    world.offer(data=firmware("1.1.0", product="web"))
    world.wait(lambda: "UPDATED" in world.told("fw_state"))
    assert (world.story.version, world.story.slot) == ("1.1.0", "ota_1")
    assert not [event for event in world.cloud.events if event["event"] == "connect"]


def test_a30_package_behind_https_is_installed(make_world) -> None:
    world = make_world(token=b"T1")
    url = f"https://localhost:{world.https}/a.bin"
    world.offer(url=url, size=len(DATA), algorithm="SHA256", checksum=checksum("SHA256", DATA))
    world.wait(lambda: "UPDATED" in world.told("fw_state"))
    assert (world.story.version, world.story.slot) == ("1.1.0", "ota_1")
    assert world.web.requests == [0]


def test_a30_package_behind_https_of_a_stranger_is_refused(make_world) -> None:
    world = make_world(token=b"T1")
    url = f"https://127.0.0.1:{world.https}/a.bin"  # whose certificate is for another name
    world.offer(url=url, size=len(DATA), algorithm="SHA256", checksum=checksum("SHA256", DATA))
    world.wait(lambda: world.logged("warning code=tls_untrusted"))
    assert world.web.requests == []


@pytest.mark.parametrize("setting", ["ca", "other-ca"])
def test_tls_cloud_that_cannot_be_trusted_never_learns_the_token(make_world, setting: str) -> None:
    world = make_world(token=b"T1", ca=b"" if setting == "ca" else pki.Authority().pem)
    code = "tls_no_ca" if setting == "ca" else "tls_untrusted"
    world.wait(lambda: world.logged("ota offline code=" + code))
    assert not [event for event in world.cloud.events if event["event"] in ("connect", "refused")]


def test_tls_certificate_is_login_enough(make_world) -> None:
    mine = authority().client()
    world = make_world(credentials.x509(mine["cert"].decode()), authority().server(wants_client=True), **mine)
    world.wait(lambda: world.told("current_fw_version") == ["1.0.0"])


def test_tls_certificate_of_nobody_is_refused_like_a_wrong_token(make_world) -> None:
    server = authority().server(wants_client=True)
    world = make_world(server=server, token=b"T1", **authority().client("nobody"))
    world.wait(lambda: world.logged("ota offline code=mqtt_refused"))
    assert world.told("current_fw_version") == []


@pytest.mark.parametrize(
    ("stored", "settings"),
    [
        (("c", "u", "p"), {"client_id": b"c", "user": b"u", "password": b"p"}),
        (("", "u", "p"), {"user": b"u", "password": b"p"}),
        (("c", "", ""), {"client_id": b"c"}),
    ],
    ids=["all", "user", "client"],
)
def test_mqtt_basic_logins(make_world, stored, settings) -> None:
    world = make_world(credentials.mqtt_basic(*stored), **settings)
    world.wait(lambda: world.told("current_fw_version") == ["1.0.0"])


def test_tls_provisioning_and_then_the_token(make_world) -> None:
    world = make_world(prov_key=b"K", prov_secret=b"S")
    profile = world.cloud.default_profile
    profile.provision_type, profile.provision_key, profile.provision_secret = CREATE, "K", "S"
    world.wait(lambda: world.told("current_fw_version") == ["1.0.0"])
    assert world.logged("ota provisioned")
