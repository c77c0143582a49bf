# SPDX-License-Identifier: MIT
"""What this boot means: a trial, a rollback, a fallback of the bootloader, or nothing special.

`guard` runs from boot.py: it arms the deadline, and puts a software package on the path (trees.py). `settle` runs
first in the agent: it closes what the last boot left open and repairs the boot records. `confirm` ends a trial well;
its bad end is a reset.
"""

from ota import otadata
from ota.errors import FlashError
from ota.log import log
from ota.port import const, forget
from ota.report import UPDATED

_ERASE = const(6)
TREE = "tree"  # NVS has a number of this name on a board that was ever offered a software package
CRASHES = "crashes"  # NVS has one after a crash
_ATTEMPTS = const(3)


def read_state(board):
    """The BootState, or None when the chip does not let the records be read. `board.otadata` must exist."""
    for _ in range(_ATTEMPTS):
        try:
            return BootState(board)
        except OSError as error:
            log("warning", "code", "otadata_unreadable", "error", error)
    return None


class BootState:
    """The two records, and what they say about the slot that runs. `board.otadata` must exist."""

    def __init__(self, board):
        self.records = otadata.read(board.otadata)
        self.active = otadata.active(self.records)
        info = board.running.info()
        self.running = info[4]
        self._running_subtype = info[1]
        self._slots = board.slots
        record = self.records[self.active]
        self.selected = self.active >= 0 and self.names_running(record)
        self.fallback = self.active >= 0 and not self.selected
        self.on_trial = self.selected and record.state == otadata.PENDING

    def names_running(self, record):
        return record.subtype(self._slots) == self._running_subtype

    def aborted(self):
        """Indices of the records that the bootloader has given up."""
        return [index for index in (0, 1) if self.records[index].state == otadata.ABORTED]


def guard(board):
    """For boot.py: on a trial boot the chip resets, unless the agent confirms before `board.trial_ms` is over."""
    is_trial = False
    if board.otadata is not None:
        state = read_state(board)
        if state is None or state.on_trial:  # who cannot know must confirm: that changes nothing when it was confirmed
            is_trial = True
            _arm(board)
            if board.reset_cause == "deepsleep":
                from ota import trial

                forget("ota.trial")
                trial.wake(board)
    if board.reset_cause in ("hard", "watchdog") or noted(board, CRASHES) not in (-1, 0):
        from ota import crashes

        crashes.guard(board, is_trial)
    if uses_trees(board):
        from ota import trees

        if trees.start(board):
            _arm(board)


def noted(board, key):
    """A number of NVS, -1 where there is none."""
    try:
        return board.nvs.get_i32(key)
    except OSError:
        return -1


def uses_trees(board):
    """Whether a software package was ever offered to this board."""
    return noted(board, TREE) >= 0


def _arm(board):
    board.watchdog.arm(board.trial_ms)
    log("trial", "deadline_s", board.trial_ms // 1000)


def settle(board, journal, reporter):
    """Returns whether the running image has to be confirmed. Safe to repeat after a cut at any point."""
    on_trial = board.otadata is not None and _settle(board, journal, reporter)
    if noted(board, CRASHES) > 0 or journal.get("watch"):
        _count(board, journal)
    return on_trial


def _settle(board, journal, reporter):
    state = read_state(board)
    if state is None:
        board.spare = None  # how a job ended could not be told, so none is started
        return True
    if state.fallback and board.reset_cause in ("soft", "deepsleep"):
        board.reset()  # the bootloader was not asked since a slot was selected
    job = journal.get("job")
    if job and job["stage"] == "activating":
        if state.fallback and job["slot"] == state.running:
            return True  # records that read otherwise than for the bootloader: who cannot know must confirm
        _close(board, state, job, journal, reporter)
    try:
        if state.fallback:
            _repair(board, state)
        elif not state.on_trial:
            for index in state.aborted():  # so that the next rollback cannot be mistaken for this one
                board.otadata.ioctl(_ERASE, index)
    except OSError as error:  # tried again at the next boot; what runs can go on meanwhile
        log("warning", "code", "repair_failed", "error", error)
    return state.on_trial


def _count(board, journal):
    """From now on time without crashes counts, if it does not yet."""
    if hasattr(board.watchdog, "IS_PROBATION"):
        return  # the agent has settled again after a bug of ours
    from ota.probation import Probation

    forget("ota.probation")
    board.watchdog = Probation(board, journal)


def _close(board, state, job, journal, reporter):
    """The job was about to be activated: how did it end?"""
    if job["slot"] == state.running:
        if not state.on_trial:
            succeed(job, board, journal, reporter)  # the power went between confirming and writing it down
        return
    if state.fallback:
        _quarantine().fail(job, "not_bootable: the bootloader refused it", board, journal, reporter)
    elif state.aborted():
        _quarantine().rolled_back(job, board, journal, reporter)
    elif job.get("left"):
        journal.keep(job=None)  # the way back (other.py) was not taken: as if nobody had asked for it
    else:
        note(job, "stage", "writing", journal)  # never activated: what is in flash is verified again


def _quarantine():
    """What only a bad end needs."""
    from ota import quarantine

    forget("ota.quarantine")
    return quarantine


def succeed(job, board, journal, reporter):
    """What the job has installed runs and is confirmed."""
    if job.get("left"):  # see other.py
        _quarantine().leave(job, board, journal, reporter)
        return
    slots = dict(journal.get("slots") or {})
    known = slots[job["slot"]] = [job["id"], job["title"], job["version"]]
    if job.get("mark"):
        known.append(job["mark"])
    watch = None
    if board.number("watch_s", 0) > 0:
        from ota import watching

        forget("ota.watching", "ota.deadline")
        watch = watching.begin(board, job["slot"])
    reporter.finish(job["id"], UPDATED, slots=slots, watch=watch)


def _repair(board, state):
    """The bootloader could not start what otadata selects. As things stand an unconfirmed image would never be
    rolled back (esp32.md 3.3), so the record is made to name what runs."""
    log("warning", "code", "fallback_repaired")
    other = state.records[1 - state.active]
    if other.usable and state.names_running(other):
        board.otadata.ioctl(_ERASE, state.active)
        return
    board.running.set_boot()
    if board.slots_include_running:
        board.running.mark_app_valid_cancel_rollback()


def confirm(board, journal, reporter):
    """Keeps the running image for good, then says so."""
    try:
        board.running.mark_app_valid_cancel_rollback()
    except OSError as error:
        raise FlashError("confirm_failed", str(error))
    job = journal.get("job")
    if job and job["stage"] == "activating" and job["slot"] == board.running.info()[4]:
        succeed(job, board, journal, reporter)
        if journal.get("watch"):
            _count(board, journal)


def give_up(board, journal, why):
    """Ends a trial badly: writes down why, and lets the bootloader bring the old image back."""
    log("rolling_back", "why", why)
    job = journal.get("job")
    if job:
        note(job, "why", why, journal)
    board.reset()


def note(job, name, value, journal):
    """Writes one fact of the job down."""
    job = dict(job)
    job[name] = value
    journal.keep(job=job)
