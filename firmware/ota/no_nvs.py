# SPDX-License-Identifier: MIT
"""Stands for an NVS that the chip could not start, a rare thing: loaded only then."""


class NoNvs:
    """It knows nothing and keeps nothing, until a later boot can. `error`: the OSError that every call raises."""

    def __init__(self, error):
        self._error = error

    def _refuse(self, *_):
        raise self._error

    get_i32 = set_i32 = get_blob = set_blob = _refuse
