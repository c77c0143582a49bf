# SPDX-License-Identifier: MIT
"""A job: one checked record for every cloud, one of each kind. What comes from outside is checked here, once.

"It parsed" is not "it is complete": each field has its type, range and length checked (style.md C2, json).
"""

import binascii
import hashlib

from ota import checksum as checksums
from ota.errors import JobError
from ota.port import const

FIRMWARE = "firmware"
SOFTWARE = "software"
KINDS = (FIRMWARE, SOFTWARE)
FIELDS = ("title", "version", "size", "algorithm", "checksum", "url")
_TEXT = const(255)  # longest title and version, characters (thingsboard.md 3.1)
_URL = const(2048)
LARGEST = const(0x1000000)  # no ESP32 app partition is larger than 16 MiB (esp32.md 4.1)


def fingerprint(parts):
    """16 hex digits that stand for a sequence of values."""
    text = "\0".join([str(part) for part in parts])
    return binascii.hexlify(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _text(fields, name, limit):
    value = fields.get(name)
    if not isinstance(value, str) or not value or len(value) > limit:
        raise JobError("bad_" + name)
    return value


def _whole(value):
    """Text as it was meant: JSON may tell a character in two halves, which MicroPython's json leaves apart."""
    if isinstance(value, str) and any(0xD800 <= ord(c) < 0xE000 for c in value):
        from ota.surrogates import joined

        return joined(value)
    return value


class Job:
    """`id`: the cloud's own, else 16 hex digits that change when anything that matters changes. `size`: bytes.

    `checksum`: lowercase hex, or None when the maker's policy allows none. `url`: None for chunked delivery.
    With an id of the cloud's, `size` may be 0: its source learns it. `mark`: what besides the id must be the same for
    a download to be resumed; None: the id says it all, "": nothing does.
    """

    seen = None  # what the web server behind `url` calls these bytes; for the source, who asks there again
    stream = None  # where else the bytes may come from, of a cloud that has streams
    terms: object = None  # terms.Terms of one that says how long it may be put off
    rules: object = None  # schedule.Rules of a cloud whose jobs have some

    def __init__(self, fields, allow_no_checksum=False, kind=FIRMWARE):
        """`fields`: dict with some of FIELDS. Raises JobError."""
        self.kind = kind
        self.title = _text(fields, "title", _TEXT)
        self.version = _text(fields, "version", _TEXT)
        self.url = self._where(fields)
        self.id = fields.get("id")
        self.size = self._length(fields.get("size"), 0 if self.id else 1)
        self.algorithm, self.checksum = self._promise(fields, allow_no_checksum)
        self.mark = (self.checksum or "") if self.id else None
        if not self.id:
            self.id = fingerprint((self.title, self.version, self.size, self.checksum or self.url))

    @staticmethod
    def _where(fields):
        if fields.get("url") is None:
            return None
        url = _text(fields, "url", _URL)
        if not url.startswith("http://") and not url.startswith("https://"):
            raise JobError("bad_url", "only http and https")
        return url

    @staticmethod
    def _length(size, least):
        if isinstance(size, bool) or not isinstance(size, int) or not least <= size <= LARGEST:
            raise JobError("bad_size", str(size)[:20])
        return size

    @staticmethod
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
            algorithm = checksums.guess(text)
        if algorithm not in checksums.HEX_DIGITS:
            raise JobError("checksum_unsupported", str(algorithm)[:20])
        if len(text) != checksums.HEX_DIGITS[algorithm] or not all(c in "0123456789abcdef" for c in text):
            raise JobError("bad_checksum", algorithm)
        return algorithm, text


class Offers:
    """Base of a cloud: what it offers, by kind.

    `known`: kind -> fields; `changed`: the kinds whose offer may be another one since `job` was asked for it.
    `offer_id` stands for the offer that `job` was asked for last, right or wrong.
    """

    remembers = False
    linger_ms = 0
    commands = ()  # a list once there are some

    def __init__(self, allow_no_checksum):
        self.offer_id = ""
        self.known = {kind: {} for kind in KINDS}
        self.changed = set(KINDS)
        self._allow_no_checksum = allow_no_checksum

    def job(self, kind):
        """What is offered: Job, or None. Raises JobError when the offer is wrong."""
        self.changed.discard(kind)
        known = self.known[kind]
        self.offer_id = fingerprint([known.get(field) for field in FIELDS])
        return Job(known, self._allow_no_checksum, kind) if known else None

    def learn(self, kind, fields):
        """`fields`: dict with some of FIELDS; without title and version it is no offer."""
        if fields.get("title") is None or fields.get("version") is None:
            fields = {}
        fields = {field: _whole(value) for field, value in fields.items()}
        if fields != self.known[kind]:
            self.changed.add(kind)
        self.known[kind] = fields
