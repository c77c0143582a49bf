# SPDX-License-Identifier: MIT
"""Object 5, Firmware Update 1.1 (lwm2m.md 2): the states as a server sees them, and what it may do in each.

No network, no flash: a request gives a code, an event a new (State, Result), and the owner is told what to do:
    start(way)  fetch what `uri` names (PULL), or take what comes (PUSH)       stop()   drop what there is
    install()   the order has come                                             told()   State or Result may have changed
"""

from ota.coap.message import BAD_REQUEST, CHANGED, NOT_ALLOWED
from ota.lwm2m.facts import DEFERRED, DOWNLOADED, DOWNLOADING, IDLE, PULL, PUSH, UPDATING
from ota.port import const

INITIAL, SUCCESS, NO_FLASH, NO_MEMORY, LINK_LOST, DAMAGED = const(0), const(1), const(2), const(3), const(4), const(5)
NO_IMAGE, BAD_URI, FAILED, UNSUPPORTED, CANCELLED = const(6), const(7), const(8), const(9), const(10)
_URI, _UPDATE, _SEVERITY, _DEFER = const(1), const(2), const(11), const(13)
_MOST_DEFER = const(31536000)


class Firmware:
    """Made for one event. `owner` has `facts`, now() and check_uri(uri) -> a Result, INITIAL if it is well."""

    def __init__(self, owner):
        self._owner = owner
        self._facts = owner.facts

    # resources

    def write(self, rid, value):
        """A code. The package itself comes by `push`."""
        if rid == _URI:
            return self.write_uri(value)
        if rid == _SEVERITY and 0 <= value <= 2:
            self._facts.severity = value
        elif rid == _DEFER and 0 <= value <= _MOST_DEFER:
            self._facts.max_defer = value
        else:
            return BAD_REQUEST
        self._facts.has_terms = True
        self._owner.told(False)
        return CHANGED

    def execute(self, rid):
        return self.update() if rid == _UPDATE else self.cancel()

    # what the server asks for

    def write_uri(self, uri):
        if not uri:
            return self.reset()
        if self._facts.state == UPDATING:
            return NOT_ALLOWED
        if self._facts.state != IDLE:
            return CHANGED if uri == self._facts.uri else BAD_REQUEST  # the same one again: its answer was lost
        wrong = self._owner.check_uri(uri)
        if wrong:
            self._be(IDLE, wrong)
            return BAD_REQUEST
        self._facts.uri, self._facts.way = uri, PULL
        self._owner.start(PULL)
        self._be(DOWNLOADING, INITIAL)
        return CHANGED

    def reset(self):
        """An empty URI or package."""
        if self._facts.state == UPDATING:
            return NOT_ALLOWED
        self._facts.uri = ""
        self._owner.stop()
        self._be(IDLE, INITIAL)
        return CHANGED

    def push(self):
        """The first block of a package."""
        if self._facts.state == UPDATING:
            return NOT_ALLOWED
        if self._facts.state == DOWNLOADED or (self._facts.state == DOWNLOADING and self._facts.way == PULL):
            return BAD_REQUEST
        if self._facts.state == IDLE:
            self._facts.uri, self._facts.way = "", PUSH
            self._owner.start(PUSH)
            self._be(DOWNLOADING, INITIAL)
        return CHANGED

    def update(self):
        if self._facts.state != DOWNLOADED:
            return NOT_ALLOWED
        self._be(UPDATING, INITIAL)
        self._owner.install()
        return CHANGED

    def cancel(self):
        if self._facts.state not in (DOWNLOADING, DOWNLOADED):
            return NOT_ALLOWED
        self._facts.uri = ""
        self._owner.stop()
        self._be(IDLE, CANCELLED)
        return CHANGED

    # what happens to it

    def downloaded(self):
        """All is there and verified; also again, after a boot before the switch."""
        if self._facts.state != DOWNLOADED:
            self._be(DOWNLOADED, INITIAL)

    def deferred(self):
        """The order stands, but the product does not want the reset yet."""
        if self._facts.state == UPDATING:
            self._be(DOWNLOADED, DEFERRED)

    def allowed(self):
        """Now it does."""
        if self._facts.state == DOWNLOADED:
            self._be(UPDATING, INITIAL)

    def updated(self):
        if self._facts.state == UPDATING:
            self._facts.uri = ""
            self._be(IDLE, SUCCESS)

    def failed(self, result):
        self._facts.uri = ""
        self._be(IDLE, result)

    def no_room(self):
        self.failed(NO_FLASH)

    def _be(self, state, result):
        """Both at once: nobody sees a new State with an old Result."""
        if state != self._facts.state:
            self._facts.changed_at = self._owner.now()
        self._facts.state, self._facts.result = state, result
        self._owner.told(True)
