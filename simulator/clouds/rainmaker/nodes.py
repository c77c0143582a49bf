# SPDX-License-Identifier: MIT
"""What the cloud keeps of a node: its certificate, what it said of itself, its groups, its one connection."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.session import Session

EVERYBODY = "FFFF-FFFF"  # the group of all claimed nodes
_REQUIRED = {"node_id": str, "config_version": str, "info": dict, "devices": list}  # rainmaker.md section 1


class BadConfig(Exception):
    """A node config that the cloud's schema does not take."""


@dataclass(eq=False)
class Node:
    """`id` is thing name, client id and the certificate's CN in one.

    `certificate`: DER; None: any with the right CN. `config` and `params` are as the node sent them. `groups` has ids.
    `session` is the one connection it may have, or None. `streams` are those it has asked for blocks, each with the
    number of the connection it first did it over. `connected_ms` is when it last logged in, `changed_ms` when it last
    came or went.
    """

    id: str
    certificate: bytes | None = None
    config: dict = field(default_factory=dict)
    params: dict = field(default_factory=dict)
    groups: set[str] = field(default_factory=lambda: {EVERYBODY})
    session: "Session | None" = None
    streams: dict[str, int] = field(default_factory=dict)
    connected_ms: int | None = None
    changed_ms: int | None = None
    created_ms: int = 0

    @property
    def is_connected(self) -> bool:
        return self.session is not None

    @property
    def fw_version(self) -> str | None:
        return self.info("fw_version")

    @property
    def type(self) -> str | None:
        return self.info("type")

    @property
    def model(self) -> str | None:
        return self.info("model")

    def info(self, key: str) -> str | None:
        """What the config says about the node, None if it says nothing, or no text."""
        value = self.config.get("info", {}).get(key)
        return value if isinstance(value, str) else None

    def attribute(self, name: str) -> str | None:
        """The value of an attribute of the config."""
        for item in self.config.get("attributes", ()):
            if isinstance(item, dict) and item.get("name") == name:
                return str(item.get("value"))
        return None


@dataclass(eq=False)
class Group:
    """Of nodes, whose `groups` have its id."""

    id: str
    name: str


def check_config(config: object, node_id: str) -> dict:
    """The config as it is kept; raises BadConfig, with what is wrong as its text."""
    if not isinstance(config, dict):
        raise BadConfig("not an object")
    for key, kind in _REQUIRED.items():
        if not isinstance(config.get(key), kind):
            raise BadConfig(f"{key} is missing or of another type")
    if config["node_id"] != node_id:
        raise BadConfig("node_id is not this node's")
    if not isinstance(config.get("attributes", []), list):
        raise BadConfig("attributes is of another type")
    return config
