# SPDX-License-Identifier: MIT
"""A narrow line to a device: what is sent waits for what was sent before, and trickles in."""

from dataclasses import replace

from simulator.board.net import CLOSE, Packet

_PIECE = 256  # bytes that arrive together
_TCP_WINDOW = 5760  # bytes, ESP-IDF's default


class NarrowLine:
    """A fault of a VirtualNet (net.py). `bytes_a_second` may change at any time, for what is sent from then on.

    `outage`: from when to when nothing arrives, in ms of the board's clock; what is under way is late by so much.
    What was sent is in the way of what comes later, over another connection too; but of what the device hangs up on,
    only what is on its way already, which is no more than a board's TCP window.
    """

    def __init__(self, bytes_a_second: float) -> None:
        self.bytes_a_second = bytes_a_second
        self.outage = (float("inf"), float("inf"))
        self._free_at = 0.0

    def __call__(self, packet: Packet) -> list[Packet]:
        if packet.content == CLOSE and not packet.to_device:
            self._free_at = min(self._free_at, packet.at + _TCP_WINDOW * 1000 / self.bytes_a_second)
        if not packet.to_device or not isinstance(packet.content, bytes):
            return [packet]
        pieces = []
        for start in range(0, len(packet.content), _PIECE):
            content = packet.content[start : start + _PIECE]
            self._free_at = max(self._free_at, packet.at) + len(content) * 1000 / self.bytes_a_second
            if self.outage[0] < self._free_at < self.outage[1]:
                self._free_at += self.outage[1] - self.outage[0]
            pieces.append(replace(packet, content=content, at=self._free_at))
        return pieces

    def backlog_s(self, now_ms: float) -> float:
        """Seconds until all that was sent has arrived."""
        return max(0.0, self._free_at - now_ms) / 1000
