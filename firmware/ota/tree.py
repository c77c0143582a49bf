# SPDX-License-Identifier: MIT
"""The spare tree of software as an append-only sink: the promises of slot.py, kept with files.

Each file is checked as soon as it is whole, so after a cut the download goes on behind the last one that is. A tree
counts only once its manifest has its name, which is the last thing that is done to it and the first to go.
"""

import binascii
import hashlib
import os

from ota import checksum
from ota.errors import FlashError, JobError, VerifyError
from ota.files import below, emptying, failed, hashing, if_needed, is_full, make_folders
from ota.package import END, MANIFEST, RECORD, Manifest, expected, header, manifest_size, padded
from ota.port import const
from ota.slot import BLOCK
from ota.trees import LABELS, NEW

_RESERVE = const(4)  # blocks for the folders themselves


class Tree:
    """`block`: where the next bytes go before `commit`. `offset`: bytes of the archive that are kept."""

    def __init__(self, trees, block):
        self._trees = trees
        self._tree = 2 if trees.running == 1 else 1
        self.label = LABELS[self._tree]
        self.block, self.offset = block, 0
        self._folder = trees.folder(self._tree)
        self._whole = self._folder + "/" + MANIFEST
        self._part = self._whole + ".part"
        self._manifest = Manifest(self._part)
        self._size, self._is_exact = 0, True  # bytes of the archive, or the most that it may have, until `verify`
        self._entries = None  # what the manifest still has to name
        self._entry = None  # of these one that was taken too early
        self._file = None  # the one being written: its path, its promised and running sha256, bytes to come
        self._path = ""
        self._sha256 = self._digest = None
        self._left, self._verified = 0, False

    @property
    def size(self):
        """Bytes that a package may have: what is free, and what the spare tree gives back."""
        try:
            fs = os.statvfs(self._trees.parent)
            blocks = fs[3] - _RESERVE
            for _, size in below(self._folder):
                blocks += -(-size // fs[1])
        except OSError:
            return 0  # no file system, or a broken one
        return max(0, blocks * fs[1])

    def check(self, job):
        """Is this the beginning of the package that the job promises? Asked of the first block, before any erase."""
        if not manifest_size(self.block) or job.size % RECORD:
            raise JobError("not_a_package", "publish what `simulator software make` makes")
        self._is_exact = not job.is_sealed
        first = expected(job, self.block)
        if bytes(self.block[RECORD : RECORD + len(first)]) != first:
            raise JobError("wrong_package", "its manifest has another title or version")

    def erase(self, size):
        """Generator: empties the tree, one file a step; its manifest goes first."""
        if size > self.size:
            raise JobError("slot_too_small", "%d > %d" % (size, self.size))
        self._begin(size)
        try:
            if_needed(os.remove, self._whole)
            yield from emptying(self._folder)
            if_needed(os.mkdir, self._trees.root)
            os.mkdir(self._folder)
        except OSError as error:
            raise failed(error)

    def find(self, size):
        """Generator: sets `offset` to the end of the last file that survives of an archive of `size` bytes."""
        self._begin(size)
        try:
            if_needed(os.rename, self._whole, self._part)
            at = self._check_manifest()
        except (OSError, VerifyError):
            return  # without a manifest nothing counts
        self._entries = self._manifest.entries()
        for entry in self._entries:
            self._entry = entry  # the first that is not whole comes again
            sha256, length, path = entry
            try:
                found = yield from hashing(self._place(path), length, self.block)
            except OSError:
                break
            if found != sha256:
                break
            at += RECORD + padded(length)
        else:
            self._entry = None
        self.offset = at

    def commit(self, n):
        """Takes the first `n` bytes of `block`. Raises VerifyError for bytes that do not belong there, FlashError."""
        self._verified = False
        at = 0
        try:
            while at < n:
                at = self._write(at, n) if self._file else self._open(at)
        except OSError as error:
            if is_full(error):  # the application needs some of it
                self.close()
                for _ in emptying(self._folder):
                    pass
            raise failed(error)
        self.offset += n

    def feed(self, digest, size):
        """Generator: tells the first `size` bytes of the archive again, from the files. Raises VerifyError."""
        at = 0
        members = self._members()
        try:
            while at < size:
                at += yield from self._tell(digest, next(members))
        except OSError as error:
            raise failed(error)
        finally:
            members.close()

    def verify(self, job):
        """Generator: reads everything back, and looks for files that are not of this package. Raises VerifyError."""
        try:
            if_needed(os.rename, self._whole, self._part)  # it was about to be activated when the power went
            self._begin(job.size)
            self._is_exact = True
            self._check_manifest()
        except OSError as error:
            raise failed(error)
        digest = checksum.new(job.algorithm or "SHA256")
        yield from self.feed(digest, job.size)
        if job.checksum not in (None, digest.text()):
            raise VerifyError("flash_mismatch", "the files are not the package")
        files = sum([length >= 0 for _, length in below(self._folder)])
        if files != self._manifest.files + 1:
            raise VerifyError("stray_file", "%d files, not %d" % (files, self._manifest.files + 1))
        self._verified = True

    def activate(self):
        """Makes the next boot try this tree. Only right after `verify`."""
        if not self._verified:
            raise VerifyError("not_verified")
        try:
            os.rename(self._part, self._whole)
            self._trees.save(NEW, self._tree, self._trees.running)
        except OSError as error:
            raise FlashError("not_selected", str(error))

    def close(self):
        """Closes what is open: of a file that is not whole yet nothing counts."""
        for open_one in (self._file, self._entries):
            try:
                if open_one:
                    open_one.close()
            except OSError:
                pass  # what it still had to write is not wanted any more
        self._file = self._entries = self._entry = None

    def _begin(self, size):
        self.close()
        self._verified = False
        self._size = size
        self.offset = 0

    def _expect(self, at, wanted):
        if bytes(memoryview(self.block)[at : at + len(wanted)]) != wanted:
            raise VerifyError("bad_archive", "at %d" % (self.offset + at))

    def _open(self, at):
        """What begins at `at` of the block: a file, or the end. Returns where its header ends."""
        self._sha256, self._left, self._path = self._next()
        if not self._path:
            self._expect(at, bytes(RECORD))
            return at + RECORD
        self._expect(at, header(self._path, self._left))
        make_folders(self._folder, self._path)
        self._digest = hashlib.sha256()
        self._file = open(self._place(self._path), "wb")  # noqa: SIM115 (written block by block)
        if not self._left:
            self._close()
        return at + RECORD

    def _next(self):
        if self._entries is None:
            return None, manifest_size(self.block), MANIFEST
        if self._entry:
            entry, self._entry = self._entry, None
            return entry
        for entry in self._entries:
            return entry
        return None, 0, ""

    def _write(self, at, n):
        """Content, with the zeros behind it. Returns where these end."""
        size = min(self._left, n - at)
        data = self.block if size == BLOCK else memoryview(self.block)[at : at + size]
        self._file.write(data)
        self._digest.update(data)
        self._left -= size
        end = at + padded(size)
        if end > at + size:  # not in the midst of a file, where a block allocates nothing
            self._expect(at + size, bytes(end - at - size))
        if not self._left:
            self._close()
        return end

    def _close(self):
        self._file.close()
        self._file = None
        if self._sha256 is None:
            self._check_manifest()
            self._entries = self._manifest.entries()
        elif binascii.hexlify(self._digest.digest()).decode() != self._sha256:
            raise VerifyError("file_mismatch", self._path)

    def _place(self, path):
        return self._part if path == MANIFEST else self._folder + "/" + path

    def _check_manifest(self):
        """Returns where the archive goes on behind it. Raises VerifyError, OSError."""
        at = RECORD + padded(os.stat(self._part)[6])
        self._manifest.check(self._size - at, self._is_exact)
        return at

    def _members(self):
        """Generator: all that the archive has, as the manifest names it; its end is a member without a path."""
        yield None, os.stat(self._part)[6], MANIFEST
        yield from self._manifest.entries()
        yield None, 0, ""

    def _tell(self, digest, member):
        """Generator: one member as it is in the archive; returns the bytes it takes there."""
        sha256, length, path = member
        if not path:
            digest.update(bytes(END))
            return END
        digest.update(header(path, length))
        found = yield from hashing(self._place(path), length, self.block, digest)
        if sha256 not in (None, found):
            raise VerifyError("flash_mismatch", path)
        digest.update(bytes(padded(length) - length))
        return RECORD + padded(length)
