# SPDX-License-Identifier: MIT
"""What the agent reports of a job, for its object. Loaded for that; the cloud settles the rest (books.py)."""

from ota.job import FIRMWARE, SOFTWARE
from ota.port import forget
from ota.report import FAILED, UPDATED, VERIFIED


def report(cloud, event, kind):
    if kind == SOFTWARE:
        from ota.lwm2m import packages

        packages.report(cloud, event)
    else:
        _report(cloud, event)


def _report(cloud, event):
    from ota.lwm2m import firmware

    facts, state, known = cloud.facts, event["state"], cloud.known[FIRMWARE]
    machine = firmware.Firmware(cloud)
    if state == VERIFIED:
        if cloud.under_way and cloud.under_way.id == known["id"]:
            known["size"] = cloud.under_way.size
        cloud.whole = known["id"]
        facts.name, facts.version = known["title"], known["version"]
        if not cloud.is_ordered:  # one that was deferred before this boot
            machine.downloaded()
            if cloud.upload is not None:
                cloud.upload.settle()
    elif state == UPDATED:
        cloud.known[FIRMWARE] = {}
        machine.updated()
    elif state == FAILED:
        from ota.cloud import lw_end

        forget("ota.cloud.lw_end")
        cloud.stop()
        machine.failed(lw_end.result_of(event.get("error", "")))


def deferred(cloud, is_held):
    from ota.lwm2m import firmware

    machine = firmware.Firmware(cloud)
    if is_held:
        machine.deferred()
    else:
        machine.allowed()
