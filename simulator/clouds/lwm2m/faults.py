# SPDX-License-Identifier: MIT
"""Misbehaviour on demand: rules such as "block 5 is lost twice" (lwm2m.md 9.1). How a rule is written, clouds/faults.py
says.

    register    drop  duplicate  delay=MS  mute  lose  twice  late=MS  refuse=CODE  separate[=MS]  corrupt
                truncate=BYTES  forget
    update deregister send file    the same
    notify      drop  duplicate  delay=MS  mute  moved
    answer      drop  duplicate  delay=MS
    read discover write push execute observe attributes
                drop  duplicate  repeat[=MS]  delay=MS  reorder  corrupt  truncate=BYTES  unreachable
    image       close  mute  delay=MS  status=CODE  no-range  tag=TEXT  cut=BYTES  pace=MS  stall=MS  corrupt
                truncate=BYTES

INDEX is that of a block, for file, push and their answers.

register to send: what a device wants; file: a block of an image, fetched by CoAP, image: one over HTTP. answer: what a
device answers. read to attributes: what the server wants of a device.

drop: lost before it is handled. duplicate: the same datagram again; repeat: the same request with a new message id,
after MS. reorder: after the next datagram. unreachable: the network says that nobody is there.
mute: handled, but never answered. lose, twice, late: what becomes of the answer; whoever asks again gets it.
pace: MS after every 1,460 bytes, stall: once, in the middle; cut: the connection breaks after so many bytes.
forget: the device's registration is forgotten first. moved: as if it came from another port.
refuse: answered with a code such as 4.03, and not handled. separate: an empty acknowledgement, the answer after MS.
"""

from typing import ClassVar

from simulator.clouds import faults
from simulator.clouds.lwm2m import coap
from simulator.errors import UserError

_ASKED = {"drop", "duplicate", "delay", "mute", "lose", "twice", "late", "refuse", "separate", "corrupt", "truncate"}
_ASKED |= {"forget"}
_ASKING = {"drop", "duplicate", "repeat", "delay", "reorder", "corrupt", "truncate", "unreachable"}
_MS = range(1, 3_600_001)


class Rule(faults.Rule):
    """One fault of an LwM2M server."""

    ACTIONS: ClassVar = {
        **dict.fromkeys(("register", "update", "deregister", "send", "file"), _ASKED),
        "notify": {"drop", "duplicate", "delay", "mute", "moved"},
        "answer": {"drop", "duplicate", "delay"},
        **dict.fromkeys(("read", "discover", "write", "push", "execute", "observe", "attributes"), _ASKING),
        "image": {"close", "mute", "delay", "status", "no-range", "tag", "cut", "pace", "stall", "corrupt", "truncate"},
    }
    INDEXED: ClassVar = ("file", "push", "answer")
    NUMBERS: ClassVar = {
        "delay": _MS,
        "late": _MS,
        "pace": _MS,
        "stall": _MS,
        "truncate": range(1, 1 << 16),
        "status": range(200, 600),
        "cut": range(1 << 31),
    }
    TEXTS: ClassVar = {"refuse", "repeat", "separate", "tag"}
    OPTIONAL: ClassVar = {"repeat", "separate"}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.action in self.OPTIONAL and self.argument and not self.argument.isdecimal():
            raise UserError("bad_fault", f"fault {self.action} needs a number of milliseconds, as in {self.action}=50")
        if self.action == "refuse" and coap.code_of(self.argument) is None:
            raise UserError("bad_fault", f"fault refuse needs a code, as in refuse=4.04, not {self.argument!r}")
