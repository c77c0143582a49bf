# SPDX-License-Identifier: MIT
"""Tasks for software of the LwM2M mock: object 9 from Uninstall to Activate, and how each may end."""

import dataclasses

import pytest
from aiocoap.numbers.codes import Code

from simulator.clouds.lwm2m import Manners, Package, coap
from simulator.clouds.lwm2m.options import Options
from simulator.dashboard.fleet import FAILED, UPDATED, Fleet
from simulator.dashboard.lwm2m import Adapter
from simulator.errors import UserError
from tests.clouds.lw_peer import NAME, World
from tests.clouds.lw_software_device import DELIVERED, INITIAL, INSTALLED, SoftwareDevice

DATA = bytes(number * 7 % 251 for number in range(5000))
PACKAGE = Package("thermometer-app 2.0.0", DATA, "2.0.0", "SOFTWARE")
INSTALL, UNINSTALL, ACTIVATE = "/9/0/4", "/9/0/6", "/9/0/10"


class Site:
    """A device with object 9 that is registered, a fleet that shows it, and updates of its software."""

    def __init__(self, strategy: str = "WithoutObservations") -> None:
        self.world = World(manners=Manners(after_register="nothing"))
        self.cloud = self.world.cloud
        self.cloud.bases["coap"] = "coap://10.0.0.1:5683"
        tells = {"WithoutObservations": "update", "ObservationTrigger": "notify"}[strategy]
        self.device = SoftwareDevice(self.world, tells)
        self.device.next_version = "2.0.0"
        self.strategy = strategy
        self.world.wait(100)
        self.fleet = Fleet()
        self.cloud.on_event = Adapter(self.fleet, self.cloud)

    def upgrade(self, wait_ms: int = 600_000, **options):
        chosen = Options(starts_at_once=True, extends_lifetime=False, strategy=self.strategy)
        (task,) = self.cloud.tasks.upgrade([self.cloud.devices[NAME]], PACKAGE, dataclasses.replace(chosen, **options))
        self.world.wait(wait_ms)
        return task

    @property
    def row(self):
        return self.fleet.rows[f"{NAME} software"]


@pytest.fixture(params=["WithoutObservations", "ObservationTrigger"])
def site(request) -> Site:
    return Site(request.param)


@pytest.mark.parametrize("method", ["pull", "push"])
def test_software_is_delivered_installed_and_activated(site, method):
    task = site.upgrade(method=method)
    assert (task.status, task.summary, task.new_version) == ("Success", "Software update successful", "2.0.0")
    assert site.device.image == DATA
    assert site.device.orders == [(INSTALL, b""), (ACTIVATE, b"")]
    assert site.device.observers == {}
    assert site.world.events("verdict")[-1]["state"] == INSTALLED


def test_what_is_active_already_is_not_activated(site):
    site.device.is_active_at_once = True
    assert site.upgrade().status == "Success"
    assert site.device.orders == [(INSTALL, b"")]


def test_an_order_that_a_power_cut_has_overtaken_is_given_again(site):
    site.device.outcome = (DELIVERED, 3)
    site.upgrade(wait_ms=60_000)
    assert site.device.orders.count((INSTALL, b"")) > 1
    site.device.outcome = (INSTALLED, 2)
    site.world.wait(600_000)
    assert site.world.events("verdict")[-1]["state"] == INSTALLED


def test_what_is_there_is_uninstalled_before(site):
    assert site.upgrade().status == "Success"
    site.device.orders.clear()
    assert site.upgrade().status == "Success"
    assert site.device.orders[0] == (UNINSTALL, b"1")  # the old one runs on meanwhile
    site.device.orders.clear()
    site.device.be(DELIVERED, 3)
    assert site.upgrade().status == "Success"
    assert site.device.orders[0] == (UNINSTALL, b"")


@pytest.mark.parametrize("result", [50, 51, 52, 53, 54, 56, 57])
def test_a_download_that_fails_is_told_with_its_text(site, result):
    site.device.fails = (INITIAL, result)
    task = site.upgrade()
    assert (task.status, task.result) == ("Error", result)
    words = {50: "storage", 51: "memory", 52: "Connection", 53: "integrity", 54: "type", 56: "URI", 57: "Device"}
    assert words[result] in task.summary
    assert INSTALL not in dict(site.device.orders)


def test_software_that_is_taken_back_is_a_failure(site):
    site.device.outcome = (DELIVERED, 58)
    task = site.upgrade()
    assert (task.status, task.result, task.summary) == ("Error", 58, "Software installation failure")
    assert (site.row.group, site.row.error) == (FAILED, "rolled_back")


def test_a_refusal_ends_the_task(site):
    site.device.special = lambda request: (
        coap.build(Code.SERVICE_UNAVAILABLE) if coap.path_of(request) == "/9/0/3" else None
    )
    task = site.upgrade()
    assert (task.status, task.summary) == ("Error", "The URI was refused: 5.03")


def test_software_has_a_row_of_its_own_on_the_page(site):
    assert f"{NAME} software" not in site.fleet.rows
    site.upgrade()
    assert (site.row.group, site.row.kind, site.row.current, site.row.progress) == (UPDATED, "software", "2.0.0", 100)
    assert site.fleet.rows[NAME].group != UPDATED


@pytest.mark.parametrize("strategy", ["ObservationBased", "SendBased", "ObservationOnly"])
def test_other_strategies_are_for_firmware(site, strategy):
    with pytest.raises(UserError) as caught:
        site.upgrade(strategy=strategy)
    assert caught.value.code == "bad_options"
