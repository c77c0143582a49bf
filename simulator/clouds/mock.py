# SPDX-License-Identifier: MIT
"""What the core of every mock cloud has: a clock with timers, actions for the driver, a record of events, faults."""

import heapq
import random
from collections.abc import Callable
from typing import Protocol

from simulator.clouds.core import Action
from simulator.clouds.faults import Faults, Rule


class Session(Protocol):
    """What a cloud keeps of an open connection. `who` has ended it: the cloud's word for its clients, or the cloud."""

    conn: int

    def feed(self, data: bytes) -> None: ...

    def end(self, who: str, reason: str) -> None: ...


class Mock:
    """The part of a sans-IO core (simulator/clouds/core.py) that knows no protocol. Times are unix milliseconds and
    never go back.

    `events` has one dict for each thing the cloud saw or did, with `event` and `at_ms`; `on_event` is called with each.
    Everything random comes from `random`. `open` of each cloud puts a session in `sessions`.
    """

    client = "client"  # what this cloud calls one

    def __init__(self, seed: int, now_ms: int, on_event: Callable[[dict], None] | None) -> None:
        self.now_ms = now_ms
        self.random = random.Random(seed)
        self.events: list[dict] = []
        self.on_event = on_event
        self.actions: list[Action] = []
        self.sessions: dict[int, Session] = {}
        self._faults = Faults()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._timer_count = 0

    def feed(self, conn: int, data: bytes, now_ms: int) -> None:
        """Bytes for a connection the cloud has closed already are dropped."""
        self.tick(now_ms)
        if conn in self.sessions:
            self.sessions[conn].feed(data)

    def lost(self, conn: int, now_ms: int) -> None:
        self.tick(now_ms)
        if conn in self.sessions:
            self.sessions[conn].end(self.client, "connection lost")

    def forget(self, session: Session) -> None:
        self.sessions.pop(session.conn, None)

    def tick(self, now_ms: int) -> None:
        """Runs every timer due by now, each at its own time."""
        while self._timers and self._timers[0][0] <= now_ms:
            due_ms, _, act = heapq.heappop(self._timers)
            self.now_ms = max(self.now_ms, due_ms)
            act()
        self.now_ms = max(self.now_ms, now_ms)

    def deadline(self) -> int | None:
        return self._timers[0][0] if self._timers else None

    def take(self) -> list[Action]:
        actions, self.actions = self.actions, []
        return actions

    def schedule(self, delay_ms: int, act: Callable[[], None]) -> None:
        self._timer_count += 1
        heapq.heappush(self._timers, (self.now_ms + delay_ms, self._timer_count, act))

    def log(self, event: str, **fields: object) -> None:
        entry = {"event": event, "at_ms": self.now_ms, **fields}
        self.events.append(entry)
        if self.on_event:
            self.on_event(entry)

    def add_rule(self, rule: Rule, text: str) -> None:
        """Puts a fault rule in force; `text` is how it was written."""
        self._faults.add(rule)
        self.log("fault_added", rule=text)

    def strike(self, where: str, index: int | None = None) -> list[Rule]:
        """The fault rules for this occasion, counted down and on record."""
        rules = self._faults.take(where, index)
        for rule in rules:
            self.log("fault", where=where, index=index, action=rule.action, argument=rule.argument)
        return rules
