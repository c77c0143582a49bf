# SPDX-License-Identifier: MIT
"""The agent: listens, decides, installs, reports. `for _ in agent.steps(): application()` is all it takes.

One step erases or writes one sector, or waits `board.step_ms`. A step raises nothing: whatever goes wrong is
logged, reported and survived, and the application keeps running.
"""

from ota.errors import Cancelled, JobError, OtaError, TransferError
from ota.job import SOFTWARE
from ota.link import Link
from ota.log import log
from ota.port import const, forget, print_exception, ticks_diff
from ota.report import FAILED
from ota.slot import BLOCK, Slot
from ota.track import Track

_PROGRESS_MS = const(5000)  # at most one progress report in this time
_AFTER_BUG_MS = const(10000)  # doubled with each that follows soon
_LONGEST_MS = const(80000)
_SOON_MS = const(30000)


class Agent:
    """`health`: functions without arguments, each True when the application is well; asked on a trial boot only.

    `when`: the product's own rules about time, as text (ota.when). `hours`: None where there are no such rules.
    `control`: what the application and the cloud have to say (ota.control), None until one of them does. All that it
    has is the agent's, too: agent.disable_updates("driving"). `tracks`: firmware, and software where it is used.
    `job`: the one being installed, or None. `booted`: ticks_ms() when it was made.
    """

    def __init__(self, board, cloud, journal, health=(), when=""):
        self.control = None
        self.board = board
        self.cloud = cloud
        slot = Slot(board.spare, board.chip_id()) if board.spare else None
        self.block = slot.block if slot else bytearray(BLOCK)  # taken while the heap is whole
        self.tracks = [Track(self, journal, slot, board.running.info()[4])]
        self.link = Link(board, cloud, self.tracks)
        self.health = health
        self.hours = None
        if when:
            self.add_hours(when)
        self.job = self.track = None
        self.booted = self._progress_at = board.ticks_ms()

    @property
    def on_trial(self):
        """Whether something that runs still has to be confirmed."""
        return self.tracks[0].on_trial or self.tracks[-1].on_trial

    def __getattr__(self, name):
        """What Control has, is the agent's. The first who asks for some of it has it loaded."""
        if self.control is None and name[0] != "_":
            from ota.control import Control

            self.control = Control(self)
        return getattr(self.control, name)

    def steps(self):
        """Generator that never ends and never raises: call `next` on it from the application's loop."""
        board, work, since, rest_ms = self.board, None, self.booted, 0
        while True:
            try:
                if self.on_trial:
                    self._watch_trial()
                if work is not None:
                    next(work)
                    if self.control is not None:
                        self.control.tick()
                    elif self.cloud.commands:
                        self.tick()
                elif ticks_diff(board.ticks_ms(), since) >= rest_ms:
                    work = self._work()
                else:
                    board.sleep_ms(board.step_ms)
            except Exception as error:  # a bug of ours must not take the application down
                self._clear(error, work)
                if ticks_diff(board.ticks_ms(), since) > rest_ms + _SOON_MS:
                    rest_ms = 0
                rest_ms = min(2 * rest_ms or _AFTER_BUG_MS, _LONGEST_MS)
                work, since = None, board.ticks_ms()
            if not self.on_trial:
                board.watchdog.feed()
            yield

    def _clear(self, error, work):
        """Ends what a bug has broken, as far as that goes: memory may be what is short. `_work` does the rest."""
        try:
            try:
                print_exception(error)
            finally:
                if work is not None:
                    work.close()
                self.link.drop()
        except Exception:  # nor may this; a line in the log would need memory
            return

    def _work(self):
        self.link.drop()
        self.cloud.changed.update(self.cloud.known)  # what a bug of ours has interrupted is taken up again
        self._settle()
        error = None
        while True:
            try:
                yield from self.link.up(error)
                yield from self._serve()
            except OtaError as failure:
                error = failure
            except MemoryError:  # outside of a download, which counts them
                error = TransferError("no_memory")
                self.cloud.changed.update(self.cloud.known)

    def _settle(self):
        """What this boot means. Not part of `_work`: a generator would keep what it has imported."""
        from ota import bootcheck

        if len(self.tracks) == 1 and bootcheck.uses_trees(self.board):
            self._add_software()
        for track in self.tracks:
            track.settle()
        if not self.on_trial:
            forget("ota.bootcheck", "ota.otadata")
        if self.tracks[0].journal.get("control") is not None:
            self.tick()

    def _serve(self):
        """While the link holds: listens, and starts what may start."""
        while True:
            self.link.moment(self.board.step_ms)
            if self.cloud.ready and not self.cloud.commands:  # which come first
                if self.on_trial:
                    self._try_to_confirm()
                if len(self.tracks) == 1 and self.cloud.known[SOFTWARE]:
                    self._add_software()
                    self.tracks[1].settle()
                for track in self.tracks:  # firmware first
                    if track.kind in self.cloud.changed or (track.pending and self._may_start(track)):
                        job = track.consider()
                        if job is not None:
                            yield from self._install(track, job)
            yield

    def _add_software(self):
        """Software costs memory only where it is used."""
        from ota.software import Software

        self.tracks.append(Software(self, self.block))

    def add_hours(self, when=""):
        """So does local time."""
        from ota.hours import Hours

        self.hours = Hours(self.board, when)

    def _may_start(self, track):
        may_start = not self.on_trial and (self.control is None or self.control.is_due(track))
        return may_start and (self.hours is None or self.hours.is_due(track))

    def _install(self, track, job):
        from ota.install import Install

        self.job, self.track = job, track
        try:
            track.begin(job)
            yield from Install(self, track, job).steps()
        except Cancelled as error:
            self.cloud.changed.add(track.kind)  # what is wanted instead?
            if error.code not in ("replaced", "paused"):
                track.finish(job.id, FAILED, error.text())
        except OtaError as error:
            track.finish(job.id, FAILED, error.text())
        finally:
            self.job = track.pending = None
            track.forced = False

    # what Install asks of its agent

    def attend(self, offset, size):
        """After each block: sends what is due, notices what has changed. Allocates nothing while all is quiet."""
        self.link.pump()
        self._check_offer()
        now = self.board.ticks_ms()
        if ticks_diff(now, self._progress_at) >= _PROGRESS_MS:
            self._progress_at = now
            if self.job.rules:
                self.hours.check(self.job)
            log("progress", "offset", offset, "size", size)
            self.cloud.progress(offset * 100 // (size or 1), self.job.kind)

    def attending(self, work):
        """Generator: runs a generator of flash work with an eye on the cloud."""
        for _ in work:
            self.link.moment_if_up()
            self._check_offer()
            yield

    def online(self, error=None):
        """Generator: back on line after `error`, and still with the same job."""
        yield from self.link.up(error)
        self._check_offer()

    def ask_again(self):
        """Generator: waits a little and reads the offer anew."""
        from ota import waiting

        return waiting.ask_again(self)

    def held(self, track):
        """Generator: waits while cloud, application or a rule hold the reset. The job can still be called off."""
        if self.control is None and not self.hours and self.cloud.is_released:
            return ()
        from ota import waiting

        return waiting.held(self, track, self.job)

    def restart(self):
        """Generator: says what is left to say, then resets."""
        from ota import waiting

        return waiting.restart(self)

    def _check_offer(self):
        """While a job is installed: raises Cancelled unless it is still what is wanted."""
        if self.control is not None:
            self.control.check()
        if self.job.kind not in self.cloud.changed:
            return
        try:
            job = self.cloud.job(self.job.kind)
        except JobError:
            raise Cancelled("replaced")
        if job is None:
            raise Cancelled("unassigned")
        if job.id != self.job.id or job.url != self.job.url:
            raise Cancelled("replaced")

    # a trial is rare, and so is its code in memory; that of bootcheck.py too

    def _try_to_confirm(self):
        from ota import trial

        trial.confirm(self)

    def _watch_trial(self):
        from ota import trial

        trial.watch(self)
