# SPDX-License-Identifier: MIT
"""A board's and its cloud's events as one story, for whoever has to find out why a test failed."""

from simulator.board.net import EPOCH_MS

_MORE = "  ..."


def tell(board: list[dict], cloud: list[dict]) -> str:
    """One line an event, by time in seconds; flash operations left out, routine folded."""
    rows = [(event["ms"], 0, _board_line(event)) for event in board if event["event"] != "flash"]
    rows += [(event["at_ms"] - EPOCH_MS, 1, _cloud_line(event)) for event in cloud]
    rows.sort(key=lambda row: row[:2])
    return "\n".join(f"{ms / 1000:10.3f}  {line}" for ms, _, line in _folded(rows))


def _board_line(event: dict) -> str:
    if event["event"] == "console":
        return "board   " + event["line"]
    return "board   * " + event["event"] + _fields(event, "ms", "log")


def _cloud_line(event: dict) -> str:
    return "  cloud " + event["event"] + _fields(event, "at_ms", "device")


def _fields(event: dict, *hidden: str) -> str:
    return "".join(f" {key}={value}" for key, value in event.items() if key not in ("event", *hidden))


def _folded(rows: list) -> list:
    """Long runs of chunks and of the product's own telemetry become their first, an ellipsis and their last."""
    kept: list = []
    for i, row in enumerate(rows):
        around = rows[max(0, i - 2) : i + 3]
        if len(around) == 5 and all(_is_routine(line) for _, _, line in around):
            if kept[-1][2] != _MORE:
                kept.append((row[0], 1, _MORE))
            continue
        kept.append(row)
    return kept


def _is_routine(line: str) -> bool:
    return line.startswith("  cloud chunk") or (line.startswith("  cloud telemetry") and "fw_" not in line)
