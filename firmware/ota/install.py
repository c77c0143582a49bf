# SPDX-License-Identifier: MIT
"""The main path: from a job to a reset into what it brought. A generator; one step is one block at most.

first block -> check of its head -> erase -> blocks into flash -> digest of the stream -> digest of the flash
-> activate -> reset. It never touches the running slot, and activates nothing but what it read back.
"""

from ota import checksum
from ota.errors import JobError, TransferError, VerifyError
from ota.log import log
from ota.port import const
from ota.report import DOWNLOADED, DOWNLOADING, UPDATING, VERIFIED
from ota.slot import BLOCK

MAX_TRIES = const(2)  # whole downloads of one job that may turn out wrong, counted over resets
_STALLS = const(6)  # broken transfers in a row at one offset
_LOST = const(30)  # lost links in a row at one offset: half an hour of nothing but hang-ups


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
        self._stalled_at = -1
        self._stalls = 0

    def steps(self):
        """Generator, ends with a reset, unless it was for somebody else. Raises JobError, FlashError, Cancelled."""
        agent = self.agent
        reporter = self.track.reporter
        reporter.post(self.job.id, DOWNLOADING)
        agent.link.moment_if_up()  # said at once: the source will need the memory
        yield from self._resume()
        while True:
            try:
                yield from self._download()
                reporter.post(self.job.id, DOWNLOADED)
                if self._digest is not None and self._digest.text() != self.job.checksum:
                    raise VerifyError("checksum_mismatch", self.job.algorithm)
                yield from self.agent.attending(self.slot.verify(self.job))
                break
            except VerifyError as error:
                yield from self._start_again(error)
        reporter.post(self.job.id, VERIFIED)
        yield from agent.held(self.track)
        if self.track.hand_over:
            yield from agent.attending(self.track.hand_over(self.job))
            return
        self._note("activating")
        self._activate()
        reporter.post(self.job.id, UPDATING)
        yield from agent.restart()

    def _activate(self):
        """Not part of `steps`: a generator would keep what it has imported."""
        from ota import activation

        activation.activate(self.track)

    def _resume(self):
        """Takes up what flash holds of this very image; the running digest is made anew from flash."""
        self.slot.offset = 0
        known = self.track.journal.get("job")
        if known and self._continues(known):
            self.job.title, self.job.version = known["title"], known["version"]  # which may be learnt from the image
            yield from self.agent.attending(self.slot.find(self.job.size))
            self._erased = True
            log("resuming", "offset", self.slot.offset, "size", self.job.size)
        self._digest = self._new_digest()
        if self._digest is not None:
            yield from self.agent.attending(self.slot.feed(self._digest, self.slot.offset))

    def _continues(self, known):
        """Whether flash holds the beginning of these very bytes."""
        job = self.job
        is_same = (known["id"], known["stage"], known["slot"]) == (job.id, "writing", self.slot.label)
        return is_same and job.size and job.mark != "" and known.get("mark") == job.mark

    def _download(self):
        while self.slot.offset < self.job.size or not self.job.size:
            source = None
            yield from self.agent.online()  # the line may have gone while flash was read or erased
            try:
                source = self.agent.cloud.source(self.job, self.slot.offset)
                yield from self._scattered(source) if hasattr(source, "begin") else self._stream(source)
            except TransferError as error:
                self._count_stall(error)
                yield from self.agent.online(error)
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

    def _scattered(self, source):
        from ota import scatter

        return scatter.stream(self, source)

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
            self._note("erasing")
            log("erasing", "size", self.job.size)
            yield from self.agent.attending(self.slot.erase(self.job.size))
            self._note("writing")
            self._erased = True

    def _start_again(self, error):
        """The bytes were wrong. Perhaps the package was replaced meanwhile: asks again, then tries from the start."""
        log("warning", "code", error.code)
        tries = self._tries() + 1
        self._note("erasing", tries)
        if tries >= MAX_TRIES:
            raise JobError(error.code, error.detail)
        yield from self.agent.ask_again()
        self.from_start()
        self.track.reporter.post(self.job.id, DOWNLOADING)

    def from_start(self):
        """Nothing that is in flash counts any more."""
        self._erased = False
        self.scatter = None
        self.slot.offset = 0
        self._digest = self._new_digest()

    def _new_digest(self):
        return checksum.new(self.job.algorithm) if self.job.checksum else None

    def _count_stall(self, error):
        if self.slot.offset != self._stalled_at:
            self._stalled_at = self.slot.offset
            self._stalls = 0
        self._stalls += 1
        log("warning", "code", error.code, "offset", self.slot.offset)
        cloud = self.agent.cloud
        if self._stalls >= (_LOST if error.code == "link_lost" else _STALLS) or (
            cloud.remembers and cloud.ends_attempt(error)
        ):
            raise JobError(error.code, error.detail)

    def _tries(self):
        known = self.track.journal.get("job")
        return known["tries"] if known and known["id"] == self.job.id else 0

    def _note(self, stage, tries=None):
        job = self.job
        facts = {"id": job.id, "title": job.title, "version": job.version, "stage": stage, "slot": self.slot.label}
        facts["tries"] = self._tries() if tries is None else tries
        if job.mark:
            facts["mark"] = job.mark
        self.track.journal.save(job=facts)
