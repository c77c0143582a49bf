# SPDX-License-Identifier: MIT
"""Makes software packages for tests on every interpreter, byte by byte and without the code under test."""

import binascii
import hashlib


def sha256(data):
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()


def header(name, size, flag=b"0", mode=b"0000644"):
    """A ustar header as Python's tarfile writes it for a file without owner and date."""
    raw = bytearray(512)
    raw[: len(name)] = name
    raw[108:148] = b"0000000\x000000000\x00%011o\x0000000000000\x00" % size
    for at, text in ((100, mode), (148, b"        "), (156, flag), (257, b"ustar\x0000")):
        raw[at : at + len(text)] = text
    raw[148:155] = b"%06o\0" % sum(raw)
    return bytes(raw)


def member(name, data, **header_fields):
    return header(name.encode(), len(data), **header_fields) + data + bytes(-len(data) % 512)


def manifest(files, title="app", version="2.0.0"):
    """`files`: pairs of name and content."""
    lines = ["ota-software 1", "title " + title, "version " + version]
    lines += ["%s %d %s" % (sha256(data), len(data), name) for name, data in files]
    return ("\n".join(lines) + "\n").encode()


def package(files, title="app", version="2.0.0"):
    members = [member("MANIFEST", manifest(files, title, version))]
    return b"".join(members + [member(name, data) for name, data in files]) + bytes(1024)


class Job:
    """What a tree needs of one."""

    is_sealed = False

    def __init__(self, data, title="app", version="2.0.0", checksum=True):
        self.title = title
        self.version = version
        self.size = len(data)
        self.algorithm = "SHA256" if checksum else None
        self.checksum = sha256(data) if checksum else None
