# SPDX-License-Identifier: MIT
"""Lists in pieces: `num_records` at once, from `start_id` on; `next_id` is where the next piece begins."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from simulator.clouds.rainmaker.rest.call import Call
from simulator.errors import UserError

T = TypeVar("T")
_RECORDS = 25  # at once, unless told


def page(call: Call, found: Sequence[T], id_of: Callable[[T], str]) -> tuple[Sequence[T], dict[str, Any]]:
    """The piece that was asked for, and what is to be said of the next; UserError("bad_request")."""
    size, start = call.number("num_records", _RECORDS), call.query.get("start_id")
    if size < 1:
        raise UserError("bad_request", "num_records is at least 1")
    first = next((at for at, one in enumerate(found) if id_of(one) == start), len(found)) if start else 0
    rest = found[first + size :]
    return found[first : first + size], {"next_id": id_of(rest[0])} if rest else {}
