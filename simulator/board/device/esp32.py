# SPDX-License-Identifier: MIT
"""Twin of MicroPython's `esp32`: Partition and NVS with the exact errors of esp32.md section 5.

What happens in flash is the chip's business (`simulator/board/chip.py`); here is what the C module adds to it:
block arithmetic, read-modify-write of small blocks, `ioctl`, and what counts as a buffer.
"""

from _chip import call
from micropython import const
from ustruct import unpack

_OP_WRITE = const(1)
_OP_ERASE = const(2)
_OP_ERASE_WRITE = const(3)
_OP_SET_BOOT = const(4)
_OP_READ = const(5)
_OP_FIND = const(6)
_OP_LOOKUP = const(7)
_OP_INFO = const(8)
_OP_BOOT = const(9)
_OP_RUNNING = const(10)
_OP_NEXT_UPDATE = const(11)
_OP_MARK_VALID = const(12)
_OP_NVS_OPEN = const(13)
_OP_NVS_SET_I32 = const(14)
_OP_NVS_GET_I32 = const(15)
_OP_NVS_SET_BLOB = const(16)
_OP_NVS_GET_BLOB = const(17)
_OP_NVS_ERASE = const(18)

_SECTOR = const(4096)
_FAR = const(0x3FFFFFFF)  # beyond every flash: where a negative or wrapped offset ends up
_MAX_ENTRIES = const(95)  # of a partition table


def _buffer(data):
    return data.encode() if isinstance(data, str) else data


def _partition(handle, block_size=4096):
    partition = Partition(Partition.RUNNING, block_size)
    partition._handle = handle
    return partition


class Partition:
    """One row of the partition table. Never equal to another object, even for the same row: compare `info()`."""

    BOOT = 0
    RUNNING = 1
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, which, block_size=4096):
        if not isinstance(which, int):
            self._handle = call(_OP_LOOKUP, 0, 0, 0, _buffer(which))
        elif which == 0:
            self._handle = call(_OP_BOOT)
        elif which == 1:
            self._handle = call(_OP_RUNNING)
        else:
            raise ValueError
        self._block_size = block_size & 0xFFFF
        if self._block_size < _SECTOR:
            self._cache = bytearray(_SECTOR)

    def __repr__(self):
        return "<Partition type=%d, subtype=%d, address=%d, size=%d, label=%s, encrypted=%d>" % self.info()

    @staticmethod
    def find(type=0, subtype=0xFF, label=None, block_size=4096):
        handles = bytearray(_MAX_ENTRIES + 1)
        count = call(_OP_FIND, label is not None, type, subtype, _buffer(label or ""), None, handles)
        return [_partition(handles[i], block_size) for i in range(count)]

    def info(self):
        raw = bytearray(27)
        call(_OP_INFO, self._handle, 0, 0, None, None, raw)
        kind, subtype, encrypted, address, size, label = unpack("<BBBII16s", raw)
        return kind, subtype, address, size, label.rstrip(b"\0").decode(), bool(encrypted)

    def readblocks(self, n, buf, offset=0):
        call(_OP_READ, self._handle, self._offset(n, offset), len(buf), None, None, buf)

    def writeblocks(self, n, buf, offset=None):
        buf = _buffer(buf)
        if offset is not None:
            call(_OP_WRITE, self._handle, self._offset(n, offset), 0, buf)
        elif self._block_size >= _SECTOR:
            call(_OP_ERASE_WRITE, self._handle, self._offset(n, 0), 0, buf)
        else:
            self._rewrite(self._offset(n, 0), buf)

    def ioctl(self, op, arg=0):
        if op in (1, 2, 3):
            return 0
        if op == 4:
            return self.info()[3] // self._block_size
        if op == 5:
            return self._block_size
        if op == 6:
            if self._block_size != _SECTOR:
                return -22
            call(_OP_ERASE, self._handle, self._offset(arg, 0), _SECTOR)
            return 0

    def set_boot(self):
        call(_OP_SET_BOOT, self._handle)

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        call(_OP_MARK_VALID)

    def get_next_update(self):
        return _partition(call(_OP_NEXT_UPDATE, self._handle))

    def _offset(self, n, offset):
        offset += n * self._block_size
        return offset if 0 <= offset <= _FAR else _FAR

    def _rewrite(self, offset, buf):
        """Blocks smaller than a sector: each sector is read, erased and written again around the new bytes."""
        end = offset + len(buf)
        cache = self._cache
        for start in range(offset // _SECTOR * _SECTOR, end, _SECTOR):
            call(_OP_READ, self._handle, start, _SECTOR, None, None, cache)
            low = max(start, offset)
            high = min(start + _SECTOR, end)
            cache[low - start : high - start] = memoryview(buf)[low - offset : high - offset]
            call(_OP_ERASE_WRITE, self._handle, start, 0, cache)


class NVS:
    """A namespace of the nvs partition. Values are in flash when a call returns; `commit` has nothing to do."""

    def __init__(self, namespace):
        self._handle = call(_OP_NVS_OPEN, 0, 0, 0, _buffer(namespace))

    def set_i32(self, key, value):
        if not -0x80000000 < value < 0x80000000:
            raise OverflowError("overflow converting long int to machine word")
        call(_OP_NVS_SET_I32, self._handle, value, 0, _buffer(key))

    def get_i32(self, key):
        return call(_OP_NVS_GET_I32, self._handle, 0, 0, _buffer(key))

    def set_blob(self, key, value):
        key = _buffer(key)
        call(_OP_NVS_SET_BLOB, self._handle, len(key), 0, key, _buffer(value))

    def get_blob(self, key, buf):
        return call(_OP_NVS_GET_BLOB, self._handle, len(buf), 0, _buffer(key), None, buf)

    def erase_key(self, key):
        call(_OP_NVS_ERASE, self._handle, 0, 0, _buffer(key))

    def commit(self):
        pass
