# SPDX-License-Identifier: MIT
"""Images: sent in a request, listed, archived, deleted. Those of a user only have a URL to write to a node."""

import base64
import binascii
from typing import Any

from simulator.clouds.rainmaker.images import Image
from simulator.clouds.rainmaker.rest.call import SUCCESS, Call, given
from simulator.clouds.rainmaker.rest.paging import page
from simulator.clouds.rest.call import Routes
from simulator.errors import UserError

_LIMIT = 5 << 20  # bytes of an image in a request
TYPES = ("firmware", "package", "raw")


def find(call: Call) -> Image:
    return call.cloud.image(given(call.query.get("ota_image_id"), "no_image_id"))


def add(call: Call, name: str, data: bytes, about: dict[str, Any], *, is_raw: bool = False, **ids: str) -> Image:
    """A new image; one of that name goes, unless a job has it. Version and model are the image's own if they are not
    given, and have to be known one way or the other, but for a raw one. `ids`: perhaps the `image_id` it shall have.

    Raises UserError: image_taken, no_fw_version, no_model.
    """
    make_room(call, name)
    said = {key: str(about[key]) for key in ("fw_version", "type", "model") if about.get(key)}
    image = call.cloud.add_image(name, data, **said, **ids)
    for key in () if is_raw else ("fw_version", "model"):
        if getattr(image, key) is None:
            call.cloud.delete_image(image)
            raise UserError(f"no_{key}", f"{key} is neither in the request nor in the image")
    return image


def make_room(call: Call, name: str) -> None:
    """Nothing has this name from now on; UserError("image_taken")."""
    for image in [image for image in call.cloud.images.values() if image.name == name]:
        if any(job.image is image for job in call.cloud.jobs.values()):
            raise UserError("image_taken", f"there is a job for image {name}")
        call.cloud.delete_image(image)


def _json(call: Call, image: Image) -> dict[str, Any]:
    """With a URL that works for a day from now on."""
    return {
        "ota_image_id": image.id,
        "image_name": image.name,
        "type": image.type or "",
        "model": image.model or "",
        "image_url": call.cloud.image_url(image),
        "fw_version": image.fw_version or "",
        "upload_timestamp": image.created_ms // 1000,
        "file_size": image.size,
        "file_md5": image.md5,
        "archived": image.is_archived,
    }


def made(call: Call, image: Image) -> dict[str, Any]:
    """What the one who has just made it is told."""
    return {**SUCCESS, "ota_image_id": image.id, "image_url": call.cloud.image_url(image)}


def _sent(call: Call) -> tuple[str, bytes]:
    """Name and bytes of an image in the body."""
    text = given(call.fields.get("base64_fwimage"), "no_image_data")
    name = given(call.fields.get("image_name"), "no_image_name")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise UserError("bad_base64", "base64_fwimage is no base64") from None
    if len(data) > _LIMIT:
        raise UserError("image_too_large", f"{len(data)} bytes")
    return name, data


def _add(call: Call) -> dict[str, Any]:
    name, data = _sent(call)
    return made(call, add(call, name, data, call.fields))


def _add_users(call: Call) -> dict[str, Any]:
    """Whatever is in it: nobody makes a job for it, a node is given the URL itself (rainmaker.md 8)."""
    name, data = _sent(call)
    image = add(call, name, data, {"type": call.fields.get("type")}, is_raw=True)
    return {**SUCCESS, "image_url": call.cloud.image_url(image)}


def _list(call: Call) -> dict[str, Any]:
    """One by its id; or those that are not archived, or only those, or all, of this name, type or model."""
    if "ota_image_id" in call.query:
        return _json(call, find(call))
    found = [image for image in call.cloud.images.values() if _is_wanted(call, image)]
    found, more = page(call, found, lambda image: image.id)
    return {"ota_images": [_json(call, image) for image in found], **more}


def _is_wanted(call: Call, image: Image) -> bool:
    name = call.query.get("image_name", image.name)
    return (
        (call.flag("all") or image.is_archived == call.flag("archived"))
        and (name in image.name if call.flag("contains") else name == image.name)
        and call.query.get("type", image.type) == image.type
        and call.query.get("model", image.model) == image.model
    )


def _archive(call: Call) -> dict[str, Any]:
    image, flag = find(call), given(call.query.get("archive"), "no_archive_flag")
    if flag not in ("true", "false"):
        raise UserError("bad_archive_flag", flag)
    if image.is_archived == (flag == "true"):
        raise UserError("archived_already" if image.is_archived else "not_archived", image.name)
    call.cloud.archive_image(image, flag == "true")
    return {**SUCCESS, "description": "OTA image updated successfully"}


def _delete(call: Call) -> dict[str, Any]:
    """`force_delete` for one that only jobs have that are over."""
    image = find(call)
    over = [job for job in call.cloud.jobs.values() if job.image is image and not job.is_active]
    if over and not call.flag("force_delete"):
        raise UserError("image_used", f"there are jobs for image {image.name}")
    call.cloud.delete_image(image)
    return {**SUCCESS, "description": "OTA image deleted successfully"}


ROUTES: Routes = (
    ("POST", "/v1/admin/otaimage", _add),
    ("GET", "/v1/admin/otaimage", _list),
    ("PUT", "/v1/admin/otaimage", _archive),
    ("DELETE", "/v1/admin/otaimage", _delete),
    ("POST", "/v1/user/otaimage", _add_users),
)
