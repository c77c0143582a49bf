# SPDX-License-Identifier: MIT
"""An image behind a URL, http or https, from any byte on by Range: the bytes, once http_ask.py has them coming.

A server that is busy is asked again by this source itself, so the line to the cloud stays up.
"""

from ota.errors import TransferError
from ota.port import const, forget

_SILENCE_MS = const(20000)  # without a byte


class Http:
    """Source of `job`, from byte `offset` on; polls `cloud` in passing. Raises JobError for a URL that is none."""

    def __init__(self, board, cloud, job, offset):
        from ota.source.http_ask import Asking

        self._board = board
        self._cloud = cloud
        self._job = job
        self._offset = offset
        self._asking = Asking(board, job, offset)
        forget("ota.source.http_ask")  # the download needs its place
        self._stream = self._body = None
        self._skip = 0
        self._filler = None

    def readinto(self, block):
        """See ota.source."""
        self._cloud.poll(0)
        try:
            if self._body is None:
                self._ask()
            elif self._body.readable(self._board.step_ms, _SILENCE_MS):
                return self._fill(block)
            return None
        except (TransferError, MemoryError) as failure:
            error = failure if isinstance(failure, TransferError) else TransferError("no_memory")
            error.beside = True
            raise error

    def close(self):
        for one in (self._asking, self._stream):
            if one is not None:
                one.close()
        self._asking = self._stream = None

    def _ask(self):
        asking = self._asking
        body = asking.step(_SILENCE_MS)
        if body is not None:
            from ota.source.filler import Filler

            self._stream, self._skip, self._asking = asking.stream, asking.skip, None
            self._body = body
            self._filler = Filler()

    def _fill(self, block):
        """Moves what has come into `block`; its size when that is full."""
        filler = self._filler
        if self._skip:
            self._skip -= filler.drop(block, self._skip, self._body)
            self._body.allow()
            return None
        want = min(len(block), self._job.size - self._offset)
        filler.take(block, want - filler.filled, self._body)
        if filler.filled < want:
            return None
        filler.filled = 0
        self._offset += want
        self._body.allow()
        return want
