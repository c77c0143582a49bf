# SPDX-License-Identifier: MIT
"""Gates that many products need, to be given to the agent; anything that can be called is one, too.

    agent.gate("battery", battery(read_percent, 30, is_charging), hard=True)

A gate returns True when an update may start and its reset may come; else False, (False, reason) or (False, reason,
unix second at which it is likely to open). One that raises counts as closed and not hard.
"""


def battery(level, least, charging=None, slack=5):
    """`level()`: per cent, None where it cannot be told, which counts as empty unless it is charging.

    Open from `least` on, closed again only `slack` below it, so that a level at the limit does not make it flutter.
    """
    was_open = [False]

    def check():
        percent = level()
        is_charging = charging is not None and charging()
        if percent is None:
            was_open[0] = is_charging
            return is_charging or (False, "battery_unknown")
        was_open[0] = is_charging or percent >= (least - slack if was_open[0] else least)
        return was_open[0] or (False, "battery_low: %d%%" % percent)

    return check


def link(rssi, least, metered=None):
    """`rssi()`: dBm, None without a radio. `metered()`: whether every byte is paid for."""

    def check():
        if metered is not None and metered():
            return False, "link_metered"
        strength = rssi()
        if strength is not None and strength < least:
            return False, "link_weak: %d dBm" % strength
        return True

    return check


def temperature(read, low, high):
    """`read()`: in whatever unit `low` and `high` are in; both are allowed."""

    def check():
        value = read()
        if value < low:
            return False, "too_cold: %s" % value
        return value <= high or (False, "too_hot: %s" % value)

    return check


class Busy:
    """A lock of the product's: closed while it is held. `with busy:` or acquire() and release(), as often as wanted."""

    def __init__(self, reason="busy"):
        self._reason = reason
        self._held = 0

    def __call__(self):
        return not self._held or (False, self._reason)

    def acquire(self):
        self._held += 1

    def release(self):
        self._held = max(0, self._held - 1)

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *_):
        self.release()
