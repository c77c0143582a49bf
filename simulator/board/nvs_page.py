# SPDX-License-Identifier: MIT
"""One 4 KiB page of an NVS partition in ESP-IDF's format: header, entry states, 126 entries of 32 bytes (docs/WIRE.md).

An entry counts only when its state bits say so, and the bits are written last: a cut leaves garbage that `load`
recognises and condemns. States go EMPTY 11 -> WRITTEN 10 -> ERASED 00, always by clearing bits.
"""

import struct
import zlib
from dataclasses import dataclass

from simulator.board.flash import Flash

PAGE_SIZE = 4096
ENTRY_SIZE = 32
ENTRIES = 126

FREE, ACTIVE, FULL, FREEING, CORRUPT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8, 0
_IN_USE = (ACTIVE, FULL, FREEING)
VERSION = 0xFE

NAMESPACE_ENTRY = 0  # the namespace number of entries that define namespaces
U8, I32, STRING, BLOB_V1, BLOB_DATA, BLOB_INDEX = 0x01, 0x14, 0x21, 0x41, 0x42, 0x48
NO_CHUNK = 0xFF
_WITH_PAYLOAD = (STRING, BLOB_V1, BLOB_DATA)

_HEADER = struct.Struct("<IIB19xI")
_ENTRY = struct.Struct("<BBBBI16s8s")
_PAYLOAD = struct.Struct("<HHI")
_STATES_OFFSET = 32
_ENTRIES_OFFSET = 64
_EMPTY, _WRITTEN, _ERASED = 3, 2, 0
_PER_WORD = 16
_BLANK = b"\xff" * PAGE_SIZE
_STATES_IN = [tuple(byte >> shift & 3 for shift in (0, 2, 4, 6)) for byte in range(256)]


class NewVersion(Exception):
    """The page was written by a newer ESP-IDF, whose format we do not know."""


def crc32(data: bytes) -> int:
    """The checksum of headers, entries and payloads."""
    return zlib.crc32(data, 0xFFFFFFFF)


Identity = tuple[int, str, int]  # namespace, key, number of a chunk or NO_CHUNK


@dataclass
class Item:
    """One key with its value: `data` is the 8 value bytes of its entry, `payload` fills `span` - 1 entries behind."""

    namespace: int
    type: int
    key: str
    data: bytes
    payload: bytes = b""
    chunk: int = NO_CHUNK
    address: int = -1  # of its page
    index: int = -1

    @property
    def identity(self) -> Identity:
        """At most one item of an identity lives: a key has one value, whatever its type; blob chunks are numbered."""
        return self.namespace, self.key, self.chunk if self.type == BLOB_DATA else NO_CHUNK

    @property
    def span(self) -> int:
        return 1 + -(-len(self.payload) // ENTRY_SIZE)

    def pack(self) -> bytes:
        """The entry itself, without its payload."""
        key = self.key.encode().ljust(16, b"\0")
        head = struct.pack("<BBBB", self.namespace, self.type, self.span, self.chunk)
        return head + struct.pack("<I", crc32(head + key + self.data)) + key + self.data


def payload_item(namespace: int, kind: int, key: str, payload: bytes, chunk: int = NO_CHUNK) -> Item:
    """An item whose value follows its entry: a string or a piece of a blob."""
    data = _PAYLOAD.pack(len(payload), 0xFFFF, crc32(payload))
    return Item(namespace, kind, key, data, payload, chunk)


def living(cells: bytes) -> bytes:
    """The cells of a page but for those that nobody looks at any more: what erased entries hold, and all of a page
    without a header that holds good. They come to nothing until the page is erased, if nothing cuts that short."""
    if cells == _BLANK:
        return cells
    state, _, _, checksum = _HEADER.unpack_from(cells)
    if checksum != crc32(cells[4:28]) or state not in _IN_USE:
        return b""
    found = bytearray(cells)
    for index, entry_state in enumerate(_states(cells)):
        if entry_state == _ERASED:
            start = _ENTRIES_OFFSET + index * ENTRY_SIZE
            found[start : start + ENTRY_SIZE] = bytes(ENTRY_SIZE)
    return bytes(found)


def _states(cells: bytes) -> list[int]:
    return [state for byte in cells[_STATES_OFFSET:_ENTRIES_OFFSET] for state in _STATES_IN[byte]][:ENTRIES]


class Page:
    """A page in flash at `address`. `items` are the living ones in the order they were written."""

    def __init__(self, flash: Flash, address: int) -> None:
        self._flash = flash
        self.address = address
        self._forget()

    def _forget(self) -> None:
        self.state = FREE
        self.sequence = -1
        self.items: list[Item] = []
        self.next_entry = 0
        self._states = [_EMPTY] * ENTRIES

    @property
    def room(self) -> int:
        """Entries that can still be written."""
        return ENTRIES - self.next_entry

    @property
    def live(self) -> int:
        """Entries that living items occupy."""
        return sum(item.span for item in self.items)

    def load(self) -> None:
        """Reads the page and condemns what a power cut left half-written. Raises NewVersion."""
        self._forget()
        raw = self._flash.read(self.address, PAGE_SIZE)
        if raw == _BLANK:
            return
        state, sequence, version, checksum = _HEADER.unpack_from(raw)
        if checksum != crc32(raw[4:28]) or state not in _IN_USE:
            self.state = CORRUPT
            return
        if version < VERSION:
            raise NewVersion
        self.state, self.sequence = state, sequence
        self._load_entries(raw)

    def _load_entries(self, raw: bytes) -> None:
        self._states = _states(raw)
        with_state = max((i + 1 for i, state in enumerate(self._states) if state != _EMPTY), default=0)
        with_data = -(-len(raw[_ENTRIES_OFFSET:].rstrip(b"\xff")) // ENTRY_SIZE)
        self.next_entry = max(with_state, min(with_data, ENTRIES))
        index = 0
        while index < self.next_entry:
            state = self._states[index]
            if state == _ERASED:
                index += 1
            else:
                index += self._load_item(index, raw) if state == _WRITTEN else self._condemn(index, 1)

    def _load_item(self, index: int, raw: bytes) -> int:
        """Takes in the item at `index`, or condemns it. Returns how many entries were dealt with."""
        start = _ENTRIES_OFFSET + index * ENTRY_SIZE
        head = raw[start : start + ENTRY_SIZE]
        namespace, kind, span, chunk, checksum, key, data = _ENTRY.unpack(head)
        if checksum != crc32(head[:4] + head[8:]) or not 1 <= span <= ENTRIES - index:
            return self._condemn(index, 1)
        payload = raw[start + ENTRY_SIZE : start + span * ENTRY_SIZE]
        if kind in _WITH_PAYLOAD:
            size, _, payload_crc = _PAYLOAD.unpack(data)
            payload = payload[:size]
            if crc32(payload) != payload_crc:
                return self._condemn(index, span)
        if self._states[index : index + span] != [_WRITTEN] * span:
            return self._condemn(index, span)
        text = key.split(b"\0")[0].decode("utf-8", "replace")
        self.items.append(Item(namespace, kind, text, data, payload, chunk, self.address, index))
        return span

    def _condemn(self, index: int, span: int) -> int:
        """Marks entries erased that are not already, for they cannot be written any more."""
        doomed = [i for i in range(index, index + span) if self._states[i] != _ERASED]
        if doomed:
            self._set_states(doomed, _ERASED)
            self.next_entry = max(self.next_entry, doomed[-1] + 1)
        return span

    def activate(self, sequence: int) -> None:
        """Makes a free page the one to write to."""
        if self.state != FREE:
            self.wipe()
        body = struct.pack("<IB19s", sequence, VERSION, b"\xff" * 19)
        self._flash.program(self.address, struct.pack("<I", ACTIVE) + body + struct.pack("<I", crc32(body)))
        self.state, self.sequence = ACTIVE, sequence

    def set_state(self, state: int) -> None:
        """Moves on to FULL or FREEING, which clears one more bit."""
        self._flash.program(self.address, struct.pack("<I", state))
        self.state = state

    def wipe(self) -> None:
        self._flash.erase(self.address, PAGE_SIZE)
        self._forget()

    def append(self, item: Item) -> Item:
        """Writes the item into the next entries and returns it with its place. The caller has checked the room."""
        index = self.next_entry
        self.next_entry += item.span
        self._write_entry(index, item.pack())
        self._set_states([index], _WRITTEN)
        if item.payload:
            padded = item.payload.ljust((item.span - 1) * ENTRY_SIZE, b"\xff")
            self._write_entry(index + 1, padded)
            self._set_states(list(range(index + 1, index + item.span)), _WRITTEN)
        item.address, item.index = self.address, index
        self.items.append(item)
        return item

    def erase_item(self, item: Item) -> None:
        """Its own entry goes last: until then a cut leaves an incomplete item, not payload that looks like entries."""
        if item.span > 1:
            self._set_states(list(range(item.index + 1, item.index + item.span)), _ERASED)
        self._set_states([item.index], _ERASED)
        self.items.remove(item)

    def _write_entry(self, index: int, data: bytes) -> None:
        self._flash.program(self.address + _ENTRIES_OFFSET + index * ENTRY_SIZE, data)

    def _set_states(self, indices: list[int], state: int) -> None:
        """One program per 32-bit word of the state map, the last word first."""
        for index in indices:
            self._states[index] = state
        for word in sorted({index // _PER_WORD for index in indices}, reverse=True):
            states = self._states[word * _PER_WORD : (word + 1) * _PER_WORD]
            bits = 0xFFFFFFFF << 2 * len(states) & 0xFFFFFFFF
            for place, value in enumerate(states):
                bits |= value << 2 * place
            self._flash.program(self.address + _STATES_OFFSET + 4 * word, struct.pack("<I", bits))
