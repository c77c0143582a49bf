# SPDX-License-Identifier: MIT
"""How a server behaves towards whoever comes (lwm2m.md 1.1, 1.2, 9.1)."""

from dataclasses import dataclass

from simulator.clouds.lwm2m import formats
from simulator.clouds.lwm2m.registration import LENIENT, MANNERS
from simulator.errors import UserError

SPLIT, JOINED = LOCATIONS = ("split", "joined")
ALL, DEVICE, NOTHING = EXTENTS = ("all", "device", "nothing")
READ_FORMATS = (None, 0, 110, 112, 11542, 11543)


@dataclass(frozen=True)
class Manners:
    """Knobs of lwm2m.md 9.1 that are not a task's. `registration`: whose rules. `location`: of Location-Path.

    `after_register`: ALL objects are discovered and read, the DEVICE object is read, or NOTHING. `accept`: of such
    reads, None: none. `lifetime_s` is written to /1/0/1 then, `mute_send` to /1/0/23; None: nothing is.
    `follows_address`: a notification from a new address counts.
    """

    registration: str = LENIENT
    location: str = SPLIT
    after_register: str = ALL
    accept: int | None = formats.TLV
    lifetime_s: int | None = None
    mute_send: bool | None = None
    follows_address: bool = False

    def __post_init__(self) -> None:
        allowed = {
            "registration": MANNERS,
            "location": LOCATIONS,
            "after_register": EXTENTS,
            "accept": READ_FORMATS,
        }
        check(self, allowed)


def check(holder: object, allowed: dict[str, tuple]) -> None:
    """Raises UserError("bad_options") for a field that has another value than one of these."""
    for name, known in allowed.items():
        if getattr(holder, name) not in known:
            raise UserError("bad_options", f"{name} {getattr(holder, name)!r} is none of {', '.join(map(str, known))}")
