# SPDX-License-Identifier: MIT
"""The server's side of a push (lwm2m.md 3.1): each block is answered when the source has room for the next."""

from ota.cloud.lw_client import Client
from ota.coap import message as coap
from ota.coap.block import value


class Uploads(Client):
    """`upload`: what is being pushed (coap/block.py), None before. `has_block1`: it comes in blocks at all."""

    def __init__(self, board, identity):
        super().__init__(board, identity)
        self.upload = None
        self.has_block1 = False
        self._owed = 0  # code of an answer that could not go yet

    def package(self, m, out):
        """See Service."""
        from ota.cloud import lw_push

        return lw_push.take(self, m, out)

    def poll(self, ms):
        super().poll(ms)
        if self._owed:
            self.answer(self._owed)

    def answer_block(self, is_last):
        """There is room for another block."""
        self.answer(coap.CHANGED if is_last else coap.CONTINUE)

    def answer(self, code):
        self._owed = 0
        if self._endpoint is not None and not self._endpoint.answer(code, self._put_block):
            self._owed = code

    def drop_upload(self, refused):
        """Nothing more of it is taken; `refused`: the code for who tries."""
        if self.upload is not None and self.upload.is_open:
            if self.upload.is_waiting:
                self.answer(coap.BAD_REQUEST)
            self.upload.close(refused)

    def _put_block(self, out):
        if self.has_block1:
            echo = self.upload.echo  # pyright: ignore[reportAttributeAccessIssue]
            out.uint(coap.BLOCK1, value(echo >> 4, echo & 8, echo & 7))
