# SPDX-License-Identifier: MIT
"""One REST call of a user as a handler sees it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.clouds.rest import call
from simulator.errors import UserError

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.jobs import Job
    from simulator.clouds.rainmaker.nodes import Node

SUCCESS = {"status": "success"}


@dataclass(frozen=True)
class Call(call.Call["RainMaker"]):
    """See simulator/clouds/rest/call.py."""

    def node(self, missing: str = "no_node_id") -> "Node":
        """The one that `node_id` of the query names, or `nodeid`, as the command line client says it.

        Raises UserError: `missing`, no_such_node.
        """
        node_id = self.query.get("node_id") or self.query.get("nodeid")
        return self.cloud.node(given(node_id, missing))

    def job(self, where: dict[str, Any] | None = None) -> "Job":
        """The one that `ota_job_id` of the query or of `where` names. UserError: no_job_id, no_such_job."""
        return self.cloud.job(given((self.query if where is None else where).get("ota_job_id"), "no_job_id"))


def given(value: object, missing: str) -> str:
    """A text that has to be there; UserError(missing)."""
    if not isinstance(value, str) or not value:
        raise UserError(missing, "is missing, or no text")
    return value
