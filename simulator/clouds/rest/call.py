# SPDX-License-Identifier: MIT
"""One REST call as a handler sees it, and what it may give back."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from simulator.clouds.mock import Mock
from simulator.errors import UserError

Cloud = TypeVar("Cloud", bound=Mock)


@dataclass(frozen=True)
class Upload:
    """The part `file` of a form."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Raw:
    """An answer that is no JSON, or has another status than 200."""

    data: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, body: object, status: int) -> "Raw":
        return cls(json.dumps(body).encode(), status, {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Call(Generic[Cloud]):
    """`path` and `query` hold text; `raw` is the body as it came. `base` is where the client found us, without a slash
    at its end.

    The cloud's clock has been set before the handler is called, so `cloud.now_ms` is now.
    """

    cloud: Cloud
    path: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes = b""
    upload: Upload | None = None
    base: str = ""

    @cached_property
    def body(self) -> Any:
        """The JSON that came, or None; UserError("bad_request") for what is none."""
        try:
            return json.loads(self.raw) if self.raw else None
        except (ValueError, RecursionError):
            raise UserError("bad_request", "the body is not JSON") from None

    @property
    def fields(self) -> dict[str, Any]:
        """The body, which has to be a JSON object; UserError("bad_request")."""
        if not isinstance(self.body, dict):
            raise UserError("bad_request", "the body is not a JSON object")
        return self.body

    def need(self, name: str) -> str:
        """A query parameter that must be there; UserError("bad_request")."""
        if not self.query.get(name):
            raise UserError("bad_request", f"required request parameter {name} is not present")
        return self.query[name]

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number of the query; UserError("bad_request") for anything else, or if it is missing."""
        if default is not None and not self.query.get(name):
            return default
        text = self.need(name)
        try:
            return int(text)
        except ValueError:
            raise UserError("bad_request", f"{name} is not a number: {text}") from None

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"


Handler = Callable[[Any], object | Awaitable[object]]  # of a Call, or of a cloud's own kind of it
Routes = tuple[tuple[str, str, Handler], ...]
