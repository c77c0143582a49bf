# SPDX-License-Identifier: MIT
"""Who gets which package, and what the device hears of it (thingsboard.md 2.4, 3.1, 5.2: M8-M10, M18)."""

import json

import pytest

from simulator.clouds.thingsboard import Package, Profile, ThingsBoard
from simulator.errors import UserError
from tests.clouds.peer import World

NINE = {
    f"fw_{name}" for name in ("title", "version", "ts", "state", "size", "checksum", "checksum_algorithm", "url", "tag")
}


@pytest.fixture
def old(cloud) -> Package:
    return cloud.add_package("thermo", "1.0", data=b"old" * 1000)


@pytest.fixture
def new(cloud) -> Package:
    return cloud.add_package("thermo", "1.10", data=b"new" * 1000, tag="thermo 1.10")


def listen(world, level):
    peer = world.peer(level)
    peer.subscribe("v1/devices/me/attributes")
    return peer


def pushes(peer) -> list[dict]:
    return [json.loads(body) for body in peer.messages("v1/devices/me/attributes")]


def test_m8_assign_queues_then_initiates_then_pushes(world, level, cloud, device, new):
    peer = listen(world, level)
    start = world.now_ms
    world.do(cloud.assign, device, new)
    assert {key: cloud.latest(device, key) for key in ("fw_state", "target_fw_title", "target_fw_version")} == {
        "fw_state": "QUEUED",
        "target_fw_title": "thermo",
        "target_fw_version": "1.10",  # written by the server: no cast
    }
    assert (cloud.latest(device, "target_fw_tag"), cloud.latest(device, "target_fw_ts")) == ("thermo 1.10", start)
    world.wait(599)
    assert peer.take() == []
    world.wait(1)
    assert cloud.history(device, "fw_state") == [(start, "QUEUED"), (start + 600, "INITIATED")]
    update = {
        "fw_title": "thermo",
        "fw_version": "1.10",
        "fw_tag": "thermo 1.10",
        "fw_size": 3000,
        "fw_checksum_algorithm": "SHA256",
        "fw_checksum": new.checksum,
    }
    assert sorted(pushes(peer), key=len) == [{"deleted": ["fw_url"]}, update]
    assert device.shared == update


def test_m8_pushes_come_in_either_order_over_the_seeds(level):
    orders = set()
    for seed in range(10):
        cloud = ThingsBoard(seed=seed)
        device, world = cloud.add_device("dev", "T"), World(cloud)
        peer = listen(world, level)
        world.do(cloud.assign, device, cloud.add_package("t", "1", data=b"x"))
        world.wait(600)
        orders.add(tuple("deleted" in push for push in pushes(peer)))
    assert orders == {(True, False), (False, True)}


@pytest.mark.parametrize(("order", "deleted"), [("deleted-first", [True, False]), ("update-first", [False, True])])
def test_m8_order_of_the_pushes_can_be_fixed(level, order, deleted):
    for seed in range(5):
        cloud = ThingsBoard(seed=seed, push_order=order)
        device, world = cloud.add_device("dev", "T"), World(cloud)
        peer = listen(world, level)
        world.do(cloud.assign, device, cloud.add_package("t", "1", data=b"x"))
        world.wait(600)
        assert ["deleted" in push for push in pushes(peer)] == deleted


def test_m8_package_without_a_tag_has_the_tag_deleted(world, level, cloud, device, old):
    peer = listen(world, level)
    world.do(cloud.assign, device, old)
    world.wait(600)
    deleted = next(push for push in pushes(peer) if "deleted" in push)
    assert sorted(deleted["deleted"]) == ["fw_tag", "fw_url"]


def test_m8_url_package_has_what_was_set_and_no_more(world, level, cloud, device):
    peer = listen(world, level)
    world.do(cloud.assign, device, cloud.add_package("t", "1", url="http://host/f", size=5))
    world.wait(600)
    deleted, update = sorted(pushes(peer), key=len)
    assert update == {"fw_title": "t", "fw_version": "1", "fw_url": "http://host/f", "fw_size": 5}
    assert sorted(deleted["deleted"]) == ["fw_checksum", "fw_checksum_algorithm", "fw_tag"]


def test_m8_url_package_with_everything_set_deletes_nothing(world, level, cloud, device):
    peer = listen(world, level)
    fields = {"size": 5, "algorithm": "MD5", "checksum": "0x1", "tag": "x"}
    world.do(cloud.assign, device, cloud.add_package("t", "1", url="http://host/f", **fields))
    world.wait(600)
    assert [sorted(push) for push in pushes(peer)] == [
        ["fw_checksum", "fw_checksum_algorithm", "fw_size", "fw_tag", "fw_title", "fw_url", "fw_version"]
    ]


def test_m8_software_has_keys_of_its_own(world, level, cloud, device):
    world.do(cloud.assign, device, cloud.add_package("app", "1", data=b"x", type="SOFTWARE"))
    world.wait(600)
    assert {key[:3] for key in device.shared} == {"sw_"}
    assert cloud.latest(device, "sw_state") == "INITIATED"
    assert cloud.latest(device, "fw_state") is None


def test_m8_initiated_is_written_for_an_offline_device_and_nothing_is_replayed(world, level, cloud, device, new):
    world.do(cloud.assign, device, new)
    world.wait(600)
    assert cloud.latest(device, "fw_state") == "INITIATED"
    peer = listen(world, level)
    world.wait(10_000)
    assert pushes(peer) == []


def test_m8_queue_paces_the_devices(world, cloud, device, new):
    other = cloud.add_device("other", "T2")
    start = world.now_ms
    world.do(cloud.assign, device, new)
    world.do(cloud.assign, other, new)
    world.wait(2000)
    initiated = [(e["device"], e["at_ms"] - start) for e in cloud.events if e["event"] == "initiated"]
    assert initiated == [("dev", 600), ("other", 1200)]


def initiated(cloud, start: int) -> list[tuple[str, int]]:
    """(device, ms since `start`) as the queue came to them."""
    return [(e["device"], e["at_ms"] - start) for e in cloud.events if e["event"] == "initiated"]


def test_m8_pause_of_the_queue_is_interval_by_size(level):
    cloud = ThingsBoard(queue_ms=0, queue_interval_ms=3000, queue_size=2)
    world = World(cloud)
    names = ("a", "b", "c")
    for name in names:
        cloud.add_device(name, name)
    start, package = world.now_ms, cloud.add_package("t", "1", data=b"x")
    world.do(cloud.assign, cloud.default_profile, package)
    world.wait(10_000)
    assert initiated(cloud, start) == [("a", 0), ("b", 1500), ("c", 3000)]


def test_m8_queue_pauses_only_after_devices_that_were_told(world, cloud, device, old, new):
    other = cloud.add_device("other", "T2")
    start = world.now_ms
    world.do(cloud.assign, device, old)  # replaced while it waits
    world.do(cloud.assign, device, new)
    world.do(cloud.assign, other, new)
    world.wait(5000)
    assert initiated(cloud, start) == [("dev", 600), ("other", 1200)]


def test_m8_device_that_was_deleted_while_queued_is_dropped(world, cloud, device, new):
    world.do(cloud.assign, device, new)
    cloud.tenant.delete_device(device)
    world.wait(1000)
    assert initiated(cloud, 0) == []
    assert [e["device"] for e in cloud.events if e["event"] == "dropped"] == ["dev"]


def test_package_for_one_profile_is_refused_for_devices_of_another(world, cloud, device, new):
    new.profile = Profile("beta")
    with pytest.raises(UserError) as refused:
        cloud.assign(device, new, world.now_ms)
    assert refused.value.code == "other_profile"
    assert device.package("FIRMWARE") is None


def test_m8_package_replaced_while_queued_is_dropped(world, level, cloud, device, old, new):
    peer = listen(world, level)
    world.do(cloud.assign, device, old)
    world.do(cloud.assign, device, new)
    world.wait(2000)
    assert [push["fw_version"] for push in pushes(peer) if "fw_version" in push] == ["1.10"]
    assert [e["version"] for e in cloud.events if e["event"] == "dropped"] == ["1.0"]


def test_m9_unassign_deletes_nine_keys_in_any_order_at_once(world, level, cloud, device, new):
    peer = listen(world, level)
    world.do(cloud.assign, device, new)
    world.wait(600)
    peer.take()
    world.do(cloud.unassign, device, "FIRMWARE")
    (push,) = pushes(peer)
    assert set(push["deleted"]) == NINE
    assert len(push["deleted"]) == 9
    assert device.shared == {}
    assert cloud.latest(device, "fw_state") == "INITIATED"  # telemetry stays as it was


def test_m9_names_come_in_different_orders(level, world, cloud, device):
    peer = listen(world, level)
    for _ in range(5):
        world.do(cloud.unassign, device, "FIRMWARE")
    assert len({tuple(push["deleted"]) for push in pushes(peer)}) > 1


def test_m9_device_falls_back_to_its_profiles_package(world, level, cloud, device, old, new):
    world.do(cloud.assign, device, new)
    world.do(cloud.assign, device.profile, old)  # changes nothing for a device with its own
    world.wait(2000)
    peer = listen(world, level)
    world.do(cloud.unassign, device, "FIRMWARE")
    world.wait(600)
    assert [push["fw_version"] for push in pushes(peer) if "fw_version" in push] == ["1.0"]
    world.do(cloud.unassign, device.profile, "FIRMWARE")
    assert set(pushes(peer)[0]["deleted"]) == NINE


def test_m9_profile_serves_its_devices_and_no_others(world, cloud, device, old):
    profile = Profile("beta")
    member = cloud.add_device("member", "T2", profile)
    world.do(cloud.assign, profile, old)
    born_later = cloud.add_device("born later", "T3", profile)
    world.wait(2000)
    assert member.shared == born_later.shared != {}
    assert device.shared == {}


def test_m10_same_package_again_is_nothing(world, level, cloud, device, new):
    peer = listen(world, level)
    world.do(cloud.assign, device, new)
    world.wait(600)
    peer.take()
    events = len(cloud.events)
    world.do(cloud.assign, device, new)
    world.wait(2000)
    assert peer.take() == []
    assert len(cloud.events) == events


def test_m18_new_request_ids_see_the_switch_at_once_attributes_later(world, level, cloud, device, old, new):
    world.do(cloud.assign, device, old)
    world.wait(600)
    peer = world.peer(level)
    peer.chunk("1", 0, 3)
    world.do(cloud.assign, device, new)
    peer.take()
    peer.chunk("2", 0, 3).chunk("1", 1, 3)
    assert peer.messages() == [b"new", b"old"]
    assert device.shared["fw_version"] == "1.0"
    world.wait(600)
    assert device.shared["fw_version"] == "1.10"
