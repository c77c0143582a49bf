# SPDX-License-Identifier: MIT
"""A job: one record for every cloud, one of each kind. What comes from outside is checked by offer.py, once."""

from ota.port import const, forget

FIRMWARE = "firmware"
SOFTWARE = "software"
KINDS = (FIRMWARE, SOFTWARE)
FIELDS = ("title", "version", "size", "algorithm", "checksum", "url")
LARGEST = const(0x1000000)  # no ESP32 app partition is larger than 16 MiB (esp32.md 4.1)


class Job:
    """`id`: the cloud's own, else 16 hex digits that change when anything that matters changes. `size`: bytes.

    `checksum`: lowercase hex, or None when the maker's policy allows none. `url`: None for chunked delivery.
    With an id of the cloud's, `size` may be 0: its source learns it. `mark`: what besides the id must be the same for
    a download to be resumed; None: the id says it all, "": nothing does.
    """

    seen = None  # what the web server behind `url` calls these bytes; for the source, who asks there again
    stream = None  # where else the bytes may come from, of a cloud that has streams
    terms: object = None  # terms.Terms of one that says how long it may be put off
    is_sealed = False  # nobody promises anything of it but the image or package itself
    rules: object = None  # schedule.Rules of a cloud whose jobs have some

    def __init__(self, fields, allow_no_checksum=False, kind=FIRMWARE):
        """`fields`: dict with some of FIELDS. Raises JobError."""
        from ota import offer

        forget("ota.offer")
        self.kind = kind
        checked = offer.checked(fields, allow_no_checksum)
        self.title, self.version, self.url, self.id, self.size, self.algorithm, self.checksum, self.mark = checked


class Offers:
    """Base of a cloud: what it offers, by kind.

    `known`: kind -> fields; `changed`: the kinds whose offer may be another one since `job` was asked for it.
    `offer_id` stands for the offer that `job` was asked for last, right or wrong.
    """

    remembers = False
    linger_ms = 0
    is_released = True
    whole = None
    commands = ()  # a list once there are some

    def __init__(self, allow_no_checksum):
        self.offer_id = ""
        self.known = {kind: {} for kind in KINDS}
        self.changed = set(KINDS)
        self.allow_no_checksum = allow_no_checksum

    def job(self, kind):
        """What is offered: Job, or None. Raises JobError when the offer is wrong."""
        from ota import offered

        forget("ota.offered")
        made = offered.job(self, kind)
        forget("ota.offer")
        return made

    def is_quiet(self, since, ms):
        """See ota.cloud; of a cloud that has an `mqtt`."""
        return self.mqtt.is_quiet(since, ms)  # pyright: ignore[reportAttributeAccessIssue]

    def learn(self, kind, fields):
        """`fields`: dict with some of FIELDS; without title and version it is no offer."""
        from ota import offered

        forget("ota.offered")
        offered.learn(self, kind, fields)
