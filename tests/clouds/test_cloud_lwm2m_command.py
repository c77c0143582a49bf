# SPDX-License-Identifier: MIT
"""`python -m simulator cloud lwm2m` as a program: real datagrams, stdin, the page, boards, wrong input."""

import contextlib
import signal
import socket
import ssl
import urllib.request

import pytest
from aiocoap import Message
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type
from mbedtls import tls, x509

from simulator.__main__ import main
from simulator.clouds import dtls
from simulator.clouds.lwm2m import coap
from tests.clouds import test_dtls_server as dtls_client
from tests.clouds.lw_peer import LINKS
from tests.clouds.test_cloud_command import WAIT_S, start  # noqa: F401 (a fixture)
from tests.clouds.test_cloud_sites import ask
from tests.pki import Authority

IMAGE = b"firmware" * 400


class Client:
    """A device on a real socket."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(WAIT_S)
        self._socket.connect(("127.0.0.1", port))
        self._mid = 0

    def send(self, message: Message) -> None:
        self._socket.send(message.encode())

    def get(self) -> Message:
        message = coap.parse(self._socket.recv(2000))
        assert message is not None
        return message

    def ask(self, code: Code, path: str, payload: bytes = b"", **options) -> Message:
        self._mid += 1
        made = coap.build(code, payload, uri_path=coap.segments(path), **options)
        self.send(coap.numbered(made, Type.CON, self._mid, b"t"))
        return self.get()

    def register(self, name: str = "board-1") -> Message:
        return self.ask(Code.POST, "/rd", LINKS.encode(), uri_query=(f"ep={name}", "lt=300", "lwm2m=1.1"))

    def answer(self, code: Code, payload: bytes = b"") -> Message:
        """To the next request, which it returns."""
        request = self.get()
        self.send(coap.numbered(coap.build(code, payload), Type.ACK, request.mid, request.token))
        return request


@pytest.fixture
def image(tmp_path):
    (tmp_path / "fw.bin").write_bytes(IMAGE)
    return f"file={tmp_path / 'fw.bin'},name=thermo,version=2.0"


def test_server_updates_by_its_knobs_and_obeys_stdin(start, image, capfd):  # noqa: F811
    program = start(
        *("--image", image, "--knob", "server.after_register=nothing", "--knob", "task.uses_cache=true"),
        *("--knob", "task.starts_at_once=true", "--knob", "task.extends_lifetime=false"),
        *("--knob", "task.checks_delivery=false", "--knob", "task.method=push", "--knob", "push.block=256"),
        cloud="lwm2m",
    )
    assert set(program.info) == {"coap_port", "file_port", "http_port", "rest_port", "devices"}
    assert program.info["devices"] == ["board-1"]
    device = Client(program.info["coap_port"])
    assert device.register().code is Code.CREATED
    assert program.until("registered")["device"] == "board-1"
    first = [device.answer(Code.CONTENT, b"0") for _ in range(5)]
    assert [coap.path_of(one) for one in first] == ["/5/0/8", "/5/0/9", "/5/0/3", "/5/0/5", "/3/0/3"]
    block = device.answer(Code.BAD_REQUEST)
    assert (coap.path_of(block), block.payload, block.opt.size1) == ("/5/0/0", IMAGE[:256], len(IMAGE))
    program.tell("cancel board-1")
    while coap.path_of(device.answer(Code.CHANGED)) != "/5/0/10":
        pass
    assert program.until("task")["package"] == "thermo"
    for line, code, path, payload in (
        ("read board-1 /3/0/3 112", Code.GET, "/3/0/3", b""),
        ("read board-1 /3/0/3 none", Code.GET, "/3/0/3", b""),
        ("discover board-1 /5", Code.GET, "/5", b""),
        ("observe board-1 /5/0/3", Code.GET, "/5/0/3", b""),
        ("write board-1 /1/0/1 900", Code.PUT, "/1/0/1", b"900"),
        ("execute board-1 /3/0/4", Code.POST, "/3/0/4", b""),
    ):
        program.tell(line)
        request = device.answer(Code.NOT_FOUND)
        assert (request.code, coap.path_of(request), request.payload) == (code, path, payload)
    program.tell("fault update:refuse=4.03")
    program.tell("knob file.block=64")
    program.tell("upgrade board-1 thermo task.method=pull task.strategy=SendBased")
    uri = device.answer(Code.CHANGED).payload.decode()
    wrong = ("forget nobody", "upgrade board-1 other", "knob task.x=1", "read board-1 /1 x", "write board-1 /1/0/1 x")
    for line in (*wrong, "nonsense"):
        program.tell(line)
    program.tell("forget board-1")
    assert program.until("gone")["why"] == "forgotten"
    program.tell("quit")
    program.process.communicate(timeout=WAIT_S)
    codes = ["no_such_device", "no_such_image", "bad_knob", "bad_command", "bad_command", "bad_command"]
    err = capfd.readouterr().err
    assert [line.partition("]")[0] for line in err.splitlines() if line] == [f"error[{code}" for code in codes]
    assert uri in ("",) or uri.startswith("coap://127.0.0.1:")


def test_images_are_fetched_by_coap_and_by_http(start, image):  # noqa: F811
    for protocol in ("coap", "http"):
        program = start(
            *("--image", image, "--knob", f"task.protocol={protocol}", "--knob", "server.after_register=nothing"),
            *("--knob", "task.strategy=SendBased", "--knob", "task.uses_cache=true", "--knob", "file.block=512"),
            *("--knob", "task.extends_lifetime=false", "--name", "localhost", "--device", "x", "--device", "y"),
            cloud="lwm2m",
        )
        device = Client(program.info["coap_port"])
        device.register("y")
        assert device.answer(Code.CHANGED).payload == b"", "nobody knows the state: it is reset"
        sent = b'[{"n":"/5/0/3","v":0},{"n":"/5/0/5","v":0}]'
        assert device.ask(Code.POST, "/dp", sent, content_format=110).code is Code.CHANGED
        uri = device.answer(Code.CHANGED).payload.decode()
        port = program.info["file_port" if protocol == "coap" else "http_port"]
        assert uri.startswith(f"{protocol}://localhost:{port}/f/")
        path = uri.partition(str(port))[2]
        if protocol == "coap":
            assert Client(port).ask(Code.GET, path).payload == IMAGE[:512]
        else:
            assert ask(f"http://127.0.0.1:{port}{path}") == (200, IMAGE)
        assert program.end(signal.SIGTERM) == 0


def test_command_has_a_page_and_rest(start):  # noqa: F811
    info = start("--dashboard", "--dashboard-port", "0", cloud="lwm2m").info
    assert ask(f"http://127.0.0.1:{info['dashboard_port']}/")[0] == 200
    assert ask(f"http://127.0.0.1:{info['rest_port']}/api/coiotedm/v3/devices")[0] == 401


def registering(name: str) -> bytes:
    query = (f"ep={name}", "lt=300", "lwm2m=1.1")
    made = coap.build(Code.POST, LINKS.encode(), uri_path=("rd",), uri_query=query)
    return coap.numbered(made, Type.CON, 1, b"t").encode()


def test_devices_with_keys_have_a_door_of_their_own(start):  # noqa: F811
    program = start("--coaps-port", "0", "--psk", f"board-7:{dtls_client.KEY.hex()}", cloud="lwm2m")
    settings = dtls_client.keys("board-7")
    with contextlib.closing(dtls_client.Client(program.info["coaps_port"], **settings)) as client:
        assert "PSK" in client.shake_hands()
        codes = [coap.parse(client.ask(registering(name))).code for name in ("board-8", "board-7")]
    assert codes[0] is Code.FORBIDDEN
    assert program.until("refused")["code"] == "4.03"


def test_a_key_may_have_another_name_than_its_device(start):  # noqa: F811
    program = start("--coaps-port", "0", "--psk", f"board-7:{dtls_client.KEY.hex()}:key:7", cloud="lwm2m")
    settings = dtls_client.keys("key:7")
    with contextlib.closing(dtls_client.Client(program.info["coaps_port"], **settings)) as client:
        client.shake_hands()
        assert coap.parse(client.ask(registering("board-7"))).code is Code.CREATED


def test_devices_with_certificates_have_it_too(start, tmp_path):  # noqa: F811
    authority = Authority()
    chain, key = authority.pems("localhost")
    mine = authority.client("board-7")
    options = ["--coaps-port", "0"]
    for name, data in (("cert", chain), ("key", key), ("client-ca", authority.pem)):
        (tmp_path / name).write_bytes(data)
        options += [f"--{name}", str(tmp_path / name)]
    program = start(*options, cloud="lwm2m")
    store = tls.TrustStore()
    store.add(x509.CRT.from_PEM(authority.pem.decode()))
    shown = ((x509.CRT.from_PEM(mine["cert"].decode()),), dtls._key(mine["key"]))
    with contextlib.closing(
        dtls_client.Client(program.info["coaps_port"], "localhost", trust_store=store, certificate_chain=shown)
    ) as client:
        client.shake_hands()
        assert coap.parse(client.ask(registering("board-7"))).code is Code.CREATED


def test_secure_doors_show_a_certificate_that_was_made_for_them(start, image, tmp_path):  # noqa: F811
    """Of one CA, whose certificate is written for the boards; images are fetched there."""
    authority = tmp_path / "ca.pem"
    program = start(
        *("--coaps-port", "0", "--https-port", "0", "--ca-out", str(authority), "--image", image),
        *("--name", "server.test", "--knob", "server.after_register=nothing", "--knob", "task.protocol=https"),
        *("--knob", "task.strategy=SendBased", "--knob", "task.uses_cache=true"),
        *("--knob", "task.extends_lifetime=false"),
        cloud="lwm2m",
    )
    store = tls.TrustStore()
    store.add(x509.CRT.from_PEM(authority.read_text()))
    port = program.info["coaps_port"]
    with contextlib.closing(dtls_client.Client(port, "server.test", trust_store=store)) as client:
        client.shake_hands()
        assert coap.parse(client.ask(registering("board-2"))).code is Code.CREATED
    device = Client(program.info["coap_port"])
    device.register()
    assert device.answer(Code.CHANGED).payload == b"", "nobody knows the state: it is reset"
    sent = b'[{"n":"/5/0/3","v":0},{"n":"/5/0/5","v":0}]'
    assert device.ask(Code.POST, "/dp", sent, content_format=110).code is Code.CHANGED
    base = f"https://server.test:{program.info['https_port']}/"
    uri = device.answer(Code.CHANGED).payload.decode()
    assert uri.startswith(base)
    context = ssl.create_default_context(cafile=str(authority))
    here = uri.replace("server.test", "127.0.0.1")
    with urllib.request.urlopen(here, timeout=WAIT_S, context=context) as answer:
        assert answer.read() == IMAGE


def test_a_closed_server_knows_its_devices(start):  # noqa: F811
    program = start("--closed", "--device", "mine", cloud="lwm2m")
    assert Client(program.info["coap_port"]).register("other").code is Code.FORBIDDEN
    assert Client(program.info["coap_port"]).register("mine").code is Code.CREATED


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--knob", "task.method=mail"), "bad_options"),
        (("--knob", "x"), "bad_knob"),
        (("--image", "name=x"), "bad_image"),
        (("--image", "file=x.tar,type=HARDWARE"), "bad_image"),
        (("--image", "file=no.such.file"), "no_such_file"),
        (("--fault", "x"), "bad_fault"),
        (("--psk", "x:00"), "no_dtls"),
        (("--https-port", "0", "--psk", "x:00"), "no_dtls"),
        (("--cert", "x", "--key", "x"), "no_dtls"),
        (("--ca-out", "x"), "no_dtls"),
        (("--https-port", "0", "--cert", "x", "--key", "x", "--ca-out", "x"), "no_dtls"),
        (("--coaps-port", "0", "--cert", "x"), "no_dtls"),
        (("--coaps-port", "0", "--psk", "x:00", "--cert", "x"), "no_dtls"),
        (("--coaps-port", "0", "--psk", "x:00", "--client-ca", "x"), "no_dtls"),
        (("--https-port", "0", "--client-ca", "x"), "no_dtls"),
        (("--https-port", "0", "--ca-out", "/nonexistent/ca.pem"), "cannot_write"),
        (("--coaps-port", "0", "--psk", "x"), "bad_psk"),
        (("--coaps-port", "0", "--psk", "x:0"), "bad_psk"),
        (("--coaps-port", "0", "--psk", "x:00:"), "bad_psk"),
        (("--coaps-port", "0", "--psk", "x:00:y", "--psk", "y:01"), "bad_psk"),
        (("--coaps-port", "0", "--cert", "no.such.file", "--key", "x"), "no_such_file"),
    ],
)
def test_wrong_input_is_one_line(capsys, options, code):
    assert main(["cloud", "lwm2m", *options]) == 2
    assert f"error[{code}]" in capsys.readouterr().err
