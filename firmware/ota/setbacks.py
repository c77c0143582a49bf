# SPDX-License-Identifier: MIT
"""What becomes of a download that breaks off, or brings the wrong bytes. Loaded when one does."""

from ota.errors import JobError, TransferError
from ota.log import log
from ota.port import const
from ota.report import DOWNLOADING

MAX_TRIES = const(2)  # whole downloads of one job that may turn out wrong, counted over resets
_STALLS = const(6)  # broken transfers in a row at one offset
_LOST = const(30)  # lost links in a row at one offset: half an hour of nothing but hang-ups


def count(install, error):
    """The error that broke a transfer, a TransferError. Raises JobError after too many without a step forward."""
    if isinstance(error, MemoryError):
        error = TransferError("no_memory")  # another line finds more of it, perhaps
    if install.slot.offset != install.stalled_at:
        install.stalled_at = install.slot.offset
        install.stalls = 0
    install.stalls += 1
    log("warning", "code", error.code, "offset", install.slot.offset)
    cloud = install.agent.cloud
    if install.stalls >= (_LOST if error.code == "link_lost" else _STALLS) or (
        cloud.remembers and cloud.ends_attempt(error)
    ):
        raise JobError(error.code, error.detail)
    return error


def start_again(install, error):
    """Generator: the bytes were wrong. Perhaps the package was replaced meanwhile: asks, then tries from the start.

    Raises JobError after too many tries.
    """
    log("warning", "code", error.code)
    tries = install.tries() + 1
    install.note("erasing", tries)
    if tries >= MAX_TRIES or (install.job.is_sealed and error.code[-8:] != "_changed"):
        raise JobError(error.code, error.detail)
    yield from install.agent.ask_again()
    install.from_start()
    install.track.reporter.post(install.job.id, DOWNLOADING)
