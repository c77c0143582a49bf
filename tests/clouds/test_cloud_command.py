# SPDX-License-Identifier: MIT
"""`python -m simulator cloud thingsboard` as a program: first line, events, stdin, signals, wrong input."""

import json
import signal
import socket
import ssl
import subprocess
import sys

import pytest
import trustme

from simulator.__main__ import main
from simulator.clouds import mqtt
from tests.clouds import peer

WAIT_S = 20
COMMAND = [sys.executable, "-m", "simulator", "cloud"]


class Program:
    """The command with pipes; `info` is its first line, `until()` reads events."""

    def __init__(self, *options: str, cloud: str = "thingsboard", stdin=subprocess.PIPE) -> None:
        self.process = subprocess.Popen([*COMMAND, cloud, *options], stdin=stdin, stdout=subprocess.PIPE, text=True)
        self.info = json.loads(self.process.stdout.readline())

    def tell(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def until(self, event: str) -> dict:
        for line in self.process.stdout:
            entry = json.loads(line)
            if entry["event"] == event:
                return entry
        raise AssertionError(f"the program ended before {event}")

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=WAIT_S)
        return self.process.returncode


@pytest.fixture
def start():
    """Starts programs and leaves none behind."""
    programs = []

    def run(*options: str, **streams) -> Program:
        programs.append(Program(*options, **streams))
        return programs[-1]

    yield run
    for program in programs:
        program.process.kill()
        program.process.wait()


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"a" * 5000)
    (tmp_path / "b.bin").write_bytes(b"b" * 5000)
    return tmp_path


def test_cloud_serves_one_device_and_obeys_stdin(start, files):
    first = f"title=thermo,version=1.0,file={files / 'a.bin'},tag=old"
    second = f"title=thermo two,version=2.0,file={files / 'b.bin'},algorithm=CRC32"
    program = start("--token", "TOKEN", "--delay", "1", "--package", first, "--package", second)
    assert set(program.info) == {"mqtt_port", "http_port", "rest_port", "token"}
    assert program.info["token"] == "TOKEN"
    assert program.until("initiated")["version"] == "1.0"
    with socket.create_connection(("127.0.0.1", program.info["mqtt_port"]), WAIT_S) as raw:
        raw.sendall(peer.connect(4, "TOKEN"))
        assert raw.recv(4, socket.MSG_WAITALL) == mqtt.connack(4, False, 0)
        assert program.until("connect")["protocol"] == "3.1.1"
        raw.sendall(peer.packet(0x82, b"\0\1", peer.text("v1/devices/me/attributes"), b"\0"))
        program.until("subscribe")
        program.tell("assign 'thermo two' 2.0")
        assert program.until("initiated")["title"] == "thermo two"
        program.tell("unassign")
        program.until("unassigned")
        program.tell("""attribute interval '{"s": 5}'""")
        while "interval" not in (body := program.until("push")["body"]):
            pass
        assert body == {"interval": {"s": 5}}
        program.tell("nonsense\nfault telemetry:close")
        program.until("fault_added")
        raw.sendall(peer.packet(0x30, peer.text("v1/devices/me/telemetry"), b"{}"))
        assert program.until("close")["reason"] == "fault"
    program.tell("quit")
    program.process.communicate(timeout=WAIT_S)
    assert program.process.returncode == 0


def test_cloud_takes_the_server_s_timings(start, files):
    package = f"title=thermo,version=1.0,file={files / 'a.bin'}"
    queue = ("--delay", "1", "--queue-interval", "3000", "--queue-size", "10")
    program = start("--token", "TOKEN", *queue, "--inactivity", "50", "--cache-ttl", "0", "--package", package)
    first = program.until("initiated")["at_ms"]
    program.tell("unassign\nassign thermo 1.0")
    assert program.until("initiated")["at_ms"] - first >= 300
    with socket.create_connection(("127.0.0.1", program.info["mqtt_port"]), WAIT_S) as raw:
        raw.sendall(peer.connect(4, "TOKEN") + peer.packet(0x30, peer.text("v2/fw/request/1/chunk/0"), b"100"))
        assert program.until("chunk")["length"] == 0  # the cache has forgotten it
        assert program.until("close")["reason"] == "inactivity"


def test_cloud_has_doors_for_http_and_tls(start, tmp_path):
    ca, clients = tmp_path / "ca.pem", trustme.CA()
    issued = clients.issue_cert("board")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "board.pem")
    issued.private_key_pem.write_to_path(tmp_path / "board.key")
    certificate = str(tmp_path / "board.pem")
    program = start("--tls-port", "0", "--https-port", "0", "--ca-out", str(ca), "--client-cert", certificate)
    assert program.info["token"] is None
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(tmp_path / "board.pem", tmp_path / "board.key")
    address = ("127.0.0.1", program.info["tls_port"])
    with socket.create_connection(address, WAIT_S) as raw, context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
        tls.sendall(peer.connect(4, None))
        assert tls.recv(4) == mqtt.connack(4, False, 0)
        assert program.until("connect")["device"] == "device"
        tls.sendall(peer.packet(0x82, b"\0\1", peer.text("v1/devices/me/rpc/request/+"), b"\0"))
        program.until("subscribe")
        program.tell("call blink '{\"n\": 3}'")
        assert program.until("rpc_call")["params"] == {"n": 3}
    for port, dress in (("http_port", None), ("https_port", context)):
        with socket.create_connection(("127.0.0.1", program.info[port]), WAIT_S) as raw:
            door = dress.wrap_socket(raw, server_hostname="127.0.0.1") if dress else raw
            door.sendall(b"GET /api/v1/x/attributes HTTP/1.1\r\nHost: h\r\n\r\n")
            assert door.recv(100).startswith(b"HTTP/1.1 401 ")
    assert program.until("http")["status"] == 401


def test_cloud_lets_devices_in_limits_and_claims_them(start):
    program = start("--token", "T", "--provision", "K:S", "--limit-telemetry", "1:600", "--limit-points", "9:1")
    http = ("127.0.0.1", program.info["http_port"])

    def post(path: str, body: str) -> str:
        head = f"POST /api/v1/{path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(http, WAIT_S) as raw:
            raw.sendall((head + body).encode())
            return raw.makefile().read()

    assert '"SUCCESS"' in post("provision", '{"provisionDeviceKey": "K", "provisionDeviceSecret": "S"}')
    assert [post("T/telemetry", '{"a": 1}')[9:12] for _ in range(2)] == ["200", "500"]
    post("T/claim", '{"secretKey": "s"}')
    program.tell("claim s ann")
    assert program.until("claim")["result"] == "SUCCESS"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cloud_outlives_stdin_and_ends_cleanly_by_signal(start, number):
    program = start(stdin=subprocess.DEVNULL)
    with socket.create_connection(("127.0.0.1", program.info["mqtt_port"]), WAIT_S) as raw:
        raw.sendall(peer.connect(4, program.info["token"]))
        assert program.until("connect")["device"] == "device"
    assert program.end(number) == 0


def test_cloud_ends_when_nobody_reads_its_events(start):
    program = start(stdin=subprocess.DEVNULL)
    program.process.stdout.close()
    with socket.create_connection(("127.0.0.1", program.info["mqtt_port"]), WAIT_S) as raw:
        raw.sendall(peer.connect(4, program.info["token"]))
        assert program.process.wait(WAIT_S) == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--package", "title=t,version=1,file=/nonexistent"], "no_such_file"),
        (["--package", "title=t,version=1"], "bad_package"),
        (["--package", "title=t,version=1,file=a,url=b"], "bad_package"),
        (["--package", "version=1,url=b"], "bad_package"),
        (["--package", "title=t,version=1,url=b,colour=red"], "bad_package"),
        (["--package", "title=t,version=1,url=b,size=big"], "bad_package"),
        (["--package", "title=t,version=1,url=b,algorithm=SHA1"], "bad_algorithm"),
        (["--fault", "chunk:explode"], "bad_fault"),
        (["--fault", "chunk:from=t 1"], "no_such_package"),
        (["--mqtt-port", "70000"], "usage"),
        (["--http-port", "70000"], "usage"),
        (["--cert", "a.pem"], "no_tls"),
        (["--ca-out", "a.pem"], "no_tls"),
        (["--tls-port", "0", "--cert", "/nonexistent"], "bad_certificate"),
        (["--tls-port", "0", "--client-ca", "/nonexistent"], "bad_certificate"),
        (["--tls-port", "0", "--ca-out", "/nonexistent/ca.pem"], "cannot_write"),
        (["--client-cert", "/nonexistent"], "no_such_file"),
        (["--client-cert", __file__, "--token", "T"], "bad_credentials"),
        (["--provision", "K"], "bad_provision"),
        (["--limit-messages", "many"], "bad_rate_limit"),
        (["--fault", "http=1:close"], "bad_fault"),
        (["--fault", "download:status=200"], "bad_fault"),
        (["--host", "192.0.2.1"], "cannot_listen"),
    ],
)
def test_cloud_refuses_wrong_input_in_one_line(capsys, options, code):
    assert main(["cloud", "thingsboard", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error[{code}]: ")
    assert err.count("\n") == 1
