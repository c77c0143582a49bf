# SPDX-License-Identifier: MIT
"""`python -m simulator cloud broker` as a program: releases, stdin, the page, boards, wrong input."""

import json

import pytest

from simulator.__main__ import main
from tests.clouds.test_broker_judged import end, login
from tests.clouds.test_cloud_command import WAIT_S, start  # noqa: F401 (a fixture)
from tests.clouds.test_cloud_sites import ask

BASE = "ota/thermometer"


@pytest.fixture
def image(tmp_path):
    (tmp_path / "fw.bin").write_bytes(b"firmware" * 100)
    return f"title=thermometer,version=2.0,file={tmp_path / 'fw.bin'}"


def published(program, topic):
    while (event := program.until("publish"))["topic"] != topic:
        pass
    return json.loads(event["text"]) if event["text"] else None


def test_broker_has_what_is_released_and_obeys_stdin(start, image, capfd):  # noqa: F811
    program = start("--image", image, cloud="broker")
    assert set(program.info) == {"mqtt_port", "product"}
    record = published(program, f"{BASE}/release")
    assert (record["version"], record["size"], record["immediate"]) == ("2.0", 800, True)
    _, client = login(program.info["mqtt_port"], None, client_id="board-9")
    assert program.until("connect")["client"] == "board-9"
    program.tell("release thermometer 2.0 gradual group=beta")
    assert published(program, f"{BASE}/group/beta/release")["immediate"] is False
    program.tell("back group=beta")
    assert published(program, f"{BASE}/group/beta/release") is None
    program.tell("""config board-9 '{"groups": ["beta"]}'""")
    assert published(program, f"{BASE}/device/board-9/config") == {"groups": ["beta"]}
    program.tell("set board-9 forced true")
    assert published(program, f"{BASE}/device/board-9/set/forced") is True
    program.tell("takeover board-9")
    assert program.until("close")["reason"] == "session taken over"
    end(client)
    for line in (
        "release thermometer 3",
        "release thermometer 2.0 nowhere",
        "config board-9 1",
        "set a/b x y",
        "nonsense",
    ):
        program.tell(line)
    program.tell("quit")
    program.process.communicate(timeout=WAIT_S)
    err = capfd.readouterr().err
    codes = ["no_such_image", "bad_command", "bad_command", "bad_name", "bad_command"]
    assert [line.partition("]")[0] for line in err.splitlines() if line] == [f"error[{code}" for code in codes]
    assert program.process.returncode == 0


def test_broker_runs_boards_that_the_page_knows(start):  # noqa: F811
    program = start("--dashboard", "--dashboard-port", "0", "--fleet", "1", cloud="broker")
    while (published(program, f"{BASE}/device/board-1/job") or {}).get("state") != "UPDATED":
        pass
    detail = json.loads(ask(f"http://127.0.0.1:{program.info['dashboard_port']}/device?id=firmware%20board-1")[1])
    assert {name: detail["row"][name] for name in ("state", "slot", "boots", "current")} == {
        "state": "UPDATED",
        "slot": "ota_1",
        "boots": 2,
        "current": "thermometer 1.1.0",
    }
    program.tell("quit")
    program.process.communicate(timeout=WAIT_S)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--product", "a/b"), "bad_name"),
        (("--image", "title=t"), "bad_image"),
        (("--image", "title=t,version=1,file=missing"), "no_such_file"),
        (("--user", "name"), "bad_user"),
        (("--fault", "chunk:nonsense"), "bad_fault"),
        (("--acl", "missing"), "no_such_file"),
    ],
)
def test_wrong_input_is_one_line_and_exit_status_2(options, code, capsys):
    assert main(["cloud", "broker", *options]) == 2
    assert capsys.readouterr().err.startswith(f"error[{code}]: ")
