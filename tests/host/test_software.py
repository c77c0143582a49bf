# SPDX-License-Identifier: MIT
"""The tool for software packages: what it makes every tar reader reads, and what a board refuses it refuses."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator import software
from simulator.__main__ import main
from simulator.commands.software import command
from simulator.errors import UserError

FILES = {"app.py": b"import big\n", "lib/big.py": b"X = 1\n" * 2000, "data/empty": b"", "data/b.bin": bytes(512)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "__pycache__").mkdir()
    (root / "__pycache__" / "app.pyc").write_bytes(b"x")
    return root


def run(*args: object) -> str:
    result = CliRunner().invoke(command, list(map(str, args)), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_what_it_makes_is_a_tar_with_every_file_and_headers_as_tarfile_writes_them(folder: Path):
    data = software.make(folder, "thermometer", "2.0.0")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = tar.getmembers()
        assert members[0].name == "MANIFEST"
        read = {member.name: tar.extractfile(member).read() for member in members[1:]}
    assert read == FILES
    for member in members:
        plain = tarfile.TarInfo(member.name)
        plain.size, plain.mode = member.size, 0o644
        assert data[member.offset : member.offset + 512] == plain.tobuf(tarfile.USTAR_FORMAT)


def test_the_same_folder_makes_the_same_bytes(folder: Path):
    first = software.make(folder, "thermometer", "2.0.0")
    for path in sorted(folder.rglob("*.py"), reverse=True):
        text = path.read_bytes()
        path.unlink()
        path.write_bytes(text)
    assert software.make(folder, "thermometer", "2.0.0") == first


def test_make_and_inspect_agree(folder: Path, tmp_path: Path):
    out = tmp_path / "made.tar"
    assert "thermometer 2.0.0" in run("make", folder, "--title", "thermometer", "--version", "2.0.0", "-o", out)
    facts = json.loads(run("inspect", out, "--json"))
    assert (facts["title"], facts["version"], facts["size"]) == ("thermometer", "2.0.0", out.stat().st_size)
    assert facts["files"] == [[name, len(FILES[name])] for name in sorted(FILES, key=str.lower)]
    assert "12,000  lib/big.py" in run("inspect", out)


def test_the_name_of_the_file_follows_title_and_version(folder: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("make", folder, "--title", "a/b", "--version", "2.0.0")
    assert (tmp_path / "a_b-2.0.0.tar").is_file()


def test_compiled_packages_have_mpy_in_place_of_py_and_data_as_it_was(folder: Path):
    contents = software.inspect(software.make(folder, "thermometer", "2.0.0", compiled=True))
    assert [name for name, _ in contents.files] == ["app.mpy", "data/b.bin", "data/empty", "lib/big.mpy"]


@pytest.mark.parametrize(
    ("code", "files"), [("bad_path", {"ota/agent.py": b""}), ("bad_order", {"a.py": b"", "A.py": b""})]
)
def test_what_a_board_refuses_is_refused_with_its_code(code: str, files: dict[str, bytes]):
    with pytest.raises(UserError) as error:
        software.pack(files, "thermometer", "2.0.0")
    assert error.value.code == code


def test_a_manifest_that_no_board_would_take_is_refused():
    with pytest.raises(UserError) as error:
        software.pack({f"{number:03}.txt": b"" for number in range(500)}, "thermometer", "2.0.0")
    assert error.value.code == "too_many_files"


@pytest.mark.parametrize(
    ("title", "version", "code"),
    [
        ("", "1", "bad_title"),
        ("a\nb", "1", "bad_title"),
        ("a\tb", "1", "bad_title"),
        ("a", "", "bad_version"),
        ("a", "1\0", "bad_version"),
        ("a", "x" * 256, "bad_version"),
    ],
)
def test_names_that_no_cloud_has_are_refused(title: str, version: str, code: str):
    with pytest.raises(UserError) as error:
        software.pack({"app.py": b""}, title, version)
    assert error.value.code == code


def test_bad_input_is_one_line_and_exit_status_2(folder: Path, tmp_path: Path, capsys):
    noise = tmp_path / "noise.tar"
    noise.write_bytes(b"x" * 1024)
    empty = tmp_path / "empty.tar"
    empty.write_bytes(b"")
    (folder / "broken.py").write_text("def f(:\n")
    for code, *args in (
        ("not_a_package", "inspect", noise),
        ("not_a_package", "inspect", empty),
        ("no_such_file", "inspect", tmp_path / "missing"),
        ("no_such_folder", "make", tmp_path / "missing", "--title", "a", "--version", "1"),
        ("does_not_compile", "make", folder, "--title", "a", "--version", "1", "--mpy", "-o", tmp_path / "x"),
    ):
        assert main(["software", *map(str, args)]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error[{code}]: ") and error.count("\n") == 1
