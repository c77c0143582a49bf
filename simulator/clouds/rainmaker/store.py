# SPDX-License-Identifier: MIT
"""Where images are downloaded from: a web server that behaves like S3 with signed URLs (rainmaker.md 6.1)."""

import datetime
from collections.abc import Callable
from dataclasses import replace
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from simulator.clouds import http, http_door, web_file
from simulator.clouds.rainmaker.faults import Rule, unescape
from simulator.clouds.rainmaker.images import Image
from simulator.clouds.rainmaker.urls import Denied

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.cloud import RainMaker

_UNMET = {412: "PreconditionFailed", 416: "InvalidRange"}
_XML = "application/xml"
_REASONS = {
    "AccessDenied": "Request has expired",
    "SignatureDoesNotMatch": "The signature does not match",
    "NoSuchKey": "The specified key does not exist",
    "InvalidRange": "The requested range is not satisfiable",
    "PreconditionFailed": "A condition did not hold",
}
_GARBAGE = b"\x15\x03\x01\x00\x02\x02\x28 this is no HTTP\r\n\r\n"


class ImageStore(http_door.HttpDoor):
    """Serves the images of `cloud`, whose `image_base` says where that is: `scheme://host:port`, without a slash."""

    cloud: "RainMaker"

    def serve(self, request: http.Request, answer: Callable[[http.Response], None], close: Callable[[], None]) -> None:
        """Answers the way the faults leave it."""
        rules = self.cloud.strike("image")
        actions = {rule.action for rule in rules}
        if "close" in actions:
            close()
        elif "mute" not in actions:
            response = self._spoil(_Reply(self.cloud, request, rules).response(), rules)
            self._record(request, response)
            delay_ms = sum(int(rule.argument) for rule in rules if rule.action == "delay")
            if delay_ms:
                self.cloud.schedule(delay_ms, partial(answer, response))
            else:
                answer(response)

    def _record(self, request: http.Request, response: http.Response) -> None:
        self.cloud.log(
            "http",
            node=self.cloud.url_owner(request.query.get("X-Amz-Signature", "")),
            method=request.method,
            what="/".join(request.path),
            range=request.headers.get("range"),
            status=response.status,
            length=len(response.body),
        )

    def _spoil(self, response: http.Response, rules: list[Rule]) -> http.Response:
        for rule in rules:
            response = _spoiled(response, rule)
        return response


class _Reply:
    """What one request gets, before faults that change the bytes."""

    def __init__(self, cloud: "RainMaker", request: http.Request, rules: list[Rule]) -> None:
        self._cloud = cloud
        self._request = request
        self._rules = {rule.action: rule.argument for rule in rules}

    def response(self) -> http.Response:
        if "status" in self._rules:
            return http.Response(int(self._rules["status"]))
        path = "/" + "/".join(self._request.path)
        try:
            if "expired" in self._rules:
                raise Denied("AccessDenied")
            self._cloud.signer.check(self._request.method, path, self._request.query, self._cloud.now_ms)
        except Denied as denied:
            return self._refusal(403, denied.code)
        image = next((image for image in self._cloud.images.values() if image.path == path), None)
        if image is None:
            return self._refusal(404, "NoSuchKey")
        if "redirect" in self._rules:
            location = self._cloud.image_url(image, base=self._rules["redirect"])
            return http.Response(302, headers=(("Location", location), *self._common()))
        return self._file(image)

    def _file(self, image: Image) -> http.Response:
        """All of it, or the one range that is asked for."""
        tag = '"' + self._rules.get("tag", image.md5) + '"'
        file = web_file.File(image.data, tag, image.created_ms, "binary/octet-stream")
        found = web_file.answer(self._request, file, self._common(), has_ranges="no-range" not in self._rules)
        if found.status in _UNMET:
            return self._refusal(found.status, _UNMET[found.status], *found.headers)
        return found

    def _refusal(self, status: int, code: str, *headers: tuple[str, str]) -> http.Response:
        text = f"<Code>{code}</Code><Message>{_REASONS[code]}</Message>"
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{text}</Error>'
        return http.Response(status, body.encode(), _XML, (*headers, *self._common()))

    def _common(self) -> tuple[tuple[str, str], ...]:
        now = datetime.datetime.fromtimestamp(self._cloud.now_ms // 1000, datetime.UTC)
        return ("Date", format_datetime(now, usegmt=True)), ("Server", "AmazonS3")


def _spoiled(response: http.Response, rule: Rule) -> http.Response:
    """The bytes as the rule leaves them, and how they travel."""
    action, argument = rule.action, rule.argument
    if action == "header":
        name, _, value = argument.partition(":")
        return replace(response, headers=(*response.headers, (name.strip(), value.strip())))
    if action == "raw":
        return replace(response, raw=unescape(argument) if argument else _GARBAGE)
    if action in ("length", "unframed", "chunked"):
        return replace(response, raw=_framed(response, rule))
    return web_file.spoiled(response, rule)


def _framed(response: http.Response, rule: Rule) -> bytes:
    """A whole answer by hand: with a Content-Length that is wrong, with none, or in chunks; cut off if it is to be."""
    rows = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    rows += [f"{name}: {value}" for name, value in response.headers]
    body = response.body[: response.cut]
    if rule.action == "chunked":
        rows.append("Transfer-Encoding: chunked")
        parts = [body[at : at + 3000] for at in range(0, len(body), 3000)]
        whole = b"".join(b"%x;part\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
        body = whole if response.cut is None else whole[: -len(b"0;part\r\n\r\n")]
    elif rule.action == "length":
        rows.append(f"Content-Length: {rule.argument}")
    return "\r\n".join([*rows, "Connection: close", "", ""]).encode() + body
