# SPDX-License-Identifier: MIT
"""Send (lwm2m.md 5): every State and Result of an update, in order, with what else a server wants to know beside it."""

from ota.coap import message as coap
from ota.lwm2m import formats
from ota.port import const

_MOST = const(8)
_OTHERS = ((5, 8), (5, 9), (3, 3), (3, 19))


class Sender:
    """`missed()` is called when the server does not take one: perhaps it has forgotten us."""

    def __init__(self, tree, account, number, missed):
        self._tree = tree
        self._account = account
        self._number = number
        self._missed = missed
        self._waiting = []

    def add(self, state, result):
        """Says nothing yet."""
        if not self._account.is_mute:
            self._waiting = self._waiting[-_MOST + 1 :] + [(state, result)]

    @property
    def is_told(self):
        return not self._waiting

    def step(self, endpoint):
        """Says what is due, if anything is; `endpoint` is idle and we are registered."""
        if self._account.is_mute:
            self._waiting = []
        if not self._waiting:
            return False
        state, result = self._waiting[0]
        rows = [(5, 0, 3, None, "i", state), (5, 0, 5, None, "i", result)]
        for oid, rid in _OTHERS:
            rows += self._tree.rows((oid, 0, rid))[1]
        out = endpoint.ask(coap.POST)
        out.option(coap.URI_PATH, b"dp")
        out.uint(coap.CONTENT_FORMAT, self._number)
        form = formats.module(self._number)
        out.payload(form.encode(rows) if form else b"")
        formats.forget_all()
        endpoint.go(self._answered)
        return True

    def _answered(self, m):
        """Whatever the answer is, it is not said again: the server can read, and the next State comes."""
        if m is not None and self._waiting:
            self._waiting.pop(0)
        if m is None or m.code != coap.CHANGED:
            self._missed()
