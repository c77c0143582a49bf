# SPDX-License-Identifier: MIT
"""What has become of the job of a LwM2M server: for object 5, for NVS, and for whoever wants to hear. Loaded then."""

from ota.coap.message import INCOMPLETE
from ota.job import FIRMWARE
from ota.lwm2m import observe
from ota.lwm2m.facts import DEFERRED, DOWNLOADED, DOWNLOADING, PUSH, UPDATING
from ota.port import const, forget
from ota.report import FAILED, UPDATED, VERIFIED

_LIFETIME_S = const(300)
_SENDS = const(8)


def begin(cloud):
    """What a boot finds of the one before."""
    facts, kept, board = cloud.facts, cloud.journal.facts, cloud.board
    facts.is_mute = kept.get("mute", not board.number("send", 1))
    facts.lifetime = kept.get("lt") or board.number("lifetime", _LIFETIME_S)
    kept = kept.get("fw")
    if not isinstance(kept, dict):
        return
    cloud.number = kept["n"]
    facts.uri, facts.way, facts.state, facts.result = kept["uri"], kept["way"], kept["state"], kept["result"]
    facts.severity, facts.max_defer, facts.has_terms = kept["terms"]
    known = cloud.known[FIRMWARE] = kept["job"] or {}
    cloud.is_ordered = facts.state == DOWNLOADED and facts.result == DEFERRED
    if facts.state == DOWNLOADING and facts.way == PUSH:
        from ota.lwm2m import firmware

        cloud.known[FIRMWARE] = {}
        firmware.Firmware(cloud).failed(firmware.LINK_LOST)
    elif facts.state in (DOWNLOADED, UPDATING):
        cloud.whole = known["id"]
        facts.name, facts.version = known["title"], known["version"]


def keep(cloud):
    """Writes down what is known of the job."""
    facts = cloud.facts
    known = dict(cloud.known[FIRMWARE]) or None  # what is written must not change with `known`
    terms = [facts.severity, facts.max_defer, facts.has_terms]
    cloud.journal.keep(
        fw={
            "n": cloud.number, "state": facts.state, "result": facts.result, "uri": facts.uri, "way": facts.way,
            "job": known, "terms": terms,
        }
    )  # fmt: skip


def told(cloud, is_changed):
    """State or Result may be others, or one of them is to be told anyway."""
    facts = cloud.facts
    keep(cloud)
    if is_changed:
        observe.changed(facts, 5, 3, 5, 1, 6, 7, 12)
        if not facts.is_mute:
            facts.sends = facts.sends[-_SENDS + 1 :] + [(facts.state, facts.result)]
        facts.update()  # a server without observations listens after an Update only


def report(cloud, event):
    from ota.lwm2m import firmware

    facts, state, known = cloud.facts, event["state"], cloud.known[FIRMWARE]
    machine = firmware.Firmware(cloud)
    if state == VERIFIED:
        if cloud.under_way:
            known["size"] = cloud.under_way.size
        cloud.whole = known["id"]
        facts.name, facts.version = known["title"], known["version"]
        if not cloud.is_ordered:  # one that was deferred before this boot
            machine.downloaded()
    elif state == UPDATED:
        cloud.known[FIRMWARE] = {}
        machine.updated()
    elif state == FAILED:
        from ota.cloud import lw_end

        forget("ota.cloud.lw_end")
        stop(cloud)
        machine.failed(lw_end.result_of(event.get("error", "")))


def deferred(cloud, is_held):
    from ota.lwm2m import firmware

    machine = firmware.Firmware(cloud)
    if is_held:
        machine.deferred()
    else:
        machine.allowed()


def start(cloud):
    """Another job; it is written down together with the State that it brings."""
    cloud.number += 1
    cloud.is_ordered = False
    cloud.whole = cloud.under_way = None
    cloud.stalls = 0
    uri = cloud.facts.uri
    cloud.known[FIRMWARE] = {
        "id": "lw%d" % cloud.number,
        "title": cloud.identity[0],
        "version": "unknown",
        "size": 0,
        "tag": "",
        "url": uri if uri[:4].lower() == "http" else None,
    }
    cloud.changed.add(FIRMWARE)


def stop(cloud):
    """Nobody wants the job any more."""
    cloud.known[FIRMWARE] = {}
    cloud.changed.add(FIRMWARE)
    cloud.is_ordered = False
    cloud.whole = None
    if cloud.upload is not None:
        cloud.upload.drop(INCOMPLETE)
