# SPDX-License-Identifier: MIT
"""What runs where the application cannot: nothing, so that its agent can be reached and bring another one.

In the place of `app` (boot.py puts it there, see crashes.py). Tells the agent, which tells the cloud: `safe_mode` and
what was raised last. After an hour the application gets one more try, for what was wrong may have been a sensor.
"""

import sys

from ota.log import log
from ota.port import const, print_exception, ticks_diff, ticks_ms

IS_SAFE = True
_AGAIN_MS = const(3600000)
_LONGEST = const(80)  # characters of what was raised


class Product:
    """As an application's own."""

    def __init__(self, cloud):
        self._cloud = cloud
        self._is_told = False
        self._since = ticks_ms()
        self._real = None
        log("safe_mode")

    def tick(self):
        if self._real is not None:
            self._real.tick()
        elif ticks_diff(ticks_ms(), self._since) > _AGAIN_MS:
            del sys.modules["app"]
            import app

            self._start(app)
        elif not self._is_told and self._cloud.ready:
            self._is_told = True
            self._tell(True)

    def works(self):
        return self._real is None or self._real.works()

    def _start(self, app):
        self._tell(False)
        self._real = app.Product(self._cloud)

    def _tell(self, is_safe):
        self._cloud.commands = list(self._cloud.commands) + [("safe_mode", is_safe)]


def enter():
    """For boot.py: what imports `app` gets this."""
    sys.modules["app"] = sys.modules["ota.safe"]


def failed(agent, error):
    """For main.py: the application has raised something. Keeps what it was, then resets; a trial ends with that."""
    print_exception(error)
    text = ("%s: %s" % (type(error).__name__, error))[:_LONGEST]
    journal = _on_trial(agent)
    if journal is None:
        agent.tracks[0].journal.keep(crash=text)
    else:
        from ota import bootcheck

        bootcheck.note(journal.get("job"), "why", text, journal)
    log("failed_application", "why", text)
    agent.board.reset()


def _on_trial(agent):
    """The journal of what runs and is being tried, None: nothing is, or it was not begun by us."""
    from ota import bootcheck
    from ota.journal import Journal

    running = [(track.journal, track.label) for track in agent.tracks]
    if len(running) == 1 and bootcheck.uses_trees(agent.board):
        from ota.trees import LABELS, Trees

        running.append((Journal(agent.board.nvs, "software"), LABELS[Trees(agent.board).running]))
    for journal, label in running:
        job = journal.get("job")
        if job and job["stage"] == "activating" and job["slot"] == label:
            return journal
    return None
