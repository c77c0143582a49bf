# SPDX-License-Identifier: MIT
"""Items 12 to 17 of lwm2m.md, section 9: writing the URI, and taking it back."""

import pytest

from simulator.clouds.lwm2m import coap, formats
from tests.agent.lw_world import DOWNLOADED, FILES, LwWorld, firmware
from tests.agent.lwm2m.test_items_l54_l57 import ask

FORMS = [None, formats.TEXT, formats.TLV, formats.SENML_JSON, formats.SENML_CBOR]


@pytest.mark.parametrize("number", FORMS)
def test_l12_the_uri_comes_in_any_format(world: LwWorld, number: int | None) -> None:
    world.start()
    uri = world.serve(firmware("1.1.0"))
    assert world.code(world.device.write("/5/0/1", uri, number)) == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert world.read("/5/0/1") == uri
    assert world.read("/5/0/7") == "1.1.0"


def test_l12_the_uri_comes_with_the_instance(world: LwWorld) -> None:
    world.start()
    uri = world.serve(firmware("1.1.0"))
    assert world.code(world.device.write("/5/0", {"/5/0/1": uri}, formats.TLV)) == "2.04"
    world.wait_state(DOWNLOADED, 0)


def test_l12_a_uri_in_pieces_is_one_when_all_are_there(world: LwWorld) -> None:
    """Those of another size, out of order, or too many of them are refused; the next first one begins anew."""
    world.start()
    uri = (world.serve(firmware("1.1.0")) + "?" + "v" * 200)[:180].encode()
    mids = iter(range(0x7200, 0x7300))

    def write(number: int, more: bool = True, exponent: int = 2, data: bytes = uri) -> str:
        """This piece; the code. What it says of itself comes back."""
        piece, block = data[number * 64 :][:64], (number, more, exponent)
        answer = ask(world, coap.build(coap.PUT, piece, uri_path=("5", "0", "1"), block1=block), next(mids))
        assert answer.opt.block1 == block
        return answer.code.dotted

    assert write(1) == "4.08"
    assert (write(0), write(2, more=False)) == ("2.31", "4.08")
    assert write(0, exponent=7) == "4.00"
    assert write(0, exponent=3) == "4.00"  # half a block, and no last one
    long = bytes(17 * 64)
    assert [write(number, data=long) for number in range(17)] == ["2.31"] * 16 + ["4.13"]
    assert world.state == (0, 0)
    assert [write(0), write(1), write(2, more=False)] == ["2.31", "2.31", "2.04"]
    assert world.read("/5/0/1") == uri.decode()
    world.wait_state(DOWNLOADED, 0)


def test_l12_pieces_of_two_values_do_not_mix(world: LwWorld) -> None:
    world.start()
    pieces = [("/1/0/1", 0, b"0" * 15 + b"9"), ("/5/0/1", 1, b"x"), ("/1/0/1", 1, b"00")]
    codes = []
    for at, (path, number, piece) in enumerate(pieces):
        message = coap.build(coap.PUT, piece, uri_path=coap.segments(path), block1=(number, not number, 0))
        codes.append(ask(world, message, 0x7200 + at).code.dotted)
    assert codes == ["2.31", "4.08", "2.04"]
    assert (world.read("/1/0/1"), world.state) == (900, (0, 0))


def _is_back(world: LwWorld) -> bool:
    """With an Update, or anew where the lifetime was over just before."""
    return bool(world.seen("updated")) or len(world.seen("registered")) > 1


OVER = {
    "another write": lambda world: world.code(world.device.write("/5/0/11", 1)),
    "a push": lambda world: world.push(b"no image"),
    "the line": lambda world: world.wait(lambda: world.logged("ota offline") and _is_back(world), 400),
    "time": lambda world: world.pass_time(2 * 210),
    "nothing": lambda world: world.pass_time(210),  # an Update
}


@pytest.mark.parametrize("what", OVER)
def test_l12_pieces_that_nobody_goes_on_with_are_dropped(world: LwWorld, what: str) -> None:
    """Their memory is wanted elsewhere: at the latest by the next Update after the four minutes of RFC 7959 2.5."""
    world.start()
    if what == "the line":
        world.cloud.add_fault("updatex5:drop")

    def write(number: int) -> str:
        block = (number, True, 2)
        message = coap.build(coap.PUT, b"v" * 64, uri_path=("5", "0", "1"), block1=block)
        return ask(world, message, 0x7200 + number).code.dotted

    assert [write(number) for number in range(15)] == ["2.31"] * 15
    OVER[what](world)
    assert write(15) == ("2.31" if what == "nothing" else "4.08")


@pytest.mark.parametrize(("path", "number"), [*(("/5/0/1", number) for number in FORMS), ("/5/0", formats.TLV)])
def test_l13_an_empty_uri_takes_all_back(world: LwWorld, path: str, number: int | None) -> None:
    """Also with the instance: POST /5/0."""
    world.start()

    def reset() -> None:
        assert world.code(world.device.write(path, {"/5/0/1": ""}, number)) == "2.04"
        assert world.state == (0, 0)
        assert world.read("/5/0/1") == ""

    reset()
    assert world.pull("1.1.0") == "2.04"
    world.wait_log("ota progress")
    reset()
    fetched = len(world.fetched())
    world.pass_time(20)
    assert len(world.fetched()) <= fetched + 1
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED)
    reset()
    assert world.execute() == "4.05"
    assert world.pull("1.2.0") == "2.04"  # and it goes on from there as if nothing had been
    world.wait_state(DOWNLOADED, 0)


def test_l14_a_package_of_one_zero_takes_all_back_and_one_of_nothing_does_not(world: LwWorld) -> None:
    world.start()
    assert world.code(world.device.put("/5/0/0", b"", formats.OCTETS)) == "4.00"
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert world.code(world.device.put("/5/0/0", b"", formats.OCTETS)) == "4.00"
    assert world.state == (2, 0)
    assert world.code(world.device.put("/5/0/0", b"\0", formats.OCTETS)) == "2.04"
    assert world.state == (0, 0)


NUL = {
    formats.OCTETS: b"\0",
    formats.TLV: b"\xc1\0\0",
    formats.TEXT: b"AA==",
    formats.SENML_JSON: b'[{"bn":"/5/0/0","vd":"AA"}]',
    formats.SENML_CBOR: b"\x81\xa2\x21\x66/5/0/0\x08\x41\0",
    None: b"\0",
}


@pytest.mark.parametrize("number", NUL)
def test_l14_one_zero_takes_all_back_in_any_format(world: LwWorld, number: int | None) -> None:
    world.start()

    def reset() -> None:
        assert world.code(world.device.put("/5/0/0", NUL[number], number)) == "2.04"
        assert world.state == (0, 0)

    reset()
    assert world.pull("1.1.0") == "2.04"
    reset()
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    reset()


def test_l14_one_zero_takes_all_back_with_the_instance(world: LwWorld) -> None:
    """POST /5/0."""
    world.start()
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    for mid, (payload, code) in enumerate(((b"\xc2\0\0\0", "4.00"), (b"\xc1\0\0", "2.04"))):
        message = coap.build(coap.POST, payload, uri_path=("5", "0"), content_format=formats.TLV)
        assert ask(world, message, 0x7200 + mid).code.dotted == code
        assert world.state == ((2, 0) if code == "4.00" else (0, 0))


@pytest.mark.parametrize("payload", [b"\xc0\0", b"\xc1\1\0", b"\xc1\0", b"\x81\0\0", b"\xc8\0\5"])
def test_l14_what_is_wrapped_and_no_package_is_refused(world: LwWorld, payload: bytes) -> None:
    world.start()
    assert world.code(world.device.put("/5/0/0", payload, formats.TLV)) == "4.00"
    assert world.state == (0, 0)
    assert world.pull("1.1.0") == "2.04"
    world.wait_state(DOWNLOADED, 0)
    assert world.code(world.device.put("/5/0/0", payload, formats.TLV)) == "4.00"
    assert world.state == (2, 0)


def test_l15_a_uri_that_leads_nowhere(world: LwWorld) -> None:
    world.start()
    assert world.code(world.device.write("/5/0/1", "ftp://x/app.bin")) == "4.00"
    assert world.state == (0, 9)
    assert world.code(world.device.write("/5/0/1", "coaps://x/app.bin")) == "4.00"  # nothing to show who we are
    assert world.state == (0, 9)
    assert world.code(world.device.write("/5/0/1", "coap://nowhere.example/app.bin")) == "2.04"
    world.wait_state(0, 7)
    assert world.code(world.device.write("/5/0/1", "http://nowhere.example/app.bin")) == "2.04"
    world.wait_state(0, 7)
    assert world.code(world.device.write("/5/0/1", f"coap://{FILES}/f/gone.bin")) == "2.04"
    world.wait_state(0, 7)
    world.web.status = "404 Not Found"
    assert world.code(world.device.write("/5/0/1", "http://images.example/app.bin")) == "2.04"
    world.wait_state(0, 7)


def test_l16_a_uri_that_is_too_long(world: LwWorld) -> None:
    world.start()
    uri = f"coap://{FILES}/" + "x" * (256 - len(f"coap://{FILES}/"))
    assert world.code(world.device.write("/5/0/1", uri)) == "4.00"
    assert world.state == (0, 7)
    assert world.code(world.device.write("/5/0/1", uri[:255])) == "2.04"
    world.wait_state(0, 7)
    assert world.seen("file", path=uri[:255].removeprefix(f"coap://{FILES}"))


def test_l17_another_uri_is_refused_and_the_same_one_is_harmless(world: LwWorld) -> None:
    world.start()
    uri = world.serve(firmware("1.1.0"))
    other = f"coap://{FILES}/f/other.bin"
    assert world.code(world.device.write("/5/0/1", uri)) == "2.04"
    assert world.code(world.device.write("/5/0/1", uri)) == "2.04"
    assert world.code(world.device.write("/5/0/1", other)) == "4.00"
    world.wait_state(DOWNLOADED, 0)
    blocks = len(world.fetched())
    assert blocks == len(set(world.fetched()))
    assert world.code(world.device.write("/5/0/1", uri)) == "2.04"
    assert world.code(world.device.write("/5/0/1", other)) == "4.00"
    world.pass_time(10)
    assert world.state == (2, 0)
    assert len(world.fetched()) == blocks
