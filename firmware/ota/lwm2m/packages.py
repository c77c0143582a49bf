# SPDX-License-Identifier: MIT
"""The job of object 9: as the agent gets it, what it reports of it, what is written down, who hears of it.

What jobs.py, reports.py, books.py, records.py and recall.py are to object 5. Firmware goes first: while there is any,
or any is on its way, a package waits.
"""

# pyright: reportAttributeAccessIssue=false

from ota.job import FIRMWARE, SOFTWARE, Job
from ota.port import const, forget
from ota.report import DOWNLOADED, FAILED, UPDATED, VERIFIED

_STARTED = const(1)
_IS_THERE = const(2)  # DOWNLOADED, and what comes behind it
_DELIVERED = const(3)
_INSTALLED = const(4)
_MOST_RESULT = const(200)
_MOST_JOBS = const(0x3FFFFFFF)
_LINK_LOST = const(52)
_OTHER = const(57)
_NOT_INSTALLED = const(58)
# of object 5 (lw_end.py) by number, as object 9 has it; the scheme is part of the URI
_RESULTS = (57, 57, 50, 51, 52, 53, 54, 56, 57, 56, 57)
_STOP = const(1)
_START = const(2)
_CHANGED = const(8)
_INCOMPLETE = const(136)  # 4.08
_UNAVAILABLE = const(163)  # 5.03


def recall(cloud, kept):
    """What a boot finds of the one before, see recall.py. A State that needs a job and has none is over."""
    from ota.lwm2m import recall, software

    number = recall.number
    record = cloud.facts.software = software.of(cloud)
    cloud.number = max(cloud.number, number(kept.get("n"), 0, _MOST_JOBS, 0))
    record.state = number(kept.get("state"), 0, _INSTALLED, 0)
    record.result = number(kept.get("result"), 0, _MOST_RESULT, 0)
    texts = [kept[name] if isinstance(kept.get(name), str) else "" for name in ("uri", "name", "version")]
    record.uri, record.name, record.version = texts
    record.is_active = kept.get("active") is True
    is_under_way = record.state in (_STARTED, _IS_THERE, _DELIVERED) and record.result != _NOT_INSTALLED
    record.is_ordered = kept.get("ordered") is True and is_under_way and record.state == _DELIVERED
    known = recall.job(kept.get("job"))
    cloud.known[SOFTWARE] = known if is_under_way else {}
    if is_under_way and not known:
        _machine(cloud).failed(_OTHER)
    elif record.state == _STARTED and not record.uri:
        _machine(cloud).failed(_LINK_LOST)


def room(cloud):
    """Bytes of the longest package."""
    from ota.tree import Tree
    from ota.trees import Trees

    return Tree(Trees(cloud.board), b"").size


def job(cloud):
    """See ota.cloud."""
    known, record = cloud.known[SOFTWARE], cloud.facts.software
    if not known or cloud.known[FIRMWARE]:
        return None
    cloud.offer_id = known["id"]
    cloud.is_ordered = record.is_ordered
    cloud.whole = known["id"] if record.state >= _IS_THERE else None
    made = Job(known, True, SOFTWARE)
    made.is_sealed = True
    made.mark = made.seen = known["tag"]
    made.stream = record.uri
    return made


def postponed(cloud):
    if cloud.facts.software.state == _STARTED:
        cloud.upload.answer(_UNAVAILABLE)
        _machine(cloud).reset()


def report(cloud, event):
    """What the agent tells of the job."""
    known, record, state = cloud.known[SOFTWARE], cloud.facts.software, event["state"]
    if state in (DOWNLOADED, VERIFIED):
        if cloud.under_way and cloud.under_way.id == known["id"]:
            known["size"] = cloud.under_way.size
        record.name, record.version = known["title"], known["version"]
        machine = _machine(cloud)
        if state == VERIFIED:
            machine.delivered()
            if cloud.upload is not None:
                cloud.upload.settle()
        else:
            machine.downloaded()
    elif state == UPDATED:
        cloud.known[SOFTWARE] = {}
        _machine(cloud).installed()
    elif state == FAILED and event.get("error") != "unassigned":  # firmware came in between
        _machine(cloud).failed(_RESULTS[_result(event.get("error", ""))])


def _machine(cloud):
    from ota.lwm2m import software

    return software.Software(cloud)


def _result(error):
    from ota.cloud import lw_end

    forget("ota.cloud.lw_end")
    return lw_end.result_of(error)


def settle(cloud, what):
    """What follows when State or Result may be others; `what`: as in books.py."""
    if what & _STOP:
        _stop(cloud)
    if what & _START:
        _start(cloud)
    keep(cloud)
    if not cloud.known[FIRMWARE]:
        cloud.is_ordered = cloud.facts.software.is_ordered
    if what & _CHANGED:
        from ota.lwm2m import news

        news.changed(cloud.facts, 9, 7, 9, 0, 1, 12)
        cloud.facts.is_due = True  # a server without observations listens after an Update only


def keep(cloud):
    """Writes down what is known."""
    record = cloud.facts.software
    cloud.journal.keep(
        sw={
            "n": cloud.number, "state": record.state, "result": record.result, "uri": record.uri,
            "name": record.name, "version": record.version, "ordered": record.is_ordered, "active": record.is_active,
            "job": dict(cloud.known[SOFTWARE]) or None,
        }
    )  # fmt: skip


def _start(cloud):
    """Another job; it is written down together with the State that it brings."""
    cloud.number += 1
    cloud.stalls = 0
    uri = cloud.facts.software.uri
    cloud.known[SOFTWARE] = {
        "id": "lw%d" % cloud.number,
        "title": "software",
        "version": "unknown",
        "size": 0,
        "tag": "",
        "url": uri if uri[:4].lower() == "http" else None,
    }
    cloud.changed.add(SOFTWARE)


def _stop(cloud):
    """Nobody wants the job any more."""
    cloud.known[SOFTWARE] = {}
    cloud.changed.add(SOFTWARE)
    if cloud.upload is not None and cloud.upload.oid == 9:
        cloud.upload.drop(_INCOMPLETE)
