# SPDX-License-Identifier: MIT
"""What somebody who wants a firmware update may choose: the fields of Coiote's form (lwm2m.md 4, 9.1)."""

import datetime
from dataclasses import dataclass, field

from simulator.clouds.lwm2m import formats
from simulator.clouds.lwm2m.manners import READ_FORMATS, check
from simulator.clouds.lwm2m.objects import SCHEMES
from simulator.clouds.lwm2m.push import Style
from simulator.errors import UserError

WITHOUT_OBSERVATIONS, OBSERVATION_TRIGGER, OBSERVATION_BASED, SEND_BASED, OBSERVATION_ONLY = STRATEGIES = (
    *("WithoutObservations", "ObservationTrigger", "ObservationBased", "SendBased"),
    "ObservationOnly",  # our name: Coiote has it since v2025.6.0, and does not say what it is called
)
PULL, PUSH = METHODS = ("pull", "push")
EMPTY, NUL, EXECUTE = "empty", "nul", "execute"  # ways to a device's idle state
SCHEDULES = ("always", "weekends", "nights-home", "nights-enterprise")
_NIGHTS = {
    "nights-home": (23, 6),
    "nights-enterprise": (20, 6),
}  # hours, UTC; which ones Coiote means, it keeps to itself
_WINDOW_S = 5


@dataclass(frozen=True)
class Options:
    """Times in seconds. Raises UserError("bad_options").

    `base`: what a URI begins with, instead of what the server knows of itself. `accept`: of reads, None: none.
    `uri_format`, `reset_format`: of what is written, None: none. `reset`: EMPTY to the URI or NUL to the package,
    `always_resets` even when there is nothing to be reset; `is_strict` waits for a notification of that, whatever
    happens, as old versions did. `window_s`: how long after it has spoken a device may be asked, None: always.
    `uses_cache`: what is known already is not read. `resumes`: what was not answered is asked again when the device
    speaks next. `cancels`: ways to end an update, the first that works counts; `by_reset`: observations are ended so.
    `attempts`: starts of the whole, after a result that is in `retries`; `retries_silence`: also when there is none,
    for a message was lost or `timeout_s`, which each attempt has for itself, is over. `is_mobile`: the task begins when
    the device shows up the next time, for it is here for a moment only, perhaps through somebody's phone.
    """

    strategy: str = WITHOUT_OBSERVATIONS
    method: str = PULL
    protocol: str = "coap"
    base: str | None = None
    style: Style = field(default_factory=Style)
    file_lasts_s: int | None = None
    accept: int | None = formats.TLV
    uri_format: int | None = formats.TEXT
    reset_format: int | None = formats.TEXT
    reset: str = EMPTY
    always_resets: bool = False
    is_strict: bool = False
    timeout_s: int = 1200
    quota_s: int = 0
    schedule: str = "always"
    window_s: int | None = None
    starts_at_once: bool = False
    is_mobile: bool = False
    uses_cache: bool = False
    resumes: bool = False
    checks_delivery: bool = True
    extends_lifetime: bool = True
    cancels: tuple[str, ...] = (EXECUTE, EMPTY, NUL)
    by_reset: bool = False
    attempts: int = 1
    retries: tuple[int, ...] = (4, 8)
    retries_silence: bool = False

    def __post_init__(self) -> None:
        allowed = {
            "strategy": STRATEGIES,
            "method": METHODS,
            "protocol": SCHEMES,
            "schedule": SCHEDULES,
            "reset": (EMPTY, NUL),
            "accept": READ_FORMATS,
            "uri_format": (None, 0, 110, 112, 11542),
            "reset_format": (None, 0, 42, 110, 112, 11542),
        }
        check(self, allowed)
        if any(form not in (EXECUTE, EMPTY, NUL) for form in self.cancels):
            raise UserError("bad_options", f"ways to cancel are {EXECUTE}, {EMPTY} and {NUL}")

    @property
    def window_ms(self) -> int | None:
        if self.window_s is not None:
            return self.window_s * 1000
        return _WINDOW_S * 1000 if self.strategy == WITHOUT_OBSERVATIONS else None

    @property
    def start_window_ms(self) -> int:
        return self.window_ms or _WINDOW_S * 1000


def is_time(schedule: str, now_ms: int) -> bool:
    """Whether a task with this schedule may start now."""
    now = datetime.datetime.fromtimestamp(now_ms // 1000, datetime.UTC)
    if schedule == "weekends":
        return now.weekday() >= 5
    if schedule in _NIGHTS:
        first, last = _NIGHTS[schedule]
        return now.hour >= first or now.hour < last
    return True
