# SPDX-License-Identifier: MIT
"""Non-volatile storage as MicroPython's `esp32.NVS` sees it: namespaces of keys with numbers and blobs.

The format is ESP-IDF's (nvs_page.py), the safety is nvs_storage.py's. Failures raise EspError with the numbers of
esp32.md 5.1. Values are in flash when a call returns; a blob may span pages, its index is written last (5.3).
"""

import struct

from simulator.board.errors import EspError
from simulator.board.nvs_page import (
    BLOB_DATA,
    BLOB_INDEX,
    BLOB_V1,
    ENTRY_SIZE,
    I32,
    NAMESPACE_ENTRY,
    NO_CHUNK,
    U8,
    Identity,
    Item,
    payload_item,
)
from simulator.board.nvs_storage import BLOB_INDEX_DATA, NOT_ENOUGH_SPACE, Storage

_MAX_NAME = 15
_MAX_NAMESPACES = 254
_SMALL_CHUNK = 12  # entries: a blob does not begin in a shorter rest of a page
_VERSIONS = (0x00, 0x80)  # first chunk number: a blob and its replacement take turns

NOT_INITIALIZED = (-4353, "ESP_ERR_NVS_NOT_INITIALIZED")
NOT_FOUND = (-4354, "ESP_ERR_NVS_NOT_FOUND")
KEY_TOO_LONG = (-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
INVALID_LENGTH = (-4364, "ESP_ERR_NVS_INVALID_LENGTH")


class Nvs(Storage):
    """The storage of one board; a namespace is named by the number that `open` gives."""

    def open(self, namespace: str) -> int:
        """The number of a namespace, which is created if it is new."""
        if not self._pages:
            raise EspError(*NOT_INITIALIZED)
        _check_name(namespace)
        found = self._items.get((NAMESPACE_ENTRY, namespace, NO_CHUNK))
        if found:
            return found.data[0]
        taken = {item.data[0] for item in self._items.values() if item.namespace == NAMESPACE_ENTRY}
        number = next((n for n in range(1, _MAX_NAMESPACES + 1) if n not in taken), None)
        if number is None:
            raise EspError(*NOT_ENOUGH_SPACE)
        self._replace(Item(NAMESPACE_ENTRY, U8, namespace, bytes([number]).ljust(8, b"\xff")))
        return number

    def set_i32(self, namespace: int, key: str, value: int) -> None:
        _check_name(key)
        old = self._value(namespace, key)
        data = struct.pack("<i4s", value, b"\xff" * 4)
        if old and old.type == I32 and old.data == data:
            return  # an equal value costs no flash
        self._replace(Item(namespace, I32, key, data))

    def get_i32(self, namespace: int, key: str) -> int:
        item = self._value(namespace, key)
        if not item or item.type != I32:
            raise EspError(*NOT_FOUND)
        return struct.unpack_from("<i", item.data)[0]

    def set_blob(self, namespace: int, key: str, value: bytes) -> None:
        _check_name(key)
        old = self._value(namespace, key)
        if old and self._blob(old) == value:
            return
        first = _VERSIONS[old is not None and old.type == BLOB_INDEX and old.data[5] == _VERSIONS[0]]
        chunks: list[Identity] = []
        try:
            self._write_chunks(namespace, key, bytes(value), first, chunks)
            index = BLOB_INDEX_DATA.pack(len(value), len(chunks), first, 0xFFFF)
            self._replace(Item(namespace, BLOB_INDEX, key, index))
        except EspError:
            for identity in chunks:
                self._drop(self._items[identity])
            raise

    def get_blob(self, namespace: int, key: str, size: int | None = None) -> bytes:
        """The value; with `size`, the caller's buffer, INVALID_LENGTH if that is too small."""
        item = self._value(namespace, key)
        value = self._blob(item) if item else None
        if value is None:
            raise EspError(*NOT_FOUND)
        if size is not None and size < len(value):
            raise EspError(*INVALID_LENGTH)
        return value

    def erase_key(self, namespace: int, key: str) -> None:
        item = self._value(namespace, key)
        if not item:
            raise EspError(*NOT_FOUND)
        self._drop(item)

    def _value(self, namespace: int, key: str) -> Item | None:
        return self._items.get((namespace, key, NO_CHUNK))

    def _blob(self, item: Item) -> bytes | None:
        """The bytes of a blob, None for another type."""
        if item.type == BLOB_V1:
            return item.payload
        if item.type != BLOB_INDEX:
            return None
        return b"".join(chunk.payload for chunk in self._chunks(item))

    def _write_chunks(self, namespace: int, key: str, value: bytes, first: int, chunks: list[Identity]) -> None:
        """Fills the rest of the page in use, then page after page; each finished chunk is added to `chunks`."""
        while value or not chunks:
            needed = 1 + -(-len(value) // ENTRY_SIZE)
            page = self._page_with_room(min(needed, _SMALL_CHUNK))
            size = min(len(value), (page.room - 1) * ENTRY_SIZE)
            chunk = payload_item(namespace, BLOB_DATA, key, value[:size], first + len(chunks))
            self._replace(chunk)
            chunks.append(chunk.identity)
            value = value[size:]


def _check_name(name: str) -> None:
    if len(name.encode()) > _MAX_NAME:
        raise EspError(*KEY_TOO_LONG)
