# SPDX-License-Identifier: MIT
"""Images for another microcontroller on the same board, a "host MCU" whose radio we are (rainmaker.md 4).

    agent.tracks.append(HostMcu(agent, target))

The image is staged in the spare slot and verified there, so the other chip is only touched with the whole of it. After
a cut the cloud offers the job again, and what is staged is handed over once more. Only with a cloud that remembers.

A target has three methods, which may take as long as the watchdog allows and raise JobError or VerifyError:
begin(size, version)   an image of so many bytes is coming
write(block, n)        its next `n` bytes are in the front of `block`
end()                  that was all: starts it, and raises unless it runs
"""

from ota.errors import JobError
from ota.journal import Journal
from ota.log import log
from ota.report import UPDATED, UPDATING
from ota.slot import BLOCK, Slot
from ota.track import Track

KIND = "host_mcu"


class Staged(Slot):
    """The spare slot for bytes that are no app for this board. `block`: the agent's own; `journal`: of firmware."""

    def __init__(self, partition, block, journal):
        self._journal = journal
        info = partition.info()
        self._partition = partition
        self.size = info[3]
        self.label = info[4]
        self.block = block
        self.offset = 0
        self._verified = False

    def check(self, job):
        """Whatever the bytes are, only the other chip could tell. Raises JobError."""
        if job.checksum is None:
            raise JobError("no_checksum", "an image for another chip needs one")

    def erase(self, size):
        slots = dict(self._journal.get("slots") or {})
        slots[self.label] = None  # as Install.note does: it may be an app of this chip, of another board
        self._journal.save(slots=slots)
        return super().erase(size)


class HostMcu(Track):
    """`target`: as above."""

    kind = KIND

    def __init__(self, agent, target):
        slot = Staged(agent.board.spare, agent.block, agent.tracks[0].journal) if agent.board.spare else None
        super().__init__(agent, Journal(agent.board.nvs, "host"), slot, KIND)
        self._target = target
        agent.cloud.known[KIND] = {}

    def settle(self):
        log("host", "version", self.running[1])

    def hand_over(self, job):
        """Generator: gives what is staged to the target. Raises what the target raises."""
        from ota import ended

        self.reporter.post(job.id, UPDATING)
        slot = self.slot
        self._target.begin(job.size, job.version)
        for index in range((job.size + BLOCK - 1) // BLOCK):
            slot.read(index, slot.block)
            self._target.write(slot.block, min(BLOCK, job.size - index * BLOCK))
            yield
        self._target.end()
        self.running = (job.title, job.version)
        self.journal.keep(slots={KIND: [job.id, job.title, job.version]})
        ended.end(self, self.agent.cloud, job.id, UPDATED, "")
