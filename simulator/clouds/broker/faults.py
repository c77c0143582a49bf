# SPDX-License-Identifier: MIT
"""Misbehaviour on demand: rules such as "chunk 5 is lost once". How a rule is written, clouds/faults.py says.

    connect    mute  close
    subscribe  mute  close  refuse
    publish    drop  mute  close
    chunk      drop  duplicate  delay=MS  empty  corrupt  truncate=BYTES  extend=BYTES  close
    release    drop  duplicate  delay=MS  empty  corrupt  truncate=BYTES  extend=BYTES  close

INDEX is that of a chunk. publish: what a device says, with QoS 1; drop: lost, mute: taken, but no PUBACK. chunk and
release: messages on their way to a device.
"""

from typing import ClassVar

from simulator.clouds import faults

_SPOILT = {"drop", "duplicate", "delay", "empty", "corrupt", "truncate", "extend", "close"}


class Rule(faults.Rule):
    """One fault of a broker."""

    ACTIONS: ClassVar = {
        "connect": {"mute", "close"},
        "subscribe": {"mute", "close", "refuse"},
        "publish": {"drop", "mute", "close"},
        "chunk": _SPOILT,
        "release": _SPOILT,
    }
    INDEXED: ClassVar = ("chunk",)
    NUMBERS: ClassVar = {"delay": range(1, 3_600_001), "truncate": range(1, 65_537), "extend": range(1, 65_537)}
