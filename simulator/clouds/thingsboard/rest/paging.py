# SPDX-License-Identifier: MIT
"""Lists as the server gives them: searched, sorted, in pages."""

from collections.abc import Iterable
from typing import Any

from simulator.clouds.thingsboard.rest.call import Call
from simulator.errors import UserError


def page(call: Call, found: Iterable[dict[str, Any]], search_in: str = "name") -> dict[str, Any]:
    """One page of `found`. `textSearch` is part of the field `search_in`, whatever the case.

    The query has `pageSize` and `page` (from 0), perhaps `textSearch`, `sortProperty` and `sortOrder`. Raises
    UserError("bad_request").
    """
    size, number = call.number("pageSize"), call.number("page")
    if size < 1 or number < 0:
        raise UserError("bad_request", "incorrect page link: pageSize is at least 1, page at least 0")
    wanted = call.query.get("textSearch", "").lower()
    rows = [row for row in found if wanted in row[search_in].lower()]
    rows = _sorted(rows, call.query.get("sortProperty"), call.query.get("sortOrder", "ASC"))
    pages = -(-len(rows) // size)
    return {
        "data": rows[size * number : size * (number + 1)],
        "totalPages": pages,
        "totalElements": len(rows),
        "hasNext": number + 1 < pages,
    }


def _sorted(rows: list[dict[str, Any]], key: str | None, order: str) -> list[dict[str, Any]]:
    """What has no value comes first; equal ones stay in the order they were made in."""
    if order.upper() not in ("ASC", "DESC"):
        raise UserError("bad_request", f"unsupported sort order {order}: ASC or DESC")
    if not key or not rows:
        return rows
    if key not in rows[0] or isinstance(rows[0][key], dict):
        raise UserError("bad_request", f"unsupported sort property {key}")
    return sorted(rows, key=lambda row: (row[key] is not None, row[key]), reverse=order.upper() == "DESC")
