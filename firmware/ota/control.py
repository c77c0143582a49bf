# SPDX-License-Identifier: MIT
"""The application's say in its updates, and its cloud's: what Agent has besides steps(). Loaded when it is used.

    agent.disable_updates("driving")        nothing starts any more ...     agent.enable_updates()
    agent.disable_reset("pouring")          what is installed waits ...     agent.enable_reset()
    agent.pause()                           what is under way rests ...     agent.resume()
    agent.cancel()                          ... or ends here                agent.force()  what waits starts now
    agent.on(handler)                       handler(event, value), see events.py

What was switched off is so after a reset, too, but never for good: until the moment that was named, or `off_s` seconds
of the settings, a week without one. Everything here takes effect at the next step of the agent, and says so to the
cloud (`availability` in ota.cloud).
"""

from ota.errors import Cancelled, TransferError
from ota.events import Events
from ota.log import log
from ota.port import const, ticks_diff
from ota.switches import Switches

UNKNOWN, NOT_AVAILABLE, PENDING, IN_PROGRESS = const(0), const(1), const(2), const(3)  # the first: nobody has said yet
_TICK_MS = const(1000)


class Control:
    """Of one Agent."""

    def __init__(self, agent):
        self.agent = agent
        self.switches = Switches(agent.board, agent.tracks[0].journal)
        self.events = Events(self)
        self.on = self.events.on
        self.is_paused = self.updates_forced = self._is_heard = False
        self._is_allowed = True  # by the operator
        self._is_announced = False  # of what the cloud keeps back
        self._job = agent.job  # what is under way
        self._cancelled = self._has_paused = self._is_handed_over = False
        self._wanted = {}  # kind -> id of the job that is to start now
        self._closed = {}  # kind -> why it has to wait, as was told last
        self.last_error = ""  # how the last update failed, "" if it did not
        self._said = {}  # what the cloud was told on this line
        self._ticked = agent.board.ticks_ms()
        self._offset = 0  # of what is under way, as was told last

    # what the application says

    def disable_updates(self, reason="disabled", until=None):
        """No update starts from now on; one that is under way goes on. `until`: unix second."""
        self.switches.off("off", reason, until)

    def enable_updates(self):
        self.switches.on("off")

    def disable_reset(self, reason="disabled", until=None):
        """The reset into what was installed waits from now on; any other reset does not install it."""
        self.switches.off("hold", reason, until)

    def enable_reset(self):
        self.switches.on("hold")

    def pause(self):
        """What is under way stops at the next block, with all that it has; nothing starts. A reset forgets it."""
        self.is_paused = True

    def resume(self):
        self.is_paused = False

    def cancel(self):
        """Ends what is under way: it is reported as failed and not started again by itself."""
        self._cancelled = self.agent.job is not None

    def force(self):
        """Starts what waits, although updates are disabled or no window is open."""
        for track in self.agent.tracks:
            if track.pending:
                self._wanted[track.kind] = track.pending.id
                track.forced = True

    # what it may ask

    @property
    def updates_enabled(self):
        """False also while the operator does not allow any. Something that is forced starts nevertheless."""
        return self._is_allowed and self.switches.get("off") is None

    @property
    def updates_pending(self):
        """Whether an update waits for its start."""
        return self._is_announced or self._waiting() is not None

    @property
    def update_status(self):
        """UNKNOWN, NOT_AVAILABLE, PENDING or IN_PROGRESS; until it is installed, whatever comes then."""
        if self.agent.job is not None and not self.reset_pending:
            return IN_PROGRESS
        if self.updates_pending:
            return PENDING
        return NOT_AVAILABLE if self._is_heard else UNKNOWN

    @property
    def reset_enabled(self):
        return self.switches.get("hold") is None

    @property
    def reset_pending(self):
        """Whether something is installed as far as can be without the reset."""
        return self.events.is_complete

    @property
    def transfer(self):
        """kind, title, version, offset and size of what is under way or waits, as a dict; {} for nothing."""
        job = self.agent.job or self._waiting()
        if job is None:
            return {}
        offset = self.agent.track.slot.offset if self.agent.job else 0
        return {"kind": job.kind, "title": job.title, "version": job.version, "offset": offset, "size": job.size}

    def _waiting(self):
        for track in self.agent.tracks:
            if track.pending and track.pending is not self.agent.job:
                return track.pending
        return None

    # what the agent asks

    def tick(self):
        """After each step: what the cloud asks for, what has changed, whether something is over."""
        agent = self.agent
        if agent.link.is_fresh and agent.cloud.ready:
            agent.link.is_fresh = False
            self._is_heard = self._is_allowed = True
            self.updates_forced = False
            self._said = {}
        while agent.cloud.commands:
            self._obey(*agent.cloud.commands.pop(0))
        self._follow()
        self.events.notice()
        now = agent.board.ticks_ms()
        if ticks_diff(now, self._ticked) >= _TICK_MS:
            self.switches.spend(ticks_diff(now, self._ticked))
            self._ticked = now
            if agent.cloud.ready and agent.cloud.linked:
                self._tell()

    def gates(self, track, job):
        """What keeps `job` from starting, as policy.decide wants it; notes on the track whether it is forced."""
        track.forced = self.updates_forced or self._wanted.get(track.kind) == job.id
        closed = [gate for gate in self._gates() if not gate[1] and (gate[4] or not track.forced)]
        self._closed[track.kind] = closed[0][2] if closed else ""
        return closed

    def is_due(self, track):
        """Whether what `track` waits for may have come."""
        closed = self._closed.get(track.kind)
        self.gates(track, track.pending)
        return not self._closed[track.kind] or self._closed[track.kind] != closed

    def _gates(self):
        """(name, is open, reason, until, is hard) of each, the ones that people have set first."""
        off = self.switches.get("off") or ("", (0, 0))
        return (
            ("operator", self._is_allowed, "disabled: by the operator", 0, False),
            ("updates", not off[0], "disabled: " + off[0], off[1][0], False),
            ("pause", not self.is_paused, "paused", 0, False),
        )

    def check(self):
        """After each block and between other flash work, allocates nothing. Raises Cancelled."""
        job, slot = self.agent.job, self.agent.track.slot
        self._follow()
        if slot.offset != self._offset:
            self._offset = slot.offset
            if self._offset:
                self.events.progress()
        if self._cancelled:
            self._cancelled = False
            raise Cancelled("cancelled")
        if self.is_paused and 0 < self._offset < job.size:
            self._has_paused = True
            raise Cancelled("paused")

    def holds(self):
        """Whether the reset into what was installed has to wait."""
        self.events.complete()
        return self.is_paused or (self.switches.get("hold") is not None and not self.updates_forced)

    def before_reset(self):
        """Generator: tells the application, and waits a little for it."""
        return self.events.reset()

    def _follow(self):
        """Notices that another job is under way than before, or none."""
        job = self.agent.job
        if job is self._job:
            return
        if self._job is not None:
            self.events.end(not self._has_paused and (self.last_error or not self._is_handed_over))
        self._job = job
        self._has_paused = self._cancelled = False
        self._offset = 0
        if job is not None:
            self._is_handed_over = self.agent.track.hand_over is not None
            self._is_announced = False
            self.last_error = ""

    # behind all this

    def _obey(self, name, value):
        log("control", "command", name)
        if name == "forced":
            self.updates_forced = value
        elif name == "enabled":
            self._is_allowed = value
        elif name == "pending":
            self._is_announced = value
        elif name in ("cancel", "force"):
            getattr(self, name)()

    def _tell(self):
        """Says to the cloud what has changed since it was told last."""
        cloud = self.agent.cloud
        facts = self._availability()
        changed = {name: facts[name] for name in facts if facts[name] != self._said.get(name)}
        try:
            if changed and hasattr(cloud, "words"):
                cloud.words().availability(cloud, changed)
                self._said = facts
        except TransferError:
            pass  # noticed by who listens; then all is said anew

    def _availability(self):
        closed = [gate for gate in self._gates() if not gate[1]]
        reason, until = closed[0][2:4] if closed else ("", 0)
        hold = self.switches.get("hold")
        if self.reset_pending and hold:
            reason, until = "reset held: " + hold[0], hold[1][0]
        return {
            "enabled": self.updates_enabled,
            "forced": self.updates_forced,
            "pending": self.updates_pending,
            "status": self.update_status,
            "reason": reason,
            "until": until,
            "waiting_for_reset": self.reset_pending,
            "error": self.last_error,
        }
