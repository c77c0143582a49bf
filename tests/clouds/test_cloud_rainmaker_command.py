# SPDX-License-Identifier: MIT
"""`python -m simulator cloud rainmaker` as a program: certificates of nodes, events, stdin, wrong input."""

import json
import ssl
import urllib.request

import pytest

from simulator.__main__ import main
from simulator.clouds.rainmaker.rest.auth import Account
from simulator.fleet import SIZE
from tests.clouds.paho_client import Client
from tests.clouds.rm_rest import NODE, OTHER, Node
from tests.clouds.test_cloud_command import WAIT_S, start  # noqa: F401 (a fixture)
from tests.clouds.test_cloud_sites import ask

EXAMPLE = "https://files.example/fw.bin"


@pytest.fixture
def rainmaker(start, tmp_path):  # noqa: F811
    """Starts the program with a folder for its certificates."""
    return lambda *options: start("--node-out", str(tmp_path / "nodes"), *options, cloud="rainmaker")


def connect(program, folder, node_id: str = NODE) -> Node:
    tls = ssl.create_default_context(cafile=folder / "nodes" / "ca.crt")
    tls.load_cert_chain(folder / "nodes" / f"{node_id}.crt", folder / "nodes" / f"{node_id}.key")
    return Node(node_id, Client(program.info["mqtts_port"], 4, None, client_id=node_id, tls=tls), {})


def test_cloud_serves_nodes_with_its_certificates_and_obeys_stdin(rainmaker, tmp_path):
    (tmp_path / "fw one.bin").write_bytes(b"firmware")
    image = f"version=2.0,file={tmp_path / 'fw one.bin'}"
    program = rainmaker("--node", NODE, "--node", OTHER, "--image", image, "--ca-out", str(tmp_path / "ca.pem"))
    assert set(program.info) == {"mqtts_port", "https_port", "node_port", "rest_port", "nodes"}
    assert program.info["nodes"] == [NODE, OTHER]
    assert (tmp_path / "ca.pem").read_bytes() == (tmp_path / "nodes" / "ca.crt").read_bytes()
    assert program.until("job_created")["name"] == "job-1"
    node = connect(program, tmp_path)
    connect(program, tmp_path, OTHER)
    node.fetch()
    offer = node.heard()
    assert (offer["fw_version"], offer["file_size"]) == ("2.0", 8)
    trusted = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    assert urllib.request.urlopen(offer["url"], context=trusted).read() == b"firmware"
    own = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    own.load_cert_chain(tmp_path / "nodes" / f"{NODE}.crt", tmp_path / "nodes" / f"{NODE}.key")
    url = f"https://127.0.0.1:{program.info['node_port']}/v1/node/otafetch"
    assert json.loads(urllib.request.urlopen(url, context=own).read())["ota_job_id"] == offer["ota_job_id"]
    node.report(offer["ota_job_id"], "rejected", "no")
    while program.until("node_job")["state"] != "rejected":
        pass
    program.tell(f"""job {EXAMPLE} approval priority=2 metadata='{{"a": 1}}'""")
    assert program.until("job_created")["priority"] == 2
    program.tell("approve job-2")
    assert node.heard() == {"url": EXAMPLE, "ota_job_id": program.until("otaurl")["job"], "metadata": {"a": 1}}
    program.tell("cancel job-2")
    assert program.until("job_changed")["status"] == "cancelled"
    program.tell("job 'fw one' push timeout=60")
    assert node.heard()["fw_version"] == "2.0"
    program.tell("fault otaurl:duplicate\nretrigger job-3")
    assert node.heard() == node.heard()
    program.tell("""params '{"OTA": {"URL": "x"}}'""")
    assert node.heard() == {"OTA": {"URL": "x"}}
    program.tell("job nothing\njob 'fw one' fast\nparams 5\nnonsense\nquit")
    program.process.communicate(timeout=WAIT_S)
    assert program.process.returncode == 0


def test_ca_of_a_folder_stays_and_rest_and_page_are_there(rainmaker, tmp_path):
    folder = str(tmp_path / "ca")
    rainmaker("--ca-dir", folder)
    before = (tmp_path / "nodes" / "ca.crt").read_bytes()
    program = rainmaker("--ca-dir", folder, "--dashboard", "--dashboard-port", "0")
    assert (tmp_path / "nodes" / "ca.crt").read_bytes() == before
    url = f"http://127.0.0.1:{program.info['rest_port']}"
    login = {"user_name": Account.user_name, "password": Account.password}
    assert json.loads(ask(url + "/v1/login2", login)[1])["status"] == "success"
    assert b"<title>Fleet</title>" in ask(f"http://127.0.0.1:{program.info['dashboard_port']}/")[1]


def test_command_runs_boards_that_the_page_follows(rainmaker):
    program = rainmaker("--dashboard", "--dashboard-port", "0", "--fleet", "1")
    while (event := program.until("node_job"))["state"] != "success":
        pass
    url = f"http://127.0.0.1:{program.info['dashboard_port']}/device?id={event['node']}"
    detail = json.loads(ask(url)[1])
    assert {name: detail["row"][name] for name in ("state", "slot", "boots", "current", "target")} == {
        "state": "success",
        "slot": "ota_1",
        "boots": 2,
        "current": "thermometer 1.1.0",
        "target": "thermometer 1.1.0",
    }
    assert detail["points"][-1][1] == detail["size"] == SIZE
    program.tell("quit")
    program.process.communicate(timeout=WAIT_S)
    assert program.process.returncode == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--image", "version=1"], "bad_image"),
        (["--image", "file=a.bin,colour=red"], "bad_image"),
        (["--image", f"url={EXAMPLE},version=1"], "bad_image"),
        (["--image", "file=no-such-file"], "no_such_file"),
        (["--fault", "chunk:corrupt"], "bad_fault"),
        (["--node", "a/b"], "bad_name"),
        (["--node", NODE, "--node", NODE], "node_exists"),
        (["--ca-out", "no-such-folder/ca.pem"], "cannot_write"),
    ],
)
def test_wrong_input_is_one_line(options, code, capsys):
    assert main(["cloud", "rainmaker", *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error[{code}]: ")
