# SPDX-License-Identifier: MIT
"""Which release is for a device of the maker's own broker, and what its messages may say."""

import json

from ota.cloud import br_choice
from ota.errors import JobError
from ota.job import FIRMWARE, SOFTWARE

SHA256 = "ab" * 32
RELEASE = {"title": "t", "version": "1.1", "size": 5000, "algorithm": "SHA256", "checksum": SHA256, "chunk_size": 4096}


def told(**changes):
    fields = dict(RELEASE)
    fields.update(changes)
    return json.dumps({name: fields[name] for name in fields if fields[name] is not None}).encode()


def code_of(payload):
    try:
        br_choice.release(payload, FIRMWARE)
    except JobError as error:
        return error.code
    return None


def config_code(payload):
    try:
        br_choice.Config(payload)
    except JobError as error:
        return error.code
    return None


def topics(config):
    return sorted(br_choice.places(config, "ota/P/", "ota/P/device/D/"))


# releases


def test_release_good_one_is_what_it_says():
    assert br_choice.release(told(), FIRMWARE) == RELEASE
    assert br_choice.release(told(immediate=True, mood="good"), FIRMWARE) == RELEASE
    url = br_choice.release(told(url="http://h/f", chunk_size=None), FIRMWARE)
    assert "chunk_size" not in url and url["url"] == "http://h/f"


def test_release_each_field_is_judged():
    bad = {
        "title": (None, "", 1, "t" * 256),
        "version": (None, "", 1.1, ["1"]),
        "size": (None, 0, -1, "5000", 5000.5, True, 0x1000001),
        "checksum": ("ab", "zz" * 32),
        "chunk_size": (0, 511, 65537, "4096", True, 4096.5),
        "immediate": ("true", 1, []),
    }
    for name in bad:
        for value in bad[name]:
            assert code_of(told(**{name: value})) == "bad_" + name, (name, value)
    assert code_of(told(checksum=None)) == "no_checksum"
    assert code_of(told(algorithm="SHA3")) == "checksum_unsupported"
    assert code_of(told(url="ftp://h/f", chunk_size=None)) == "bad_url"


def test_release_is_in_one_place():
    assert code_of(told(url="http://h/f")) == "bad_place"
    assert code_of(told(chunk_size=None)) == "bad_place"


def test_release_in_chunks_is_found_by_sha256():
    assert code_of(told(algorithm="MD5", checksum="ab" * 16)) == "bad_algorithm"
    assert code_of(told(algorithm="MD5", checksum="ab" * 16, url="http://h/f", chunk_size=None)) is None


def test_message_that_is_no_whole_object_is_refused():
    whole = told()
    for payload in (b"[]", b"1", b"", b"null", b'"x"', b"\xff", whole[:-1], b"{" * 2000):
        assert code_of(payload) == "bad_json", payload
    assert code_of(None) == "too_long"
    assert code_of(whole + b"\n") is None


# which are for now


def test_immediate_is_what_says_so_and_what_takes_back():
    assert br_choice.is_immediate(told(immediate=True))
    assert br_choice.is_immediate(b"")
    assert not br_choice.is_immediate(told())
    assert not br_choice.is_immediate(told(immediate=False))


def test_immediate_is_what_has_to_be_refused():
    assert br_choice.is_immediate(b"nonsense")
    assert br_choice.is_immediate(told(immediate=1))


# which count


def test_places_of_a_device_about_which_nothing_is_special():
    assert topics(br_choice.Config()) == ["ota/P/release", "ota/P/software/release"]
    assert topics(br_choice.Config(b"")) == topics(br_choice.Config(b"{}"))


def test_places_of_a_device_in_groups():
    found = topics(br_choice.Config(b'{"groups": ["beta", "eu"]}'))
    assert found == [
        "ota/P/group/beta/release",
        "ota/P/group/beta/software/release",
        "ota/P/group/eu/release",
        "ota/P/group/eu/software/release",
        "ota/P/release",
        "ota/P/software/release",
    ]


def test_places_locked_firmware_comes_from_nowhere_else():
    config = br_choice.Config(json.dumps({"locked": RELEASE, "groups": ["beta"]}).encode())
    assert config.locked == {FIRMWARE: RELEASE, SOFTWARE: None}
    assert topics(config) == ["ota/P/group/beta/software/release", "ota/P/software/release"]


def test_places_development_device_takes_only_what_is_for_it_alone():
    config = br_choice.Config(json.dumps({"development": True, "locked": RELEASE, "groups": ["beta"]}).encode())
    assert topics(config) == ["ota/P/device/D/release", "ota/P/device/D/software/release"]


def test_config_each_field_is_judged():
    for groups in (1, "beta", {}, [""], ["a/b"], ["+"], ["#"], ["$SYS"], [7], ["g" * 33], ["a b"], ["g"] * 9):
        assert config_code(json.dumps({"groups": groups}).encode()) == "bad_groups", groups
    for flag in (1, "true", None, []):
        assert config_code(json.dumps({"development": flag}).encode()) == "bad_development"
    assert config_code(b'{"locked": 5}') == "bad_release"
    assert config_code(b'{"locked": {"title": "t"}}') == "bad_version"
    assert config_code(b'{"locked": null, "groups": null}') is None
    assert config_code(b"x") == "bad_json"


# which wins


def test_wins_place_before_version_and_version_among_groups():
    low, high = dict(RELEASE, version="1.9"), dict(RELEASE, version="1.10")
    assert br_choice.wins(br_choice.GROUP, low, br_choice.DEFAULT, high)
    assert not br_choice.wins(br_choice.DEFAULT, high, br_choice.GROUP, low)
    assert br_choice.wins(br_choice.GROUP, high, br_choice.GROUP, low)
    assert not br_choice.wins(br_choice.GROUP, low, br_choice.GROUP, high)


def test_wins_refused_group_release_keeps_the_default_away_but_no_other_group():
    none = br_choice.refused(b"x", "bad_json")
    assert br_choice.wins(br_choice.GROUP, none, br_choice.DEFAULT, RELEASE)
    assert br_choice.wins(br_choice.GROUP, RELEASE, br_choice.GROUP, none)
    assert not br_choice.wins(br_choice.GROUP, none, br_choice.GROUP, RELEASE)


def test_wins_same_version_twice_is_settled_whichever_comes_first():
    one, other = dict(RELEASE, checksum="01" * 32), dict(RELEASE, checksum="02" * 32)
    assert br_choice.wins(1, one, 1, other) != br_choice.wins(1, other, 1, one)


def test_topic_that_is_no_text_is_nobodys():
    from ota.cloud import br_read

    class Cloud:
        own = "ota/P/device/D/"

    assert br_read.take(Cloud, None, b"ota/P/\xff\xfe", b"{}") is None
