# SPDX-License-Identifier: MIT
"""Object 9: what a server may do in each state, and what comes of a package."""

from coap_codes import BAD_REQUEST, CHANGED, NOT_ALLOWED
from fakes import Nvs

from ota.lwm2m import facts
from ota.lwm2m.object9 import Object
from ota.lwm2m.software import Software

URI, OTHER = "coap://10.0.0.9/app.tar", "coap://10.0.0.9/other.tar"
STOP, START, KEEP, TELL = 16, 32, 64, 128
INITIAL, PULLING, PUSHING, DOWNLOADED, DELIVERED, ORDERED, INSTALLED, FAILED = range(8)
ALL = (INITIAL, PULLING, PUSHING, DOWNLOADED, DELIVERED, ORDERED, INSTALLED, FAILED)
STATES = (0, 1, 1, 2, 3, 3, 4, 3)
RESULTS = (0, 1, 1, 0, 3, 3, 2, 58)


class Board:
    files = "none"

    def __init__(self):
        self.nvs = Nvs()


class Owner:
    """As much of the cloud as object 9 asks for."""

    software = None

    def __init__(self):
        self.facts = facts.fresh()
        self.board = Board()
        self.todo = 0

    def check_uri(self, uri):
        return 0 if uri.startswith("coap://") else 9


def machine(where):
    """One in such a state, and its owner, who has forgotten how it came there."""
    owner = Owner()
    made = Software(owner)
    if where == PUSHING:
        assert made.push() == CHANGED
    elif where != INITIAL:
        assert made.write_uri(URI) == CHANGED
    if where >= DOWNLOADED:
        made.downloaded()
    if where >= DELIVERED:
        made.delivered()
    if where >= ORDERED:
        assert made.install() == CHANGED
    if where == INSTALLED:
        made.installed()
    elif where == FAILED:
        made.failed(57)
    assert (owner.facts.software.state, owner.facts.software.result) == (STATES[where], RESULTS[where])
    owner.todo = 0
    return made, owner


def cell(where, event, *args):
    """(code, State, Result, what is to be done) after an event."""
    made, owner = machine(where)
    code = getattr(made, event)(*args)
    record = owner.facts.software
    return code, record.state, record.result, owner.todo


def unchanged(where, code):
    return code, STATES[where], RESULTS[where], 0


def test_a_uri_in_each_state():
    for where in ALL:
        if where in (INITIAL, INSTALLED, FAILED):
            assert cell(where, "write_uri", URI) == (CHANGED, 1, 1, START | TELL)
            bad = unchanged(where, BAD_REQUEST) if where == INSTALLED else (BAD_REQUEST, 0, 56, TELL)
            assert cell(where, "write_uri", "ftp://x") == bad
        elif where == ORDERED:
            assert cell(where, "write_uri", URI) == unchanged(where, NOT_ALLOWED)
        else:
            same = BAD_REQUEST if where == PUSHING else CHANGED
            assert cell(where, "write_uri", URI) == unchanged(where, same)
            assert cell(where, "write_uri", OTHER) == unchanged(where, BAD_REQUEST)
        empty = NOT_ALLOWED if where == ORDERED else BAD_REQUEST
        assert cell(where, "write_uri", "") == unchanged(where, empty)


def test_a_first_block_in_each_state():
    for where in (INITIAL, INSTALLED, FAILED):
        assert cell(where, "push") == (CHANGED, 1, 1, START | TELL)
    assert cell(PUSHING, "push") == unchanged(PUSHING, CHANGED)  # it begins anew
    for where in (PULLING, DOWNLOADED, DELIVERED):
        assert cell(where, "push") == unchanged(where, BAD_REQUEST)
    assert cell(ORDERED, "push") == unchanged(ORDERED, NOT_ALLOWED)


def test_the_order_in_each_state():
    for where in ALL:
        if where == DELIVERED:
            assert cell(where, "install") == (CHANGED, 3, 3, KEEP)
        else:
            assert cell(where, "install") == unchanged(where, NOT_ALLOWED)


def test_uninstall_in_each_state():
    for where in (PULLING, PUSHING, DOWNLOADED, DELIVERED, FAILED):
        for argument in (b"", b"0", b"1"):
            assert cell(where, "uninstall", argument) == (CHANGED, 0, 0, STOP | TELL)
    assert cell(INITIAL, "uninstall") == unchanged(INITIAL, NOT_ALLOWED)
    assert cell(ORDERED, "uninstall") == unchanged(ORDERED, NOT_ALLOWED)
    for argument in (b"2", b"0='x'", b"x"):
        assert cell(INSTALLED, "uninstall", argument) == unchanged(INSTALLED, BAD_REQUEST)


def test_uninstall_for_update_lets_the_software_run_on():
    made, owner = machine(INSTALLED)
    assert made.uninstall(b"1") == CHANGED
    record = owner.facts.software
    assert (record.state, record.result, record.is_active) == (0, 0, True)


def test_activation_only_of_what_is_installed():
    for where in ALL:
        if where != INSTALLED:
            assert cell(where, "activate", b"") == unchanged(where, NOT_ALLOWED)
            assert cell(where, "deactivate", b"") == unchanged(where, NOT_ALLOWED)
    assert cell(INSTALLED, "activate", b"") == unchanged(INSTALLED, CHANGED)  # it is already


def test_what_happens_to_a_package():
    for where in (PULLING, PUSHING, DOWNLOADED, DELIVERED):
        for result in (50, 51, 52, 53, 54, 56, 57):
            assert cell(where, "failed", result)[1:] == (0, result, STOP | TELL)
    assert cell(ORDERED, "failed", 53)[1:] == (3, 58, STOP | TELL)
    assert cell(DELIVERED, "delivered")[1:] == (3, 3, 0)  # looked at again after a boot
    assert cell(DELIVERED, "downloaded")[1:] == (3, 3, 0)
    assert cell(PUSHING, "no_room")[1:3] == (0, 50)


def test_resources():
    made = Object(Owner())
    assert [made.read(rid) for rid in (0, 1, 7, 9, 12)] == ["", "", 0, 0, False]
    owner = Owner()
    owner.software = ("app", "2.0.0")  # which another cloud has installed
    assert [Object(owner).read(rid) for rid in (0, 1, 7, 9, 12)] == ["app", "2.0.0", 4, 0, True]
    assert owner.facts.software is None  # nothing is kept for a look
    owner = machine(INSTALLED)[1]
    owner.facts.software.name, owner.facts.software.version = owner.software = ("app", "2.1.0")
    assert [Object(owner).read(rid) for rid in (1, 7, 9, 12)] == ["2.1.0", 4, 2, True]
    owner.software = ("app", "2.0.0")  # it crashed, and the one before runs
    assert [Object(owner).read(rid) for rid in (1, 7, 9, 12)] == ["2.0.0", 4, 58, True]
    owner.software = ("built-in", "1.0.0")
    assert [Object(owner).read(rid) for rid in (1, 7, 9, 12)] == ["", 0, 58, False]
    made = Object(machine(ORDERED)[1])
    assert made.write(2, b"x") == BAD_REQUEST
    assert made.execute(4, b"") == NOT_ALLOWED
