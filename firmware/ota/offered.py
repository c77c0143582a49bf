# SPDX-License-Identifier: MIT
"""What a cloud (job.Offers) offers: what it has heard of it, and the job that this is. Loaded for that."""

from ota.job import FIELDS, Job


def learn(cloud, kind, fields):
    """What a cloud offers from now on, see Offers."""
    if fields.get("title") is None or fields.get("version") is None:
        fields = {}
    fields = {field: _whole(value) for field, value in fields.items()}
    if fields != cloud.known[kind]:
        cloud.changed.add(kind)
    cloud.known[kind] = fields


def job(cloud, kind):
    """What it offers: Job, or None. Raises JobError when the offer is wrong."""
    cloud.changed.discard(kind)
    known = cloud.known[kind]
    from ota import offer

    cloud.offer_id = offer.fingerprint([known.get(field) for field in FIELDS])
    made = Job(known, cloud.allow_no_checksum, kind) if known else None
    if "requires" in known:  # a cloud that has words for terms gives all of them, or none
        from ota import terms

        made.terms = terms.read(known)  # pyright: ignore[reportOptionalMemberAccess] (an empty offer has no words)
    return made


def _whole(value):
    """Text as it was meant: JSON may tell a character in two halves, which MicroPython's json leaves apart."""
    if isinstance(value, str) and any(0xD800 <= ord(c) < 0xE000 for c in value):
        from ota.surrogates import joined

        return joined(value)
    return value
