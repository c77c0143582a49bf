# SPDX-License-Identifier: MIT
"""The maker's topics and messages (docs/broker.md), for who publishes them: the mock's side, tools.publish, tests."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errors import UserError

FIRMWARE, SOFTWARE = "firmware", "software"
CHUNK = 4096  # bytes of a chunk, unless somebody wants another size
NAME = 32  # longest name of a product, a group or a device, characters
LIMIT = 4096  # bytes of a message for devices


@dataclass(frozen=True)
class Names:
    """The topics of one product. `kind`: FIRMWARE or SOFTWARE, `place`: "" for all, "group/G" or "device/D".

    Raises UserError("bad_name") for what cannot be a level of a topic.
    """

    product: str

    def __post_init__(self) -> None:
        check_name("product", self.product)

    @property
    def base(self) -> str:
        return f"ota/{self.product}"

    def release(self, kind: str = FIRMWARE, place: str = "") -> str:
        where = "/".join(part for part in (self.base, place) if part)
        return f"{where}/release" if kind == FIRMWARE else f"{where}/software/release"

    def device(self, device: str, name: str) -> str:
        return f"{self.base}/device/{device}/{name}"

    def job(self, device: str, kind: str = FIRMWARE) -> str:
        return self.device(device, "job" if kind == FIRMWARE else "software/job")

    def chunk(self, sha256: str, index: int | str) -> str:
        return f"{self.base}/image/{sha256}/{index}"


def check_name(what: str, name: str) -> str:
    """Raises UserError("bad_name")."""
    if not 0 < len(name) <= NAME or any(not "!" <= c <= "~" or c in "/+#$" for c in name):
        raise UserError("bad_name", f"{name!r} cannot be the name of a {what}")
    return name


def release(
    title: str, version: str, data: bytes, *, url: str | None = None, chunk_size: int = CHUNK, **more: Any
) -> dict[str, Any]:
    """What a release says of an image: where it is, `url` or chunks. `more`: immediate, severity, max_defer..."""
    where = {"url": url} if url else {"chunk_size": chunk_size}
    sha256 = hashlib.sha256(data).hexdigest()
    return {"title": title, "version": version, "size": len(data), "algorithm": "SHA256", "checksum": sha256,
            **where, **more}  # fmt: skip


def chunks(names: Names, data: bytes, chunk_size: int = CHUNK) -> Iterator[tuple[str, bytes]]:
    """(topic, payload) of each retained message that an image is kept in."""
    sha256 = hashlib.sha256(data).hexdigest()
    for index, start in enumerate(range(0, len(data), chunk_size)):
        yield names.chunk(sha256, index), data[start : start + chunk_size]


def encode(message: Mapping[str, Any] | None) -> bytes:
    """Nothing, for what is to be taken away. Raises UserError("too_long")."""
    payload = b"" if message is None else json.dumps(message, separators=(",", ":")).encode()
    if len(payload) > LIMIT:
        raise UserError("too_long", f"a message of {len(payload)} bytes; devices take {LIMIT} at most")
    return payload
