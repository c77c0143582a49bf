# SPDX-License-Identifier: MIT
"""What only the simulator knows of a board that it runs itself: slot, boots, why it was reset."""

from simulator.dashboard.fleet import DeviceRow, Fleet, Mark

_CAUSES = {1: "power on", 2: "reset or crash", 3: "watchdog", 4: "deep sleep", 5: "soft reset"}


def tell(fleet: Fleet, row: DeviceRow, event: dict, now_ms: int) -> None:
    """One event of a board's power supply (simulator/board/power.py), for the row of its device."""
    if event["event"] == "boot":
        fleet.change(row, now_ms, slot=event["slot"], boots=event["number"])
        where = f"boots {event['slot']}" if event["slot"] else f"does not boot: {event['why']}"
        fleet.mark(row, Mark(now_ms, "boot", f"{where} ({_CAUSES.get(event['cause'], 'unknown')})"))
    elif event["event"] == "reset":
        fleet.mark(row, Mark(now_ms, "reset", f"reset: {event['why']}"))
    elif event["event"] == "off":
        fleet.mark(row, Mark(now_ms, "reset", f"off: {event['why']}"))
