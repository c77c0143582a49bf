# SPDX-License-Identifier: MIT
"""The house rules find planted faults and leave good files alone."""

import subprocess

from tools import lint

HEAD = f"# {lint.LICENCE}\n"


def findings(rule, file: str, text: str) -> list[str]:
    return [finding.what for finding in rule(file, text)]


def function_of(lines: int) -> str:
    return HEAD + "def long():\n" + "    pass\n" * (lines - 1)


def test_licence_missing_is_found():
    assert findings(lint.check_licence, "firmware/boot.py", "import sys\n")
    assert findings(lint.check_licence, "Makefile", "all:\n")
    assert findings(lint.check_licence, "tools/go.sh", "#!/bin/sh\necho\n")


def test_licence_is_enough_on_the_first_line_or_after_a_shebang():
    assert not findings(lint.check_licence, "firmware/boot.py", HEAD + "import sys\n")
    assert not findings(lint.check_licence, ".ci/run", "#!/usr/bin/env bash\n" + HEAD)


def test_licence_too_late_in_the_file_is_found():
    assert findings(lint.check_licence, "firmware/boot.py", "import sys\n" + HEAD)


def test_licence_is_not_asked_of_empty_files_and_documents():
    assert not findings(lint.check_licence, "simulator/__init__.py", "")
    assert not findings(lint.check_licence, "README.md", "# Title\n")


def test_hosts_of_registries_are_found_wherever_they_stand():
    for name in ("pypi", "files.pythonhosted", "deb.debian", "registry.npmjs"):
        text = f"fine\nsee https://{name}.org/simple\n"
        assert [found.line for found in lint.check_hosts_and_paths("README.md", text)] == [2]


def test_paths_of_one_machine_are_found():
    for folder in ("work", "tmp", "root", "home"):
        assert findings(lint.check_hosts_and_paths, "docs/x.md", f"python /{folder}/main/x.py")


def test_paths_inside_the_project_and_other_hosts_are_fine():
    text = "docs/work/x ./tmp/y $HOME/root/x https://docs.micropython.org/en/latest"
    assert not findings(lint.check_hosts_and_paths, "README.md", text)


def test_length_counts_the_longest_file_that_is_allowed():
    fits = HEAD + "x = 1\n" * (lint.MAX_FILE - 2)
    assert not findings(lint.check_length, "firmware/ota/x.py", fits)
    assert findings(lint.check_length, "firmware/ota/x.py", fits + "x = 1\n")


def test_length_counts_the_longest_function_that_is_allowed():
    assert not findings(lint.check_length, "firmware/main.py", function_of(lint.MAX_FUNCTION - 1))
    found = findings(lint.check_length, "firmware/main.py", function_of(lint.MAX_FUNCTION))
    assert found == ["long() has 40 lines, the limit is 39"]


def test_length_is_a_rule_for_the_board_only():
    assert not findings(lint.check_length, "simulator/x.py", function_of(100))


def test_compiles_finds_what_cpython_accepts_and_micropython_does_not(tmp_path):
    file = tmp_path / "firmware" / "x.py"
    file.parent.mkdir()
    file.write_text("def f(x):\n    match x:\n        case 1:\n            pass\n")
    (found,) = lint.check_compiles("firmware/x.py", tmp_path)
    assert "SyntaxError" in found.what
    file.write_text("def f(x):\n    return x\n")
    assert not list(lint.check_compiles("firmware/x.py", tmp_path))


def test_check_joins_all_rules_over_the_files_git_knows(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    (tmp_path / "ignored.py").write_text("x = 1\n")
    (tmp_path / "new.py").write_text("x = 1\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")
    files = lint.files_of(tmp_path)
    assert sorted(files) == [".gitignore", "new.py", "picture.png"]
    assert [found.file for found in lint.check(tmp_path, files)] == ["new.py"]


def test_finding_prints_as_editors_expect():
    assert str(lint.Finding("a/b.py", 7, "wrong")) == "a/b.py:7: wrong"


def test_settings_have_names_that_nvs_takes():
    for bad in ('board.number("defer_critical_s", 1)\n', 'TABLE = (("defer_critical_s", 1),)\nboard.text(name, "")\n'):
        assert findings(lint.check_settings, "firmware/ota/x.py", bad)
    for good in ('board.number("defer_crit_s", 1)\n', 'TABLE = ("a_code_that_is_no_setting",)\nboard.text("a", "")\n'):
        assert not findings(lint.check_settings, "firmware/ota/x.py", good)
