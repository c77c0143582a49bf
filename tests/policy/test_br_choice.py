# SPDX-License-Identifier: MIT
"""Which release a device takes, whatever the broker has and in whichever order it comes: against an obvious model."""

import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ota import versions
from ota.cloud import br_choice, br_read
from ota.job import FIRMWARE, SOFTWARE

BASE, OWN = "ota/P/", "ota/P/device/D/"
NAMES = {FIRMWARE: "release", SOFTWARE: "software/release"}
LOCKS = {FIRMWARE: "locked", SOFTWARE: "software_locked"}
GROUPS = ("beta", "eu", "lab")
VERSIONS = ("1", "1.0", "1.2", "1.10", "1.10-rc1", "1.10-rc2", "2", "v2.0", "nightly")

_versions = st.sampled_from(VERSIONS)
_numbers = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
_texts = st.one_of(_versions, _numbers, st.text(min_size=1, max_size=12))


@st.composite
def _releases(draw: st.DrawFn) -> dict[str, Any] | None:
    """A release, something that is none, or nothing."""
    what = draw(st.sampled_from(["good", "good", "good", "bad", "none"]))
    if what == "none":
        return None
    checksum = f"{draw(st.integers(0, 3)):064x}"
    version = draw(_versions) if what == "good" else 5
    return {"title": "t", "version": version, "size": 5000, "algorithm": "SHA256", "checksum": checksum,
            "chunk_size": 4096}  # fmt: skip


@st.composite
def _brokers(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """(config, topic -> release)"""
    config: dict[str, Any] = {"groups": draw(st.lists(st.sampled_from(GROUPS), unique=True))}
    config["development"] = draw(st.integers(0, 3)) == 0
    places = [BASE, OWN, *(f"{BASE}group/{group}/" for group in GROUPS)]
    kept = {place + name: draw(_releases()) for place in places for name in NAMES.values()}
    for name in LOCKS.values():
        locked = draw(_releases())
        if locked and locked["version"] != 5:
            config[name] = locked
    return config, {topic: release for topic, release in kept.items() if release}


def model(config: dict[str, Any], kept: dict[str, dict[str, Any]], kind: str) -> tuple[str, Any]:
    """(topic, version) as particle.md section 6 says; the version of what is refused is "?"."""
    if config["development"]:
        return _of(OWN + NAMES[kind], kept)
    if LOCKS[kind] in config:
        return OWN + "config", config[LOCKS[kind]]["version"]
    found = [_of(f"{BASE}group/{group}/{NAMES[kind]}", kept) for group in config["groups"]]
    good = [one for one in found if one[0] and one[1] != "?"]
    if good:
        return max(good, key=lambda one: (versions.key(one[1]), one[1], kept[one[0]]["checksum"]))
    if any(topic for topic, _ in found):
        return "refused", "?"
    return _of(BASE + NAMES[kind], kept)


def _of(topic: str, kept: dict[str, dict[str, Any]]) -> tuple[str, Any]:
    if topic not in kept:
        return "", None
    version = kept[topic]["version"]
    return topic, "?" if version == 5 else version


class Line:
    """An MQTT connection that has asked for something."""

    def __init__(self) -> None:
        self.filters: list[str] = []

    def subscribe(self, filters: list[tuple[bytes, int]]) -> int:
        self.filters = [name.decode() for name, _ in filters]
        return 1


class Cloud:
    base, own = BASE, OWN

    def __init__(self, config: dict[str, Any]) -> None:
        self.mqtt = Line()
        self.config = br_choice.Config(json.dumps(config).encode())
        self.places: dict[str, tuple[str, int]] = {}
        self.origin: dict[str, str] = {}
        self.known: dict[str, dict] = {FIRMWARE: {}, SOFTWARE: {}}
        self.held: set[str] = set()

    def publish_text(self, name: str, text: str, qos: int = 0) -> None:
        assert (name, qos) == ("error", 1)


@settings(suppress_health_check=[HealthCheck.too_slow])  # how fast examples are made is the machine's affair
@given(_brokers(), st.randoms(use_true_random=False))
def test_choice_is_the_models_whatever_the_order(broker: Any, order: random.Random) -> None:
    config, kept = broker
    cloud = Cloud(config)
    reading = br_read.Reading(cloud)
    topics = [topic for topic in kept if topic in cloud.mqtt.filters]
    order.shuffle(topics)
    for topic in topics:
        br_read.take(cloud, reading, topic.encode(), json.dumps(kept[topic]).encode())
    for kind in NAMES:
        _, fields, topic = reading.best.get(kind, (0, {}, ""))
        expected_topic, version = model(config, kept, kind)
        assert fields.get("version") == version
        if version == "?":
            assert "refused" in fields
        elif version:  # of two groups with the same release either may have brought it
            same = kept.get(topic) if topic in kept else config[LOCKS[kind]]
            assert same == (kept.get(expected_topic) or config.get(LOCKS[kind]))


@given(st.lists(_texts, min_size=2, max_size=4))
def test_versions_have_one_order(texts: list[str]) -> None:
    """Total, so that sorting them from any start gives the same ranks."""
    ordered = sorted(texts, key=versions.key)
    for i, low in enumerate(ordered):
        for high in ordered[i:]:
            assert not versions.is_higher(low, high)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=5), st.lists(st.integers(0, 10**9), min_size=1, max_size=5))
def test_versions_of_numbers_compare_as_tuples_padded_with_zeros(one: list[int], other: list[int]) -> None:
    width = max(len(one), len(other))
    padded = [numbers + [0] * (width - len(numbers)) for numbers in (one, other)]
    texts = [".".join(map(str, numbers)) for numbers in (one, other)]
    assert versions.is_higher(*texts) == (padded[0] > padded[1])
    assert versions.is_higher(texts[0], texts[0] + "-rc1")
    assert versions.is_higher(texts[0] + "+1", texts[0])


@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["title", "version", "size", "checksum", "groups", "locked", "development", "chunk_size"]),
        inner, max_size=6),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_anything_at_all_is_a_message_or_is_refused_with_a_code(payload: bytes) -> None:
    for read in (br_choice.Config, lambda text: br_choice.release(text, FIRMWARE)):
        try:
            read(payload)
        except br_choice.JobError as error:
            assert error.code.replace("_", "").isalnum()
    assert br_choice.is_immediate(payload) in (True, False)
