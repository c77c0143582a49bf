# SPDX-License-Identifier: MIT
"""The few things that a tree of software does with files: walk, empty, read back; what fails gets a stable code."""

import binascii
import hashlib
import os

from ota.errors import FlashError
from ota.port import const

_FOLDER = const(0x4000)  # of the mode that os.stat tells
_FULL = const(28)  # ENOSPC
_THERE_OR_NOT = (2, 17)  # ENOENT, EEXIST


def is_full(error):
    """Whether this OSError says that no block is left."""
    return error.args[0] == _FULL


def failed(error):
    """The FlashError that an OSError becomes: `no_space` or `files_failed`."""
    return FlashError("no_space" if is_full(error) else "files_failed", str(error))


def if_needed(function, *paths):
    """Calls it, and takes it for done when what it wants to make is there, or to remove is gone."""
    try:
        function(*paths)
    except OSError as error:
        if error.args[0] not in _THERE_OR_NOT:
            raise


def below(folder):
    """Generator: (path, size) of each file below a folder, and (path, -1) of each folder behind what is in it.

    Nothing if the folder is not there.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = folder + "/" + name
        status = os.stat(path)
        if status[0] & _FOLDER:
            yield from below(path)
        else:
            yield path, status[6]
    yield folder, -1


def emptying(folder):
    """Generator: removes a folder with all that is in it, one thing a step."""
    for path, size in below(folder):
        (os.remove if size >= 0 else os.rmdir)(path)
        yield


def make_folders(folder, path):
    """Makes the folders that the file `path` needs below `folder`."""
    slash = path.find("/")
    while slash >= 0:
        if_needed(os.mkdir, folder + "/" + path[:slash])
        slash = path.find("/", slash + 1)


def hashing(path, length, block, digest=None):
    """Generator: reads a file block by block, into `digest` too; returns its sha256 in hex, "" at another length."""
    own = hashlib.sha256()
    with open(path, "rb") as file:
        n = file.readinto(block)
        while n:
            length -= n
            data = block if n == len(block) else memoryview(block)[:n]
            own.update(data)
            if digest is not None:
                digest.update(data)
            yield
            n = file.readinto(block)
    return "" if length else binascii.hexlify(own.digest()).decode()
