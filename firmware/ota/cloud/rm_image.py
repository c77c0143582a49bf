# SPDX-License-Identifier: MIT
"""What RainMaker wants of the first block of an image (rainmaker.md 3): the same project, another version.

Released MicroPython has no project in its app descriptor, and the same version in every build of an application. Then
the version that the job tells is held against the one that runs.
"""

from ota.errors import JobError
from ota.image import HEADER
from ota.port import const

_STOCK = (b"", b"micropython")
_VERSION = const(48)
_PROJECT = const(80)
_HASHED = const(23)  # 1: a SHA-256 over the whole image is behind it, which set_boot() checks


def check(cloud, job, head):
    """Raises JobError: wrong_project, same_version, no_checksum. Learns the version that only the image tells."""
    project, version = _described(head)
    ours = _of_running(cloud.board)
    if project != ours[0]:
        raise JobError("wrong_project")
    if project in _STOCK:
        if job.version != "unknown" and job.version == cloud.identity[1]:
            raise JobError("same_version")
    elif version == ours[1]:
        raise JobError("same_version")
    else:
        job.version = _readable(version)
    if job.checksum is None and head[_HASHED] != 1:
        raise JobError("no_checksum", "neither the job nor the image brings one")


def describe(job, head):
    """Takes title and version from an image that tells them."""
    project, version = _described(head)
    if project not in _STOCK:
        job.title, job.version = _readable(project), _readable(version)


def identity(board):
    """(title, version) of what runs, by its own descriptor."""
    project, version = _of_running(board)
    return ("micropython" if project in _STOCK else _readable(project)), (
        "unknown" if project in _STOCK else _readable(version)
    )


def _of_running(board):
    head = bytearray(HEADER)
    board.running.readblocks(0, head, 0)
    return _described(head)


def _described(head):
    """(project, version), bytes."""
    return _text(head, _PROJECT), _text(head, _VERSION)


def _text(head, at):
    return bytes(head[at : at + 32]).split(b"\0", 1)[0]


def _readable(text):
    return "".join([chr(c) if 0x20 <= c <= 0x7E else "?" for c in text]) or "unknown"
