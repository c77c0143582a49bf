# SPDX-License-Identifier: MIT
"""Who may update what when (docs/control.md), as a device has told its cloud: on the device's rows."""

from collections.abc import Iterable

from simulator.dashboard.fleet import DeviceRow, Fleet, Mark

_SWITCHES = ("enabled", "forced", "pending")


def tell(fleet: Fleet, rows: Iterable[DeviceRow], values: dict, now_ms: int) -> None:
    """`values` by the names that ota.cloud has for them; what is not there, or of another type, stays as it was."""
    facts: dict[str, object] = {name: values[name] for name in _SWITCHES if isinstance(values.get(name), bool)}
    if isinstance(values.get("reason"), str):
        facts["reason"] = values["reason"] or None
    if not facts:
        return
    for row in rows:
        before = row.control
        fleet.change(row, now_ms, **facts)
        fleet.change(row, now_ms, control=_text(row))
        if row.control not in (before, None):
            fleet.mark(row, Mark(now_ms, "control", f"updates: {row.control}"))


def _text(row: DeviceRow) -> str | None:
    """Such as "disabled, pending: brewing"."""
    words = [] if row.enabled is None else ["enabled" if row.enabled else "disabled"]
    words += [name for name in ("forced", "pending") if getattr(row, name)]
    return ": ".join(filter(None, (", ".join(words), row.reason))) or None
