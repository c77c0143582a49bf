# SPDX-License-Identifier: MIT
"""Object 9, Software Management 1.0 (OMA registry, 9.xml): the states of a package, and what a server may do in each.

As in firmware.py a request gives a code, an event a new (State, Result); what follows is noted in `todo` of the owner
(packages.py). An installed package runs: the board proves it by starting it. So it is active at once, and who does not
want that deactivates it: then the application runs that the firmware brings.
"""

# pyright: reportAttributeAccessIssue=false

from ota.lwm2m.facts import Facts
from ota.port import const

_INITIAL = const(0)
_STARTED = const(1)
_DOWNLOADED = const(2)
_DELIVERED = const(3)
_INSTALLED = const(4)
_CHANGED = const(68)  # 2.04
_BAD_REQUEST = const(128)  # 4.00
_NOT_ALLOWED = const(133)  # 4.05
_SERVER_ERROR = const(160)  # 5.00
_NOTHING = const(0)
_LOADING = const(1)
_GOOD = const(2)
_VERIFIED = const(3)
_NO_ROOM = const(50)
_BAD_URI = const(56)
_NOT_INSTALLED = const(58)
# for packages.py
_STOP = const(16)
_START = const(32)
_KEEP = const(64)
_TELL = const(128)
_BUILT_IN = "built-in"  # as ota.software calls what the firmware brings
_ORDERS = {4: "install", 6: "uninstall", 10: "activate", 11: "deactivate"}


class Software:
    """Made for one event. `owner` has `facts`, `todo`, check_uri(uri) -> a Result of object 5, a `board`, and
    reboot()."""

    def __init__(self, owner):
        self._owner = owner
        self._record = owner.facts.software = of(owner)

    def execute(self, rid, arguments):
        return getattr(self, _ORDERS[rid])(arguments)

    # what the server asks for

    def write_uri(self, uri):
        record = self._record
        if record.is_ordered:
            return _NOT_ALLOWED
        if not uri:
            return _BAD_REQUEST
        if not self._is_free:
            return _CHANGED if uri == record.uri else _BAD_REQUEST  # the same one again: its answer was lost
        if self._owner.check_uri(uri):
            if record.state != _INSTALLED:  # which still is, and can be deactivated
                self._be(_INITIAL, _BAD_URI)
            return _BAD_REQUEST
        return self._begin(uri)

    def push(self):
        """The first block of a package."""
        record = self._record
        if record.is_ordered:
            return _NOT_ALLOWED
        if record.state == _STARTED and not record.uri:
            return _CHANGED  # it begins anew
        return self._begin("") if self._is_free else _BAD_REQUEST

    def install(self, arguments=b""):
        record = self._record
        if record.state != _DELIVERED or record.is_ordered or record.result == _NOT_INSTALLED:
            return _NOT_ALLOWED
        record.is_ordered = True
        self._owner.todo |= _KEEP
        return _CHANGED

    def uninstall(self, arguments=b""):
        """What is on its way is dropped. What is installed goes, too, unless the argument is 1: then another package is
        to come, and until it is there this one runs on."""
        record = self._record
        if arguments not in (b"", b"0", b"1"):
            return _BAD_REQUEST
        is_there = record.state == _INSTALLED or record.is_active
        if record.is_ordered or not (record.state or is_there):
            return _NOT_ALLOWED
        if record.state in (_INITIAL, _INSTALLED) and arguments != b"1":
            if not self._switch(False, True):
                return _SERVER_ERROR
            record.name = record.version = ""
        return self.reset()

    def activate(self, arguments=b""):
        return self._turn(True)

    def deactivate(self, arguments=b""):
        return self._turn(False)

    def reset(self):
        """Nobody wants what is on its way."""
        self._record.uri = ""
        self._owner.todo |= _STOP
        self._be(_INITIAL, _NOTHING)
        return _CHANGED

    # what happens to it

    def downloaded(self):
        if self._record.state == _STARTED:
            self._be(_DOWNLOADED, _NOTHING)

    def delivered(self):
        """All is there and verified; also again, after a boot before the switch."""
        if self._record.state != _DELIVERED:
            self._be(_DELIVERED, _VERIFIED)

    def installed(self):
        """It has proved itself."""
        self._record.uri = ""
        self._record.is_ordered, self._record.is_active = False, True
        self._be(_INSTALLED, _GOOD)

    def failed(self, result):
        """What was ordered stays delivered, and another package may come."""
        record, was_ordered = self._record, self._record.is_ordered
        record.uri, record.is_ordered = "", False
        self._owner.todo |= _STOP
        if was_ordered:
            self._be(_DELIVERED, _NOT_INSTALLED)
        else:
            self._be(_INITIAL, result)

    def no_room(self):
        self.failed(_NO_ROOM)

    @property
    def _is_free(self):
        """Whether a package may come. Where one is installed it is not uninstalled before."""
        record = self._record
        return record.state in (_INITIAL, _INSTALLED) or record.result == _NOT_INSTALLED

    def _begin(self, uri):
        self._record.uri = uri
        self._owner.todo |= _START
        self._be(_STARTED, _LOADING)
        return _CHANGED

    def _turn(self, is_on):
        record = self._record
        if record.state != _INSTALLED:
            return _NOT_ALLOWED
        if record.is_active != is_on:
            if not self._switch(is_on, False):
                return _SERVER_ERROR
            self._owner.todo |= _TELL
        return _CHANGED

    def _switch(self, is_on, for_good):
        if not _switch(self._owner, is_on, for_good):
            return False
        self._record.is_active = is_on
        return True

    def _be(self, state, result):
        """Both at once: nobody sees a new State with an old Result."""
        self._record.state, self._record.result = state, result
        self._owner.todo |= _TELL


def _switch(owner, is_on, for_good):
    """Another tree of software is to run: the one that is installed, or what the firmware brings. Whether it could be
    done. The board starts anew if something else is to run; `for_good`: there is no way back.

    The files of a tree that nobody wants go when the next package needs their place.
    """
    from ota.trees import VALID, Trees

    trees = Trees(owner.board)
    tree = trees.active or trees.before
    if trees.state != VALID or (is_on and not (tree and trees.is_whole(tree))):
        return False
    active = tree if is_on else 0
    try:
        trees.save(VALID, active, 0 if is_on or for_good else tree)
    except OSError:
        return False
    if active != trees.running:
        owner.reboot()
    return True


def value(cloud, rid):
    """What a server reads."""
    record = of(cloud)
    return {0: record.name, 1: record.version, 7: record.state, 9: record.result, 12: record.is_active}[rid]


def of(cloud):
    """The record; where there is none yet, what can be said without one."""
    record, runs = cloud.facts.software, cloud.software
    if record is not None:
        if record.state == _INSTALLED and record.is_active and runs not in (None, (record.name, record.version)):
            _fall_back(record, runs, cloud.board)
        return record
    made = Facts()
    name, version = runs or (_BUILT_IN, "")
    made.is_active = name != _BUILT_IN  # another cloud may have installed it
    made.state, made.result = _INSTALLED if made.is_active else _INITIAL, 0
    made.name, made.version = (name, version) if made.is_active else ("", "")
    made.uri = ""  # of what is fetched; empty for what is pushed
    made.is_ordered = False  # Install was executed, and nothing has come of it yet
    return made


def _fall_back(record, runs, board):
    """What was installed has crashed again and again, so something else runs (ota.crashes); or it is deactivated, and
    the power went before that was written down."""
    from ota.trees import Trees

    trees = Trees(board)
    record.is_active = runs[0] != _BUILT_IN
    if trees.before != trees.active == 0 and trees.is_whole(trees.before):
        return
    record.result = _NOT_INSTALLED
    record.state = _INSTALLED if record.is_active else _INITIAL
    record.name, record.version = runs if record.is_active else ("", "")
