# SPDX-License-Identifier: MIT
"""Object 5, Firmware Update 1.1 (lwm2m.md 2): the states as a server sees them, and what it may do in each.

No network, no flash: a request gives a code, an event a new (State, Result), and the owner is told what to do:
    start(way)  fetch what `uri` names (PULL), or take what comes (PUSH)       stop()   drop what there is
    install()   the order has come                                             told()   State or Result may have changed
"""

from ota.coap.message import BAD_REQUEST, CHANGED, NOT_ALLOWED
from ota.port import const

IDLE, DOWNLOADING, DOWNLOADED, UPDATING = const(0), const(1), const(2), const(3)
INITIAL, SUCCESS, NO_FLASH, NO_MEMORY, LINK_LOST, DAMAGED = const(0), const(1), const(2), const(3), const(4), const(5)
NO_IMAGE, BAD_URI, FAILED, UNSUPPORTED, CANCELLED, DEFERRED = (
    const(6),
    const(7),
    const(8),
    const(9),
    const(10),
    const(11),
)
PULL, PUSH = const(0), const(1)
_PACKAGE, _URI, _UPDATE, _CANCEL, _SEVERITY, _DEFER = const(0), const(1), const(2), const(10), const(11), const(13)
_MOST_DEFER = const(31536000)


class Firmware:
    """`name`, `version`: of the package that is there. `protocols`: of /5/0/8. `changed_at`: unix second or None."""

    oid = 5
    release = "1.1"
    resources = {
        0: "Wo", 1: "RWs", 2: "E", 3: "Ri", 5: "Ri", 6: "Rs", 7: "Rs", 8: "Ri*", 9: "Ri", 10: "E", 11: "RWi", 12: "Rt",
        13: "RWi",
    }  # fmt: skip

    def __init__(self, owner, protocols=(0,), check=None):
        """`check(uri)` -> Result that speaks against it, INITIAL for none."""
        self._owner = owner
        self._check = check
        self.protocols = list(protocols)
        self.state, self.result = IDLE, INITIAL
        self.uri = self.name = self.version = ""
        self.way = PULL
        self.severity, self.max_defer = 1, 0
        self.has_terms = False  # the server has written one of them
        self.changed_at = None

    # resources

    def read(self, rid):
        """Its value; None while it does not exist."""
        if rid in (6, 7) and self.state < DOWNLOADED:
            return None
        return {
            1: self.uri, 3: self.state, 5: self.result, 6: self.name, 7: self.version, 8: self.protocols, 9: 2,
            11: self.severity, 12: self.changed_at, 13: self.max_defer,
        }[rid]  # fmt: skip

    def write(self, rid, value):
        """A code. The package itself comes by `push`."""
        if rid == _URI:
            return self.write_uri(value)
        if rid == _SEVERITY and 0 <= value <= 2:
            self.severity = value
        elif rid == _DEFER and 0 <= value <= _MOST_DEFER:
            self.max_defer = value
        else:
            return BAD_REQUEST
        self.has_terms = True
        self._owner.told(False)
        return CHANGED

    def execute(self, rid, arguments):
        return self.update() if rid == _UPDATE else self.cancel()

    # what the server asks for

    def write_uri(self, uri):
        if not uri:
            return self.reset()
        if self.state == UPDATING:
            return NOT_ALLOWED
        if self.state != IDLE:
            return CHANGED if uri == self.uri else BAD_REQUEST  # the same one again: its answer was lost
        wrong = self._check(uri) if self._check else INITIAL
        if wrong:
            self._be(IDLE, wrong)
            return BAD_REQUEST
        self.uri, self.way = uri, PULL
        self._be(DOWNLOADING, INITIAL)
        self._owner.start(PULL)
        return CHANGED

    def reset(self):
        """An empty URI or package."""
        if self.state == UPDATING:
            return NOT_ALLOWED
        self.uri = ""
        self._owner.stop()
        self._be(IDLE, INITIAL)
        return CHANGED

    def push(self):
        """The first block of a package."""
        if self.state == UPDATING:
            return NOT_ALLOWED
        if self.state == DOWNLOADED or (self.state == DOWNLOADING and self.way == PULL):
            return BAD_REQUEST
        if self.state == IDLE:
            self.uri, self.way = "", PUSH
            self._be(DOWNLOADING, INITIAL)
            self._owner.start(PUSH)
        return CHANGED

    def update(self):
        if self.state != DOWNLOADED:
            return NOT_ALLOWED
        self._be(UPDATING, INITIAL)
        self._owner.install()
        return CHANGED

    def cancel(self):
        if self.state not in (DOWNLOADING, DOWNLOADED):
            return NOT_ALLOWED
        self.uri = ""
        self._owner.stop()
        self._be(IDLE, CANCELLED)
        return CHANGED

    # what happens to it

    def downloaded(self):
        """All is there and verified; also again, after a boot before the switch."""
        if self.state != DOWNLOADED:
            self._be(DOWNLOADED, INITIAL)

    def deferred(self):
        """The order stands, but the product does not want the reset yet."""
        if self.state == UPDATING:
            self._be(DOWNLOADED, DEFERRED)

    def allowed(self):
        """Now it does."""
        if self.state == DOWNLOADED:
            self._be(UPDATING, INITIAL)

    def updated(self):
        if self.state == UPDATING:
            self.uri = ""
            self._be(IDLE, SUCCESS)

    def failed(self, result):
        self.uri = ""
        self._be(IDLE, result)

    def _be(self, state, result):
        """Both at once: nobody sees a new State with an old Result."""
        if state != self.state:
            self.changed_at = self._owner.now()
        self.state, self.result = state, result
        self._owner.told(True)
