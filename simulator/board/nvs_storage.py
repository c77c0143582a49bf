# SPDX-License-Identifier: MIT
"""The pages of an NVS partition as one store of items, safe against power cuts.

A new item is written before the one it replaces is erased, and of two the later one counts: so a cut at any moment
leaves the old or the new one. One page is always kept free, for collecting what is alive from a worn page.
"""

import struct

from simulator.board.errors import EspError
from simulator.board.flash import Flash
from simulator.board.nvs_page import (
    ACTIVE,
    BLOB_DATA,
    BLOB_INDEX,
    CORRUPT,
    ENTRIES,
    FREE,
    FREEING,
    FULL,
    PAGE_SIZE,
    Identity,
    Item,
    NewVersion,
    Page,
)

NOT_ENOUGH_SPACE = (-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
INVALID_STATE = (-4363, "ESP_ERR_NVS_INVALID_STATE")
BLOB_INDEX_DATA = struct.Struct("<IBBH")  # size, number of chunks, first chunk, reserved


class _NoFreePages(Exception):
    """Every page is in use, so nothing could ever be collected."""


class Storage:
    """Items by identity in `size` bytes of flash at `offset`; size 0 means that the board has no such partition."""

    def __init__(self, flash: Flash, offset: int, size: int) -> None:
        self._flash = flash
        self._offset = offset
        self._pages = [Page(flash, offset + start) for start in range(0, size // PAGE_SIZE * PAGE_SIZE, PAGE_SIZE)]
        self._items: dict[Identity, Item] = {}
        if self._pages:
            self._load_or_format()

    def _chunks(self, index: Item) -> list[Item]:
        """The pieces of a blob that are there, in order."""
        _, count, first, _ = BLOB_INDEX_DATA.unpack(index.data)
        found = [self._items.get((index.namespace, index.key, first + number)) for number in range(count)]
        return [chunk for chunk in found if chunk]

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
        self._page_of(item).erase_item(item)
        for chunk in chunks:
            self._drop(chunk)

    # Pages

    def _page_of(self, item: Item) -> Page:
        return self._pages[(item.address - self._offset) // PAGE_SIZE]

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
        if not self._free:  # a page that could not be erased was the reserve
            raise EspError(*INVALID_STATE)
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
                    self._page_of(older).erase_item(older)
                self._items[item.identity] = item

    def _drop_broken_blobs(self) -> None:
        """Erases blobs with missing chunks, and chunks that no index claims."""
        claimed: set[Identity] = set()
        for item in [item for item in self._items.values() if item.type == BLOB_INDEX]:
            size, count, _, _ = BLOB_INDEX_DATA.unpack(item.data)
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
