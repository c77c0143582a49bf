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

from ota import orders
from ota.availability import Availability
from ota.errors import Cancelled
from ota.events import Events
from ota.gating import Gating
from ota.port import const, ticks_diff

UNKNOWN, NOT_AVAILABLE, PENDING, IN_PROGRESS = const(0), const(1), const(2), const(3)  # the first: nobody has said yet
_TICK_MS = const(1000)


class Control:
    """Of one Agent."""

    def __init__(self, agent):
        self.agent = agent
        self.gating = Gating(agent)
        self.events = Events(self)
        self.on = self.events.on
        self._is_heard = self.is_announced = False  # the latter: of what the cloud keeps back
        self._job = agent.job  # what is under way
        self._cancelled = self._has_paused = self._is_handed_over = False
        self._leaving = None  # leaving.Leaving: it is about to restart or to sleep
        self.last_error = ""  # how the last update failed, "" if it did not
        self.availability = Availability(self)
        self._ticked = agent.board.ticks_ms()
        self._offset = 0  # of what is under way, as was told last

    # what the application says

    def disable_updates(self, reason="disabled", until=None):
        """No update starts from now on; one that is under way goes on. `until`: unix second."""
        self.gating.switches.off("off", reason, until)

    def enable_updates(self):
        self.gating.switches.on("off")

    def disable_reset(self, reason="disabled", until=None):
        """The reset into what was installed waits from now on; any other reset does not install it."""
        self.gating.switches.off("hold", reason, until)

    def enable_reset(self):
        self.gating.switches.on("hold")

    def pause(self):
        """What is under way stops at the next block, with all that it has; nothing starts. A reset forgets it."""
        self.gating.is_paused = True

    def resume(self):
        self.gating.is_paused = False

    def cancel(self):
        """Ends what is under way: it is reported as failed and not started again by itself."""
        self._cancelled = self.agent.job is not None

    def force(self):
        """Starts what waits, although updates are disabled or no window is open; and once more what has failed."""
        agent = self.agent
        for track in agent.tracks:
            is_under_way = agent.job is not None and track is agent.track
            job = track.pending or (agent.job if is_under_way else orders.pardoned(agent, track))
            if job:
                self.gating.wanted[track.kind] = job.id

    def boot_other(self, why="by the application"):
        """Resets into what the other slot holds, see other.py. Raises OtaError where that cannot be."""
        from ota import other

        other.boot(self.agent, why)

    def restart_soon(self):
        """Restarts as soon as what is left to say was said, see leaving.py. No crash, and a trial outlives it."""
        self._leave(None)

    def sleep_soon(self, ms):
        """The same, into a deep sleep."""
        self._leave(ms)

    def gate(self, name, check, hard=False):
        """One more condition for a start and for the reset after it, see gates.py. What is hard cannot be forced."""
        self.gating.add(name, check, hard)

    def explain(self):
        """What would happen now, see explain.py: a tuple for each rule. Changes nothing."""
        from ota import explain

        return explain.of_agent(self.agent, self.gating)

    # what it may ask

    @property
    def updates_enabled(self):
        """False also while the operator does not allow any. Something that is forced starts nevertheless."""
        return self.gating.is_allowed and self.gating.switches.get("off") is None

    @property
    def updates_forced(self):
        """Whether whatever comes starts; by the cloud, until the connection ends."""
        return self.gating.is_forced

    @property
    def updates_pending(self):
        """Whether an update waits for its start."""
        return self.is_announced or self.waiting is not None

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
        return self.gating.switches.get("hold") is None

    @property
    def reset_pending(self):
        """Whether something is installed as far as can be without the reset."""
        return self.events.is_complete

    @property
    def transfer(self):
        """kind, title, version, offset and size of what is under way or waits, as a dict; {} for nothing."""
        job = self.agent.job or self.waiting
        if job is None:
            return {}
        offset = self.agent.track.slot.offset if self.agent.job else 0
        return {"kind": job.kind, "title": job.title, "version": job.version, "offset": offset, "size": job.size}

    @property
    def waiting(self):
        """The Job that waits for its start, None: there is none."""
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
            self._is_heard = self.gating.is_allowed = True
            self.gating.is_forced = False
            self.availability.renew()
        while agent.cloud.commands:
            orders.obey(self, *agent.cloud.commands.pop(0))
        self._follow()
        self.events.notice()
        if self._leaving is not None:
            self._leaving.tick()
        now = agent.board.ticks_ms()
        if ticks_diff(now, self._ticked) >= _TICK_MS:
            self.gating.spend(ticks_diff(now, self._ticked))
            self._ticked = now
            if agent.cloud.ready and agent.cloud.linked:
                self.availability.tell()

    def gates(self, track, job):
        """What keeps `job` from starting, for the policy."""
        return self.gating.closed(track, job)

    def is_due(self, track):
        return self.gating.is_due(track)

    def waits(self, job, reason, until):
        """A job has to wait. What is a matter of time ends by itself, so it only counts where the job says how long."""
        if reason != "unconfirmed" and (until == 0 or job.terms is not None):
            self.gating.deferral.put_off(job, job.terms, reason)

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
        if self.gating.is_paused and 0 < self._offset < job.size:
            self._has_paused = True
            from ota import attempts

            attempts.rest(self.agent.track.journal, job.id)
            raise Cancelled("paused")

    def holds(self):
        """Whether the reset into what was installed has to wait."""
        self.events.complete()
        agent = self.agent
        held = self.gating.holds(agent.track, agent.job)
        if held:
            self.gating.deferral.put_off(agent.job, agent.job.terms, held[0])
        return held is not None

    def before_reset(self):
        """Generator: tells the application, and waits a little for it."""
        return self.events.reset()

    def finished(self, kind, error):
        """How the job that is offered has ended, "": well."""
        self.gating.deferral.forget(kind)
        if error != "ended_before":
            self.last_error = error

    def _leave(self, ms):
        from ota.leaving import Leaving

        if self._leaving is None:
            self._leaving = Leaving(self.agent, ms)

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
            self.is_announced = False
            self.last_error = ""
