# SPDX-License-Identifier: MIT
"""What is known between two messages of LwM2M. Data only: who reads and changes it is loaded for that."""

from ota.port import const, ticks_ms

IDLE, DOWNLOADING, DOWNLOADED, UPDATING = const(0), const(1), const(2), const(3)
DEFERRED = const(11)  # the one Result that a boot looks at
PULL, PUSH = const(0), const(1)


class Facts:
    """Of one board and its server; each line names the module that minds it."""

    def __init__(self):
        self.lifetime, self.pmin, self.pmax, self.is_storing, self.is_mute = 0, 0, 0, True, False  # object1.py
        # firmware.py: object 5. `has_terms`: the server has written severity or max_defer
        self.state, self.result, self.way = IDLE, 0, PULL
        self.uri = self.name = self.version = ""
        self.severity, self.max_defer, self.has_terms = 1, 0, False
        self.changed_at = None
        # registration.py: segments of the place at the server, when it was heard of, and for how long that is good;
        # `is_up`: on this line; `is_due`: an Update goes out next, whatever the time
        self.location = None
        self.heard_at, self.period_ms = ticks_ms(), 0
        self.is_up = self.is_due = self.tells_lifetime = False
        # observe.py: the observations, attributes by path, the last number, the one on its way; `has_news`: one of them
        # is to be told; `watch_ms` after `watch_at` one may be due, never if negative
        self.watches, self.notes, self.count, self.under_way, self.has_news = [], {}, 0, None, False
        self.watch_ms, self.watch_at = -1, 0
        self.sends, self.sent = [], None  # send.py: (State, Result), oldest first; the one on its way
        self.parts = b""  # writing.py: of a value that comes in pieces

    def update(self, tells_lifetime=False):
        """Somebody wants the server to hear of us soon."""
        self.is_due = True
        self.tells_lifetime = self.tells_lifetime or tells_lifetime
