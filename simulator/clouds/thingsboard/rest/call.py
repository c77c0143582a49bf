# SPDX-License-Identifier: MIT
"""One REST call of the administrator as a handler sees it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.clouds.rest import call

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.tenant import Tenant


@dataclass(frozen=True)
class Call(call.Call["ThingsBoard"]):
    """See simulator/clouds/rest/call.py."""

    @property
    def tenant(self) -> "Tenant":
        return self.cloud.tenant

    def keys(self) -> list[str] | None:
        """The comma-separated `keys` of the query; None if there are none."""
        return self.query["keys"].split(",") if self.query.get("keys") else None
