# SPDX-License-Identifier: MIT
"""One REST call as a handler sees it, and what it may give back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.cloud import ThingsBoard
    from simulator.clouds.thingsboard.tenant import Tenant


@dataclass(frozen=True)
class Upload:
    """The part `file` of a form."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Raw:
    """An answer that is no JSON."""

    data: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """`path` and `query` hold text; `body` is the JSON that came, or None; `raw` the same as bytes.

    The cloud's clock has been set before the handler is called, so `cloud.now_ms` is now.
    """

    cloud: "ThingsBoard"
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    raw: bytes = b""
    upload: Upload | None = None

    @property
    def tenant(self) -> "Tenant":
        return self.cloud.tenant

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

    def keys(self) -> list[str] | None:
        """The comma-separated `keys` of the query; None if there are none."""
        return self.query["keys"].split(",") if self.query.get("keys") else None


Handler = Callable[[Call], object | Awaitable[object]]
Routes = tuple[tuple[str, str, Handler], ...]
