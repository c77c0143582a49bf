# SPDX-License-Identifier: MIT
"""ThingsBoard's official REST client drives the mock and notices nothing."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from simulator.clouds.thingsboard import ThingsBoard
from simulator.interpreters import ROOT
from tests.clouds.rest import administration

STORY = Path(__file__).with_name("tb_rest_story.py")
PYTHON = ROOT / ".tools" / "tb-rest" / "bin" / "python"


@pytest.mark.skipif(not PYTHON.exists(), reason="tb-rest-client is not in .tools (make setup)")
def test_official_client_does_an_administrators_day(tmp_path):
    file = tmp_path / "app.bin"
    file.write_bytes(bytes(range(256)) * 40)
    with administration(ThingsBoard(seed=1, queue_ms=20, queue_interval_ms=1)) as admin:
        done = subprocess.run([PYTHON, STORY, admin.url, file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "user": "tenant@thingsboard.org",
        "token": "TOKEN-1",
        "infos": ["board-1", "board-2"],
        "package": [True, 10_240, hashlib.sha256(file.read_bytes()).hexdigest(), "SHA256", "app.bin"],
        "twice": [400, 31],
        "found": ["1.0.0", "1.1.0"],
        "for_profile": 2,
        "download": True,
        "by_profile": ["INITIATED", "1.0.0"],
        "by_device": ["INITIATED", "1.1.0"],
        "others": 1,
        "history": ["QUEUED", "INITIATED", "QUEUED", "INITIATED"],
        "delete": [[400, 31], [400, 31]],
        "fallback": ["INITIATED", "1.0.0"],
        "unassigned": {},
        "left": [0, 1],
    }
