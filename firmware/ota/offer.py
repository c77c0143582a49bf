# SPDX-License-Identifier: MIT
"""What a cloud offers, checked once. Loaded when it offers something, for an update needs its place.

"It parsed" is not "it is complete": each field has its type, range and length checked (style.md C2, json).
"""

import binascii
import hashlib

from ota.errors import JobError
from ota.job import LARGEST
from ota.port import const

_HEX_DIGITS = {"MD5": 32, "SHA256": 64, "SHA384": 96, "SHA512": 128, "CRC32": 8, "MURMUR3_32": 8, "MURMUR3_128": 32}
_TEXT = const(255)  # longest title and version, characters (thingsboard.md 3.1)
_URL = const(2048)


def checked(fields, allow_no_checksum):
    """(title, version, url, id, size, algorithm, checksum, mark) of a Job. Raises JobError."""
    title = _text(fields, "title", _TEXT)
    version = _text(fields, "version", _TEXT)
    url = _where(fields)
    job_id = fields.get("id")
    size = _length(fields.get("size"), 0 if job_id else 1)
    algorithm, checksum = _promise(fields, allow_no_checksum)
    mark = (checksum or "") if job_id else None
    if not job_id:
        job_id = fingerprint((title, version, size, checksum or url))
    return title, version, url, job_id, size, algorithm, checksum, mark


def fingerprint(parts):
    """16 hex digits that stand for a sequence of values."""
    text = "\0".join([str(part) for part in parts])
    return binascii.hexlify(hashlib.sha256(text.encode()).digest()[:8]).decode()


def guess(checksum):
    """The algorithm that a checksum without a name was made with, by its length; None if unclear.

    ThingsBoard 3.3 to 4.2.1 send URL packages so (thingsboard.md 3.3).
    """
    return {32: "MD5", 64: "SHA256", 96: "SHA384", 128: "SHA512"}.get(len(checksum))


def _text(fields, name, limit):
    value = fields.get(name)
    if not isinstance(value, str) or not value or len(value) > limit:
        raise JobError("bad_" + name)
    return value


def _where(fields):
    if fields.get("url") is None:
        return None
    url = _text(fields, "url", _URL)
    if not url.startswith("http://") and not url.startswith("https://"):
        raise JobError("bad_url", "only http and https")
    return url


def _length(size, least):
    if isinstance(size, bool) or not isinstance(size, int) or not least <= size <= LARGEST:
        raise JobError("bad_size", str(size)[:20])
    return size


def _promise(fields, allow_none):
    text = fields.get("checksum")
    if text is None and allow_none:
        return None, None
    if not isinstance(text, str) or not text:
        raise JobError("no_checksum")
    text = text.strip().lower()
    if text.startswith("0x"):
        text = text[2:]
    algorithm = fields.get("algorithm")
    if algorithm is None:
        algorithm = guess(text)
    if algorithm not in _HEX_DIGITS:
        raise JobError("checksum_unsupported", str(algorithm)[:20])
    if len(text) != _HEX_DIGITS[algorithm] or not all(c in "0123456789abcdef" for c in text):
        raise JobError("bad_checksum", algorithm)
    return algorithm, text
