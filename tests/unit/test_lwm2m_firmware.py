# SPDX-License-Identifier: MIT
"""Object 5: each cell of the table in lwm2m.md 2.3."""

import sys

from coap_codes import BAD_REQUEST, CHANGED, NOT_ALLOWED
from fakes import raises

from ota.coap import udp
from ota.errors import TransferError
from ota.lwm2m import facts, line, uri
from ota.lwm2m.firmware import Firmware
from ota.lwm2m.object5 import Object

URI, OTHER = "coap://10.0.0.9/app.bin", "coap://10.0.0.9/other.bin"
PULL, PUSH = range(2)
IDLE, PULLING, PUSHING, DOWNLOADED, UPDATING = range(5)
ALL = (IDLE, PULLING, PUSHING, DOWNLOADED, UPDATING)


class Owner:
    """What object 5 has wanted, in order."""

    def __init__(self):
        self.wants = []
        self.seen = []  # (State, Result) each time that something was to be told
        self.facts = facts.fresh()
        self.facts.protocols = [0]
        self.check_uri = check

    def now(self):
        return 1767225600

    def start(self, way):
        self.wants.append("start %d" % way)

    def stop(self):
        self.wants.append("stop")

    def install(self):
        self.wants.append("install")

    def told(self, is_changed):
        if is_changed:
            self.seen.append((self.facts.state, self.facts.result))


def machine(where, result=0):
    """One in such a state, and its owner, who has forgotten how it came there."""
    owner = Owner()
    made = Firmware(owner)
    if result:
        made.failed(result)
    if where in (PULLING, DOWNLOADED, UPDATING):
        assert made.write_uri(URI) == CHANGED
    elif where == PUSHING:
        assert made.push() == CHANGED
    if where in (DOWNLOADED, UPDATING):
        made.downloaded()
    if where == UPDATING:
        assert made.update() == CHANGED
    owner.wants, owner.seen = [], []
    return made, owner


def check(text):
    return {"f": 9, "x": 7}.get(text[0], 0)


def cell(where, event, *args, result=0):
    """(code, State, Result, what is wanted) after an event."""
    made, owner = machine(where, result)
    code = getattr(made, event)(*args)
    return code, owner.facts.state, owner.facts.result, owner.wants


def test_a_uri_in_each_state():
    assert cell(IDLE, "write_uri", URI) == (CHANGED, 1, 0, ["start %d" % PULL])
    assert cell(IDLE, "write_uri", URI, result=1) == (CHANGED, 1, 0, ["start %d" % PULL])
    assert cell(IDLE, "write_uri", "ftp://x") == (BAD_REQUEST, 0, 9, [])
    assert cell(IDLE, "write_uri", "x") == (BAD_REQUEST, 0, 7, [])
    for where in (PULLING, DOWNLOADED):
        state = 1 if where == PULLING else 2
        assert cell(where, "write_uri", URI) == (CHANGED, state, 0, [])
        assert cell(where, "write_uri", OTHER) == (BAD_REQUEST, state, 0, [])
    assert cell(PUSHING, "write_uri", URI) == (BAD_REQUEST, 1, 0, [])
    assert cell(UPDATING, "write_uri", URI) == (NOT_ALLOWED, 3, 0, [])


def test_a_reset_in_each_state():
    for where in (IDLE, PULLING, PUSHING, DOWNLOADED):
        for event, args in (("reset", ()), ("write_uri", ("",))):
            made, owner = machine(where)
            assert getattr(made, event)(*args) == CHANGED
            assert (owner.facts.state, owner.facts.result, owner.facts.uri) == (0, 0, "")
            assert owner.wants == ["stop"]
            assert owner.seen == [(0, 0)]  # also where nothing has changed
    assert cell(IDLE, "reset", result=8) == (CHANGED, 0, 0, ["stop"])
    assert cell(UPDATING, "reset") == (NOT_ALLOWED, 3, 0, [])
    assert cell(UPDATING, "write_uri", "") == (NOT_ALLOWED, 3, 0, [])


def test_a_first_block_in_each_state():
    assert cell(IDLE, "push") == (CHANGED, 1, 0, ["start %d" % PUSH])
    assert cell(PUSHING, "push") == (CHANGED, 1, 0, [])  # it begins anew
    assert cell(PULLING, "push") == (BAD_REQUEST, 1, 0, [])
    assert cell(DOWNLOADED, "push") == (BAD_REQUEST, 2, 0, [])
    assert cell(UPDATING, "push") == (NOT_ALLOWED, 3, 0, [])


def test_the_order_in_each_state():
    assert cell(DOWNLOADED, "update") == (CHANGED, 3, 0, ["install"])
    for where, state in ((IDLE, 0), (PULLING, 1), (PUSHING, 1), (UPDATING, 3)):
        assert cell(where, "update") == (NOT_ALLOWED, state, 0, [])


def test_cancel_in_each_state():
    for where in (PULLING, PUSHING, DOWNLOADED):
        assert cell(where, "cancel") == (CHANGED, 0, 10, ["stop"])
    assert cell(IDLE, "cancel", result=5) == (NOT_ALLOWED, 0, 5, [])
    assert cell(UPDATING, "cancel") == (NOT_ALLOWED, 3, 0, [])


def test_what_happens_to_a_download():
    for where in (PULLING, PUSHING):
        assert cell(where, "downloaded")[1:3] == (2, 0)
        for result in (2, 3, 4, 5, 6, 7):
            assert cell(where, "failed", result)[1:3] == (0, result)


def test_what_happens_to_an_update():
    assert cell(UPDATING, "updated")[1:3] == (0, 1)
    assert cell(UPDATING, "failed", 8)[1:3] == (0, 8)
    assert cell(UPDATING, "deferred")[1:3] == (2, 11)
    assert cell(UPDATING, "downloaded")[1:3] == (2, 0)  # the power went before the switch
    assert cell(IDLE, "updated")[1:3] == (0, 0)
    assert cell(IDLE, "deferred")[1:3] == (0, 0)


def test_a_deferred_update_may_be_ordered_again_or_come_by_itself():
    made, owner = machine(UPDATING)
    made.deferred()
    assert made.update() == CHANGED
    made.deferred()
    made.allowed()
    assert owner.seen == [(2, 11), (3, 0), (2, 11), (3, 0)]


def test_resources():
    made = Object(machine(IDLE)[1])
    assert made.read(6) is None and made.read(7) is None
    assert (made.read(3), made.read(5), made.read(8), made.read(9)) == (0, 0, [0], 2)
    made = Object(machine(DOWNLOADED)[1])
    assert (made.read(1), made.read(12)) == (URI, 1767225600)
    assert made.read(7) == ""


def test_severity_and_defer_period():
    made, owner = machine(IDLE)
    assert (Object(owner).read(11), Object(owner).read(13)) == (1, None)  # as the board is set
    for rid, value, code in ((11, 0, CHANGED), (11, 2, CHANGED), (11, 3, BAD_REQUEST), (11, -1, BAD_REQUEST),
                             (13, 0, CHANGED), (13, 30, CHANGED), (13, -5, BAD_REQUEST)):  # fmt: skip
        assert made.write(rid, value) == code
    assert (owner.facts.severity, owner.facts.max_defer, owner.facts.has_terms) == (2, 30, True)
    assert owner.seen == []


def test_uris_are_taken_apart():
    assert uri.split("coap://10.0.0.9/f/a%20b.bin?x=1&y") == (
        False,
        "10.0.0.9",
        5683,
        [b"f", b"a b.bin"],
        [b"x=1", b"y"],
    )
    assert uri.split("COAPS://Host.example:77") == (True, "host.example", 77, [], [])
    assert uri.split("coaps://a:") == (True, "a", 5684, [], [])  # RFC 3986 3.2.3
    for text in ("", "app.bin", "coap:///x", "coap://a@b/x", "coap://a:0/x", "coap://[::1]/x", "coap://a/%zz",
                 "coap://a/ x", "coap://a/" + "x" * 250, "coap://a/\ud800", "coap://a/\xe9", "ftp://a/x",
                 "http:///x"):  # fmt: skip
        try:
            uri.check(text)
        except uri.JobError:
            continue
        raise AssertionError(text)
    uri.check("http://a.example/x?y=1")


class Names:
    """Stands for the module socket, whose encoder of names finds that one to be none (CPython)."""

    AF_INET = SOCK_DGRAM = 0

    @staticmethod
    def getaddrinfo(*args):
        raise UnicodeError("label empty or too long")


def test_a_name_that_cannot_be_one_means_nothing():
    real, udp.socket = udp.socket, Names
    try:
        raises(TransferError, "no_address", udp.Udp, "a..b", 5683)
    finally:
        udp.socket = real
    sys.modules["socket"] = Names
    try:
        raises(TransferError, "no_address", line.lookup, "a..b", 80)
    finally:
        sys.modules["socket"] = real
