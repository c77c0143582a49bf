# SPDX-License-Identifier: MIT
"""The metadata of a RainMaker job (rainmaker.md 4): when it may run, what it is for, and what the application wants.

Loaded with a job that has some.
"""

from ota.cloud.rm_offer import whole
from ota.job import FIRMWARE
from ota.port import const, print_exception

_TARGET = "esp.ota.target"
_OURS = (_TARGET, "download_window", "validity")
_NONE = (None, None)
_EVERY_DAY = const(127)


def take(cloud, metadata, fields):
    """Puts what is for the node into `fields`: perhaps `limits`, `refused`. Returns the kind of the job.

    What is no object or no whole number is not there, as for RainMaker's own firmware.
    """
    validity, window = _limits(metadata.get("validity")), _limits(metadata.get("download_window"))
    if validity != _NONE or window != _NONE:
        fields["limits"] = validity, window
    others = {name: value for name, value in metadata.items() if name not in _OURS}
    if others and cloud.on_metadata is not None:
        try:
            cloud.on_metadata(others)
        except Exception as error:  # the application's bug is not the job's
            print_exception(error)
    kind = metadata.get(_TARGET, FIRMWARE)
    if kind == FIRMWARE or (isinstance(kind, str) and kind in cloud.known):
        return kind
    fields["refused"] = "no_target"
    return FIRMWARE


def rules(limits):
    """The record for the policy. Raises JobError `bad_rules`."""
    from ota.schedule import Rules

    validity, window = limits
    return Rules(validity, ((_EVERY_DAY, window[0], window[1]),))


def _limits(value):
    return (whole(value.get("start")), whole(value.get("end"))) if isinstance(value, dict) else _NONE
