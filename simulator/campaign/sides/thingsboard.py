# SPDX-License-Identifier: MIT
"""ThingsBoard in the campaign: one device with a token, over plain MQTT, or over HTTP."""

from typing import TYPE_CHECKING, ClassVar

from simulator.board.lockstep import HOST, PORT
from simulator.board.net import EPOCH_MS
from simulator.campaign.sides.story_side import StorySide
from simulator.clouds.thingsboard import HttpDoor, Package, ThingsBoard
from simulator.clouds.thingsboard.packages import PREFIXES
from simulator.sides import ThingsBoardSide

if TYPE_CHECKING:
    from simulator.board.net import VirtualNet

_WINDOW, _CHUNK = 4, 4096  # of the board's settings
_WEB_PORT = 8080
_RIVAL = 1_000_000  # connection numbers that no link of the device reaches
_ENDS = {"UPDATED": "updated"}
_FAILURES = {"rolled_back": "rolled_back", "unassigned": "withdrawn"}


class ThingsBoardStory(ThingsBoardSide, StorySide):
    """See StorySide."""

    AHEAD: ClassVar = _WINDOW * _CHUNK
    IS_SILENT: ClassVar = False
    secret = "campaign-secret-token"

    def __init__(self, cloud: ThingsBoard) -> None:
        super().__init__(cloud)
        self.peer = cloud.add_device("board-1", self.secret)
        self.reached(HOST, {"mqtt_port": PORT})

    @classmethod
    def of(cls, seed: int) -> "ThingsBoardStory":
        return cls(ThingsBoard(seed=seed, now_ms=EPOCH_MS))

    def serve(self, net: "VirtualNet") -> None:
        net.serve(HOST, PORT, self.cloud)

    def board(self) -> dict[str, int | str]:
        return {"token": self.secret}

    def package(self, title: str, version: str, data: bytes, type: str = "FIRMWARE") -> Package:
        """The same one where it was offered before."""
        known = (it for it in self.cloud.tenant.packages if (it.title, it.version) == (title, version))
        return next(known, None) or super().package(title, version, data, type)

    def give(self, package: Package, now_ms: int) -> None:
        self.offer((self.peer.name,), package, now_ms)

    def take_back(self, kind: str, now_ms: int) -> bool:
        is_offered = self.peer.package(kind) is not None
        self.cloud.unassign(self.peer, kind, now_ms)
        return is_offered

    def take_over(self, number: int, now_ms: int) -> None:
        token = self.secret.encode()
        body = b"\x00\x04MQTT\x04\x82\x00\x3c\x00\x05rival" + len(token).to_bytes(2, "big") + token
        self.cloud.open(_RIVAL + number, now_ms)
        self.cloud.feed(_RIVAL + number, b"\x10" + bytes([len(body)]) + body, now_ms)

    def entries(self, event: dict) -> list[dict]:
        if event["event"] == "attribute_response":
            return [{"event": "answer"}]
        if event["event"] == "chunk":
            return [{"event": "bytes", "length": event["length"]}]
        if event["event"] != "telemetry":
            return []
        values = event["values"]
        found = [{"event": "said", "text": str(values)}]
        for kind, prefix in PREFIXES.items():
            if f"{prefix}_state" in values:
                word = values[f"{prefix}_state"]
                why = str(values.get(f"{prefix}_error", "")).partition(":")[0]
                end = _FAILURES.get(why, "failed") if word == "FAILED" else _ENDS.get(word)
                found.append({"event": "state", "kind": kind, "word": word, "version": None, "end": end})
            if f"current_{prefix}_version" in values:
                found.append({"event": "version", "kind": kind, "version": values[f"current_{prefix}_version"]})
        return found


class _Door(HttpDoor):
    """Tells of connections, as the broker does."""

    def open(self, conn: int, now_ms: int, certificate: bytes | None = None) -> None:
        super().open(conn, now_ms, certificate)
        self.cloud.log("connect")

    def forget(self, conn: int) -> None:
        super().forget(conn)
        self.cloud.log("close")


class ThingsBoardHttpStory(ThingsBoardStory):
    """The same cloud, which the device asks over HTTP."""

    NAME: ClassVar = "thingsboard-http"
    AHEAD: ClassVar = _CHUNK

    def serve(self, net: "VirtualNet") -> None:
        net.serve(HOST, _WEB_PORT, _Door(self.cloud))

    def board(self) -> dict[str, int | str]:
        return {"token": self.secret, "transport": "http", "port": _WEB_PORT}

    def entries(self, event: dict) -> list[dict]:
        if event["event"] != "http":
            return super().entries(event)
        if event["status"] == 200 and event["what"] == "attributes":
            return [{"event": "answer"}]
        return [{"event": "bytes", "length": event["length"]}] if event["what"] == "firmware" else []
