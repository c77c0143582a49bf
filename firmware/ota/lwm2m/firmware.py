# SPDX-License-Identifier: MIT
"""Object 5, Firmware Update 1.1 (lwm2m.md 2): the states as a server sees them, and what it may do in each.

No network, no flash: a request gives a code, an event a new (State, Result), and the owner is told what to do:
    start(way)  fetch what `uri` names (0), or take what comes (1)       stop()   drop what there is
    install()   the order has come                                             told()   State or Result may have changed
"""

from ota.port import const

_DOWNLOADED = const(2)
_DOWNLOADING = const(1)
_IDLE = const(0)
_PULL = const(0)
_PUSH = const(1)
_UPDATING = const(3)
_CHANGED = const(68)  # 2.04
_BAD_REQUEST = const(128)  # 4.00
_NOT_ALLOWED = const(133)  # 4.05
_INITIAL = const(0)
_SUCCESS = const(1)
_NO_FLASH = const(2)
_CANCELLED = const(10)
_DEFERRED = const(11)
_URI = const(1)
_UPDATE = const(2)
_SEVERITY = const(11)
_DEFER = const(13)
_MOST_DEFER = const(31536000)


class Firmware:
    """Made for one event. `owner` has `facts`, now() and check_uri(uri) -> a Result, 0 if it is well."""

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
            return _BAD_REQUEST
        self._facts.has_terms = True
        self._owner.told(False)
        return _CHANGED

    def execute(self, rid):
        return self.update() if rid == _UPDATE else self.cancel()

    # what the server asks for

    def write_uri(self, uri):
        if not uri:
            return self.reset()
        if self._facts.state == _UPDATING:
            return _NOT_ALLOWED
        if self._facts.state != _IDLE:
            return _CHANGED if uri == self._facts.uri else _BAD_REQUEST  # the same one again: its answer was lost
        wrong = self._owner.check_uri(uri)
        if wrong:
            self._be(_IDLE, wrong)
            return _BAD_REQUEST
        self._facts.uri, self._facts.way = uri, _PULL
        self._owner.start(_PULL)
        self._be(_DOWNLOADING, _INITIAL)
        return _CHANGED

    def reset(self):
        """An empty URI or package."""
        if self._facts.state == _UPDATING:
            return _NOT_ALLOWED
        self._facts.uri = ""
        self._owner.stop()
        self._be(_IDLE, _INITIAL)
        return _CHANGED

    def push(self):
        """The first block of a package."""
        if self._facts.state == _UPDATING:
            return _NOT_ALLOWED
        if self._facts.state == _DOWNLOADED or (self._facts.state == _DOWNLOADING and self._facts.way == _PULL):
            return _BAD_REQUEST
        if self._facts.state == _IDLE:
            self._facts.uri, self._facts.way = "", _PUSH
            self._owner.start(_PUSH)
            self._be(_DOWNLOADING, _INITIAL)
        return _CHANGED

    def update(self):
        if self._facts.state != _DOWNLOADED:
            return _NOT_ALLOWED
        self._be(_UPDATING, _INITIAL)
        self._owner.install()
        return _CHANGED

    def cancel(self):
        if self._facts.state not in (_DOWNLOADING, _DOWNLOADED):
            return _NOT_ALLOWED
        self._facts.uri = ""
        self._owner.stop()
        self._be(_IDLE, _CANCELLED)
        return _CHANGED

    # what happens to it

    def downloaded(self):
        """All is there and verified; also again, after a boot before the switch."""
        if self._facts.state != _DOWNLOADED:
            self._be(_DOWNLOADED, _INITIAL)

    def deferred(self):
        """The order stands, but the product does not want the reset yet."""
        if self._facts.state == _UPDATING:
            self._be(_DOWNLOADED, _DEFERRED)

    def allowed(self):
        """Now it does."""
        if self._facts.state == _DOWNLOADED:
            self._be(_UPDATING, _INITIAL)

    def updated(self):
        if self._facts.state == _UPDATING:
            self._facts.uri = ""
            self._be(_IDLE, _SUCCESS)

    def failed(self, result):
        self._facts.uri = ""
        self._be(_IDLE, result)

    def no_room(self):
        self.failed(_NO_FLASH)

    def _be(self, state, result):
        """Both at once: nobody sees a new State with an old Result."""
        if state != self._facts.state:
            self._facts.changed_at = self._owner.now()
        self._facts.state, self._facts.result = state, result
        self._owner.told(True)
