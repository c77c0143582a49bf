# SPDX-License-Identifier: MIT
"""Small stand-ins for tests that run on both interpreters: a partition, an NVS, a scripted stream."""


class Watchdog:
    """Counts how often it is fed."""

    fed = 0

    def feed(self):
        self.fed += 1

    def arm(self, ms):
        pass

    def relax(self):
        pass


class Partition:
    """An app partition in RAM. `programs` and `erases` record block numbers in order."""

    def __init__(self, size=65536, label="ota_1", fill=0xFF):
        self.data = bytearray(bytes([fill]) * size)
        self.label = label
        self.erases = []
        self.programs = []
        self.booted = False
        self.refuse = None  # method name whose next call raises OSError

    def info(self):
        return (0, 0x11, 0x1B0000, len(self.data), self.label, False)

    def _maybe_refuse(self, name):
        if self.refuse == name:
            raise OSError(-1, "ESP_FAIL")

    def readblocks(self, index, buf, offset=0):
        self._maybe_refuse("readblocks")
        start = index * 4096 + offset
        buf[:] = self.data[start : start + len(buf)]

    def writeblocks(self, index, buf, offset):
        self._maybe_refuse("writeblocks")
        self.programs.append(index)
        start = index * 4096 + offset
        old = self.data[start : start + len(buf)]
        if old.count(b"\xff") == len(buf):  # the usual case: erased before
            self.data[start : start + len(buf)] = buf
            return
        for i in range(len(buf)):
            self.data[start + i] &= buf[i]

    def ioctl(self, op, index):
        self._maybe_refuse("ioctl")
        assert op == 6
        self.erases.append(index)
        self.data[index * 4096 : index * 4096 + 4096] = b"\xff" * 4096
        return 0

    def set_boot(self):
        self._maybe_refuse("set_boot")
        self.booted = True


class Nvs:
    """esp32.NVS as the agent uses it; `writes` counts blobs. While it `refuses`, nothing is written."""

    def __init__(self):
        self.blobs = {}
        self.numbers = {}
        self.writes = 0
        self.refuses = False

    def get_i32(self, key):
        if key not in self.numbers:
            raise OSError(-4354, "ESP_ERR_NVS_NOT_FOUND")
        return self.numbers[key]

    def set_i32(self, key, value):
        if self.refuses:
            raise OSError(-1, "ESP_FAIL")
        self.numbers[key] = value

    def get_blob(self, key, buf):
        if key not in self.blobs:
            raise OSError(-4354, "ESP_ERR_NVS_NOT_FOUND")
        blob = self.blobs[key]
        buf[: len(blob)] = blob
        return len(blob)

    def set_blob(self, key, value):
        if self.refuses:
            raise OSError(-1, "ESP_FAIL")
        self.writes += 1
        self.blobs[key] = bytes(value)

    def commit(self):
        pass


class Stream:
    """A connection whose other end is a script: `incoming` is what the peer sends, `sent` what it got."""

    def __init__(self, incoming=b""):
        self.incoming = incoming
        self.sent = b""
        self.closed = False

    def readable(self, ms):
        return bool(self.incoming)

    def read(self, size):
        data, self.incoming = self.incoming[:size], self.incoming[size:]
        return data

    def readinto(self, buf, size):
        data = self.read(size)
        buf[: len(data)] = data
        return len(data)

    def write(self, data, size=None):
        data = data.encode() if isinstance(data, str) else bytes(data)
        self.sent += data if size is None else data[:size]

    def settimeout(self, seconds):
        pass

    def connect(self, address):
        pass

    def close(self):
        self.closed = True


class Pieces:
    """A connection that does not block. `pieces`: bytes that are there together, None: a pause, b"": the end."""

    def __init__(self, *pieces):
        self._pieces = list(pieces)
        self.sent = b""
        self.closed = False

    def left(self):
        """Bytes that nobody has read."""
        return sum([len(piece or b"") for piece in self._pieces])

    def readable(self, ms):
        if self._pieces and self._pieces[0] is None:
            self._pieces.pop(0)
            return False
        return bool(self._pieces)

    def readinto(self, buf, size):
        if not self._pieces:
            return None
        piece = self._pieces[0]
        if piece is None:
            self._pieces.pop(0)
            return None
        data = piece[:size]
        buf[: len(data)] = data
        if len(data) == len(piece) and data:
            self._pieces.pop(0)
        else:
            self._pieces[0] = piece[len(data) :]
        return len(data)

    def write(self, data):
        self.sent += data
        return len(data)

    def wait(self, is_patient):
        pass

    def close(self):
        self.closed = True


def raises(error_class, code, function, *args):
    """Calls `function`, which must raise `error_class` with that code."""
    try:
        function(*args)
    except error_class as error:
        assert error.code == code, error.code
        return error
    raise AssertionError("no " + code)


def run(generator):
    """Runs a generator to its end and returns how many steps it took."""
    steps = 0
    for _ in generator:
        steps += 1
    return steps
