# SPDX-License-Identifier: MIT
"""What a tenant profile allows a device, as token buckets on the cloud's clock (thingsboard.md 1.4)."""

import re
from dataclasses import dataclass

from simulator.errors import UserError

_LIMITS = re.compile(r"[1-9][0-9]*:[1-9][0-9]*(,[1-9][0-9]*:[1-9][0-9]*)*")


class RateLimited(Exception):
    """The device has said too much; what follows depends on the transport."""


class Bucket:
    """`capacity` tokens that come back evenly over `period_s`. Counts in token-milliseconds, so nothing is rounded."""

    def __init__(self, capacity: int, period_s: int, now_ms: int) -> None:
        self._capacity = capacity
        self._token = period_s * 1000
        self._level = self._full = capacity * self._token
        self._now_ms = now_ms

    def has(self, count: int, now_ms: int) -> bool:
        self._level = min(self._full, self._level + (now_ms - self._now_ms) * self._capacity)
        self._now_ms = now_ms
        return self._level >= count * self._token

    def take(self, count: int) -> None:
        self._level -= count * self._token


@dataclass(frozen=True)
class RateLimits:
    """Each is "capacity:seconds,capacity:seconds", or None for no limit; UserError("bad_rate_limit") for another text.

    `messages` counts all but telemetry and attributes, `telemetry_messages` those, `data_points` the values in them.
    """

    messages: str | None = None
    telemetry_messages: str | None = None
    data_points: str | None = None

    def __post_init__(self) -> None:
        for text in (self.messages, self.telemetry_messages, self.data_points):
            if text is not None and not _LIMITS.fullmatch(text):
                raise UserError("bad_rate_limit", f"rate limit {text!r} is not CAPACITY:SECONDS,...")


class Allowance:
    """What one device has left of its limits."""

    def __init__(self, limits: RateLimits, now_ms: int) -> None:
        self._messages = _buckets(limits.messages, now_ms)
        self._telemetry = _buckets(limits.telemetry_messages, now_ms)
        self._points = _buckets(limits.data_points, now_ms)

    def take(self, now_ms: int, points: int = 0) -> bool:
        """Counts a message with so many data points, without any a plain message. False: that is too much."""
        if points == 0:
            return _take(self._messages, 1, now_ms)
        return _take(self._telemetry, 1, now_ms) and _take(self._points, points, now_ms)


def _buckets(text: str | None, now_ms: int) -> list[Bucket]:
    pairs = (pair.split(":") for pair in text.split(",")) if text else ()
    return [Bucket(int(capacity), int(seconds), now_ms) for capacity, seconds in pairs]


def _take(buckets: list[Bucket], count: int, now_ms: int) -> bool:
    """From all of them or from none."""
    if not all(bucket.has(count, now_ms) for bucket in buckets):
        return False
    for bucket in buckets:
        bucket.take(count)
    return True
