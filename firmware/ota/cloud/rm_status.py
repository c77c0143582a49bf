# SPDX-License-Identifier: MIT
"""RainMaker's words for what happens to a job (rainmaker.md 2.3). Loaded when there is something to say."""

import json

from ota import port
from ota.port import const
from ota.report import DOWNLOADED, DOWNLOADING, FAILED, UPDATED, UPDATING, VERIFIED

_LONGEST = const(200)  # bytes of a status; RainMaker's own firmware has no more room
_TEXTS = {
    DOWNLOADED: "Firmware image downloaded",
    VERIFIED: "Firmware image verified",
    UPDATING: "Rebooting into the new firmware",
    UPDATED: "Running and confirmed",
}


def words(cloud, event):
    """(status, text for people) of an event."""
    state, error = event["state"], event.get("error", "")
    if state == FAILED:
        from ota.cloud import rm_end

        return rm_end.status(cloud, error), error
    text = _TEXTS.get(state)
    if state == DOWNLOADING:
        text = "Downloading the firmware image, attempt %d" % (cloud.failures + 1)
    if error:
        text += "; " + error  # what stops no update, but somebody should know
    return "success" if state == UPDATED else "in-progress", text


def progress(job_id, step):
    """The body that tells how many tenths are there."""
    return body(job_id, "in-progress", "Downloaded %d%% Firmware Image" % (step * 10))


def body(job_id, status, text):
    """Valid JSON of at most 200 bytes, whatever the text is. Job ids are checked when they come (rm_offer.py)."""
    if not all(" " <= c <= "~" for c in text):
        text = "".join([c if " " <= c <= "~" else "?" for c in text])
    while True:
        made = '{"ota_job_id":"%s","status":"%s","additional_info":%s,"ts":%d}' % (
            job_id,
            status,
            json.dumps(text),
            port.unix_time(),
        )
        if len(made) <= _LONGEST:
            return made
        text = text[: len(text) - (len(made) - _LONGEST + 1) // 2]
