# SPDX-License-Identifier: MIT
"""RainMaker's official command line client, in an environment and a home of its own, without a way to the internet."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from simulator.clouds.rainmaker.rest.auth import Account
from simulator.interpreters import ROOT

WAIT_S = 60
LOGIN = ("login", "--user_name", Account.user_name, "--password", Account.password)
_NOWHERE = "http://127.0.0.1:9"  # a proxy for whatever is not on this machine


class Cli:
    """`name`: of the environment. `start` runs a command, `run` waits for what it says, `api` makes a raw call."""

    def __init__(self, name: str, folder: Path) -> None:
        self.program = ROOT / ".tools" / name / "bin" / "esp-rainmaker-cli"
        self.folder = folder
        proxies = {"http_proxy": _NOWHERE, "https_proxy": _NOWHERE, "no_proxy": "127.0.0.1"}
        home = {"HOME": str(folder), "RM_USER_CONFIG_DIR": str(folder), "RMAKER_CLI_LOG_DIR": str(folder)}
        self._environment = {**os.environ, **proxies, **home, "PYTHONUNBUFFERED": "1"}

    def start(self, *arguments: str) -> subprocess.Popen:
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        command = [self.program.with_name("python"), self.program, *arguments]  # may have been moved
        return subprocess.Popen(command, cwd=self.folder, env=self._environment, text=True, **streams)

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        try:
            out, _ = process.communicate(timeout=WAIT_S)
        finally:
            process.kill()
        assert process.returncode == 0, out
        return out

    def log_in(self, url: str) -> None:
        """To the mock there, in versions that have profiles."""
        self.run("profile", "add", "mock", "--base-url", url)
        self.run("profile", "switch", "mock")
        self.run(*LOGIN)

    def api(self, method: str, path: str, query: str = "", body: object = None) -> tuple[int, Any]:
        more = ["--query-params", query] if query else []
        more += ["--body", json.dumps(body)] if body is not None else []
        out = self.run("raw-api", "--method", method, "--api", path, *more)
        code, _, rest = out.partition("Status Code: ")[2].partition("\n")
        return int(code), json.JSONDecoder().raw_decode(rest)[0]


def client(name: str, folder: Path) -> Cli:
    """With a home in this folder."""
    home = folder / "home"
    home.mkdir()
    cli = Cli(name, home)
    if not cli.program.exists():
        pytest.skip("RainMaker's client is not installed: make setup")
    return cli
