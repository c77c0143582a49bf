# SPDX-License-Identifier: MIT
"""What one MQTT connection to a mock cloud is, whatever the cloud: bytes to packets, answers out, and how it ends."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from simulator.clouds.core import Close, Send
from simulator.clouds.mqtt.decoder import LIMIT, Decoder
from simulator.clouds.mqtt.encoder import disconnect
from simulator.clouds.mqtt.packets import V5, V311, Malformed, Packet

if TYPE_CHECKING:
    from simulator.clouds.faults import Rule
    from simulator.clouds.mock import Mock

    class Cloud(Mock):
        """A mock that keeps its sessions by connection."""

        def forget(self, session: "Session") -> None: ...


class Session:
    """Lives as long as the connection. A cloud's own class says what a packet means (`packet`), who it is (`name`) and
    under which key the record has that (`PEER`), and what is to be undone in the end (`detach`).
    """

    PEER: ClassVar = "device"
    MALFORMED: ClassVar = 0x81
    OTHER: ClassVar = 0x83

    def __init__(self, cloud: "Cloud", conn: int, limit: int = LIMIT) -> None:
        self.cloud = cloud
        self.conn = conn
        self.is_open = True
        self._decoder = Decoder(limit)

    @property
    def name(self) -> str | None:
        raise NotImplementedError

    def packet(self, packet: Packet) -> None:
        raise NotImplementedError

    def detach(self) -> None:
        raise NotImplementedError

    def feed(self, data: bytes) -> None:
        """Handles the packets that `data` completes, up to the one that ends the session."""
        try:
            for packet in self._decoder.feed(data):
                self.packet(packet)
                if not self.is_open:
                    return
        except Malformed as error:
            self.close(self.MALFORMED, f"malformed: {error}")

    @property
    def level(self) -> int:
        return self._decoder.level or V311

    def send(self, data: bytes) -> None:
        self.cloud.actions.append(Send(self.conn, data))

    def later(self, delay_ms: int, act: Callable[[], object]) -> None:
        """Runs `act` after the delay, at once without one, and never after the session has ended."""
        if delay_ms:
            self.cloud.schedule(delay_ms, partial(self._act, act))
        else:
            act()

    def _act(self, act: Callable[[], object]) -> None:
        if self.is_open:
            act()

    def disturbed(self, rules: "list[Rule]") -> bool:
        """Applies the faults every place has: True if nothing is to be answered, be it closed or only mute."""
        actions = {rule.action for rule in rules}
        if "close" in actions:
            self.close(self.OTHER, "fault")
        return bool(actions & {"close", "mute"})

    def close(self, reason: int, text: str) -> None:
        """The server ends it: in version 5 a DISCONNECT says why, before that the connection just goes."""
        if self.level == V5:
            self.send(disconnect(reason))
        self.end("cloud", text)

    def end(self, by: str, reason: str) -> None:
        """No more packets in or out; the driver is told to close once the rest is written."""
        self.cloud.log("close", **{self.PEER: self.name}, conn=self.conn, by=by, reason=reason)
        self.is_open = False
        self._decoder.drop()
        self.detach()
        self.cloud.forget(self)
        self.cloud.actions.append(Close(self.conn))
