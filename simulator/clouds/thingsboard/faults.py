# SPDX-License-Identifier: MIT
"""Misbehaviour on demand: rules such as "chunk 3, twice: corrupt it" (thingsboard.md 8.2, M27).

How a rule is written, clouds/faults.py says. INDEX is the index of a chunk (chunk, download).

    connect    refuse=CODE  mute  close
    subscribe  mute  close
    telemetry  mute  close
    attributes drop  mute  close  delay=MS
    chunk      drop  mute  close  delay=MS  duplicate  empty  truncate=BYTES  extend=BYTES  corrupt  other-id
               other-index  error=CODE  reassign=TITLE VERSION  from=TITLE VERSION
    download   mute  close  delay=MS  status=CODE  empty  truncate=BYTES  extend=BYTES  corrupt  cut=BYTES
               reassign=TITLE VERSION  from=TITLE VERSION
    http       mute  close  delay=MS  status=CODE  cut=BYTES

chunk is over MQTT, download the same over HTTP, http any other HTTP request. cut: the connection breaks after so many
bytes of the body.
drop: PUBACK but no answer. mute: neither. truncate and extend: by so many bytes. from: bytes of another package.
other-id, other-index: the answer to a question nobody asked. CODE of refuse is the one of MQTT 3.1.1, 1 to 5.
"""

from typing import ClassVar

from simulator.clouds import faults


class Rule(faults.Rule):
    """One fault of a ThingsBoard."""

    ACTIONS: ClassVar = {
        "connect": {"refuse", "mute", "close"},
        "subscribe": {"mute", "close"},
        "telemetry": {"mute", "close"},
        "attributes": {"drop", "mute", "close", "delay"},
        "chunk": {
            *("drop", "mute", "close", "delay", "duplicate", "empty", "truncate", "extend", "corrupt"),
            *("other-id", "other-index", "error", "reassign", "from"),
        },
        "download": {
            *("mute", "close", "delay", "status", "empty", "truncate", "extend", "corrupt", "cut"),
            *("reassign", "from"),
        },
        "http": {"mute", "close", "delay", "status", "cut"},
    }
    INDEXED: ClassVar = ("chunk", "download")
    NUMBERS: ClassVar = {
        "refuse": range(1, 6),
        "delay": range(1 << 31),
        "truncate": range(1, 1 << 16),
        "extend": range(1, 1 << 16),
        "status": range(400, 600),
        "cut": range(1 << 31),
    }
    TEXTS: ClassVar = {"error", "reassign", "from"}
