# SPDX-License-Identifier: MIT
"""Twin of `select`: over real sockets in board mode, over in-memory links in lockstep."""

import _chip
from uselect import *  # noqa: F403

if _chip.virtual:
    from _links import poll  # noqa: F401
