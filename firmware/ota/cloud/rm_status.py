# SPDX-License-Identifier: MIT
"""RainMaker's words for what happens to a job (rainmaker.md 2.3). Loaded when there is something to say."""

import json

from ota import port
from ota.port import const
from ota.report import DOWNLOADED, DOWNLOADING, FAILED, UPDATED, UPDATING, VERIFIED

_LONGEST = const(200)  # bytes of a status; RainMaker's own firmware has no more room
_REJECTED = (  # the job is wrong for this board, for good: it will not be offered again
    "wrong_project",
    "same_version",
    "wrong_chip",
    "slot_too_small",
    "no_spare_slot",
    "no_target",
    "rolled_back",
    "rolled_back_before",
    "not_bootable",
    "started_too_often",
    "cancelled",
)
_FINAL = (
    "checksum_unsupported",
    "validity_over",
    "window_incomplete",
    "dates_over",
)  # failed, and trying again would change nothing
_TIMEOUTS = ("cloud not reached", "health check failed", "it was not confirmed in time")
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
        return "rejected" if _is_rejection(cloud, error) else "failed", error
    text = _TEXTS.get(state)
    if state == DOWNLOADING:
        text = "Downloading the firmware image, attempt %d" % (cloud.failures + 1)
    if error:
        text += "; " + error  # what stops no update, but somebody should know
    return "success" if state == UPDATED else "in-progress", text


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


def is_passing(error):
    """Whether another try of the same job may end otherwise."""
    code = error.partition(":")[0]
    return code not in _REJECTED and code not in _FINAL and code[:4] != "bad_" and code[:3] != "no_"


def _is_rejection(cloud, error):
    code, _, detail = error.partition(": ")
    if code == "rolled_back" and detail in _TIMEOUTS and cloud.board.number("report_failed", 0):
        return False  # the maker wants to have it offered again
    return code in _REJECTED
