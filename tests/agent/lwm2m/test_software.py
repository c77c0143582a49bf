# SPDX-License-Identifier: MIT
"""Software packages by object 9: delivered, installed when the server says so, proved, taken back, deactivated."""

import pytest

from simulator import software
from simulator.clouds.lwm2m import Style, formats
from simulator.clouds.lwm2m.objects import (
    ACTIVATE,
    DEACTIVATE,
    INSTALL,
    IS_ACTIVE,
    SOFTWARE,
    SOFTWARE_VERSION,
    SW_DELIVERED,
    SW_INITIAL,
    SW_INSTALLED,
    SW_NAME,
    SW_PACKAGE,
    SW_RESULT,
    SW_STARTED,
    SW_STATE,
    SW_URI,
    SW_VERSION,
    UNINSTALL,
)
from tests.agent.harness import APP, application
from tests.agent.lw_world import DOWNLOADED, WEB, LwWorld, firmware
from tests.agent.test_power_cuts import Knife

CRASH = {"app.py": b"raise RuntimeError('a planted bug')\n"}
VFS = 0xF0000  # bytes of the file system of the standard board


def package(version: str = "2.0.0", files: dict[str, bytes] | None = None) -> bytes:
    return software.pack(files or application(version), APP, version)


def pair(world: LwWorld) -> tuple:
    return world.read(SW_STATE), world.read(SW_RESULT)


def wait_pair(world: LwWorld, state: int, result: int, timeout_s: float = 300) -> None:
    end = world.twin.clock.now_ms() + timeout_s * 1000
    while (found := pair(world)) != (state, result):
        assert world.twin.clock.now_ms() < end, f"{found} for {timeout_s} s"
        world.pass_time(2)


def execute(world: LwWorld, path: str, arguments: str = "") -> str:
    return world.code(world.device.execute(path, arguments))


def pulled(world: LwWorld, data: bytes) -> None:
    assert world.code(world.device.write(SW_URI, world.serve(data))) == "2.04"
    wait_pair(world, SW_DELIVERED, 3)


def pushed(world: LwWorld, data: bytes, style: Style | None = None) -> None:
    assert str(world.ask(world.device.push(data, style, SW_PACKAGE), 900)) == "2.04"
    wait_pair(world, SW_DELIVERED, 3)


def registered_anew(world: LwWorld, act) -> None:
    """After a reset that `act` leads to."""
    before = len(world.seen("registered"))
    assert act() == "2.04"
    world.wait(lambda: len(world.seen("registered")) > before)


def install(world: LwWorld) -> None:
    registered_anew(world, lambda: execute(world, INSTALL))


def installed(world: LwWorld, version: str = "2.0.0") -> None:
    pulled(world, package(version))
    install(world)
    wait_pair(world, SW_INSTALLED, 2)


@pytest.fixture
def registered(world: LwWorld) -> LwWorld:
    world.start()
    return world


@pytest.mark.parametrize("way", [pulled, pushed])
def test_a_package_is_delivered_installed_when_ordered_and_runs(registered: LwWorld, way) -> None:
    world = registered
    assert pair(world) == (SW_INITIAL, 0)
    way(world, package())
    assert (world.read(SW_NAME), world.read(SW_VERSION), world.read(IS_ACTIVE)) == (APP, "2.0.0", False)
    world.pass_time(30)
    assert world.twin.story.boots == 1  # nothing happens without the order
    install(world)
    wait_pair(world, SW_INSTALLED, 2)
    assert world.twin.story.software == ("2.0.0", "a")
    assert (world.read(SW_VERSION), world.read(IS_ACTIVE), world.read(SOFTWARE_VERSION)) == ("2.0.0", True, "2.0.0")
    assert world.state == (0, 0)
    assert world.runs == ("1.0.0", "ota_0")
    assert not any(world.erases("ota_1"))


def test_a_package_by_http(registered: LwWorld) -> None:
    world = registered
    world.web.data = package()
    assert world.code(world.device.write(SW_URI, f"http://{WEB}/app.tar")) == "2.04"
    wait_pair(world, SW_DELIVERED, 3)
    install(world)
    wait_pair(world, SW_INSTALLED, 2)
    assert world.twin.story.software == ("2.0.0", "a")


@pytest.mark.parametrize("size", [None, 512])
def test_a_package_whose_size_nobody_tells(registered: LwWorld, size) -> None:
    world = registered
    files = application("2.0.0") | {"noise.bin": bytes(i * 31 & 0xFF for i in range(9000))}
    if size:
        pushed(world, package(files=files), Style(block=size, tells_size=False))
    else:
        world.cloud.files.manners = type(world.cloud.files.manners)(tells_size=False)
        pulled(world, package(files=files))
    install(world)
    wait_pair(world, SW_INSTALLED, 2)


def test_a_package_wrapped_in_tlv(registered: LwWorld) -> None:
    pushed(registered, package(), Style(format=formats.TLV))


def test_the_next_package_comes_after_uninstall_for_update(registered: LwWorld) -> None:
    world = registered
    installed(world)
    assert execute(world, UNINSTALL, "1") == "2.04"
    assert pair(world) == (SW_INITIAL, 0)
    assert world.twin.story.software == ("2.0.0", "a")  # which runs on
    pushed(world, package("2.1.0"))
    install(world)
    wait_pair(world, SW_INSTALLED, 2)
    assert world.twin.story.software == ("2.1.0", "b")


def test_states_and_what_they_allow(registered: LwWorld) -> None:
    world = registered
    for path in (INSTALL, UNINSTALL, ACTIVATE, DEACTIVATE):
        assert execute(world, path) == "4.05"
    assert world.code(world.device.read(SW_PACKAGE)) == "4.05"
    assert world.code(world.device.write(SW_URI, "")) == "4.00"
    pulled(world, package())
    uri = f"coap://files.example{world.file.path}"
    assert world.code(world.device.write(SW_URI, uri)) == "2.04"  # the same one again
    assert world.code(world.device.write(SW_URI, uri + "x")) == "4.00"
    assert pair(world) == (SW_DELIVERED, 3)
    assert execute(world, ACTIVATE) == "4.05"
    assert execute(world, UNINSTALL, "7") == "4.00"
    assert execute(world, UNINSTALL) == "2.04"
    assert pair(world) == (SW_INITIAL, 0)
    assert execute(world, INSTALL) == "4.05"
    world.pass_time(20)
    assert world.twin.story.boots == 1
    installed(world)


FAILURES = {
    50: lambda: package(files={"app.py": b"", "large.bin": bytes(VFS)}),
    53: lambda: package().replace(b"import", b"imqort"),
    54: lambda: firmware("1.1.0")[:8192],
}


@pytest.mark.parametrize("result", FAILURES)
@pytest.mark.parametrize("way", ["pull", "push"])
def test_a_package_that_will_not_do(registered: LwWorld, result, way) -> None:
    world = registered
    data = FAILURES[result]()
    if way == "pull":
        assert world.code(world.device.write(SW_URI, world.serve(data))) == "2.04"
    else:
        world.ask(world.device.push(data, None, SW_PACKAGE), 900)
    wait_pair(world, SW_INITIAL, result)
    assert not world.logged("Traceback")
    installed(world)  # the next one is another matter


def test_uris_that_will_not_do(registered: LwWorld) -> None:
    world = registered
    for uri in ("ftp://files.example/x", "nonsense"):
        assert world.code(world.device.write(SW_URI, uri)) == "4.00"
        assert pair(world) == (SW_INITIAL, 56)
    assert world.code(world.device.write(SW_URI, "coap://files.example/f/none.bin")) == "2.04"
    wait_pair(world, SW_INITIAL, 56)


@pytest.mark.own_process
def test_software_that_does_not_work_is_taken_back(make_world) -> None:
    world = make_world(settings={"trial_s": 60})
    world.start()
    installed(world)
    pulled(world, package("2.1.0", CRASH))
    install(world)
    wait_pair(world, SW_DELIVERED, 58)
    assert world.twin.story.software == ("2.0.0", "a")
    assert execute(world, INSTALL) == "4.05"  # it would fail again
    pulled(world, package("2.2.0"))
    install(world)
    wait_pair(world, SW_INSTALLED, 2)
    assert world.twin.story.software == ("2.2.0", "b")


def test_what_is_delivered_outlives_a_power_cut(registered: LwWorld) -> None:
    world = registered
    pushed(world, package())
    for _ in range(3):
        world.twin.cut()
        before = len(world.seen("registered"))
        world.wait(lambda before=before: len(world.seen("registered")) > before)
        world.pass_time(10)
        assert pair(world) == (SW_DELIVERED, 3)
    install(world)
    wait_pair(world, SW_INSTALLED, 2)


@pytest.mark.parametrize("at", range(1, 26, 4))
def test_an_order_that_was_answered_outlives_a_power_cut(registered: LwWorld, at: int) -> None:
    world = registered
    pulled(world, package())
    knife = Knife(world.twin.flash, at)
    order = world.device.execute(INSTALL)
    world.wait(lambda: len(world.seen("registered")) > 1)
    world.pass_time(30)
    world.twin.flash.on_op = None
    assert knife.count >= at
    if pair(world) == (SW_DELIVERED, 3):  # it never came
        assert not order.reply or not order.reply.is_good
        install(world)
    wait_pair(world, SW_INSTALLED, 2)
    assert world.twin.story.software == ("2.0.0", "a")


def test_a_pull_goes_on_behind_the_last_whole_file_after_a_power_cut(registered: LwWorld) -> None:
    world = registered
    noise = {f"data/{n}.bin": bytes(i * n & 0xFF for i in range(9500 + n)) for n in range(1, 9)}
    data = package(files=application("2.0.0") | noise)
    assert world.code(world.device.write(SW_URI, world.serve(data))) == "2.04"
    world.wait(lambda: len(world.fetched()) > len(data) // 1024 * 2 // 3)
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    wait_pair(world, SW_DELIVERED, 3)
    (resumed,) = [line for line in world.log if line.startswith("ota resuming")]
    assert int(resumed.split("offset=")[1].split()[0]) > len(data) // 3
    assert sum(event["size"] for event in world.seen("file")) < len(data) * 3 // 2
    install(world)
    wait_pair(world, SW_INSTALLED, 2)


def test_a_push_does_not_outlive_a_power_cut(registered: LwWorld) -> None:
    world = registered
    files = application("2.0.0") | {"noise.bin": bytes(200_000)}
    world.device.push(package(files=files), None, SW_PACKAGE)
    world.pass_time(3)
    assert world.read(SW_STATE) == SW_STARTED
    world.twin.cut()
    world.wait(lambda: len(world.seen("registered")) == 2)
    world.pass_time(5)
    assert pair(world) == (SW_INITIAL, 52)


def test_deactivated_software_makes_room_for_that_of_the_firmware_and_comes_back(registered: LwWorld) -> None:
    world = registered
    installed(world)
    assert execute(world, ACTIVATE) == "2.04"  # it is already
    registered_anew(world, lambda: execute(world, DEACTIVATE))
    assert world.twin.story.software == ("1.0.0", "built-in")
    assert pair(world) == (SW_INSTALLED, 2)
    assert (world.read(IS_ACTIVE), world.read(SW_VERSION)) == (False, "2.0.0")
    registered_anew(world, lambda: execute(world, ACTIVATE))
    assert world.twin.story.software == ("2.0.0", "a")
    assert world.read(IS_ACTIVE) is True


@pytest.mark.parametrize("at", range(1, 9))
def test_the_power_goes_while_software_is_deactivated(registered: LwWorld, at: int) -> None:
    world = registered
    installed(world)
    knife = Knife(world.twin.flash, at)
    world.device.execute(DEACTIVATE)
    before = len(world.seen("registered"))
    world.wait(lambda: len(world.seen("registered")) > before)
    world.pass_time(10)
    world.twin.flash.on_op = None
    is_off = world.twin.story.software == ("1.0.0", "built-in")
    assert knife.count >= at
    assert (pair(world), world.read(IS_ACTIVE), world.read(SW_VERSION)) == ((SW_INSTALLED, 2), not is_off, "2.0.0")
    if not is_off:
        registered_anew(world, lambda: execute(world, DEACTIVATE))
    registered_anew(world, lambda: execute(world, ACTIVATE))
    assert world.twin.story.software == ("2.0.0", "a")


def test_uninstalled_software_is_gone(registered: LwWorld) -> None:
    world = registered
    installed(world)
    registered_anew(world, lambda: execute(world, UNINSTALL))
    assert world.twin.story.software == ("1.0.0", "built-in")
    assert pair(world) == (SW_INITIAL, 0)
    assert (world.read(SW_NAME), world.read(IS_ACTIVE)) == ("", False)
    assert execute(world, ACTIVATE) == "4.05"
    installed(world, "2.1.0")


def test_firmware_goes_first_and_a_package_that_waits_for_its_order_waits_on(registered: LwWorld) -> None:
    world = registered
    pulled(world, package())
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert pair(world) == (SW_DELIVERED, 3)
    world.install()
    assert world.state == (0, 1)
    assert world.runs == ("1.1.0", "ota_1")
    world.pass_time(10)
    assert pair(world) == (SW_DELIVERED, 3)
    install(world)
    wait_pair(world, SW_INSTALLED, 2)
    assert world.twin.story.software == ("2.0.0", "a")


def test_a_push_is_not_taken_while_the_other_object_is_at_work(registered: LwWorld) -> None:
    world = registered
    assert world.pull("1.1.0") == "2.04"
    assert str(world.ask(world.device.push(package(), None, SW_PACKAGE))) == "5.03"
    assert pair(world) == (SW_INITIAL, 0)
    world.wait_state(DOWNLOADED, 0)
    assert world.code(world.device.write("/5/0/1", "")) == "2.04"
    world.pass_time(3)
    assert world.code(world.device.write(SW_URI, world.serve(package()))) == "2.04"
    assert world.push(firmware("1.1.0")) == "5.03"
    wait_pair(world, SW_DELIVERED, 3)


def test_who_observes_is_told(registered: LwWorld) -> None:
    world = registered
    assert world.code(world.device.observe(SW_STATE)) == "2.05"
    assert world.code(world.device.observe(SOFTWARE, formats.SENML_CBOR)) == "2.05"
    pulled(world, package())
    world.pass_time(2)
    told = world.notified(SW_STATE)
    assert told[-1] == SW_DELIVERED
    assert set(told) <= {SW_STARTED, 2, SW_DELIVERED}
    both = [
        (event["values"][SW_STATE], event["values"][SW_RESULT])
        for event in world.seen("notify")
        if SW_RESULT in event["values"]
    ]
    assert set(both) <= {(1, 1), (2, 0), (3, 3)}
    assert both[-1] == (3, 3)
