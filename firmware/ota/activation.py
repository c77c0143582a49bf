# SPDX-License-Identifier: MIT
"""The last step of an update: its slot or tree is to be what the next boot tries. Loaded when an update gets there."""

from ota.errors import FlashError, OtaError
from ota.port import forget


def activate(track):
    """Selects what was verified. Raises OtaError: then it is gone.

    For its end is told as FAILED, and a boot record that reads one way now may read the other way at the next boot.
    """
    forget("ota.activation", "ota.source.filler", "ota.body")  # a reset follows, or all begins anew
    slot = track.slot
    try:
        slot.activate()
        if track.selected() != slot.label:  # or it would be downloaded again and again
            raise FlashError("not_selected", "the boot record was not written")
    except OtaError:
        for _ in slot.erase(1):  # its first sector, or its manifest
            break
        raise
