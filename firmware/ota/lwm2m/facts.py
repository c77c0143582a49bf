# SPDX-License-Identifier: MIT
"""What is known between two messages of LwM2M. Data only: who reads and changes it is loaded for that."""

# pyright: reportAttributeAccessIssue=false

from ota.port import const, ticks_ms

_IDLE = const(0)
_PULL = const(0)


class Facts:
    """Of one board and its server. Without a method: that would keep all of this file in memory."""


def fresh():
    """What is known of a server that nobody has spoken to. Each line names the module that minds it."""
    facts = Facts()
    facts.lifetime, facts.pmin, facts.pmax, facts.is_storing, facts.is_mute = 0, 0, 0, True, False  # object1.py
    # firmware.py: object 5. `has_terms`: the server has written severity or max_defer, which is
    # None until then
    facts.state, facts.result, facts.way = _IDLE, 0, _PULL
    facts.uri = facts.name = facts.version = ""
    facts.severity, facts.max_defer, facts.has_terms = 1, None, False
    facts.changed_at = None
    facts.protocols = ()  # of /5/0/8, see line.py
    # registration.py: segments of the place at the server, when it was heard of, and for how long that is good;
    # `is_up`: on this line; `is_due`: an Update goes out next, whatever the time; `lifetime_told`: the one that the
    # server knows, negative until it has answered
    facts.location = None
    facts.heard_at, facts.period_ms = ticks_ms(), 0
    facts.is_up = facts.is_due = False
    facts.lifetime_told = 0
    # observe.py: the observations, attributes by path, the last number, the one on its way; `has_news`: one of them
    # is to be told; `watch_ms` after `watch_at` one may be due, never if negative
    facts.watches, facts.notes, facts.count, facts.under_way, facts.has_news = [], {}, 0, None, False
    facts.watch_ms, facts.watch_at = -1, 0
    facts.software = None  # software.py: object 9, as object9.py has it, once something has become of it
    facts.sends, facts.sent = [], None  # send.py: (State, Result), oldest first; the one that nobody has answered yet
    facts.parts = None  # writing.py: of a value in pieces, when the last came, all until then, and its path
    return facts
