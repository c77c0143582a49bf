# SPDX-License-Identifier: MIT
"""Files for devices: made first, then filled."""

import uuid
from dataclasses import dataclass
from typing import Any

from simulator.clouds.lwm2m.rest.devices import BASE
from simulator.clouds.lwm2m.tasks import Package
from simulator.clouds.rest.call import Call, Raw, Routes
from simulator.errors import UserError

_LASTS_S = {"ONE_DAY": 86_400, "ONE_WEEK": 604_800, "ONE_MONTH": 2_592_000, "NEVER": None}


@dataclass
class Resource:
    """`lasts_s`: how long its file can be fetched; None: for ever."""

    id: str
    said: dict[str, Any]
    lasts_s: int | None
    data: bytes | None = None

    @property
    def package(self) -> Package:
        """Raises UserError("no_data")."""
        if self.data is None:
            raise UserError("no_data", f"resource {self.id} has no data yet")
        return Package(str(self.said["name"]), self.data, id=self.id, file=self.file_name)

    @property
    def file_name(self) -> str:
        """As it was said with the resource, which needs none."""
        place = self.said.get("location")
        inside = place.get("InternalLocation") if isinstance(place, dict) else None
        name = inside.get("fileName") if isinstance(inside, dict) else None
        return str(name or self.said["name"])


class Resources:
    """By id, as long as the server runs."""

    def __init__(self) -> None:
        self._resources: dict[str, Resource] = {}

    def find(self, resource_id: object) -> Resource:
        """Raises UserError("no_such_resource")."""
        if not isinstance(resource_id, str) or resource_id not in self._resources:
            raise UserError("no_such_resource", f"there is no resource {resource_id}")
        return self._resources[resource_id]

    def routes(self) -> Routes:
        one = f"{BASE}/resources/{{id}}"
        return (
            ("POST", f"{BASE}/resources", self._add),
            ("GET", f"{BASE}/resources", lambda call: list(self._resources)),
            ("GET", one, lambda call: self.find(call.path["id"]).said),
            ("DELETE", one, self._remove),
            ("PUT", f"{one}/data", self._fill),
        )

    def _add(self, call: Call) -> Raw:
        said = call.fields
        if not isinstance(said.get("name"), str) or not said["name"]:
            raise UserError("bad_request", "a resource needs a name")
        if said.get("category", "FIRMWARE") != "FIRMWARE":
            raise UserError("bad_request", "only resources of the category FIRMWARE are of use here")
        if said.get("expirationTime", "NEVER") not in _LASTS_S:
            raise UserError("bad_request", f"expirationTime is none of {', '.join(_LASTS_S)}")
        made = str(said.get("id") or uuid.UUID(bytes=call.cloud.random.randbytes(16), version=4))
        if made in self._resources:
            raise UserError("resource_exists", f"resource {made} exists already")
        self._resources[made] = Resource(made, {**said, "id": made}, _LASTS_S[said.get("expirationTime", "NEVER")])
        return Raw.json(made, 201)

    def _remove(self, call: Call) -> Raw:
        del self._resources[self.find(call.path["id"]).id]
        return Raw(status=204)

    def _fill(self, call: Call) -> Raw:
        resource = self.find(call.path["id"])
        if not call.raw:
            raise UserError("bad_request", "there are no bytes")
        resource.data = call.raw
        return Raw(status=204)
