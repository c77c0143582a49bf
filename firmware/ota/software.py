# SPDX-License-Identifier: MIT
"""Updates of the application's own files: a Track whose slots are two trees of files (tree.py, trees.py).

Loaded when the first software package is offered, and at every boot from then on.
"""

from ota.errors import FlashError
from ota.job import SOFTWARE
from ota.journal import Journal
from ota.log import log
from ota.port import forget
from ota.track import Track
from ota.tree import Tree
from ota.trees import CRASHED, DAMAGED, LABELS, NEW, TRIAL, VALID, Trees


class Software(Track):
    """`block`: 4 KiB to read into; software and firmware are never installed at the same time."""

    kind = SOFTWARE

    def __init__(self, agent, block):
        trees = self._trees = Trees(agent.board)
        super().__init__(agent, Journal(agent.board.nvs, "software"), Tree(trees, block), LABELS[trees.running])

    def settle(self):
        trees = self._trees
        self.on_trial = trees.state == TRIAL and trees.running == trees.active
        job = self.journal.get("job")
        if job and job["stage"] == "activating":
            self._close(job)
        if trees.state == CRASHED:
            self._give_up(LABELS[trees.before])
        if not self.on_trial:
            self._save(trees.running)
        if not trees.running:
            self.running = (self.label, self.agent.tracks[0].running[1])  # an application of the firmware's version
        self.agent.cloud.software = self.running
        log("software", "tree", self.label, "version", self.running[1])

    def finish(self, job_id, state, error=""):
        self.slot.close()  # a download that was given up
        super().finish(job_id, state, error)

    def _save(self, runs):
        """Leaves a choice that is closed, so that the next rollback cannot be mistaken for this one."""
        trees = self._trees
        try:
            if trees.state == DAMAGED:
                self.forget()  # what was lost may be fetched again
            if trees.state != VALID or not trees.is_noted:
                trees.save(VALID, runs, runs if trees.state == CRASHED else trees.before)
        except OSError as error:  # done again at the next boot
            log("warning", "code", "tree_not_saved", "error", error)

    def _give_up(self, label):
        """What was confirmed long ago has crashed again and again."""
        known = (self.journal.get("slots") or {}).get(label)
        if known:
            from ota import quarantine

            forget("ota.quarantine")
            quarantine.crashed(self, known)

    def _close(self, job):
        """The job was about to be activated: how did it end?"""
        from ota import bootcheck, quarantine

        forget("ota.quarantine")
        state = self._trees.state
        if job["slot"] == self.label:
            if not self.on_trial:
                bootcheck.succeed(job, self.agent.board, self.journal, self.reporter)
        elif state == VALID:
            bootcheck.note(job, "stage", "writing", self.journal)  # never activated
        elif state in (NEW, DAMAGED):
            error = "not_bootable: boot.py did not start it"
            quarantine.fail(job, error, self.agent.board, self.journal, self.reporter)
        else:
            quarantine.rolled_back(job, self.agent.board, self.journal, self.reporter)

    def selected(self):
        return LABELS[self._trees.active]

    def confirm(self):
        trees = self._trees
        try:
            trees.save(VALID, trees.active, trees.before)
        except OSError as error:
            raise FlashError("confirm_failed", str(error))
        job = self.journal.get("job")
        if job and job["stage"] == "activating" and job["slot"] == self.label:
            from ota import bootcheck

            bootcheck.succeed(job, self.agent.board, self.journal, self.reporter)
        self.on_trial = False
