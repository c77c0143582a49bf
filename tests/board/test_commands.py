# SPDX-License-Identifier: MIT
"""The commands flash and image, and the tools, as a person types them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import littlefs
import pytest

from simulator.__main__ import main
from simulator.board import archive, image_writer
from simulator.board.chip import Chip
from simulator.board.clock import VirtualClock
from simulator.board.errors import EspError
from simulator.board.flash import MIB, Flash
from simulator.board.nvs import Nvs

ROOT = Path(__file__).parents[2]
APP = image_writer.build(b"payload", "demo", "1.0.0")


@pytest.fixture
def app(tmp_path) -> Path:
    path = tmp_path / "app.bin"
    path.write_bytes(APP)
    return path


@pytest.fixture
def modules(tmp_path) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "main.py").write_text("print('hello')\n")
    return folder


def make_flash(tmp_path: Path, *arguments: object) -> Flash:
    path = tmp_path / "flash.bin"
    assert main(["flash", *map(str, arguments), "-o", str(path)]) == 0
    return Flash.open(path, VirtualClock())


def boot(flash: Flash, chip_id: int = 0) -> Chip:
    chip = Chip(flash, flash.clock, chip_id=chip_id)
    assert chip.boot().slot
    return chip


@pytest.mark.parametrize(("name", "size"), [("4MiB", 4), ("4MiB-wide", 4), ("8MiB", 8), ("16MiB", 16)])
def test_flash_makes_a_file_that_boots_on_every_board(name, size, tmp_path, app):
    flash = make_flash(tmp_path, "--board", name, "--firmware", app)
    assert flash.size == size * MIB
    assert flash.read(0xD000, 0x2000) == b"\xff" * 0x2000  # otadata as it leaves the factory
    chip = boot(flash)
    assert chip.running.label == "ota_0"
    vfs = chip.info(chip.lookup("vfs"))
    assert vfs[2] + vfs[3] == flash.size


def test_flash_puts_files_into_the_file_system(tmp_path, app):
    folder = tmp_path / "files"
    (folder / "lib").mkdir(parents=True)
    (folder / "main.py").write_text("print('from the file system')\n")
    (folder / "lib" / "data.bin").write_bytes(bytes(range(256)) * 40)
    for name in ("4MiB", "4MiB-wide"):  # invented, and a row of the table
        chip = boot(make_flash(tmp_path, "--board", name, "--firmware", app, "--fs", folder))
        _, _, _, size, _, _ = chip.info(chip.lookup("vfs"))
        disk = littlefs.LittleFS(block_size=4096, block_count=size // 4096, mount=False)
        disk.context.buffer = bytearray(chip.read(chip.lookup("vfs"), 0, size))
        disk.mount()
        assert sorted(disk.listdir("/")) == ["lib", "main.py"]
        with disk.open("lib/data.bin", "rb") as file:
            assert file.read() == bytes(range(256)) * 40


def test_flash_puts_values_into_nvs(tmp_path, app):
    flash = make_flash(
        tmp_path, "--board", "4MiB", "--firmware", app,
        "--nvs", "ota.count=-5", "--nvs", "cloud.token=a=b.c", "--nvs", "cloud.port=", "--nvs", "ota.text=5x",
    )  # fmt: skip
    nvs = boot(flash).nvs
    ota, cloud = nvs.open("ota"), nvs.open("cloud")
    assert nvs.get_i32(ota, "count") == -5
    assert nvs.get_blob(cloud, "token") == b"a=b.c"
    assert nvs.get_blob(cloud, "port") == b""
    assert nvs.get_blob(ota, "text") == b"5x"


def test_flash_values_need_the_partition_that_micropython_opens(tmp_path, app, capsys):
    csv = tmp_path / "mine.csv"
    csv.write_text("settings,data,nvs,,0x4000\nfirst,app,ota_0,,1M\n")
    arguments = ["flash", "--board", str(csv), "--firmware", str(app), "--nvs", "a.b=1", "-o", str(tmp_path / "x")]
    assert main(arguments) == 2
    assert capsys.readouterr().err == "error[no_nvs]: the table has no data partition nvs, labelled nvs\n"


def test_flash_takes_a_table_of_your_own_and_other_chips(tmp_path):
    csv = tmp_path / "mine.csv"
    csv.write_text("nvs,data,nvs,,0x4000\notadata,data,ota,,0x2000\nfirst,app,ota_0,,1M\nsecond,app,ota_1,,1M\n")
    app = tmp_path / "c3.bin"
    app.write_bytes(image_writer.build(b"", "demo", "1", "esp32c3"))
    flash = make_flash(tmp_path, "--board", csv, "--firmware", app)
    assert flash.size == 4 * MIB
    assert boot(flash, chip_id=5).running.label == "first"
    assert make_flash(tmp_path, "--board", csv, "--firmware", app, "--flash-size", "8MiB").size == 8 * MIB


def test_flash_boots_stock_micropython_where_it_fits(tmp_path, stock_app, capsys):
    path = tmp_path / "stock.bin"
    path.write_bytes(stock_app)
    flash = make_flash(tmp_path, "--board", "4MiB-wide", "--firmware", path)
    chip = Chip(flash, flash.clock)
    result = chip.boot()
    assert result.image == stock_app
    chip.erase_write(chip.lookup("ota_1"), 0, stock_app.ljust(-(-len(stock_app) // 4096) * 4096, b"\xff"))
    chip.set_boot(chip.lookup("ota_1"))
    chip.reset(2)
    assert chip.boot().slot.label == "ota_1"
    assert main(["flash", "--board", "4MiB", "--firmware", str(path), "-o", str(path)]) == 2
    assert "error[image_too_large]: the image has 1672800 bytes, ota_0 holds 1572864" in capsys.readouterr().err


def test_flash_of_a_real_board_boots_with_its_own_bootloader_and_table(tmp_path, stock_file):
    path = tmp_path / "dump.bin"
    path.write_bytes((b"\xff" * 0x1000 + stock_file).ljust(4 * MIB, b"\xff"))
    chip = boot(Flash.open(path, VirtualClock()))
    assert [chip.info(handle)[4] for handle in chip.find(0xFF)] == ["nvs", "phy_init", "factory", "vfs"]
    with pytest.raises(EspError) as error:
        chip.boot_partition()
    assert error.value.args == (2, "")  # no otadata: fact 9 of esp32.md
    assert chip.nvs.open("any") == 1


def test_flash_with_stock_micropython_before_126_has_no_vfs_without_a_row(tmp_path, stock_app, capsys):
    path = tmp_path / "stock.bin"
    path.write_bytes(stock_app)
    chip = boot(make_flash(tmp_path, "--board", "8MiB", "--firmware", path))
    assert chip.find(1, 0x81) == []
    capsys.readouterr()
    assert main(["flash", "--board", "8MiB", "--firmware", str(path), "--fs", str(tmp_path), "-o", "x"]) == 2
    assert capsys.readouterr().err.startswith("error[no_file_system]: ")


def refusals(tmp_path: Path, app: Path, stock_file: bytes) -> list[tuple[str, list[object]]]:
    files = {
        "stock.bin": stock_file,
        "text.bin": b"no image",
        "short.bin": APP[:-1],
        "flipped.bin": APP[:0x130] + b"?" + APP[0x131:],
        "big.bin": image_writer.build(b"", size=0x190000),
        "bad.csv": b"a,data,fat,,,\n",
        "dataonly.csv": b"a,data,fat,,0x1000\n",
        "bare.csv": b"a,app,factory,,0x100000\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    crowded = tmp_path / "crowded"
    crowded.mkdir()
    (crowded / "big").write_bytes(bytes(2 * MIB))
    board = ["--board", "4MiB"]

    def firmware(name):
        return [*board, "--firmware", tmp_path / name]

    good = [*board, "--firmware", app]
    return [
        ("full_flash_image", firmware("stock.bin")),
        ("not_an_image", firmware("text.bin")),
        ("bad_image", firmware("short.bin")),
        ("bad_image", firmware("flipped.bin")),
        ("image_too_large", firmware("big.bin")),
        ("no_such_file", firmware("missing.bin")),
        ("unknown_board", ["--board", "5MiB", "--firmware", app]),
        ("bad_table", ["--board", tmp_path / "bad.csv", "--firmware", app]),
        ("no_app_partition", ["--board", tmp_path / "dataonly.csv", "--firmware", app]),
        ("no_nvs", ["--board", tmp_path / "bare.csv", "--firmware", app, "--nvs", "a.b=1"]),
        ("no_such_folder", [*good, "--fs", tmp_path / "missing"]),
        ("file_system_full", [*good, "--fs", crowded]),
        ("bad_nvs_value", [*good, "--nvs", "token=5"]),
        ("bad_nvs_value", [*good, "--nvs", "a.b=3000000000"]),
        ("bad_nvs_value", [*good, "--nvs", "a.this-key-is-too-long=3"]),
        ("bad_size", [*good, "--flash-size", "5MiB"]),
        ("bad_table", [*good, "--flash-size", "2MiB"]),
    ]


def test_flash_refuses_what_cannot_work_with_one_line_and_a_code(tmp_path, app, stock_file, capsys):
    output = tmp_path / "never.bin"
    for code, arguments in refusals(tmp_path, app, stock_file):
        assert main(["flash", *map(str, arguments), "-o", str(output)]) == 2, code
        out, err = capsys.readouterr()
        assert err.startswith(f"error[{code}]: "), err
        assert (out, err.count("\n"), output.exists()) == ("", 1, False)
    assert main(["flash", "--board", "4MiB", "--firmware", str(app), "-o", str(tmp_path / "no" / "f")]) == 2
    assert capsys.readouterr().err.startswith("error[cannot_write]: ")


def test_image_build_and_info_tell_the_same_story(tmp_path, modules, capsys):
    path = tmp_path / "app.bin"
    command = ["image", "build", modules, "--title", "demo", "--version", "1.2.3", "--size", 100_000, "-o", path]
    assert main([*map(str, command)]) == 0
    assert list(archive.find(path.read_bytes())) == ["main.mpy", "main.py", "version.mpy", "version.py"]
    capsys.readouterr()
    assert main(["image", "info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["chip"], facts["size"], facts["set_boot"], facts["bootloader"]) == ("esp32", 100_000, "ok", "ok")
    assert (facts["descriptor"]["project"], facts["descriptor"]["version"]) == ("demo", "1.2.3")
    assert facts["archive"]["main.py"] == len("print('hello')\n")
    assert main(["image", "info", str(path)]) == 0
    text = capsys.readouterr().out
    assert "version     1.2.3\n" in text and "main.py 15 bytes" in text


def test_image_info_exits_1_for_an_image_that_the_chip_refuses(tmp_path, stock_file, capsys):
    path = tmp_path / "stock.bin"
    path.write_bytes(stock_file)
    assert main(["image", "info", str(path), "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["set_boot"] == "ok"
    assert "overlaps bootloader data" in facts["bootloader"]
    assert facts["descriptor"] is None
    path.write_bytes(APP[:12] + b"\x63" + APP[13:])  # a chip that nobody knows
    assert main(["image", "info", str(path)]) == 1
    assert "unknown chip id 99" in capsys.readouterr().out


def test_image_info_of_stock_micropython(tmp_path, stock_app, capsys):
    path = tmp_path / "stock.app-bin"
    path.write_bytes(stock_app)
    assert main(["image", "info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["micropython"], facts["archive"], len(facts["segments"])) == ("1.23", None, 7)


def test_image_commands_refuse_wrong_input_with_a_code(tmp_path, modules, capsys):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "main.py").write_text("def f(:\n")
    build = ["image", "build", "--title", "t", "--version", "v", "-o", tmp_path / "out.bin"]
    for code, command in (
        ("not_an_image", ["image", "info", broken / "main.py"]),
        ("no_such_file", ["image", "info", tmp_path / "missing"]),
        ("does_not_compile", [*build, broken]),
        ("no_such_folder", [*build, tmp_path / "missing"]),
        ("bad_size", [*build, modules, "--size", "999"]),
        ("usage", [*build, modules, "--chip", "esp8266"]),
        ("usage", ["image", "build", modules]),
    ):
        assert main([*map(str, command)]) == 2, code
        err = capsys.readouterr().err
        assert err.startswith(f"error[{code}]: ") and err.count("\n") == 1


def run_tool(name: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", f"tools.{name}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_tools_make_tables_nvs_and_images(tmp_path, modules):
    table, nvs, app = tmp_path / "table.bin", tmp_path / "nvs.bin", tmp_path / "app.bin"
    assert run_tool("make_partition_table", "4MiB-wide", "-o", table).returncode == 0
    assert table.read_bytes()[0xC0 + 16 : 0xC0 + 32].hex() == "00fbdbf689b2084957730a75c0457b8d"
    assert run_tool("make_nvs", "ota.count=7", "--size", "0x3000", "-o", nvs).returncode == 0
    flash = Flash(0x3000)
    flash.program(0, nvs.read_bytes())
    values = Nvs(flash, 0, 0x3000)
    assert values.get_i32(values.open("ota"), "count") == 7
    assert run_tool("make_image", modules, "--title", "t", "--version", "v", "-o", app).returncode == 0
    assert "main.py" in archive.find(app.read_bytes())


def test_tools_refuse_wrong_input_with_exit_2(tmp_path):
    for name, arguments, code in (
        ("make_nvs", ["a.b=1", "--size", "0x1000"], "bad_size"),
        ("make_nvs", ["a.b=1", "--size", "many"], "bad_size"),
        ("make_nvs", ["a.b=1", "--size", "9999999m"], "bad_size"),
        ("make_partition_table", ["4MiB", "--flash-size", "1MiB"], "bad_table"),
    ):
        done = run_tool(name, *arguments, "-o", tmp_path / "out.bin")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.startswith(f"error[{code}]: ")


def test_output_replaces_a_file_as_a_whole_or_not_at_all(tmp_path, app, monkeypatch):
    target, other = tmp_path / "flash.bin", tmp_path / "other name"
    target.write_bytes(b"precious")
    target.chmod(0o640)
    arguments = ["flash", "--board", "4MiB", "--firmware", str(app), "-o", str(target)]

    def full_disk(self, data):
        with self.open("wb") as file:
            file.write(data[:1000])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        assert main(arguments) == 2
    assert target.read_bytes() == b"precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.bin", "flash.bin"]
    for bad in (tmp_path, tmp_path / ("x" * 300), tmp_path / "app.bin" / "x"):
        assert main([*arguments[:-1], str(bad)]) == 2
    other.symlink_to(target)
    assert main([*arguments[:-1], str(other)]) == 0
    assert target.stat().st_size == 4 * MIB and target.stat().st_mode & 0o777 == 0o640
    assert other.is_symlink()


def test_input_without_end_is_one_line(tmp_path, app, capsys):
    for arguments in (["bootcheck", "/dev/zero"], ["image", "info", "/dev/zero"]):
        assert main(arguments) == 2
        assert capsys.readouterr().err == "error[too_large]: /dev/zero has more than 268435456 bytes\n"


@pytest.mark.parametrize("name", ["broken link", "pipe", "a folder.py", "name"])
def test_folders_with_oddities_are_one_line_or_done(name, tmp_path, app, capsys):
    folder = tmp_path / "folder"
    folder.mkdir()
    if name == "broken link":
        (folder / "x.py").symlink_to(tmp_path / "nowhere")
    elif name == "pipe":
        os.mkfifo(folder / "pipe")
    elif name == "a folder.py":
        (folder / name).mkdir()
    else:
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe")).write_text("not UTF-8")
    target = tmp_path / "out.bin"
    for arguments in (
        ["flash", "--board", "4MiB", "--firmware", str(app), "--fs", str(folder)],
        ["image", "build", str(folder), "--title", "t", "--version", "1"],
    ):
        status = main([*arguments, "-o", str(target)])
        errors = capsys.readouterr().err
        assert (status, errors.count("\n")) in ((0, 0), (2, 1))
        assert target.exists() == (status == 0)
        target.unlink(missing_ok=True)


def test_names_of_several_lines_are_still_one_line(capsys):
    assert main(["bootcheck", "no\nsuch\rfile"]) == 2
    assert capsys.readouterr().err == "error[no_such_file]: cannot read no such file: No such file or directory\n"


def test_folders_with_names_too_long_are_one_line(tmp_path, app, capsys):
    long, target = "x" * 300, str(tmp_path / "out.bin")
    for arguments in (
        ["flash", "--board", "4MiB", "--firmware", str(app), "--fs", long],
        ["image", "build", long, "--title", "t", "--version", "1"],
    ):
        assert main([*arguments, "-o", target]) == 2
        assert capsys.readouterr().err == f"error[no_such_folder]: {long} is not a folder\n"


def test_arguments_that_are_no_text_are_bytes_or_one_line(tmp_path, app, modules, capsys):
    bad = os.fsdecode(b"\xff\xfe")
    flash = make_flash(tmp_path, "--board", "4MiB", "--firmware", app, "--nvs", f"ota.raw={bad}")
    nvs = boot(flash).nvs
    assert nvs.get_blob(nvs.open("ota"), "raw") == b"\xff\xfe"
    target = str(tmp_path / "x.bin")
    for arguments in (
        ["flash", "--board", "4MiB", "--firmware", str(app), "--nvs", f"{bad}.b=1", "-o", target],
        ["image", "build", str(modules), "--title", bad, "--version", "1", "-o", target],
    ):
        assert main(arguments) == 2
        errors = capsys.readouterr().err
        assert errors.startswith("error[not_utf8]: ") and errors.count("\n") == 1


def test_image_build_refuses_what_no_segment_holds(tmp_path, modules, capsys):
    arguments = ["image", "build", str(modules), "--title", "t", "--version", "1", "-o", str(tmp_path / "x.bin")]
    for size in (16 * MIB + 16, 2**40):
        assert main([*arguments, "--size", str(size)]) == 2
        assert "error[bad_size]" in capsys.readouterr().err
    (modules / "large.py").write_text("#" * 16 * MIB)
    assert main(arguments) == 2
    assert "error[bad_size]" in capsys.readouterr().err


def test_flash_board_without_end_is_refused(tmp_path, app, capsys):
    assert main(["flash", "--board", "/dev/zero", "--firmware", str(app), "-o", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err.startswith("error[bad_table]: zero: line 1: ")
