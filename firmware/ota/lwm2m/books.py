# SPDX-License-Identifier: MIT
"""What follows when State or Result of object 5 may be others: for the job, for NVS, for whoever wants to hear."""

from ota.job import FIRMWARE, SOFTWARE
from ota.port import const, forget

_STOP = const(1)
_START = const(2)
_CHANGED = const(8)
_INCOMPLETE = const(136)  # 4.08
_SENDS = const(8)


def settle(cloud, what):
    """`what`: of _STOP and so on, see Lwm2m; times 16 for object 9."""
    if what >> 4:
        from ota.lwm2m import packages

        packages.settle(cloud, what >> 4)
    if what & 15:
        _settle(cloud, what)


def _settle(cloud, what):
    if what & _STOP:
        _stop(cloud)
    if what & _START:
        _start(cloud)
    _keep(cloud)
    if cloud.known[SOFTWARE] and not cloud.known[FIRMWARE]:  # now it is its turn
        cloud.changed.add(SOFTWARE)
    facts = cloud.facts
    if what & _CHANGED:
        from ota.lwm2m import news

        news.changed(facts, 5, 3, 5, 1, 6, 7, 12)
        if not facts.is_mute:
            facts.sends = facts.sends[-_SENDS + 1 :] + [(facts.state, facts.result)]
        facts.is_due = True  # a server without observations listens after an Update only


def _keep(cloud):
    from ota.lwm2m import records

    forget("ota.lwm2m.records")
    records.keep(cloud)


def _start(cloud):
    """Another job; it is written down together with the State that it brings."""
    cloud.number += 1
    cloud.is_ordered = False
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


def _stop(cloud):
    """Nobody wants the job any more."""
    cloud.known[FIRMWARE] = {}
    cloud.changed.add(FIRMWARE)
    cloud.is_ordered = False
    if cloud.upload is not None and cloud.upload.oid == 5:
        cloud.upload.drop(_INCOMPLETE)
