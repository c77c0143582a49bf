# SPDX-License-Identifier: MIT
"""RainMaker's older way, "OTA using params" (rainmaker.md 8): a URL is written, Info and Status are told.

Loaded where the setting `params` is 1. Such a job has no id, so it gets one that no cloud could give; it is handed out
once: what fails is not offered again.
"""

import binascii
import json
import os

from ota.cloud import rm_offer, rm_status
from ota.log import log

_SERVICE = "OTA"
_MARK = "params "  # no id of a cloud has a space


def service():
    """For the node configuration."""
    params = [
        {"name": name, "type": "esp.param.ota_" + name.lower(), "data_type": "string", "properties": [way]}
        for name, way in (("Status", "read"), ("Info", "read"), ("URL", "write"))
    ]
    return {"name": _SERVICE, "type": "esp.service.ota", "params": params}


def begin(values):
    """What the parameters are after a start."""
    values[_SERVICE] = {"Status": "", "Info": "", "URL": ""}


def is_ours(job_id):
    return job_id.startswith(_MARK)


def take(cloud, message):
    """What was written. A URL while a job is in hand is refused without a word; others are the product's."""
    written = message.get(_SERVICE)
    url = written.get("URL") if isinstance(written, dict) else None
    if not isinstance(url, str) or not url:
        return
    if cloud.busy:
        log("warning", "code", "busy")
        return
    number = binascii.hexlify(os.urandom(4)).decode()
    rm_offer.put(cloud, {"id": _MARK + number, "url": url})


def report(cloud, event):
    """Tells an event: first Info, then Status; returns the packet id of the latter."""
    status, text = rm_status.words(cloud, event)
    cloud.publish_text("params/local", json.dumps({_SERVICE: {"Info": text}}))
    return cloud.publish_text("params/local", json.dumps({_SERVICE: {"Status": status}}))
