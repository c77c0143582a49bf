# SPDX-License-Identifier: MIT
"""ThingsBoard's chunks over HTTP (thingsboard.md 4.2): one request a chunk, over the connection of the cloud.

Each request names title and version, so the server itself refuses to mix two images: 400.
"""

from ota.errors import TransferError
from ota.source.filler import Filler

_CODES = {400: "metadata_changed", 404: "not_assigned"}


class HttpChunks:
    """Source of `job` from byte `offset` on. `path`: of the request, ends where the number of the chunk belongs."""

    def __init__(self, cloud, path, job, offset, chunk):
        self._cloud = cloud
        self._path = path
        self._size = job.size
        self._chunk = chunk
        self._next = offset // chunk
        self._skip = offset % chunk  # the first bytes of the first chunk are in flash already
        self._rest = job.size - offset
        self._left = 0  # bytes of the chunk that are still to come
        self._exchange = None  # while a chunk is under way
        self._has_head = False
        self._filler = Filler()

    def readinto(self, block):
        """See ota.source."""
        if self._exchange is None:
            self._ask()
            return None
        if not self._exchange.readable(self._cloud.board.step_ms):
            return None
        if not self._has_head:
            self._has_head = self._exchange.answered(0)
            if self._has_head:
                self._judge(self._exchange.answer)
            return None
        return self._fill(block)

    def close(self):
        """An answer that nobody reads to its end would be in the way of the next."""
        if self._exchange is not None:
            self._exchange.close()
            self._done()

    def _ask(self):
        """As soon as the cloud has nothing more urgent to say."""
        self._exchange = self._cloud.lend()
        if self._exchange is not None:
            self._has_head = False
            self._exchange.ask("GET", self._path + str(self._next))
            self._left = min(self._chunk, self._size - self._next * self._chunk)

    def _judge(self, answer):
        if answer.status != 200:
            raise TransferError(_CODES.get(answer.status, "http_%d" % answer.status))
        length = answer.headers.get("content-length")
        if length is not None and length != str(self._left):  # 0: past the end of what the server has
            raise TransferError("broken_chunks", "%s instead of %d" % (length, self._left))

    def _fill(self, block):
        filler, body = self._filler, self._exchange.answer.body
        if self._skip:
            got = filler.drop(block, self._skip, body)
            self._skip -= got
            self._left -= got
            return None
        want = min(len(block), self._rest)
        self._left -= filler.take(block, min(want - filler.filled, self._left), body)
        if filler.filled == want and self._left:
            body.allow()  # a large chunk may take as long as its blocks
        if not self._left:
            self._next += 1
            self._exchange.end()
            self._done()
        if filler.filled < want:
            return None
        filler.filled = 0
        self._rest -= want
        return want

    def _done(self):
        self._exchange = None
        self._cloud.take_back()
