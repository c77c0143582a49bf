# SPDX-License-Identifier: MIT
"""A node's connection under AWS IoT's rules: who gets in, what may be said, and every way it ends."""

import datetime

import pytest

from simulator.clouds.rainmaker.pki import Authority
from simulator.errors import UserError
from tests.clouds import peer, rm_peer
from tests.clouds.rm_peer import NODE, NodePeer, Site


@pytest.fixture
def site(level) -> Site:
    return Site(level)


def closed_by(site: Site) -> str:
    """Why the last connection ended."""
    return site.events("close")[-1]["reason"]


def test_node_logs_in_with_its_certificate_and_its_id(site):
    node = site.connect().login()
    assert [packet["code"] for packet in node.take()] == [0]
    assert site.node.is_connected
    assert site.events("connect")[0]["username"].startswith("?Platform=")


def test_version_5_learns_the_limits_with_the_connack():
    site = Site(5)
    assert site.connect().login(keepalive_s=120).take()[0]["properties"] == b"\x24\1"
    site.world.wait(1000)
    longest = (1200).to_bytes(2)
    assert site.connect().login(keepalive_s=0).take()[0]["properties"] == b"\x24\1\x13" + longest


def test_connection_without_a_certificate_is_over_at_once(site):
    assert peer.Peer(site.world, site.level).send(b"").closed


def test_certificate_of_nobody_is_refused(site):
    site.cloud.add_node("OTHER1")
    site.cloud.nodes.pop("OTHER1")
    assert site.connect("OTHER1").closed
    assert site.events("refused")[-1]["reason"] == "unknown certificate"


def test_another_certificate_with_the_right_name_is_refused(site):
    site.cloud.nodes[NODE].certificate = rm_peer.certificate(NODE).der
    forged = Authority().node(NODE).der
    assert peer.Peer(site.world, site.level, forged).send(b"").closed
    assert not site.connect().closed


def test_certificate_that_is_not_valid_today_is_refused(site):
    expired = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    old = rm_peer.authority().node(NODE, not_after=expired).der
    assert peer.Peer(site.world, site.level, old).send(b"").closed


def test_client_id_of_another_is_refused_and_only_version_5_is_told(site):
    node = site.connect().login(client="somebody")
    assert [packet["code"] for packet in node.take()] == ([0x87] if site.level == 5 else [])
    assert node.closed
    assert not site.node.is_connected


def test_protocol_3_1_is_refused():
    site = Site(3)
    node = site.connect().login()
    assert node.take()[0]["code"] == 1
    assert node.closed


def test_client_id_may_connect_once_a_second(site):
    site.connect().login().send(peer.packet(0xE0, *[b"\0\0"] * (site.level == 5)))
    assert site.connect().login().closed
    site.world.wait(1000)
    assert not site.connect().login().closed


def test_packet_before_connect_and_second_connect_end_it(site):
    assert site.connect().send(peer.packet(0xC0)).closed
    node = site.connect().login()
    assert node.login().closed
    assert closed_by(site) == "second CONNECT"


@pytest.mark.parametrize(
    "topic",
    [
        "node/OTHER/otafetch",
        "$aws/rules/esp_node_otafetch/node/OTHER/otafetch",
        f"node/{NODE}",
        f"$aws/things/{NODE}/shadow/update",
        "$aws/things/OTHER/streams/s/get/cbor",
        "telemetry",
        f"node/{NODE}/1/2/3/4/5/6/7",
    ],
)
def test_publish_outside_of_the_policy_ends_the_connection(site, topic):
    node = site.start().publish(topic, "{}")
    assert node.closed
    assert [packet["kind"] for packet in node.take()] == ["disconnect"] * (site.level == 5)


@pytest.mark.parametrize("name", ["#", "node/+/otaurl", "node/OTHER/otaurl", f"node/{NODE}/#/x", f"node/{NODE}/a+"])
def test_subscription_outside_of_the_policy_ends_the_connection(site, name):
    node = site.connect().login()
    node.send_subscribe(name)
    assert node.closed


def test_eight_filters_a_packet_and_fifty_in_all(site):
    node = site.connect().login()
    assert node.subscribe(*(f"node/{NODE}/{number}" for number in range(8))) == [1] * 8
    for number in range(8, 50):
        node.subscribe(f"node/{NODE}/{number}")
    node.send_subscribe(f"node/{NODE}/50")
    assert node.closed
    site.world.wait(1000)
    other = site.connect().login()
    other.send_subscribe(*(f"node/{NODE}/{number}" for number in range(9)))
    assert other.closed


def test_qos_2_ends_the_connection_either_way(site):
    assert site.connect().login().say("config", rm_peer.config(), qos=2).closed
    site.world.wait(1000)
    node = site.connect().login()
    node.send_subscribe(f"node/{NODE}/otaurl", qos=2)
    assert node.closed


def test_payload_of_128_kib_is_the_most(site):
    node = site.start(ingest=False)
    node.publish(f"node/{NODE}/x", b"x" * (128 << 10))
    assert [packet["kind"] for packet in node.take()] == ["puback"]
    assert node.publish(f"node/{NODE}/x", b"x" * ((128 << 10) + 1)).closed


def test_unsubscribe_of_what_was_never_subscribed_is_answered(site):
    assert site.connect().login().unsubscribe(f"node/{NODE}/otaurl") == ([0x11] if site.level == 5 else [])


@pytest.mark.parametrize(("wanted_s", "silent_s"), [(120, 180), (10, 45), (0, 1800), (5000, 1800)])
def test_keepalive_is_enforced_one_and_a_half_times(site, wanted_s, silent_s):
    node = site.connect().login(keepalive_s=wanted_s)
    site.world.wait(silent_s * 1000 - 1)
    assert not node.closed
    node.send(peer.packet(0xC0))
    site.world.wait(silent_s * 1000 - 1)
    assert not node.closed
    site.world.wait(1)
    assert node.closed
    assert closed_by(site) == "keep-alive"


def test_retained_message_waits_for_exactly_its_topic(site):
    node = site.connect().login()
    node.send(peer.packet(0x31, peer.text(f"node/{NODE}/note"), node.properties, b"hello"))
    for name, found in ((f"node/{NODE}/+", []), (f"node/{NODE}/note", [(b"hello", 1)])):
        node.send_subscribe(name)
        assert [(m["payload"], m["retained"]) for m in node.take("publish")] == found
    node.send(peer.packet(0x31, peer.text(f"node/{NODE}/note"), node.properties))
    assert site.cloud.retained == {}


def test_retained_message_on_a_reserved_topic_ends_the_connection(site):
    node = site.connect().login()
    topic = f"$aws/rules/esp_node_config/node/{NODE}/config"
    assert node.send(peer.packet(0x31, peer.text(topic), node.properties, b"{}")).closed


def test_node_hears_itself_where_it_listens_but_never_its_basic_ingest(site):
    node = site.start()
    node.subscribe(f"node/{NODE}/#", f"$aws/rules/esp_set_params/node/{NODE}/#")
    node.say("params/local", {"Lamp": {"on": True}})
    assert node.messages() == []
    node.ingest = False
    node.say("params/local", {"Lamp": {"on": False}})
    assert node.messages() == [b'{"Lamp": {"on": false}}']


def test_wildcard_covers_what_is_below_and_not_the_level_above(site):
    node = site.start(ingest=False)
    node.subscribe(f"node/{NODE}/x/#")
    for topic in ("x", "x/y", "x/y/z", "xy"):
        node.publish(f"node/{NODE}/{topic}", topic)
    assert node.messages() == [b"x/y", b"x/y/z"]


def test_parameters_at_the_start_replace_all_and_later_ones_only_themselves(site):
    node = site.start()
    node.say("params/local/init", {"Lamp": {"on": False, "hue": 7}, "Fan": {"speed": 1}})
    node.say("params/local", {"Lamp": {"on": True}})
    assert site.node.params == {"Lamp": {"on": True, "hue": 7}, "Fan": {"speed": 1}}
    node.say("params/local/init", {"Lamp": {"on": False}})
    assert site.node.params == {"Lamp": {"on": False}}


def test_rule_of_another_name_gets_nothing(site):
    node = site.start()
    node.publish(f"$aws/rules/esp_node_config/node/{NODE}/otafetch", "{}")
    assert not node.closed
    assert site.events("otafetch") == []
    assert site.cloud.ignored == {"no_rule": 1}


def test_will_is_said_unless_the_node_says_goodbye(site):
    will = (f"node/{NODE}/params/local", '{"Connectivity":{"Connected":false}}')
    node = site.connect().login(will=will)
    node.say("params/local/init", {"Connectivity": {"Connected": True}})
    node.send(peer.packet(0xE0, *[b"\0\0"] * (site.level == 5)))
    assert site.node.params == {"Connectivity": {"Connected": True}}
    site.world.wait(1000)
    node = site.connect().login(will=will)
    site.cloud.lost(node.conn, site.world.now_ms)
    assert site.node.params == {"Connectivity": {"Connected": False}}


def test_will_on_a_topic_of_somebody_else_is_refused(site):
    assert site.connect().login(will=("node/OTHER/params/local", "{}")).closed


def test_publish_without_a_puback_comes_again(site):
    node = site.start()
    site.job(force_push=True)
    first = node.take("publish")[0]
    site.world.wait(20_000)
    again = node.take("publish")[0]
    assert again["payload"] == first["payload"]
    assert (again["packet_id"], again["dup"]) != (first["packet_id"], 1)
    node.send(peer.packet(0x40, again["packet_id"].to_bytes(2)))
    site.world.wait(60_000)
    assert node.take("publish") == []


def test_publish_that_is_never_acknowledged_is_given_up_after_an_hour(site):
    node = site.start()
    site.job(force_push=True)
    node.send(peer.packet(0xC0))
    for _ in range(60):
        site.world.wait(60_000)
        node.send(peer.packet(0xC0))
    assert len(node.take("publish")) == 180
    site.world.wait(60_000)
    assert node.take("publish") == []


def test_publish_need_not_come_again():
    site = Site(redeliver_ms=0)
    node = site.start()
    site.job(force_push=True)
    site.world.wait(100_000)
    assert len(node.take("publish")) == 1


def test_hundred_publishes_are_under_way_at_most(site):
    node = site.start(ingest=False)
    node.subscribe(f"node/{NODE}/echo")
    for _ in range(101):
        node.publish(f"node/{NODE}/echo", "x", qos=0)
    found = node.take("publish")
    assert len(found) == 100
    node.send(peer.packet(0x40, found[0]["packet_id"].to_bytes(2)))
    assert len(node.take("publish")) == 1


def test_malformed_packet_ends_the_connection(site):
    assert site.start().send(b"\xff\xff").closed


def test_parameters_are_written_to_a_node_that_listens(site):
    node = site.start()
    assert not site.cloud.set_params(site.node, {"OTA": {"URL": "https://a/b"}}, site.world.now_ms)
    node.subscribe(f"node/{NODE}/params/remote")
    assert site.cloud.set_params(site.node, {"OTA": {"URL": "https://a/b?c&d"}}, site.world.now_ms)
    site.world.deliver()
    assert node.messages() == [b'{"OTA":{"URL":"https://a/b?c&d"}}']


@pytest.mark.parametrize("name", ["", "a/b", "a+"])
def test_node_id_is_a_topic_level(site, name):
    with pytest.raises(UserError, match="cannot be a node id"):
        site.cloud.add_node(name)


def test_ca_is_kept_in_a_folder_and_known_again(tmp_path):
    first, again = Authority.kept(tmp_path / "ca"), Authority.kept(tmp_path / "ca")
    assert first.pem == again.pem
    assert (tmp_path / "ca" / "ca.pem").stat().st_mode & 0o077 == 0
    (tmp_path / "ca" / "ca.pem").write_text("nonsense")
    with pytest.raises(UserError) as caught:
        Authority.kept(tmp_path / "ca")
    assert caught.value.code == "bad_ca"


def test_other_nodes_connection_is_not_this_nodes(site):
    other = site.add("B1B2C3D4E5F6")
    assert isinstance(other, NodePeer)
    assert not site.node.is_connected
