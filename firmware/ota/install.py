# SPDX-License-Identifier: MIT
"""The main path: from a job to a reset into what it brought. A generator; one step is one block at most.

first block -> check of its head -> erase -> blocks into flash -> digest of the stream -> digest of the flash
-> activate -> reset. It never touches the running slot, and activates nothing but what it read back.
"""

from ota.errors import TransferError, VerifyError
from ota.log import log
from ota.port import forget
from ota.report import DOWNLOADED, DOWNLOADING, UPDATING, VERIFIED
from ota.slot import BLOCK


class Install:
    """One job on its way into the spare slot of its track. `agent` lends cloud and link, and its last section.

    `scatter`: what came before its turn, where a source brings blocks in any order (scatter.py).
    """

    def __init__(self, agent, track, job):
        self.agent = agent
        self.track = track
        self.job = job
        self.slot = track.slot
        self.scatter = None
        self._digest = None
        self._erased = False
        self.stalled_at = -1
        self.stalls = 0

    def steps(self):
        """Generator, ends with a reset, unless it was for somebody else. Raises JobError, FlashError, Cancelled."""
        agent = self.agent
        reporter = self.track.reporter
        reporter.post(self.job.id, DOWNLOADING)
        agent.link.moment_if_up()  # said at once: the source will need the memory
        self._erased = yield from self._resume()
        self._digest = self._new_digest()
        if self._digest is not None:  # it is made anew from flash
            yield from agent.attending(self.slot.feed(self._digest, self.slot.offset))
        while True:
            try:
                yield from self._download()
                reporter.post(self.job.id, DOWNLOADED)
                if self._digest is not None and self._digest.text() != self.job.checksum:
                    raise VerifyError("checksum_mismatch", self.job.algorithm)
                yield from self.agent.attending(self.slot.verify(self.job))
                break
            except VerifyError as error:
                yield from self._setbacks().start_again(self, error)
        reporter.post(self.job.id, VERIFIED)
        yield from agent.held(self.track)
        if self.track.hand_over:
            yield from agent.attending(self.track.hand_over(self.job))
            return
        self.note("activating")
        self._activate()
        reporter.post(self.job.id, UPDATING)
        yield from agent.restart()

    def _activate(self):
        """Not part of `steps`: a generator would keep what it has imported."""
        from ota import activation

        activation.activate(self.track)

    def _resume(self):
        from ota import resume

        forget("ota.resume")
        return resume.resume(self)

    def _download(self):
        error = None
        while self.slot.offset < self.job.size or not self.job.size:
            source = None
            yield from self.agent.online(error)  # the line may have gone while flash was read or erased
            error = None
            try:
                source = self.agent.cloud.source(self.job, self.slot.offset)
                yield from source.stream(self) if hasattr(source, "stream") else self._stream(source)
            except (TransferError, MemoryError) as failure:
                error = self._setbacks().count(self, failure)
            finally:
                if source is not None:
                    source.close()

    def _stream(self, source):
        """The block loop: allocates nothing. Blocks are whole, but for the last one."""
        slot, attend = self.slot, self.agent.attend
        while not self.job.size:  # the source learns it before it gives anything
            source.readinto(slot.block)
            attend(0, 0)
            yield
        size = self.job.size
        while slot.offset < size:
            n = source.readinto(slot.block)
            if n is not None:
                if n != BLOCK and n != size - slot.offset:
                    raise TransferError("short_block")
                if not slot.offset:
                    yield from self.first()
                self.digest(n)
                slot.commit(n)
            attend(slot.offset, size)
            yield

    def digest(self, n):
        """The next `n` bytes of the image are in `slot.block`."""
        if self._digest is not None:
            block = self.slot.block
            self._digest.update(block if n == BLOCK else memoryview(block)[:n])

    def first(self):
        """The first block decides whether anything is erased at all."""
        self.slot.check(self.job)
        if self.agent.cloud.remembers:
            self.agent.cloud.inspect(self.job, self.slot.block)
        if not self._erased:
            self.note("erasing")
            log("erasing", "size", self.job.size)
            yield from self.agent.attending(self.slot.erase(self.job.size))
            self.note("writing")
            self._erased = True

    def from_start(self):
        """Nothing that is in flash counts any more."""
        self._erased = False
        self.scatter = None
        self.slot.offset = 0
        self._digest = self._new_digest()

    def _new_digest(self):
        if not self.job.checksum:
            return None
        from ota import checksum

        return checksum.new(self.job.algorithm)

    @staticmethod
    def _setbacks():
        """Not imported in a generator, whose frame would keep it."""
        from ota import setbacks

        forget("ota.setbacks")
        return setbacks

    def tries(self):
        known = self.track.journal.get("job")
        return known["tries"] if known and known["id"] == self.job.id else 0

    def note(self, stage, tries=None):
        job = self.job
        facts = {"id": job.id, "title": job.title, "version": job.version, "stage": stage, "slot": self.slot.label}
        facts["tries"] = self.tries() if tries is None else tries
        if job.mark:
            facts["mark"] = job.mark
        journal = self.track.journal
        slots = dict(journal.get("slots") or {})
        slots[facts["slot"]] = None  # until it runs and is confirmed; so other.py boots nothing that has failed
        journal.save(job=facts, slots=slots)
