# SPDX-License-Identifier: MIT
"""What a device can ask the server over HTTP, end point by end point (thingsboard.md 4.2).

A body that cannot be read is a 500, like a reached rate limit: the server does not tell its own troubles apart there.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from simulator.clouds.http import Request, Response
from simulator.clouds.thingsboard import attributes, bodies, claiming, credentials, provisioning, rpc, telemetry
from simulator.clouds.thingsboard.rate_limits import RateLimited

if TYPE_CHECKING:
    from simulator.clouds.thingsboard.devices import Device
    from simulator.clouds.thingsboard.http_door import Exchange
    from simulator.clouds.thingsboard.packages import Package

_ROOT = ("api", "v1")
_PROVISION = (*_ROOT, "provision")
_TYPES = {"firmware": "FIRMWARE", "software": "SOFTWARE"}
_INT_MAX = (1 << 31) - 1
_BINARY = "application/octet-stream"


def name(request: Request) -> str:
    """The end point without the token, as in "rpc/7"; for the record."""
    if request.path[:2] != _ROOT or request.path == _PROVISION:
        return "/".join(request.path)
    return "/".join(request.path[3:])


def occasion(request: Request) -> tuple[str, int | None]:
    """Which fault rules are asked: those for a download, with the index of the chunk, or those for other requests."""
    if name(request) not in _TYPES:
        return "http", None
    chunk = request.query.get("chunk", "0")
    return "download", int(chunk) if chunk.isdecimal() else None


def handle(exchange: "Exchange") -> None:
    """Answers, now or later; everything that goes wrong is a status."""
    request = exchange.request
    try:
        if request.path == _PROVISION:
            _only(exchange, {"POST": _provision})(exchange)
        elif request.path[:2] == _ROOT and (methods := _end_point(request.path[3:])):
            act = _only(exchange, methods)
            device = exchange.cloud.device_by_credentials(request.path[2])
            if device is None or device.credentials.type != credentials.ACCESS_TOKEN:
                raise Refused(401)
            exchange.device_name = device.name
            act(exchange, device)
        else:
            raise Refused(404)
    except Refused as refusal:
        exchange.answer(Response(refusal.status))
    except bodies.BadNumber:
        exchange.answer(Response(400))
    except (bodies.BadBody, RateLimited):
        exchange.answer(Response(500))


class Refused(Exception):
    """The answer is this status, and no body."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _only(exchange: "Exchange", methods: dict[str, Callable]) -> Callable:
    method = exchange.request.method
    act = methods.get("GET" if method == "HEAD" else method)
    if act is None:
        raise Refused(405)
    return act


def _end_point(path: tuple[str, ...]) -> dict[str, Callable] | None:
    """What follows the token, be it with the number of a call at the end."""
    if len(path) == 2 and path[0] == "rpc":
        return {"POST": _rpc_answer}
    return _END_POINTS.get(path)


# Downloads


def _download(exchange: "Exchange", device: "Device") -> None:
    """No pin, no hole in the cache: every request looks at what is assigned now, and title and version must be that."""
    cloud, query = exchange.cloud, exchange.request.query
    if "title" not in query or "version" not in query:
        raise Refused(400)
    size, index = (bodies.int32(query.get(key, "0")) for key in ("size", "chunk"))
    for rule in exchange.rules:
        if rule.action == "reassign":
            cloud.assign(device, cloud.find(rule.argument), cloud.now_ms)
    cloud.spend(device)
    package = device.package(_TYPES[exchange.request.path[3]])
    if package is None or package.data is None:
        raise Refused(404)
    if (query["title"], query["version"]) != (package.title, package.version):
        raise Refused(400)
    for rule in exchange.rules:
        package = cloud.find(rule.argument) if rule.action == "from" else package
    exchange.answer(_file(package, _piece(package.data, size, index)))


def _piece(data: bytes, size: int, index: int) -> bytes:
    """One chunk, or all without a size; nothing past the end. Out of 32 bits the server's own sum fails."""
    if size <= 0:
        return data
    start = size * index
    if not 0 <= start <= _INT_MAX:
        raise Refused(500)
    return data[start : start + size]


def _file(package: "Package", body: bytes) -> Response:
    file_name = _header(package.file_name or f"{package.title}-{package.version}.bin")
    headers = (("Content-Disposition", f"attachment;filename={file_name}"), ("x-filename", file_name))
    return Response(200, body, _header(package.content_type or _BINARY), headers)


def _header(text: str) -> str:
    """What a header cannot carry becomes a question mark."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)


# Attributes and telemetry


def _attributes(exchange: "Exchange", device: "Device") -> None:
    exchange.cloud.spend(device)
    keys = [text.split(",") if text else None for text in map(exchange.request.query.get, ("clientKeys", "sharedKeys"))]
    exchange.answer(Response.json(attributes.found(device, *keys)))


def _post_attributes(exchange: "Exchange", device: "Device") -> None:
    attributes.receive(exchange.cloud, device, exchange.request.body)
    exchange.answer(Response(200))


def _post_telemetry(exchange: "Exchange", device: "Device") -> None:
    telemetry.receive(exchange.cloud, device, exchange.request.body)
    exchange.answer(Response(200))


def _await_push(exchange: "Exchange", device: "Device") -> None:
    """Waits for the next change of shared attributes; what changes between two of these is never told."""
    exchange.cloud.spend(device)
    _wait(exchange, device.pushes, partial(_push, exchange))


def _push(exchange: "Exchange", body: dict) -> None:
    exchange.answer(Response.json(body))


def _wait(exchange: "Exchange", line: list[Callable], act: Callable) -> None:
    """Stands in `line` until called or until the time is over, which is 408."""
    timeout_ms = bodies.int32(exchange.request.query.get("timeout", "0")) or exchange.cloud.settings.http_timeout_ms
    line.append(act)
    exchange.cloud.schedule(max(0, timeout_ms), partial(_give_up, exchange, line, act))


def _give_up(exchange: "Exchange", line: list[Callable], act: Callable) -> None:
    if act in line:
        line.remove(act)
    exchange.answer(Response(408))


# Calls, claims, credentials


def _await_call(exchange: "Exchange", device: "Device") -> None:
    """The oldest call without an answer, at once if there is one."""
    cloud = exchange.cloud
    cloud.spend(device)
    if device.calls.open:
        one = next(iter(device.calls.open.values()))
        rpc.sent(cloud, device, one)
        _call(exchange, one)
    else:
        _wait(exchange, device.calls.polls, partial(_call, exchange))


def _call(exchange: "Exchange", one: rpc.Call) -> None:
    exchange.answer(Response.json({"id": one.id, "method": one.method, "params": one.params}))


def _rpc_answer(exchange: "Exchange", device: "Device") -> None:
    bodies.int32(exchange.request.path[4])
    exchange.cloud.spend(device)
    rpc.answered(exchange.cloud, device, exchange.request.path[4], exchange.request.body)
    exchange.answer(Response(200))


def _call_server(exchange: "Exchange", device: "Device") -> None:
    """No rule chain answers; the time runs out."""
    cloud = exchange.cloud
    method, params = bodies.rpc_request(exchange.request.body)
    cloud.spend(device)
    cloud.log("rpc_request", device=device.name, method=method, params=params, request_id=0)
    cloud.schedule(cloud.settings.http_timeout_ms, lambda: exchange.answer(Response(408)))


def _claim(exchange: "Exchange", device: "Device") -> None:
    claiming.offer(exchange.cloud, device, exchange.request.body)
    exchange.answer(Response(200))


def _provision(exchange: "Exchange") -> None:
    """200 for all three statuses."""
    exchange.answer(Response.json(provisioning.provision(exchange.cloud, exchange.request.body)))


_END_POINTS: dict[tuple[str, ...], dict[str, Callable]] = {
    ("firmware",): {"GET": _download},
    ("software",): {"GET": _download},
    ("attributes",): {"GET": _attributes, "POST": _post_attributes},
    ("attributes", "updates"): {"GET": _await_push},
    ("telemetry",): {"POST": _post_telemetry},
    ("rpc",): {"GET": _await_call, "POST": _call_server},
    ("claim",): {"POST": _claim},
}
