# SPDX-License-Identifier: MIT
"""AWS IoT's file delivery over MQTT, with one file a stream: a job's image, under id 1 (rainmaker.md 6.2, item 55).

Where its page is silent: a block behind the end of the file is ResourceNotFound, as a file that is not there;
a field of another type, or a file id that no stream can have, is InvalidRequest; n = 0 asks for nothing and gets it.
"""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import cbor2

from simulator.clouds.rainmaker import bodies
from simulator.clouds.rainmaker.faults import Rule

if TYPE_CHECKING:
    from simulator.clouds.rainmaker.jobs import Job
    from simulator.clouds.rainmaker.session import Session
    from simulator.clouds.rainmaker.topics import Route

FILE_ID, VERSION = 1, 1
REQUEST_LIMIT = 128 << 10  # bytes that one request can bring
_BLOCK_SIZES = range(256, REQUEST_LIMIT + 1)
_COUNTS = range(98_305)  # of offsets and numbers of blocks alike
_BITMAP_LIMIT = 12_288  # bytes; a bitmap has less
_TOKEN_LIMIT = 64  # bytes
_FILE_IDS = range(256)
_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})*)")


class Refusal(Exception):
    """The service says no: `code` is one of rainmaker.md 6.2."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Wanted:
    """A GetStream request that can be answered: block size in bytes, and which blocks, in order."""

    size: int
    blocks: Sequence[int]


class Exchange:
    """One request about a stream, and its answers."""

    def __init__(self, session: "Session", route: "Route") -> None:
        self._session = session
        self._cloud = session.cloud
        self._node = session.node
        self._route = route
        self._token: str | None = None

    def answer(self, payload: bytes) -> None:
        """Answers some time later, the way the faults leave it."""
        used = self._node.streams.setdefault(self._route.stream_id, self._session.conn)
        rules = self._cloud.strike("answer")
        if used != self._session.conn:  # it began to read over an earlier connection
            rules = [*rules, *self._cloud.strike("resumed")]
        delay_ms = self._cloud.random.randint(*self._cloud.settings.stream_ms)
        delay_ms += sum(int(rule.argument) for rule in rules if rule.action == "delay")
        if any(rule.action == "silent" for rule in rules):
            self._record(fault="silent")
        else:
            self._session.later(delay_ms, partial(self._answer, payload, rules))

    def _answer(self, payload: bytes, rules: list[Rule]) -> None:
        try:
            fields = self._fields(payload)
            for rule in rules:
                if rule.action == "reject":
                    raise Refusal(rule.argument, "fault")
            job = self._cloud.ota.by_stream(self._route.stream_id)
            if job is None:
                raise Refusal("ResourceNotFound", "no such stream")
            if self._route.kind == "describe":
                self._describe(job)
            else:
                self._deliver(job, _wanted(fields, self._bitmap(fields), len(job.image.data)))
        except Refusal as refusal:
            self._refuse(refusal)

    # Requests

    def _fields(self, payload: bytes) -> dict:
        """The request as a dict, with its token noted; raises Refusal."""
        is_cbor = self._route.format == "cbor"
        try:
            fields = cbor2.loads(payload) if is_cbor else bodies.load(payload)
        except (cbor2.CBORError, ValueError) as error:
            self._record()
            raise Refusal("InvalidCbor" if is_cbor else "InvalidJson", "cannot be decoded") from error
        if not isinstance(fields, dict):
            self._record()
            raise Refusal("InvalidRequest", "not an object")
        known = {key: _readable(fields[key]) for key in ("f", "l", "o", "n", "s") if key in fields}
        self._record(**known, has_bitmap="b" in fields)
        token = fields.get("c")
        if token is not None and not (isinstance(token, str) and len(token.encode(errors="replace")) <= _TOKEN_LIMIT):
            raise Refusal("InvalidRequest", f"client token of more than {_TOKEN_LIMIT} bytes")
        self._token = token
        return fields

    def _record(self, **about: object) -> None:
        route = self._route
        what = {"kind": route.kind, "format": route.format, "stream": route.stream_id}
        self._cloud.log("stream_request", node=self._node.id, **what, **about)

    def _bitmap(self, fields: dict) -> bytes | None:
        """As bytes, whichever way the format writes it."""
        bitmap = fields.get("b")
        if isinstance(bitmap, str) and self._route.format == "json" and (match := _HEX.fullmatch(bitmap)):
            return bytes.fromhex(match[1])
        if bitmap is not None and (not isinstance(bitmap, bytes) or self._route.format == "json"):
            raise Refusal("InvalidRequest", "the bitmap is of another type")
        return bitmap

    # Answers

    def _describe(self, job: "Job") -> None:
        files = [{"f": FILE_ID, "z": job.image.size}]
        self._send("description", {"s": VERSION, "d": job.image.name, "r": files})

    def _deliver(self, job: "Job", wanted: Wanted) -> None:
        """One message a block. The faults may drop some, or send them after the others, or spoiled."""
        late: list[tuple[int, bytes]] = []
        for index in wanted.blocks:
            data = job.image.data[index * wanted.size :][: wanted.size]
            rules = self._cloud.strike("block", index)
            actions = {rule.action for rule in rules}
            for rule in rules:
                data = bytes(rule.spoil(memoryview(data)))
            file = FILE_ID
            if "other-file" in actions:
                file, data = FILE_ID + 1, bytes(byte ^ 0x55 for byte in data)
            delay_ms = sum(int(rule.argument) for rule in rules if rule.action == "delay")
            if "reorder" in actions:
                late.append((index, data))
            elif "drop" not in actions:
                for _ in range(1 + ("duplicate" in actions)):
                    send = partial(self._block, index + ("other-index" in actions), data, file)
                    self._session.later(delay_ms, send)
        for index, data in late:
            self._block(index, data)

    def _block(self, index: int, data: bytes, file: int = FILE_ID) -> None:
        is_text = self._route.format == "json"
        payload = self._text(data) if is_text else data
        is_heard = self._send("data", {"f": file, "i": index, "l": len(data), "p": payload})
        about = {"stream": self._route.stream_id, "index": index, "length": len(data), "delivered": is_heard}
        self._cloud.log("block", node=self._node.id, **about)

    def _text(self, data: bytes) -> str:
        """The vendor's page once said hexadecimal, now base64, which is what its own C client reads."""
        return base64.b64encode(data).decode() if self._cloud.settings.json_blocks == "base64" else data.hex()

    def _refuse(self, refusal: Refusal) -> None:
        self._cloud.log("stream_refused", node=self._node.id, stream=self._route.stream_id, code=refusal.code)
        self._send("rejected", {"o": refusal.code, "m": str(refusal)})

    def _send(self, what: str, fields: dict) -> bool:
        if self._token is not None:
            fields = {**fields, "c": self._token}
        is_cbor = self._route.format == "cbor"
        payload = cbor2.dumps(fields) if is_cbor else json.dumps(fields, separators=(",", ":")).encode()
        topic = f"$aws/things/{self._node.id}/streams/{self._route.stream_id}/{what}/{self._route.format}"
        return self._session.deliver(topic, payload)


def _wanted(fields: dict, bitmap: bytes | None, file_size: int) -> Wanted:
    """Checks a GetStream request against the service's limits and the file; raises Refusal."""
    file_id, size = _number(fields, "f"), _number(fields, "l")
    version = _number(fields, "s", VERSION)
    if file_id not in _FILE_IDS:
        raise Refusal("InvalidRequest", "file id is 0 to 255")
    if size not in _BLOCK_SIZES:
        raise Refusal("BlockSizeOutOfBounds", f"block size is {_BLOCK_SIZES[0]} to {_BLOCK_SIZES[-1]}")
    most = REQUEST_LIMIT // size
    offset, count = _number(fields, "o", 0), _number(fields, "n", most)
    if offset not in _COUNTS:
        raise Refusal("OffsetOutOfBounds", f"offset is 0 to {_COUNTS[-1]}")
    if count not in _COUNTS:
        raise Refusal("BlockCountLimitExceeded", f"number of blocks is 0 to {_COUNTS[-1]}")
    if bitmap is not None and len(bitmap) >= _BITMAP_LIMIT:
        raise Refusal("BlockBitmapLimitExceeded", f"bitmap has less than {_BITMAP_LIMIT} bytes")
    if file_id != FILE_ID:
        raise Refusal("ResourceNotFound", f"no file {file_id} in the stream")
    if version != VERSION:
        raise Refusal("VersionMismatch", f"the stream has version {VERSION}")
    total = -(-file_size // size)
    blocks = range(offset, min(offset + count, total)) if bitmap is None else _marked(bitmap, offset, total)
    if count and not blocks:
        raise Refusal("ResourceNotFound", "no such block in the file")
    return Wanted(size, blocks[: min(count, most)])


def _marked(bitmap: bytes, offset: int, total: int) -> list[int]:
    """The blocks of a bitmap: bit 0 of its first byte is block `offset`."""
    bits = min(8 * len(bitmap), max(0, total - offset))
    return [offset + bit for bit in range(bits) if bitmap[bit // 8] >> bit % 8 & 1]


def _readable(value: object) -> int | str:
    """For the record, which is JSON; CBOR has integers of any size, and much else."""
    return value if isinstance(value, int) and abs(value) < 1 << 64 else type(value).__name__


def _number(fields: dict, key: str, default: int | None = None) -> int:
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal("InvalidRequest", f"{key} is missing or no integer")
    return value
