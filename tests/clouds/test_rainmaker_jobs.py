# SPDX-License-Identifier: MIT
"""Items 40 to 54 of rainmaker.md section 11: who gets which job when, what is made of reports, what otaurl says."""

import hashlib
import json

import pytest

from simulator.board import image_writer
from simulator.clouds.rainmaker import EVERYBODY, Serialisation
from simulator.clouds.rainmaker.jobs import Rule
from simulator.errors import UserError
from tests.clouds import rm_peer
from tests.clouds.rm_peer import NODE, Site

OTHER = "B1B2C3D4E5F6"
NAN = '{"ota_job_id":"a","status":"failed","ts":NaN}'


@pytest.fixture
def site() -> Site:
    return Site()


def refused(call, *arguments, **options) -> str:
    """The code of the UserError."""
    with pytest.raises(UserError) as caught:
        call(*arguments, **options)
    return caught.value.code


@pytest.mark.parametrize("ingest", [True, False], ids=["basic-ingest", "plain"])
def test_r40_both_topic_forms_are_heard_and_answered_on_otaurl_only(level, ingest):
    site = Site(level)
    node = site.start(ingest=ingest)
    node.subscribe(f"node/{NODE}/otaurl", f"node/{NODE}/params/remote")
    assert site.node.fw_version == "1.4.0"
    job = site.job()
    node.say("otafetch", {"node_id": NODE, "fw_version": "1.4.0"})
    site.world.wait(rm_peer.ANSWER_MS)
    (answer,) = node.take("publish")
    assert answer["topic"] == f"node/{NODE}/otaurl"
    assert (answer["qos"], answer["retained"], answer["dup"]) == (1, 0, 0)
    node.report(job.id, "in-progress").say("params/local", {"Lamp": {"on": True}})
    assert site.state(job) == "in-progress"
    assert site.node.params == {"Lamp": {"on": True}}


def test_r40_answer_takes_a_while_and_is_lost_without_a_subscription(site):
    site.job()
    node = site.connect().login().say("otafetch", {"node_id": NODE, "fw_version": "1.4.0"})
    node.subscribe(f"node/{NODE}/params/remote")
    assert node.offers() == []
    site.world.wait(rm_peer.ANSWER_MS)
    assert node.offers() == []
    assert [event["delivered"] for event in site.events("otaurl")] == [False]


def test_r41_no_job_is_no_answer(site):
    node = site.start()
    assert node.fetch() == []
    site.add(OTHER)
    site.job(nodes=(OTHER,))
    assert node.fetch() == []


def test_r42_highest_priority_then_the_newest(site):
    node = site.start()
    names = {}
    for name, priority in (("low", 9), ("old", 2), ("new", 2), ("middle", 5)):
        job = site.job(name, priority=priority)
        names[job.id] = job
    found = []
    for _ in names:
        (offer,) = node.fetch()
        found.append(names[offer["ota_job_id"]].name)
        node.report(offer["ota_job_id"], "success")
    assert found == ["new", "old", "middle", "low"]


def test_r42_fetch_starts_the_node_job_with_a_new_url_each_time(site):
    node = site.start()
    job = site.job()
    assert site.state(job) == "triggered"
    (first,), (second,) = node.fetch(), node.fetch()
    assert site.state(job) == "started"
    assert first["url"] != second["url"]
    assert {**first, "url": ""} == {**second, "url": ""}


def test_r43_what_is_cancelled_expired_or_for_others_is_not_served(site):
    node = site.start()
    site.add(OTHER)
    cancelled = site.job("cancelled")
    site.world.do(site.cloud.cancel_job, cancelled)
    site.job("others", nodes=(OTHER,))
    assert node.fetch() == []
    expiring = site.job("expiring", timeout_s=60)
    assert [offer["ota_job_id"] for offer in node.offers()] == [expiring.id]  # a timeout implies a push
    assert [offer["ota_job_id"] for offer in node.fetch()] == [expiring.id]
    site.world.wait(60_000)
    assert node.fetch() == []
    assert (expiring.status, expiring.is_expired) == ("cancelled", True)


def test_r43_groups_and_everybody(site):
    node, other = site.start(), site.add(OTHER)
    lamps = site.cloud.add_group("lamps", site.node)
    job = site.job("lamps", groups=(lamps.id,))
    assert (len(node.fetch()), len(other.fetch())) == (1, 0)
    site.cloud.join(lamps, site.cloud.nodes[OTHER])
    assert len(other.fetch()) == 1
    site.cloud.leave(lamps, site.node)
    assert node.fetch() == []
    site.world.do(site.cloud.cancel_job, job)
    site.job("all", groups=(EVERYBODY,))
    assert (len(node.fetch()), len(other.fetch())) == (1, 1)


def test_r43_dynamic_job_follows_the_config(site):
    node = site.start()
    job = site.job(rule=Rule(model="demo", fw_version="1.4.0"))
    (offer,) = node.fetch()
    node.report(offer["ota_job_id"], "in-progress")
    node.say("config", rm_peer.config(fw_version="1.5.0"))
    assert node.fetch() == []
    node.report(job.id, "success")
    assert site.state(job) == "success"
    other = site.add(OTHER)
    assert [offer["ota_job_id"] for offer in other.fetch()] == [job.id]
    assert job.is_active


@pytest.mark.parametrize("status", ["failed", "delayed", "in-progress"])
def test_r44_failed_or_delayed_is_served_again(site, status):
    node = site.start()
    job = site.job()
    node.fetch()
    node.report(job.id, status)
    assert [offer["ota_job_id"] for offer in node.fetch()] == [job.id]
    assert site.state(job) == "started"


def test_r44_failed_is_terminal_by_the_switch():
    site = Site(failed_is_terminal=True)
    node = site.start()
    job = site.job()
    node.fetch()
    node.report(job.id, "failed")
    assert node.fetch() == []
    assert job.status == "finished"


@pytest.mark.parametrize("status", ["success", "rejected"])
def test_r45_done_is_done_and_later_reports_are_ignored(site, status):
    node = site.start()
    job = site.job(continuous=True)
    node.fetch()
    node.report(job.id, status)
    assert node.fetch() == []
    node.report(job.id, "failed")
    assert site.state(job) == status
    assert site.cloud.ignored == {"done_already": 1}


def test_r46_reports_on_no_job_another_nodes_or_a_cancelled_one_are_counted(site):
    node = site.start()
    site.add(OTHER)
    others, cancelled = site.job("others", nodes=(OTHER,)), site.job("cancelled")
    site.world.do(site.cloud.cancel_job, cancelled)
    node.report("nobodys", "success").report(others.id, "success").report(cancelled.id, "success")
    node.say("otastatus", {"ota_job_id": 7, "status": "success"})
    assert site.cloud.ignored == {"unknown_job": 2, "not_a_target": 1, "cancelled_job": 1}
    assert (site.state(others, OTHER), site.state(cancelled)) == ("triggered", "triggered")


@pytest.mark.parametrize(
    ("sent", "kept", "source", "invalid"),
    [
        (1_699_999_000, 1_699_999_000, "NODE", None),
        (1_546_300_800, 1_546_300_800, "NODE", None),
        (1_546_300_799, 1_700_000_000, "CLOUD", 1_546_300_799),
        (12, 1_700_000_000, "CLOUD", 12),
        (1_700_000_000 + 86_401, 1_700_000_000, "CLOUD", 1_700_000_000 + 86_401),
        ("1699999000", 1_700_000_000, "CLOUD", None),
        (True, 1_700_000_000, "CLOUD", None),
    ],
)
def test_r47_time_of_the_node_counts_if_it_can_be(site, sent, kept, source, invalid):
    node = site.start()
    job = site.job()
    node.report(job.id, "in-progress", ts=sent)
    entry = job.node_jobs[NODE].history[-1]
    assert (entry.timestamp, entry.ts_source, entry.invalid_node_ts) == (kept, source, invalid)


def test_r47_no_time_is_the_clouds_time(site):
    node = site.start()
    job = site.job()
    node.say("otastatus", {"ota_job_id": job.id, "status": "in-progress", "additional_info": "so far so good"})
    entry = job.node_jobs[NODE].history[-1]
    assert (entry.timestamp, entry.ts_source, entry.invalid_node_ts) == (1_700_000_000, "CLOUD", None)
    assert entry.additional_info == "so far so good"


@pytest.mark.parametrize(
    "payload",
    ['{"ota_job_id":"', "", "[]", '"x"', "\xff", '{"status":"success"}', "[" * 100_000, '{"ota_job_id":"a"}', NAN],
)
def test_r48_cut_off_or_other_json_changes_nothing_and_is_counted(site, payload):
    node = site.start()
    job = site.job()
    node.say("otastatus", payload)
    assert not node.closed
    assert site.cloud.ignored == {"bad_status": 1}
    assert site.state(job) == "triggered"


@pytest.mark.parametrize("payload", ["{", "[1]", '{"node_id": 7}', json.dumps(rm_peer.config("OTHER"))])
def test_r48_config_that_is_none_is_not_kept(site, payload):
    node = site.start()
    node.say("config", payload)
    assert site.cloud.ignored == {"bad_config": 1}
    assert site.node.fw_version == "1.4.0"
    node.say("otafetch", payload[:1]).say("params/local", payload[:1])
    assert site.cloud.ignored.total() == 3


@pytest.mark.parametrize("word", ["fail", "invalid", "started", "triggered", "SUCCESS", 7])
def test_r49_unknown_word_is_on_record_and_changes_nothing(site, word):
    node = site.start()
    job = site.job()
    node.report(job.id, word)
    assert site.state(job) == "triggered"
    assert site.cloud.ignored == {"unknown_status": 1}
    assert site.events("otastatus")[-1]["status"] == word


def test_r50_push_reaches_who_is_there_and_the_others_ask(site):
    node = site.start()
    site.cloud.add_node(OTHER)
    job = site.job(nodes=(NODE, OTHER), force_push=True)
    assert [offer["ota_job_id"] for offer in node.offers()] == [job.id]
    assert (site.state(job), site.state(job, OTHER)) == ("started", "started")
    other = site.start(OTHER)
    site.world.wait(rm_peer.ANSWER_MS)
    assert other.offers() == []  # nothing was kept for it
    assert [offer["ota_job_id"] for offer in other.fetch()] == [job.id]


def test_r50_push_again_to_all_that_are_not_done(site):
    node, other = site.start(), site.add(OTHER)
    job = site.job(nodes=(NODE, OTHER))
    node.fetch()
    node.report(job.id, "success").take()
    site.world.do(site.cloud.retrigger, job)
    assert (len(node.offers()), len(other.offers())) == (0, 1)


def test_r50_push_again_spares_who_has_left_the_group(site):
    node = site.start()
    lamps = site.cloud.add_group("lamps", site.node)
    job = site.job(groups=(lamps.id,))
    site.cloud.leave(lamps, site.node)
    site.world.do(site.cloud.retrigger, job)
    assert node.offers() == []


def test_r51_nothing_before_the_user_says_yes(site):
    node = site.start()
    job = site.job(user_approval=True, notify=True)
    lower = site.job("lower", priority=9)
    assert site.events("notified") == [
        {"event": "notified", "at_ms": site.world.now_ms, "job": job.id, "nodes": [NODE]}
    ]
    assert [offer["ota_job_id"] for offer in node.fetch()] == [lower.id]
    assert site.cloud.available(site.node).job is job
    site.world.do(site.cloud.approve, job, site.node)
    assert [offer["ota_job_id"] for offer in node.offers()] == [job.id]
    node.report(job.id, "failed")
    assert [offer["ota_job_id"] for offer in node.fetch()] == [job.id]


def test_r51_approval_for_a_node_that_is_away_is_refused(site):
    job = site.job(user_approval=True)
    assert refused(site.cloud.approve, job, site.node, site.world.now_ms) == "node_offline"
    assert site.state(job) == "triggered"


def test_r51_approval_of_what_cannot_be_approved_is_refused(site):
    node, now_ms = site.start(), site.world.now_ms
    site.cloud.add_node(OTHER)
    plain, job = site.job("plain"), site.job("approved", user_approval=True, continuous=True)
    assert refused(site.cloud.approve, plain, site.node, now_ms) == "no_approval_job"
    assert refused(site.cloud.approve, job, site.cloud.nodes[OTHER], now_ms) == "no_target"
    node.report(job.id, "rejected")
    assert refused(site.cloud.approve, job, site.node, now_ms) == "job_done"
    assert refused(site.cloud.retrigger, job, now_ms) == "approval_job"
    site.world.do(site.cloud.cancel_job, job)
    assert refused(site.cloud.approve, job, site.node, now_ms) == "job_not_active"


def test_r52_job_is_finished_with_its_last_node(site):
    node, other = site.start(), site.add(OTHER)
    job = site.job(nodes=(NODE, OTHER))
    node.report(job.id, "success")
    assert job.is_active
    other.report(job.id, "rejected")
    assert job.status == "finished"
    assert job.counts()["success"] == job.counts()["rejected"] == 1
    assert refused(site.cloud.cancel_job, job, site.world.now_ms) == "job_not_active"


@pytest.mark.parametrize("options", [{"continuous": True, "nodes": (NODE,)}, {"rule": Rule(type="Sensor")}])
def test_r52_continuous_and_dynamic_jobs_never_finish(site, options):
    node = site.start()
    job = site.job(**options)
    node.report(job.id, "success")
    assert job.is_active


def test_r52_cancelled_job_is_not_offered_and_can_be_archived_once(site):
    node, now_ms = site.start(), site.world.now_ms
    job = site.job()
    (offer,) = node.fetch()
    assert refused(site.cloud.archive_job, job, now_ms) == "job_not_archivable"
    site.world.do(site.cloud.cancel_job, job)
    assert node.fetch() == []
    assert offer["url"].startswith(site.cloud.image_base)
    assert refused(site.cloud.retrigger, job, now_ms) == "job_not_active"
    site.world.do(site.cloud.archive_job, job)
    assert refused(site.cloud.archive_job, job, now_ms) == "job_not_archivable"


def test_r53_otaurl_is_raw_and_has_no_key_that_does_not_apply(site):
    node = site.start()
    metadata = {"download_window": {"start": 120, "end": 270}, "note": "a/b & ä"}
    job = site.job(metadata=metadata, force_push=True)
    (payload,) = node.messages(f"node/{NODE}/otaurl")
    assert b"\\" not in payload
    assert payload.count(b"/") > 3
    assert b"&X-Amz-Expires=86400&" in payload
    assert b'"file_size":8,' in payload
    offer = json.loads(payload)
    assert {**offer, "url": ""} == {
        "url": "",
        "fw_version": "1.5.0",
        "ota_job_id": job.id,
        "file_size": 8,
        "file_md5": hashlib.md5(b"firmware").hexdigest(),
        "stream_id": job.stream_id,
        "metadata": metadata,
    }
    assert len(job.id) == 22


def test_r53_image_somewhere_else_is_only_a_url():
    site = Site(send_md5=False)
    node = site.start()
    job = site.job("elsewhere", image="https://example.test/a.bin?x=1&y=2", force_push=True)
    assert node.offers() == [{"url": "https://example.test/a.bin?x=1&y=2", "ota_job_id": job.id}]
    own = site.job("own", image=site.cloud.add_image("plain", b"x"), force_push=True)
    assert node.offers()[0].keys() == {"url", "ota_job_id", "file_size", "stream_id"}
    assert own.stream_id


def test_r54_no_stream_above_24_mb(site):
    largest, larger = (site.image(bytes((24 << 20) + more), name) for more, name in ((0, "largest"), (1, "larger")))
    assert site.job("largest", largest).stream_id
    assert site.job("larger", larger).stream_id is None
    (offer,) = site.start().fetch()
    assert "stream_id" not in offer
    assert offer["file_size"] == (24 << 20) + 1


def test_serialised_job_has_three_slots_a_network_and_the_rest_waits(site):
    ids = [f"{number}1B2C3D4E5F6" for number in range(5)]
    nodes = [site.add(node_id) for node_id in ids]
    for node in nodes[:4]:
        node.say("config", rm_peer.config(node.node_id, attributes={"network-id": "0A1B"}))
    job = site.job(nodes=tuple(ids), serialisation=Serialisation(600, 60, 120))
    assert [[offer.get("action") for offer in node.fetch()] for node in nodes] == [[None]] * 3 + [["wait"], []]
    (wait,) = nodes[3].fetch()
    assert wait == {"ota_available": True, "action": "wait", "min_wait": 60, "max_wait": 120, "ota_task": 600}
    assert site.state(job, ids[3]) == "triggered"
    nodes[4].say("config", rm_peer.config(ids[4], attributes={"network-id": "elsewhere"}))
    assert nodes[4].fetch()[0]["ota_job_id"] == job.id
    nodes[0].report(job.id, "success")
    assert nodes[3].fetch()[0]["ota_job_id"] == job.id


def test_serialised_slot_is_free_again_after_the_time_planned():
    site = Site(network_slots=1)
    site.cloud.add_node(OTHER)
    pair = [site.start(), site.start(OTHER)]
    for node in pair:
        node.say("config", rm_peer.config(node.node_id, attributes={"network-id": "n"}))
    site.job(nodes=(NODE, OTHER), serialisation=Serialisation(100))
    assert "url" in pair[0].fetch()[0]
    assert pair[1].fetch() == [{"ota_available": True, "action": "wait", "ota_task": 100}]
    site.world.wait(100_000)
    assert "url" in pair[1].fetch()[0]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"nodes": ()}, "no_target"),
        ({"nodes": ("NOBODY",)}, "no_such_node"),
        ({"groups": ("nothing",)}, "no_such_group"),
        ({"rule": Rule(type="x"), "nodes": (NODE,)}, "target_conflict"),
        ({"nodes": (NODE,) * 101}, "too_many_nodes"),
        ({"groups": (EVERYBODY,) * 11}, "too_many_groups"),
        ({"priority": 0}, "bad_priority"),
        ({"priority": 11}, "bad_priority"),
        ({"timeout_s": 2_592_001}, "bad_timeout"),
        ({"timeout_s": 60, "user_approval": True}, "timeout_with_approval"),
        ({"force_push": True, "user_approval": True}, "push_with_approval"),
        ({"notify": True}, "notify_without_approval"),
        ({"serialisation": Serialisation(60, 1)}, "bad_serialisation"),
        ({"metadata": []}, "bad_metadata"),
        ({"name": ""}, "bad_name"),
        ({"name": "taken"}, "job_exists"),
    ],
)
def test_job_that_cannot_be_is_refused(site, options, code):
    site.job("taken")
    assert refused(site.job, **{"name": "job", **options}) == code
    assert [job.name for job in site.cloud.jobs.values()] == ["taken"]


def test_archived_image_gets_no_job_and_one_in_use_stays(site):
    image = site.image()
    job = site.job(image=image)
    assert refused(site.cloud.delete_image, image) == "image_in_use"
    site.cloud.archive_image(image)
    assert refused(site.job, "again", image) == "image_archived"
    site.world.do(site.cloud.cancel_job, job)
    site.cloud.delete_image(image)
    assert refused(site.cloud.image, image.id) == "no_such_image"


def test_what_an_image_does_not_say_of_itself_is_said_at_upload(site):
    data = image_writer.build(b"payload", title="lamp", version="1.5.0")
    image = site.cloud.add_image("fw", data)
    assert (image.fw_version, image.model, image.type) == ("1.5.0", "lamp", None)
    image = site.cloud.add_image("fw", data, fw_version="2", type="Lamp", model="lamp-2")
    assert (image.fw_version, image.model, image.type) == ("2", "lamp-2", "Lamp")


@pytest.mark.parametrize(("name", "data"), [("", b"x"), ("fw", b"")])
def test_image_needs_a_name_and_bytes(site, name, data):
    assert refused(site.cloud.add_image, name, data) == "bad_image"
