# SPDX-License-Identifier: MIT
"""Retained chunks: the broker is the store. What is lost, late, doubled, spoilt or not there at all."""

import pytest

from simulator.clouds.mqtt import Subscribe, Unsubscribe
from tests.agent.board_world import SECTOR, firmware
from tests.agent.br_world import DEVICE, GOOD, BrokerWorld


@pytest.mark.parametrize(
    "rule",
    ["chunk=5:drop", "chunk=0:drop", "chunk=5:duplicate", "chunk=5:delay=3000", "chunk=5:delay=20000", "chunk=5:close",
     "chunk=7:truncate=1", "chunk=7:extend=1", "chunk=7:empty", "chunkx9:duplicate"],
)  # fmt: skip
def test_update_survives(world: BrokerWorld, rule: str) -> None:
    world.cloud.add_fault(rule)
    world.release("1.1.0")
    world.wait("UPDATED")
    assert world.states == [*GOOD]
    assert world.runs == ("1.1.0", "ota_1")


def test_lost_chunk_is_asked_for_again_and_only_what_was_under_way_with_it(world: BrokerWorld) -> None:
    world.cloud.add_fault("chunk=5:drop")
    world.release("1.1.0")
    world.wait("UPDATED")
    again = world.fetched(firmware("1.1.0"))
    assert [index for index in sorted(set(again)) if again.count(index) > 1] in ([6, 7, 8], [6, 7, 8, 9])


def test_spoilt_chunk_is_found_by_the_checksum(world: BrokerWorld) -> None:
    world.cloud.add_fault("chunk=5x*:corrupt")
    world.release("1.1.0")
    world.wait("FAILED")
    assert world.errors == ["checksum_mismatch: SHA256"]


def test_chunk_that_is_not_there_ends_it_with_a_code(world: BrokerWorld) -> None:
    record = world.release("1.1.0")
    world.publish(world.names.chunk(record["checksum"], 9), None)
    world.wait("FAILED", timeout_s=3 * 3600)
    assert world.errors[-1].startswith("chunk_silence")
    assert world.runs == ("1.0.0", "ota_0")


def test_chunk_that_comes_late_to_the_store_is_waited_for(world: BrokerWorld) -> None:
    record = world.release("1.1.0")
    topic = world.names.chunk(record["checksum"], 9)
    chunk = world.cloud.retained[topic].payload
    world.publish(topic, None)
    world.wait_log("ota downloading")
    world.pass_time(30)
    world.publish(topic, chunk)
    world.wait("UPDATED")


def test_broker_has_no_more_than_a_window_of_subscriptions_and_none_in_the_end(world: BrokerWorld) -> None:
    world.release("1.1.0")
    world.wait("UPDATED")
    subscribed: set[str] = set()
    most = 0
    for _, packet in world.wire:
        if isinstance(packet, Subscribe):
            subscribed |= {name for name, _ in packet.filters if "/image/" in name}
        elif isinstance(packet, Unsubscribe):
            subscribed -= set(packet.filters)
        most = max(most, len(subscribed))
    assert most == 4
    assert subscribed == set()


@pytest.mark.parametrize("size", [512, 1000, 4096, 10000, 65536])
def test_chunks_of_any_size(world: BrokerWorld, size: int) -> None:
    world.release("1.1.0", chunk_size=size)
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_1")


def test_restart_of_a_broker_that_keeps_what_is_retained_costs_no_bytes_twice(world: BrokerWorld) -> None:
    world.release("1.1.0")
    world.wait_log("ota progress")
    world.cloud.restart(world.twin.now_ms)
    world.wait("UPDATED")
    fetched = world.fetched(firmware("1.1.0"))
    assert len(fetched) - len(set(fetched)) <= 8


def test_restart_of_a_broker_that_forgets_ends_the_job_until_it_is_published_again(make_world) -> None:
    world = make_world(persistence=False)
    record = world.release("1.1.0")
    world.wait_log("ota progress")
    world.cloud.restart(world.twin.now_ms)
    world.wait("FAILED")
    assert world.errors == ["unassigned"]
    world.upload("1.1.0", immediate=True)
    world.publish(world.names.release(), record)
    world.wait("UPDATED")


def test_take_over_in_the_middle_of_a_download_is_survived(world: BrokerWorld) -> None:
    world.release("1.1.0")
    for block in (5, 10, 15):
        world.wait_flash("write", block * SECTOR)
        world.cloud.take_over(DEVICE, world.twin.now_ms)
    world.wait("UPDATED")
    assert len(world.seen("close", reason="session taken over")) == 3


@pytest.mark.parametrize(
    "rule", ["connect:mute", "connect:close", "subscribe:mute", "subscribe:close", "subscribe:refuse", "publish:drop",
             "publishx3:mute", "publishx3:close", "release:drop", "release:close", "release:duplicate"]
)  # fmt: skip
def test_broker_that_misbehaves_is_borne(world: BrokerWorld, rule: str) -> None:
    world.cloud.add_fault(rule)
    world.release("1.1.0")
    if rule == "release:drop":  # as if there was none, until the next connect
        world.wait_online()
        world.cloud.take_over(DEVICE, world.twin.now_ms)
    world.wait("UPDATED")
    assert world.runs == ("1.1.0", "ota_1")
