# SPDX-License-Identifier: MIT
"""An image behind a coap or coaps URI, by Block2 on a socket of its own (lwm2m.md 3.2).

The server chooses the size of the blocks, and with its ETag says which bytes they are of. Polls the cloud in passing.
"""

import binascii

from ota.coap.endpoint import Endpoint
from ota.errors import JobError, TransferError, VerifyError
from ota.lwm2m import tidy
from ota.port import const, forget

_RST = const(3)
_GET = const(1)
_CONTENT = const(69)  # 2.05
_INCOMPLETE = const(136)  # 4.08
_URI_HOST = const(3)
_ETAG = const(4)
_URI_PATH = const(11)
_URI_QUERY = const(15)
_BLOCK2 = const(23)
_SIZE2 = const(28)
_SZX = const(6)  # of blocks of 1024 bytes


class Coap:
    """Source of `job` from byte `offset` on; `target`: (secure, host, port, path, query) of uri.split.

    `job.mark`: the ETag in hex, "" without one: those are the bytes that the slot holds.
    """

    is_pushed = False
    begins_anew = False

    def __init__(self, cloud, job, offset, target):
        self._cloud = cloud
        self._job = job
        self._offset = offset
        self._target = target
        self._line = self._endpoint = None
        self._szx = -1 if not offset else _SZX if offset % 1024 == 0 else _SZX - 1  # packages go on at each 512 bytes
        self._is_resumed = offset > 0
        self._filled = 0
        self._block = bytearray()  # what is being filled
        self._error = None
        self._has_answer = self._is_whole = False
        self.is_last = False

    def stream(self, install):
        from ota import unsized

        forget("ota.unsized")
        return unsized.stream(install, self)

    def readinto(self, block):
        """See ota.source."""
        self._cloud.poll(0)
        self._block = block
        try:
            if self._endpoint is None:
                self._line = self._open()
                self._endpoint = Endpoint(self._line, None, _room(self._target))
            if self._endpoint.is_idle:
                self._ask()
            self._endpoint.poll(self._cloud.board.step_ms)
            if self._error is not None:
                raise self._error
        except (TransferError, MemoryError) as failure:
            error = failure if isinstance(failure, TransferError) else TransferError("no_memory")
            if error.code == "no_address":
                from ota.lwm2m import line

                error = line.nowhere(error, self._offset)
            error.beside = True
            raise error
        self.is_last = self._is_whole
        if self._filled < len(block) and not self.is_last:
            return None
        n, self._filled = self._filled, 0
        return n

    def close(self):
        if self._line is not None:
            self._line.close()
            self._line = None

    def _open(self):
        from ota.lwm2m import line

        tidy()
        return line.open_line(self._cloud.board, self._target[0], self._target[1], self._target[2])

    def _ask(self):
        """For the next block; the first time without a word about blocks, so the server chooses."""
        out = self._endpoint.ask(_GET)
        host, path, query = self._target[1], self._target[3], self._target[4]
        if not host.replace(".", "").isdigit():
            out.option(_URI_HOST, host.encode())
        for segment in path:
            out.option(_URI_PATH, segment)
        for part in query:
            out.option(_URI_QUERY, part)
        if self._szx >= 0:
            at = self._offset + self._filled
            out.uint(_BLOCK2, at >> self._szx + 4 << 4 | self._szx)
        self._endpoint.go(self._answered)

    def _answered(self, m):
        try:
            if m is None:
                raise TransferError("coap_silence")
            if m.type == _RST:
                raise TransferError("coap_reset")
            if m.code >> 5 == 5 or m.code == _INCOMPLETE:
                raise TransferError(_code(m))
            if m.code != _CONTENT:
                raise JobError(_code(m))
            self._take(m)
        except (JobError, TransferError, VerifyError) as error:
            self._error = error

    def _take(self, m):
        """A block, unless it is another one than was asked for."""
        block = m.uint(_BLOCK2, -1)
        szx, more, at = block & 7, block & 8, 0
        if block >= 0:
            if szx == 7 or (more and m.end - m.start != 16 << szx):
                raise TransferError("coap_bad_block")
            at = block >> 4 << szx + 4
        if not self._has_answer:
            self._know(m)
        elif _tag(m) != self._job.mark:
            raise VerifyError("coap_changed")
        if at != self._offset + self._filled:
            raise TransferError("coap_bad_block")
        self._szx = min(szx, _SZX) if block >= 0 else _SZX
        size = m.end - m.start
        if self._filled + size > len(self._block):
            raise TransferError("coap_bad_block")
        self._block[self._filled : self._filled + size] = m.payload
        self._filled += size
        if self._filled == len(self._block):
            self._offset += self._filled
        self._is_whole = block < 0 or not more

    def _know(self, m):
        """The first answer tells which bytes these are; of a download that goes on, whether they are the same ones."""
        self._has_answer = True
        job, tag = self._job, _tag(m)
        if self._is_resumed:
            if not tag or tag != job.mark:
                raise VerifyError("coap_changed")
            return
        job.mark = tag
        size = m.uint(_SIZE2, 0)
        if size:
            job.size = size
        self._cloud.learnt(job, size)


def _tag(m):
    tags = m.values(_ETAG)
    return binascii.hexlify(tags[0]).decode() if tags else ""


def _room(target):
    """Bytes of a request, see `_ask`: each option is a text and three bytes at most."""
    return sum([len(part) + 3 for part in target[3] + target[4]]) + len(target[1]) + 32


def _code(m):
    return "coap_%d%02d" % (m.code >> 5, m.code & 31)
