# SPDX-License-Identifier: MIT
"""Firmware images as they were uploaded."""

import hashlib
from dataclasses import dataclass, field

from simulator.board import image as app_image
from simulator.errors import UserError

STREAM_LIMIT = 24 << 20  # bytes; no stream for more (rainmaker.md 6.2)


@dataclass(eq=False)
class Image:
    """`data` is None for one that is somewhere else, at `url`, and of which the cloud knows nothing."""

    id: str
    name: str
    data: bytes | None = field(default=None, repr=False)
    url: str | None = None
    fw_version: str | None = None
    type: str | None = None
    model: str | None = None
    md5: str | None = None
    is_archived: bool = False
    created_ms: int = 0

    @property
    def path(self) -> str:
        """Where the image store has it."""
        return f"/otaimages/{self.id}/{self.name.replace('/', '_')}"

    @property
    def size(self) -> int | None:
        return len(self.data) if self.data is not None else None

    @property
    def can_stream(self) -> bool:
        return self.data is not None and len(self.data) <= STREAM_LIMIT


def uploaded(image_id: str, name: str, data: bytes, **said: str | None) -> Image:
    """An image of these bytes. What is not said is taken from its application descriptor, if it has one.

    Raises UserError: bad_image.
    """
    if not name:
        raise UserError("bad_image", "an image needs a name")
    if not data:
        raise UserError("bad_image", f"image {name} has no bytes")
    try:
        found = app_image.parse(data).descriptor
    except app_image.ImageError:
        found = None
    if found:
        said = {**said, "fw_version": said["fw_version"] or found.version or None}
        said["model"] = said["model"] or found.project or None
    return Image(image_id, name, data, md5=hashlib.md5(data).hexdigest(), **said)
