# SPDX-License-Identifier: MIT
"""The job of a LwM2M server as the agent gets it, and what its first bytes tell. Loaded for that."""

from ota.coap.message import UNAVAILABLE
from ota.job import FIRMWARE, Job
from ota.lwm2m.facts import DOWNLOADING, IDLE
from ota.port import forget


def job(cloud, kind):
    """See ota.cloud."""
    cloud.changed.discard(kind)
    known = cloud.known[kind]
    if not known or cloud.facts.state == IDLE:
        return None
    cloud.offer_id = known["id"]
    made = Job(known, True, kind)
    made.is_sealed = True
    made.mark = made.seen = known["tag"]
    if not made.size and made.mark and cloud.board.spare:
        made.size = cloud.board.spare.info()[3]  # the most that it can be
    add_terms(cloud, made)
    return made


def add_terms(cloud, made):
    facts = cloud.facts
    if facts.has_terms:
        from ota import terms

        made.terms = terms.Terms({"severity": facts.severity, "max_defer": facts.max_defer})


def inspect(cloud, made, head):
    from ota.cloud import rm_image

    forget("ota.cloud.rm_image")
    rm_image.describe(made, head)
    forget("ota.image")
    cloud.stalls = 0
    known = cloud.known[made.kind]
    known["title"], known["version"] = made.title, made.version
    if made.url:
        made.mark = made.seen or ""
        learnt(cloud, made, made.size)


def learnt(cloud, made, size):
    from ota.lwm2m import books

    known = cloud.known[FIRMWARE]
    known["tag"] = made.mark
    known["size"] = size
    books.keep(cloud)


def postponed(cloud):
    if cloud.facts.state == DOWNLOADING:
        from ota.lwm2m import firmware

        cloud.upload.answer(UNAVAILABLE)
        firmware.Firmware(cloud).reset()
