# SPDX-License-Identifier: MIT
"""Twin of `socket`: real sockets in board mode, in-memory links in lockstep; no name is found without WLAN."""

import _chip
import network
from micropython import const
from usocket import *  # noqa: F403  the constants

if _chip.virtual:
    from _links import resolve, socket  # noqa: F401
else:
    from usocket import getaddrinfo as resolve

IPPROTO_TCP = 6
TCP_NODELAY = 1

_NO_NAME = const(-202)  # what lwIP's resolver says without a network


def getaddrinfo(host, port, *hints):
    if not network.WLAN().isconnected():
        raise OSError(_NO_NAME)
    return resolve(host, port, *hints)
