# SPDX-License-Identifier: MIT
"""What RainMaker's claiming or a factory has put into NVS partition `fctry`, namespace `rmaker_creds` (rainmaker.md 1).

MicroPython's esp32.NVS knows the partition `nvs` only, so its pages are read here; nothing is ever written. The layout
is in docs/WIRE.md, section 4. Loaded where there is such a partition.
"""

import struct

from ota.port import const

_NAMES = {"node_id": "node_id", "host": "mqtt_host", "cert": "client_cert", "key": "client_key"}
_NAMESPACE = b"rmaker_creds"
_PAGE = const(4096)
_ENTRY = const(32)
_FIRST = const(64)  # where the entries of a page begin
_ENTRIES = const(126)
_STATES = (0xFFFFFFFE, 0xFFFFFFFC)  # of pages that hold something: active, full
_WRITTEN = const(2)
_STRING = const(0x21)
_PIECE = const(0x42)
_INDEX = const(0x48)
_TOO_LONG = const(-4364)  # as esp32.NVS says it


class Factory:
    """Stands in for `board.settings`: what the factory knows comes from there, the rest from `settings`."""

    def __init__(self, partition, settings):
        self._partition = partition
        self._settings = settings
        self._entry = bytearray(_ENTRY)
        self._space = 0
        for _, _ in self._entries(0, _NAMESPACE):
            self._space = self._entry[24]
        self.get_i32, self.set_i32, self.commit = settings.get_i32, settings.set_i32, settings.commit

    def get_blob(self, name, buf):
        """As esp32.NVS.get_blob."""
        key = _NAMES.get(name, "").encode()
        pieces = self._pieces(key) if key and self._space else []
        if not pieces:
            return self._settings.get_blob(name, buf)
        size = sum([length for _, _, length in pieces])
        if size > len(buf):
            raise OSError(_TOO_LONG)
        at = 0
        view = memoryview(buf)
        for _, offset, length in sorted(pieces):
            self._partition.readblocks(offset // _PAGE, view[at : at + length], offset % _PAGE)
            at += length
        while size and buf[size - 1] == 0:  # a string has its end mark with it
            size -= 1
        return size

    def _pieces(self, key):
        """(number, offset in the partition, bytes) of each piece of a value."""
        pieces, first, count = [], 0, 256
        for kind, offset in self._entries(self._space, key):
            if kind == _INDEX:
                count, first = self._entry[28], self._entry[29]
            elif kind in (_STRING, _PIECE):
                length = struct.unpack_from("<H", self._entry, 24)[0]
                pieces.append((self._entry[3] if kind == _PIECE else 0, offset + _ENTRY, length))
        return [piece for piece in pieces if first <= piece[0] < first + count]

    def _entries(self, space, key):
        """Generator: (type, offset) of each entry of a name, which is in `_entry` then."""
        entry, head = self._entry, bytearray(_FIRST)
        for page in range(self._partition.info()[3] // _PAGE):
            self._partition.readblocks(page, head, 0)
            index = 0 if struct.unpack_from("<I", head)[0] in _STATES else _ENTRIES
            while index < _ENTRIES:
                span = 1
                if head[32 + index // 4] >> index % 4 * 2 & 3 == _WRITTEN:
                    self._partition.readblocks(page, entry, _FIRST + index * _ENTRY)
                    span = max(entry[2], 1)
                    if entry[0] == space and bytes(entry[8:24]).rstrip(b"\0") == key:
                        yield entry[1], page * _PAGE + _FIRST + index * _ENTRY
                index += span
