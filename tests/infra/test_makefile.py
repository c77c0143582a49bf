# SPDX-License-Identifier: MIT
"""The Makefile's promises that can be seen without running its targets."""

import re
import subprocess

import pytest

from simulator.interpreters import ROOT

TARGETS = {
    "setup",
    "demo",
    "mpy",
    "test",
    "test-mp",
    "bench",
    "sizes",
    "powercut",
    "powercut-selftest",
    "lint",
    "format",
    "clean",
    "help",
}


def make(*args: str) -> str:
    done = subprocess.run(["make", "-C", ROOT, "--no-print-directory", *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_lists_every_target_with_a_line():
    listed = dict(line.split(maxsplit=1) for line in make("help").splitlines())
    assert set(listed) == TARGETS


def test_phony_names_every_target():
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(phony.split()) == TARGETS


def test_demo_hands_the_chosen_interpreter_on():
    assert "simulator demo --interpreter cpython" in make("-n", "demo", "INTERPRETER=cpython")
    assert "--interpreter" not in make("-n", "demo")
    for cloud in ("rainmaker", "broker"):
        assert f"simulator demo --cloud {cloud}" in make("-n", "demo", f"CLOUD={cloud}")
    chosen = "--cloud lwm2m --strategy SendBased --method pull --protocol http"
    given = ("CLOUD=lwm2m", "STRATEGY=SendBased", "METHOD=pull", "PROTOCOL=http")
    assert f"simulator demo {chosen}" in make("-n", "demo", *given)


@pytest.mark.parametrize("target", sorted(TARGETS - {"setup", "clean", "help"}))
def test_targets_set_up_first_when_the_list_of_packages_is_newer(target):
    assert "-m tools.setup" in make("-n", "-W", "requirements/run.txt", target)
