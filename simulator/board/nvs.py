# SPDX-License-Identifier: MIT
"""Non-volatile storage: namespaces of keys in a partition, in ESP-IDF's format, safe against power cuts.

A new value is written before the old one is erased, and of two values the later one counts; so a cut at any moment
leaves the old or the new value. One page is always kept free, for collecting what is alive from a worn page.
Failures raise EspError with the numbers of esp32.md 5.1. Values are in flash when a call returns (5.3).
"""

import struct

from simulator.board.errors import EspError
from simulator.board.flash import Flash
from simulator.board.nvs_page import (
    ACTIVE,
    BLOB_DATA,
    BLOB_INDEX,
    BLOB_V1,
    CORRUPT,
    ENTRIES,
    ENTRY_SIZE,
    FREE,
    FREEING,
    FULL,
    I32,
    NAMESPACE_ENTRY,
    NO_CHUNK,
    PAGE_SIZE,
    U8,
    Identity,
    Item,
    NewVersion,
    Page,
    payload_item,
)

_MAX_NAME = 15
_MAX_NAMESPACES = 254
_SMALL_CHUNK = 12  # entries: a blob does not begin in a shorter rest of a page
_VERSIONS = (0x00, 0x80)  # first chunk number: a blob and its replacement take turns
_INDEX = struct.Struct("<IBBH")

NOT_INITIALIZED = (-4353, "ESP_ERR_NVS_NOT_INITIALIZED")
NOT_FOUND = (-4354, "ESP_ERR_NVS_NOT_FOUND")
NOT_ENOUGH_SPACE = (-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
KEY_TOO_LONG = (-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
INVALID_LENGTH = (-4364, "ESP_ERR_NVS_INVALID_LENGTH")


class _NoFreePages(Exception):
    """Every page is in use, so nothing could ever be collected."""


class Nvs:
    """The storage in `size` bytes of flash at `offset`; size 0 means that the board has none."""

    def __init__(self, flash: Flash, offset: int, size: int) -> None:
        self._flash = flash
        self._offset = offset
        self._pages = [Page(flash, offset + start) for start in range(0, size // PAGE_SIZE * PAGE_SIZE, PAGE_SIZE)]
        if self._pages:
            self._load_or_format()

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
            index = _INDEX.pack(len(value), len(chunks), first, 0xFFFF)
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

    def _chunks(self, index: Item) -> list[Item]:
        """The pieces of a blob that are there, in order."""
        _, count, first, _ = _INDEX.unpack(index.data)
        found = [self._items.get((index.namespace, index.key, first + number)) for number in range(count)]
        return [chunk for chunk in found if chunk]

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

    def _replace(self, item: Item) -> None:
        """Writes an item, then erases what it replaces, which making room may have moved."""
        page = self._page_with_room(item.span)
        old = self._items.get(item.identity)
        self._items[item.identity] = page.append(item)
        if old:
            self._erase(old)

    def _drop(self, item: Item) -> None:
        del self._items[item.identity]
        self._erase(item)

    def _erase(self, item: Item) -> None:
        """The item first, then the chunks that belonged to it: those without an index do not count."""
        chunks = self._chunks(item) if item.type == BLOB_INDEX else []
        item.erase()
        for chunk in chunks:
            self._drop(chunk)

    # Pages

    def _page_with_room(self, span: int) -> Page:
        page = self._used[-1]
        if page.state != ACTIVE or page.room < span:
            if page.state == ACTIVE:
                page.set_state(FULL)
            page = self._new_page()
            if page.room < span:
                raise EspError(*NOT_ENOUGH_SPACE)
        return page

    def _new_page(self) -> Page:
        """An active page with room: a free one, or if only the reserve is left, one with what is alive of another."""
        if len(self._free) > 1:
            return self._activate_free()
        victim = min(self._used, key=lambda page: page.live)
        if victim.live == ENTRIES:
            raise EspError(*NOT_ENOUGH_SPACE)
        victim.set_state(FREEING)
        return self._collect(victim)

    def _activate_free(self) -> Page:
        page = self._free.pop(0)
        page.activate(self._used[-1].sequence + 1 if self._used else 0)
        self._used.append(page)
        return page

    def _collect(self, victim: Page) -> Page:
        """Copies the living items of a page into a new one and frees the page."""
        page = self._activate_free()
        for item in victim.items:
            copy = Item(item.namespace, item.type, item.key, item.data, item.payload, item.chunk)
            self._items[item.identity] = page.append(copy)
        self._release(victim)
        return page

    def _release(self, page: Page) -> None:
        page.wipe()
        self._used.remove(page)
        self._free.append(page)

    # Start

    def _load_or_format(self) -> None:
        """MicroPython erases the whole partition, without a word, if it cannot be used as it is (esp32.md 1.5)."""
        try:
            self._load()
        except (_NoFreePages, NewVersion):
            self._flash.erase(self._offset, len(self._pages) * PAGE_SIZE)
            self._load()

    def _load(self) -> None:
        for page in self._pages:
            page.load()
        self._free = [page for page in self._pages if page.state in (FREE, CORRUPT)]
        self._used = sorted((p for p in self._pages if p not in self._free), key=lambda page: page.sequence)
        self._items: dict[Identity, Item] = {}
        self._finish_collecting()
        self._keep_latest()
        self._drop_broken_blobs()
        if not self._free:
            self._free_empty_pages()
        if not self._free:
            raise _NoFreePages
        if not self._used:
            self._activate_free()

    def _finish_collecting(self) -> None:
        """Power went while a page was being freed: either all its items were copied, or the copy is done again."""
        victim = next((page for page in self._used if page.state == FREEING), None)
        if victim is None:
            return
        newest = self._used[-1]
        if newest.state == ACTIVE:
            copied = {item.identity: item.pack() for item in newest.items}
            if all(copied.get(item.identity) == item.pack() for item in victim.items):
                self._release(victim)
                return
            self._release(newest)
        self._collect(victim)

    def _keep_latest(self) -> None:
        """Builds the index; an older item of the same identity is one that a cut saved from being erased."""
        self._items.clear()
        for page in self._used:
            for item in list(page.items):
                older = self._items.pop(item.identity, None)
                if older:
                    older.erase()
                self._items[item.identity] = item

    def _drop_broken_blobs(self) -> None:
        """Erases blobs with missing chunks, and chunks that no index claims."""
        claimed: set[Identity] = set()
        for item in [item for item in self._items.values() if item.type == BLOB_INDEX]:
            size, count, _, _ = _INDEX.unpack(item.data)
            chunks = self._chunks(item)
            if len(chunks) != count or sum(len(chunk.payload) for chunk in chunks) != size:
                self._drop(item)
            else:
                claimed.update(chunk.identity for chunk in chunks)
        for item in [item for item in self._items.values() if item.type == BLOB_DATA]:
            if item.identity not in claimed:
                self._drop(item)

    def _free_empty_pages(self) -> None:
        """A page whose erasing was cut short may look full although nothing in it is alive."""
        for page in [page for page in self._used[:-1] if not page.items]:
            self._release(page)


def _check_name(name: str) -> None:
    if len(name.encode()) > _MAX_NAME:
        raise EspError(*KEY_TOO_LONG)
