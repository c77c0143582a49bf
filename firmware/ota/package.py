# SPDX-License-Identifier: MIT
"""What a software package is: a plain ustar archive whose first member, the manifest, tells all the rest of it.

    ota-software 1
    title TITLE
    version VERSION
    <sha256> <size> <path>        one line a file, in ascending order of path in lower case

Whoever knows the manifest knows every byte of the archive but the content of its files. So there is one way to write
a package, everything else is refused, and what was received can be told again from the files alone (decision 6).
"""

from ota.errors import VerifyError
from ota.port import const

MANIFEST = "MANIFEST"
RECORD = const(512)  # everything in an archive begins at a multiple of it
END = const(1024)
_FORMAT = b"ota-software 1\n"
_NAME = const(100)  # bytes of a path that fit into a header without its prefix
_DEPTH = const(8)
_LINE = const(1100)  # the longest title in UTF-8, with its key
_TEXT = const(255)  # bytes of a line with a title or version that nobody else tells; both are kept in NVS
LARGEST = const(32768)  # bytes of a manifest, some 300 files
_FOREIGN = '"*:<>?\\|'  # characters that FAT cannot have
_RESERVED = ("manifest", "boot", "main", "ota", "version")  # of the firmware, which no package may shadow


def padded(size):
    """Bytes that content of `size` bytes takes in an archive."""
    return (size + RECORD - 1) // RECORD * RECORD


def header(path, size):
    """The one header that a file may have: no owner, no date, readable by all."""
    raw = bytearray(RECORD)
    raw[: len(path)] = path.encode()
    raw[100:124] = b"0000644\x000000000\x000000000\x00"  # mode, owner, group
    raw[124:156] = b"%011o\x0000000000000\x00        " % size  # size, date, room for the checksum
    raw[156] = 0x30
    raw[257:265] = b"ustar\x0000"
    raw[148:155] = b"%06o\0" % sum(raw)
    return raw


def manifest_size(block):
    """Bytes of the manifest, from the first header of an archive; 0 if that is none."""
    try:
        size = int(bytes(block[124:135]), 8)
    except ValueError:
        return 0
    return size if size <= LARGEST and bytes(block[:RECORD]) == header(MANIFEST, size) else 0


def opening(title, version):
    """The first three lines of a manifest."""
    return _FORMAT + ("title %s\nversion %s\n" % (title, version)).encode()


def expected(job, block):
    """The same of a job, which learns its title and version here if only the package has a word for them."""
    if job.is_sealed:
        job.title, job.version = _said(block)
    return opening(job.title, job.version)


def _said(block):
    """(title, version) of a manifest whose beginning is in `block`. Raises VerifyError."""
    lines = bytes(memoryview(block)[RECORD : RECORD + 3 * _TEXT]).split(b"\n", 3)
    try:
        (first, title), (second, version) = [line.decode().split(" ", 1) for line in lines[1:3]]
    except ValueError:
        raise VerifyError("bad_manifest")
    if (first, second) != ("title", "version") or not title or not version or max(len(lines[1]), len(lines[2])) > _TEXT:
        raise VerifyError("bad_manifest")
    for character in title + version:
        if character < " ":  # six bytes of JSON each
            raise VerifyError("bad_manifest")
    return title, version


def check_path(path):
    """Raises VerifyError `bad_path` unless this is a relative path of plain names that a package may have."""
    names = path.lower().split("/")
    own = names[1:] if names[0] == "lib" else names
    good = len(path) <= _NAME and len(names) <= _DEPTH and "." not in names and ".." not in names and "" not in names
    if not good or not own or own[0].split(".")[0] in _RESERVED:
        raise VerifyError("bad_path", path[:_NAME])
    for character in path:
        if not " " <= character <= "~" or character in _FOREIGN:
            raise VerifyError("bad_path", path[:_NAME])


class Manifest:
    """A manifest in a file. `files`: how many it names, once `check` has passed."""

    def __init__(self, path):
        self._path = path
        self.files = 0

    def check(self, left, is_exact=True):
        """Reads it once. `left`: bytes of the archive behind it, its end included, or if not `is_exact` the most that
        there may be. Raises VerifyError, OSError.
        """
        before = ""
        self.files = 0
        for _, size, path in self.entries():
            check_path(path)
            if path.lower() <= before:
                raise VerifyError("bad_order", path)
            before = path.lower()
            left -= RECORD + padded(size)
            self.files += 1
        if left < END or (is_exact and left != END):
            raise VerifyError("wrong_size", "the manifest tells another")

    def entries(self):
        """Generator: (sha256 in hex, size, path) of each file. Close it, or the manifest stays open."""
        with open(self._path, "rb") as file:
            for _ in range(3):
                file.readline(_LINE)
            while True:
                line = file.readline(_LINE)
                if not line:
                    return
                yield _entry(line)


def _entry(line):
    try:
        sha256, size, path = line.decode().split(" ", 2)
        size = int(size)
    except ValueError:
        raise VerifyError("bad_manifest")
    if len(sha256) != 64 or size < 0 or path[-1:] != "\n":
        raise VerifyError("bad_manifest")
    return sha256, size, path[:-1]
