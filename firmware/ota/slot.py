# SPDX-License-Identifier: MIT
"""The spare app partition as an append-only sink of 4 KiB blocks.

The whole area for the image is erased first, then only programmed. So after any power cut the last block
that is not all FF is the only one in doubt, and a resume needs no record of progress at all:
docs/decisions/0002-erase-first.md. One block of RAM, owned here, for filling, writing and reading back.
For blocks that come before their turn scatter.py uses `put` and `read`.
"""

from ota.errors import FlashError, JobError, VerifyError
from ota.port import const, forget

BLOCK = const(4096)
_ERASE = const(6)  # Partition.ioctl: erase one block
_ATTEMPTS = const(3)  # the chip may fail once; whatever it did by then, erasing and programming can be repeated


class Slot:
    """`block`: where the next 4 KiB go before `commit`. `offset`: bytes that are in flash, a multiple of BLOCK.

    `chip`: chip id of this board (image.py).
    """

    def __init__(self, partition, chip=0):
        self._partition = partition
        self._chip = chip
        info = partition.info()
        self.size = info[3]
        self.label = info[4]
        self.block = bytearray(BLOCK)
        self.offset = 0
        self._verified = False

    def check(self, job):
        """Whether the first block is the beginning of an app for this board. Raises JobError."""
        self.check_head(job.size)

    def check_head(self, size):
        from ota import image

        forget("ota.image")
        image.check(self.block, size, self._chip)

    def erase(self, size):
        """Generator: erases what `size` bytes need, one sector a step."""
        if size > self.size:
            raise JobError("slot_too_small", "%d > %d" % (size, self.size))
        self.offset = 0
        for index in range((size + BLOCK - 1) // BLOCK):
            self.erase_block(index)
            yield

    def find(self, size):
        """Generator: sets `offset` to what survives of an image of `size` bytes after a cut: see remains.py."""
        from ota import remains

        return remains.find(self, size)

    def commit(self, n):
        """Programs the first `n` bytes of `block` at `offset`; the rest of a last, short block becomes FF."""
        self.pad(n)
        self.put(self.offset // BLOCK, self.block, 0)
        self.offset += n

    def pad(self, n):
        """Makes all of `block` but its first `n` bytes FF."""
        for i in range(n, BLOCK):
            self.block[i] = 0xFF

    def put(self, index, data, at):
        """Programs `data` at byte `at` of a block."""
        self._verified = False
        for attempt in range(_ATTEMPTS):
            try:
                self._partition.writeblocks(index, data, at)
                return
            except OSError as error:
                self._give_up(attempt, "flash_write_failed", index * BLOCK, error)

    def feed(self, digest, size):
        """Generator: reads the first `size` bytes back from flash into `digest`."""
        for index in range(size // BLOCK):
            self.read(index, self.block)
            digest.update(self.block)
            yield
        if size % BLOCK:
            self.read(size // BLOCK, self.block)
            digest.update(memoryview(self.block)[: size % BLOCK])

    def verify(self, job):
        """Generator: compares the digest of what is in flash with the job's, or the image's. Raises VerifyError."""
        if job.checksum is not None:
            from ota import checksum

            digest = checksum.new(job.algorithm)
            yield from self.feed(digest, job.size)
            if digest.text() != job.checksum:
                raise VerifyError("flash_mismatch", "flash does not hold the image")
        elif job.is_sealed:
            from ota import seal

            forget("ota.seal", "ota.checksum")
            yield from seal.verify(self, job.size)
        self._verified = True

    def activate(self):
        """Makes the bootloader start this slot next. Only right after `verify`, with no write in between."""
        if not self._verified:
            raise VerifyError("not_verified")
        try:
            self._partition.set_boot()
        except OSError as error:
            raise VerifyError("image_refused", str(error))

    def erase_block(self, index):
        self._verified = False
        for attempt in range(_ATTEMPTS):
            try:
                self._partition.ioctl(_ERASE, index)
                return
            except OSError as error:
                self._give_up(attempt, "flash_erase_failed", index * BLOCK, error)

    def read(self, index, buf):
        """Reads the beginning of a block."""
        for attempt in range(_ATTEMPTS):
            try:
                self._partition.readblocks(index, buf, 0)
                return
            except OSError as error:
                self._give_up(attempt, "flash_read_failed", index * BLOCK, error)

    def _give_up(self, attempt, code, offset, error):
        """Raises FlashError after the last attempt."""
        if attempt + 1 == _ATTEMPTS:
            raise FlashError(code, "at %d: %s" % (offset, error))
