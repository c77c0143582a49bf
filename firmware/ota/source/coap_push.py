# SPDX-License-Identifier: MIT
"""An image that the server pushes by Block1 (lwm2m.md 3.1), block by block as the flash takes them.

Each block is answered when there is room for the next. Nothing can be resumed: what is lost begins with block 0.
"""

from ota.errors import JobError, TransferError
from ota.port import const, forget

_BAD_REQUEST = const(128)  # 4.00
_INCOMPLETE = const(136)  # 4.08
_SHORTAGES = const(2)  # of memory, without a block in between


class CoapPush:
    """Source of what comes into `upload`."""

    is_pushed = True

    def __init__(self, upload, cloud):
        self._cloud = cloud
        self._upload = upload
        self._generation = self._upload.generation
        self._filled = self._shortages = 0
        self.is_last = self.begins_anew = False

    def stream(self, install):
        from ota import unsized

        forget("ota.unsized")
        return unsized.stream(install, self)

    def readinto(self, block):
        """See ota.source."""
        upload = self._upload
        if upload.is_waiting:
            if upload.generation != self._generation:
                self._generation = upload.generation
                self.begins_anew = True
                self._filled = 0
            self._filled = upload.read(block, self._filled)
            self._shortages = 0
            if not upload.is_waiting:
                upload.answer_block(upload.is_last)
        else:
            try:
                self._cloud.poll(self._cloud.board.step_ms)
            except MemoryError:  # what came is as good as lost, and comes again
                self._shortages += 1
                if self._shortages > _SHORTAGES:
                    raise JobError("no_memory")
            if upload.is_dead():
                raise TransferError("push_silence")
            if not upload.is_open:
                raise JobError("push_ended")
        self.is_last = upload.is_last and not upload.is_waiting
        if self._filled < len(block) and not self.is_last:
            return None
        n, self._filled = self._filled, 0
        return n

    def close(self):
        upload = self._upload
        if upload.is_last and not upload.is_waiting:
            upload.close()
        else:
            upload.drop(_INCOMPLETE if upload.is_dead() else _BAD_REQUEST)
