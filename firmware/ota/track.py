# SPDX-License-Identifier: MIT
"""One kind of update: what is offered, what the journal knows of it, where it goes, how it ends.

The agent has a Track for firmware, and one for software (software.py) once a software package was ever offered.
"""

from ota.job import FIRMWARE
from ota.log import log
from ota.port import forget
from ota.report import FAILED, Reporter


class Track:
    """Of firmware. `pending`: the Job that waits, or None. `on_trial`: what runs still has to be confirmed.

    `slot`: where the next one goes, None without a place. `label`, `running`: of the slot that runs, and (title,
    version) of what is in it. `agent` lends board, cloud and what the application wants.
    """

    kind = FIRMWARE
    hand_over = None  # of a track whose images are for another chip (host.py)

    def __init__(self, agent, journal, slot, label):
        self.journal = journal
        self.reporter = Reporter(journal, self.kind)
        self.slot = slot
        self.label = label
        from ota import identity

        forget("ota.identity")
        self.running = identity.noted(journal, label)
        self.pending = None
        self.forced = self.on_trial = False
        self.agent = agent

    def settle(self):
        """What this boot means; closes what the last one has left open."""
        from ota import bootcheck, identity

        forget("ota.identity")
        board = self.agent.board
        self.on_trial = bootcheck.settle(board, self.journal, self.reporter)
        if not board.spare:
            self.slot = None
        self.running = identity.running(board, self.journal)
        log("running", "slot", self.label, "version", self.running[1])

    def selected(self):
        """Label of the slot that runs next, None if there is none."""
        return self.agent.board.selected()

    def confirm(self):
        """Keeps what runs for good. Raises FlashError."""
        from ota import bootcheck

        bootcheck.confirm(self.agent.board, self.journal, self.reporter)
        self.on_trial = False

    def consider(self):
        """What is offered, judged: the Job to install now, or None."""
        from ota import verdict

        forget("ota.verdict")
        return verdict.consider(self)

    def begin(self, job):
        """Counts the starts of a job. Raises JobError, FlashError."""
        from ota import attempts

        forget("ota.attempts")
        attempts.begin(self, job)

    def finish(self, job_id, state, error=""):
        """Says how a job ended, unless that was said before."""
        agent = self.agent
        cloud = agent.cloud
        if agent.control:
            agent.control.finished(self.kind, error if state == FAILED else "")
        if cloud.remembers:
            from ota import ended

            forget("ota.ended")
            ended.end(self, cloud, job_id, state, error)
        elif self.journal.get("last") != job_id:
            last = None if error == "unassigned" else job_id  # made again it is another offer
            self.reporter.finish(job_id, state, error, last=last)
        log("idle", "reason", "done")

    def forget(self):
        """The cloud took its offer back: whatever comes next is a new decision of somebody's."""
        if not self.on_trial:
            self.forced = False
            self.journal.keep(bad=None, last=None, job=None)
        log("idle", "reason", "nothing_assigned")
