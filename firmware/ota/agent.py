# SPDX-License-Identifier: MIT
"""The agent: listens, decides, installs, reports. `for _ in agent.steps(): application()` is all it takes.

One step erases or writes one sector, or waits `board.step_ms`. A step raises nothing: whatever goes wrong is
logged, reported and survived, and the application keeps running.
"""

from ota import bootcheck, identity, policy
from ota.errors import Cancelled, JobError, OtaError, TransferError
from ota.install import Install
from ota.link import Link
from ota.log import log
from ota.port import const, print_exception, ticks_diff
from ota.report import FAILED, UPDATED, Reporter
from ota.slot import Slot

_PROGRESS_MS = const(5000)  # at most one progress report in this time
_ASK_AGAIN_MS = const(5000)
_FLUSH_MS = const(10000)
_AFTER_BUG_MS = const(10000)


class Agent:
    """`health`: functions without arguments, each True when the application is well; asked on a trial boot only.

    `enabled`, `hold_reset`: set by the application at any time. `pending`: the Job that waits, or None.
    """

    def __init__(self, board, cloud, journal, health=()):
        self.board = board
        self.cloud = cloud
        self.journal = journal
        self.reporter = Reporter(journal)
        self.link = Link(board, cloud, self.reporter)
        self.enabled = True
        self.hold_reset = False
        self.pending = None
        self.chip_id = board.chip_id()
        self.slot = Slot(board.spare) if board.spare else None  # its 4 KiB are taken while the heap is whole
        self._health = health
        self._forced = False
        self._cancelled = False
        self._job = None  # the one being installed
        self._on_trial = False
        self._booted = board.ticks_ms()
        self._progress_at = self._booted

    def force(self):
        """Installs the pending job, if there is one, although updates are disabled."""
        self._forced = self.pending is not None

    def cancel(self):
        """Stops the update that is under way; it is reported as failed and not started again by itself."""
        self._cancelled = True

    def steps(self):
        """Generator that never ends and never raises: call `next` on it from the application's loop."""
        work = self._work(0)
        while True:
            try:
                next(work)
            except Exception as error:  # a bug of ours must not take the application down
                print_exception(error)
                work.close()
                work = self._work(_AFTER_BUG_MS)
            if self._on_trial:
                self._watch_trial()
            else:
                self.board.watchdog.feed()
            yield

    def _work(self, delay_ms):
        self.link.drop()
        self.cloud.changed = True  # what a bug of ours has interrupted is taken up again
        yield from self.link.pause(delay_ms)
        self._on_trial = bootcheck.settle(self.board, self.journal, self.reporter)
        log("running", "slot", self.board.running.info()[4], "version", identity.running(self.board, self.journal)[1])
        error = None
        while True:
            try:
                yield from self.link.up(error)
                yield from self._serve()
            except OtaError as failure:
                error = failure

    def _serve(self):
        """While the link holds: listens, and starts what may start."""
        while True:
            self.link.moment(self.board.step_ms)
            if self.cloud.ready:
                if self._on_trial:
                    self._try_to_confirm()
                if self.cloud.changed or (self.pending and self._may_start()):
                    job = self._consider()
                    if job is not None:
                        yield from self._install(job)
            yield

    def _may_start(self):
        return not self._on_trial and (self.enabled or self._forced)

    def _consider(self):
        """What is offered, judged: the Job to install now, or None."""
        self.pending = None
        try:
            job = self.cloud.job()
        except JobError as error:
            if not self._on_trial:
                self._finish(self.cloud.offer_id, FAILED, error.text())
            return None
        if job is None:
            self._forget()
            return None
        verdict, reason = policy.decide(job, self.journal.facts, self._device(), self._forced)
        if verdict == policy.GO:
            return job
        if verdict == policy.WAIT:
            self.pending = job
            log("idle", "reason", reason)
        else:
            self._finish(job.id, UPDATED if verdict == policy.DONE else FAILED, reason)
        return None

    def _forget(self):
        """The cloud took its offer back: whatever comes next is a new decision of somebody's."""
        if not self._on_trial:
            self._forced = False
            self.journal.save(bad=None, last=None, job=None)
        log("idle", "reason", "nothing_assigned")

    def _finish(self, job_id, state, error=""):
        """Says how a job ended, unless that was said before."""
        if self.journal.get("last") != job_id:
            self.reporter.finish(job_id, state, error)
        log("idle", "reason", "done")

    def _device(self):
        title, version = identity.running(self.board, self.journal)
        device = policy.Device(title, version, self.slot.size if self.board.spare else 0)
        device.installed_by = identity.installed_by(self.board, self.journal)
        device.confirmed = not self._on_trial
        device.enabled = self.enabled
        return device

    def _install(self, job):
        self._job = job
        self._forced = self._cancelled = False
        try:
            yield from Install(self, job).steps()
        except Cancelled as error:
            self.cloud.changed = True  # what is wanted instead?
            if error.code != "replaced":
                self._finish(job.id, FAILED, error.text())
        except OtaError as error:
            self._finish(job.id, FAILED, error.text())
        finally:
            self._job = None

    # what Install asks of its agent

    def attend(self, offset, size):
        """After each block: sends what is due, notices what has changed. Allocates nothing while all is quiet."""
        self.reporter.pump(self.cloud)
        self._check_offer()
        now = self.board.ticks_ms()
        if ticks_diff(now, self._progress_at) >= _PROGRESS_MS:
            self._progress_at = now
            log("progress", "offset", offset, "size", size)
            self.cloud.progress(offset * 100 // size)

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
        yield from self.link.pause(_ASK_AGAIN_MS)
        error = None
        try:
            if self.cloud.linked:
                self.cloud.refresh()
        except TransferError as failure:
            error = failure
        yield from self.online(error)

    def held(self):
        """Generator: waits while the application holds the reset. Until then the job can still be called off."""
        while self.hold_reset:
            error = None
            try:
                self.link.moment(self.board.step_ms)
            except TransferError as failure:
                error = failure
            yield from self.online(error)
            yield

    def restart(self):
        """Generator: says what is left to say, then resets."""
        since = self.board.ticks_ms()
        while self.reporter.waiting and self.cloud.linked and ticks_diff(self.board.ticks_ms(), since) < _FLUSH_MS:
            self.link.moment_if_up()
            self.board.sleep_ms(self.board.step_ms)
            yield
        self.cloud.close()
        log("reset")
        self.board.reset()

    def _check_offer(self):
        """While a job is installed: raises Cancelled unless it is still what is wanted."""
        if self._cancelled:
            raise Cancelled("cancelled")
        if not self.cloud.changed:
            return
        try:
            job = self.cloud.job()
        except JobError:
            raise Cancelled("replaced")
        if job is None:
            raise Cancelled("unassigned")
        if job.id != self._job.id or job.url != self._job.url:
            raise Cancelled("replaced")

    def _try_to_confirm(self):
        for check in self._health:
            try:
                if not check():
                    return
            except Exception as error:  # a check that fails is a check that says no
                print_exception(error)
                return
        bootcheck.confirm(self.board, self.journal, self.reporter)
        self._on_trial = False
        self.board.watchdog.relax()
        self.cloud.changed = True  # what had to wait for this may start
        log("confirmed")

    def _watch_trial(self):
        """Resets a little before the watchdog would, so that the reason is known."""
        if ticks_diff(self.board.ticks_ms(), self._booted) > self.board.trial_ms - self.board.trial_ms // 8:
            why = "health check failed" if self.cloud.ready else "cloud not reached"
            bootcheck.give_up(self.board, self.journal, why)
