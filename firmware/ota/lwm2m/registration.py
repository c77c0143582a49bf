# SPDX-License-Identifier: MIT
"""Register, Update, and when (lwm2m.md 1.1). A registration outlives a lost line, but no reset."""

from ota.coap import message as coap
from ota.errors import TransferError
from ota.lwm2m.formats import LINKS
from ota.lwm2m.tree import link
from ota.port import const, ticks_diff, ticks_ms

_MARGIN_S = const(93)  # before the lifetime is over, but not more than half of it
_LONGEST_S = const(500000)
_REFUSED = const(5)  # see ota.link: who is refused waits longer


class Registration:
    """`name`: of the endpoint. `account`: objects.Server, `tree`: what there is. `forgotten()`: by the server, all.

    `is_up`: the server has said so on this line. `is_due`: an Update goes out next, whatever the time.
    """

    def __init__(self, name, account, tree, is_queued, forgotten):
        self._name = name
        self._account = account
        self._tree = tree
        self._is_queued = is_queued
        self._forgotten = forgotten
        self._location = None
        self._since = ticks_ms()
        self.is_up = self.is_due = False
        self._tells_lifetime = False
        self._is_under_way = False

    def connected(self):
        """A new line: the server hears of us first of all."""
        self.is_up = self._is_under_way = False

    def update(self, tells_lifetime=False):
        """Somebody wants one soon."""
        self.is_due = True
        self._tells_lifetime = self._tells_lifetime or tells_lifetime

    @property
    def is_told(self):
        return not self.is_due and not self._is_under_way

    def step(self, endpoint):
        """Says what is due, if anything is; `endpoint` is idle."""
        if self._location is None:
            self._register(endpoint)
        elif not self.is_up or self.is_due or ticks_diff(ticks_ms(), self._since) >= self._period_ms():
            self._update(endpoint)
        else:
            return False
        self._is_under_way = True
        return True

    def _period_ms(self):
        lifetime = min(self._account.lifetime, _LONGEST_S)
        return (lifetime - min(lifetime // 2, _MARGIN_S)) * 1000

    def _register(self, endpoint):
        out = endpoint.ask(coap.POST)
        out.option(coap.URI_PATH, b"rd")
        out.uint(coap.CONTENT_FORMAT, LINKS)
        for query in ("lwm2m=1.1", "ep=" + self._name, "lt=%d" % self._account.lifetime, "b=U"):
            out.option(coap.URI_QUERY, query.encode())
        if self._is_queued:
            out.option(coap.URI_QUERY, b"Q")
        out.payload(self._links().encode())
        self.is_due = self._tells_lifetime = False
        endpoint.go(self._registered)

    def _links(self):
        """The root announces the one format that we prefer: a list of them confuses some servers."""
        made = '</>;rt="oma.lwm2m";ct=112'
        for oid in sorted(self._tree.objects):
            found = self._tree.objects[oid]
            if found.release:
                made += "," + link(found)
            made += ",</%d/0>" % oid
        return made

    def _registered(self, m):
        self._is_under_way = False
        if m is None or m.type == coap.RST:
            raise TransferError("register_unanswered")
        if m.code != coap.CREATED:
            is_refused = m.code >> 5 == 4
            raise TransferError("register_" + coap.text(m.code), _REFUSED if is_refused else "")
        parts = []
        for part in m.values(coap.LOCATION_PATH):  # some put all of it into one option
            parts += [piece for piece in part.split(b"/") if piece]
        self._location = parts
        self._since = ticks_ms()
        self.is_up = True

    def _update(self, endpoint):
        out = endpoint.ask(coap.POST)
        for part in self._location or ():
            out.option(coap.URI_PATH, part)
        if self._tells_lifetime:
            out.option(coap.URI_QUERY, b"lt=%d" % self._account.lifetime)
        self.is_due = self._tells_lifetime = False
        endpoint.go(self._updated)

    def _updated(self, m):
        self._is_under_way = False
        if m is None:
            raise TransferError("update_unanswered")
        if m.code == coap.CHANGED:
            self._since = ticks_ms()
            self.is_up = True
            return
        self.is_up = False  # 4.04: it has forgotten us; anything else comes to the same
        self._location = None
        self._forgotten()
