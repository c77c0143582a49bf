# SPDX-License-Identifier: MIT
"""A file as a web server gives it: whole, or one range, under conditions (RFC 9110); and how that goes wrong."""

import datetime
import re
from dataclasses import dataclass, replace
from email.utils import format_datetime, parsedate_to_datetime

from simulator.clouds import http
from simulator.clouds.faults import Rule

Headers = tuple[tuple[str, str], ...]
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_SEGMENT = 1460  # bytes of a TCP segment


@dataclass(frozen=True)
class File:
    """`tag` is the ETag with its quotes; None: there is none."""

    data: bytes
    tag: str | None
    created_ms: int
    content_type: str


def answer(request: http.Request, file: File, common: Headers, *, has_ranges: bool = True) -> http.Response:
    """`common`: headers of every answer. 412 and 416 have no body, for the caller to fill; nor `common`."""
    modified = format_datetime(datetime.datetime.fromtimestamp(file.created_ms // 1000, datetime.UTC), usegmt=True)
    tag = (("ETag", file.tag),) if file.tag else ()
    headers = (*tag, ("Last-Modified", modified), ("Accept-Ranges", "bytes"), *common)
    wanted = request.headers
    if "if-match" in wanted and wanted["if-match"] not in (file.tag, "*"):
        return http.Response(412)
    if wanted.get("if-none-match") in (file.tag or "*", "*"):
        return http.Response(304, headers=headers)
    found = _RANGE.fullmatch(wanted.get("range", "")) if has_ranges else None
    if not found or not any(found.groups()) or not _is_same(wanted.get("if-range"), file.tag, modified):
        return http.Response(200, file.data, file.content_type, headers)
    size = len(file.data)
    start, end = _span(found, size)
    if start >= min(end, size):
        return http.Response(416, headers=(("Content-Range", f"bytes */{size}"),))
    span = ("Content-Range", f"bytes {start}-{min(end, size) - 1}/{size}")
    return http.Response(206, file.data[start:end], file.content_type, (span, *headers))


def spoiled(response: http.Response, rule: Rule) -> http.Response:
    """As the rule leaves the bytes (Rule.spoil), or lets them travel: cut=BYTES, pace=MS, stall=MS."""
    if rule.action == "cut":
        return replace(response, cut=int(rule.argument))
    if rule.action == "pace":
        return replace(response, pace=(_SEGMENT, int(rule.argument)))
    if rule.action == "stall":
        return replace(response, pace=(len(response.body) // 2 or 1, int(rule.argument)))
    return replace(response, body=bytes(rule.spoil(memoryview(response.body))))


def _span(found: re.Match[str], size: int) -> tuple[int, int]:
    """Where a range begins and where it is over; a suffix range counts from the end."""
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size if int(last) else 0
    return int(first), int(last) + 1 if last else size


def _is_same(condition: str | None, tag: str | None, modified: str) -> bool:
    """If-Range: is it still the file that the client has begun?"""
    if condition is None or condition == tag:
        return True
    try:
        return parsedate_to_datetime(condition) == parsedate_to_datetime(modified)
    except ValueError:
        return False
