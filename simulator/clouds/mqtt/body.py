# SPDX-License-Identifier: MIT
"""Reads the fields of one packet; anything that is not there, or not well formed, is Malformed."""

from simulator.clouds.mqtt.packets import Malformed

_VARINT_BYTES = 4

# Property identifier -> how its value is written (MQTT 5, 2.2.2.2).
_PROPERTY_KINDS = {
    **dict.fromkeys((1, 23, 25, 36, 37, 40, 41, 42), "u8"),
    **dict.fromkeys((19, 33, 34, 35), "u16"),
    **dict.fromkeys((2, 17, 24, 39), "u32"),
    **dict.fromkeys((3, 8, 18, 21, 26, 28, 31), "text"),
    **dict.fromkeys((9, 22), "binary"),
    11: "varint",
    38: "pair",
}


class Body:
    """A cursor over the bytes after the fixed header; reading beyond the end is Malformed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise Malformed("packet ends inside a field")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def done(self) -> None:
        if not self.at_end:
            raise Malformed("bytes left over")

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2))

    def u32(self) -> int:
        return int.from_bytes(self.take(4))

    def varint(self) -> int:
        value = 0
        for index in range(_VARINT_BYTES):
            byte = self.u8()
            value |= (byte & 127) << 7 * index
            if byte < 128:
                return value
        raise Malformed("variable length integer of more than four bytes")

    def binary(self) -> bytes:
        return self.take(self.u16())

    def text(self) -> str:
        try:
            text = self.binary().decode()
        except UnicodeDecodeError as error:
            raise Malformed("text is not UTF-8") from error
        if "\0" in text:
            raise Malformed("text with a null character")
        return text

    def pair(self) -> tuple[str, str]:
        return self.text(), self.text()

    def packet_id(self) -> int:
        packet_id = self.u16()
        if packet_id == 0:
            raise Malformed("packet id 0")
        return packet_id

    def properties(self) -> None:
        """Walks over an MQTT 5 property block; no answer depends on it, but it must be well formed."""
        block = Body(self.take(self.varint()))
        while not block.at_end:
            kind = _PROPERTY_KINDS.get(block.varint())
            if kind is None:
                raise Malformed("unknown property")
            getattr(block, kind)()
