# SPDX-License-Identifier: MIT
"""The job of a LwM2M server as the agent gets it, and what its first bytes tell. Loaded for that."""

from ota.errors import Cancelled
from ota.job import FIRMWARE, SOFTWARE, Job
from ota.port import const

_DOWNLOADING = const(1)
_IDLE = const(0)
_UNAVAILABLE = const(163)  # 5.03


def lets_go(cloud):
    """Of a package that waits for its order: firmware goes first, and nobody knows how long the order may take."""
    if cloud.offer_id == cloud.known[SOFTWARE]["id"]:
        raise Cancelled("paused")
    return False


def job(cloud, kind):
    """See ota.cloud."""
    cloud.changed.discard(kind)
    if kind == SOFTWARE:
        from ota.lwm2m import packages

        return packages.job(cloud)
    known = cloud.known[kind]
    if not known or cloud.facts.state == _IDLE:
        return None
    cloud.offer_id = known["id"]
    made = Job(known, True, kind)
    made.is_sealed = True
    made.mark = made.seen = known["tag"]
    made.stream = cloud.facts.uri
    if not made.size and made.mark and cloud.board.spare:
        made.size = cloud.board.spare.info()[3]  # the most that it can be
    add_terms(cloud, made)
    return made


def add_terms(cloud, made):
    facts = cloud.facts
    if facts.has_terms and made.kind == FIRMWARE:
        from ota import terms

        made.terms = terms.Terms({"severity": facts.severity, "max_defer": facts.max_defer})


def inspected(cloud, made):
    """The first bytes have told title and version. What a download goes on with is written down."""
    cloud.stalls = 0
    known = cloud.known[made.kind]
    if known.get("id") != made.id:
        return  # nobody wants it any more
    known["title"], known["version"] = made.title, made.version
    if made.url:
        made.mark = made.seen or ""
        cloud.learnt(made, made.size)
    if made.stream:
        if made.kind == SOFTWARE:
            from ota.lwm2m import packages as books
        else:
            from ota.lwm2m import records as books
        books.keep(cloud)


def postponed(cloud, made):
    if made.kind == SOFTWARE:
        from ota.lwm2m import packages

        packages.postponed(cloud)
    elif cloud.facts.state == _DOWNLOADING:
        from ota.lwm2m import firmware

        cloud.upload.answer(_UNAVAILABLE)
        firmware.Firmware(cloud).reset()
