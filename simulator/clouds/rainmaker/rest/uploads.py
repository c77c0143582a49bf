# SPDX-License-Identifier: MIT
"""Images too large for a request: put to a signed URL, as to S3, then confirmed."""

from dataclasses import dataclass
from typing import Any

from simulator.clouds.rainmaker.rest import images
from simulator.clouds.rainmaker.rest.call import SUCCESS, Call, given
from simulator.clouds.rainmaker.urls import Denied
from simulator.clouds.rest.call import Raw, Routes
from simulator.errors import UserError

LIMIT = 200 << 20  # bytes of an image
_VALID_S = 3600
PATH = "/otauploads/"


@dataclass
class _Upload:
    """`data` is None until it is there."""

    name: str
    is_raw: bool
    data: bytes | None = None


class Uploads:
    """Those that are under way, by the id their image is announced with."""

    def __init__(self) -> None:
        self._known: dict[str, _Upload] = {}

    def routes(self) -> Routes:
        return (
            ("GET", "/v1/admin/otaimage/upload_request", self._request),
            ("PUT", PATH + "{id}", self._put),
            ("POST", "/v1/admin/otaimage/upload_confirm", self._confirm),
        )

    def _request(self, call: Call) -> dict[str, Any]:
        name, kind = given(call.query.get("image_name"), "no_image_name"), call.query.get("image_type", "firmware")
        _check_type(kind)
        images.make_room(call, name)
        upload_id = call.cloud.new_id()
        self._known[upload_id] = _Upload(name, kind == "raw")
        url = call.cloud.signer.url(call.base, PATH + upload_id, call.cloud.now_ms, _VALID_S, "PUT")
        return {**SUCCESS, "ota_image_id": upload_id, "upload_url": url}

    def _put(self, call: Call) -> Raw:
        """As S3 answers: the URL is the permission."""
        upload = self._known.get(call.path["id"])
        try:
            call.cloud.signer.check("PUT", PATH + call.path["id"], call.query, call.cloud.now_ms)
        except Denied as denied:
            return Raw(f"<Error><Code>{denied.code}</Code></Error>".encode(), 403, {"Content-Type": "application/xml"})
        if upload:
            upload.data = call.raw
        return Raw()

    def _confirm(self, call: Call) -> dict[str, Any]:
        """It is an image from now on, under the id it was announced with; what is wrong with it has to be put again."""
        said = call.fields
        upload_id = given(said.get("ota_image_id"), "no_image_id")
        _check_type(said.get("image_type", "firmware"))
        upload = self._known.get(upload_id)
        if upload is None or upload.data is None:
            raise UserError("not_uploaded", f"nothing was uploaded for {upload_id}")
        data, upload.data = upload.data, None
        if len(data) > LIMIT:
            raise UserError("upload_too_large", f"{len(data)} bytes")
        is_raw = upload.is_raw or said.get("image_type") == "raw"
        image = images.add(call, upload.name, data, said, is_raw=is_raw, image_id=upload_id)
        del self._known[upload_id]
        return images.made(call, image)


def _check_type(kind: object) -> None:
    """Packages, which are zip files of several files, are not modelled."""
    if kind not in images.TYPES:
        raise UserError("bad_image_type", f"{kind} is no type of images")
    if kind == "package":
        raise UserError("bad_request", "the mock takes no packages: upload the image alone")
