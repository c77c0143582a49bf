# SPDX-License-Identifier: MIT
"""From reset to the program: which files run, from where modules come, and what the file system keeps."""

from pathlib import Path

import pytest
from littlefs import LittleFS
from littlefs.context import UserContext

from simulator import interpreters
from simulator.board import archive, image_writer, unpack
from simulator.board.lockstep import Lockstep
from simulator.interpreters import Interpreter
from tests.device.harness import at_repl, board, console, printed

VFS = 0x310000


def folder(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path


def vfs_of(twin: Lockstep) -> LittleFS:
    cells = bytearray(twin.flash.read(VFS, twin.flash.size - VFS))
    context = UserContext(len(cells))
    context.buffer = cells
    return LittleFS(context=context, block_size=4096, block_count=len(cells) // 4096)


def test_boot_then_main_share_one_namespace(interpreter: Interpreter) -> None:
    frozen = {"boot.py": "told = 'by boot'\nprint(__name__)\n"}
    assert console(interpreter, "print(__name__, told)", frozen=frozen) == ["__main__", "__main__ by boot"]


def test_main_does_not_run_after_a_boot_that_failed(interpreter: Interpreter) -> None:
    lines = console(interpreter, "print('main')", frozen={"boot.py": "raise OSError(5)\n"})
    assert "main" not in lines
    assert lines[-1].startswith("OSError: ")


def test_frozen_scripts_win_over_files(interpreter: Interpreter, tmp_path: Path) -> None:
    files = folder(tmp_path, {"boot.py": "print('file boot')", "main.py": "print('file main')"})
    assert console(interpreter, "print('frozen main')", files=files) == ["file boot", "frozen main"]


def test_an_image_without_archive_runs_the_files(interpreter: Interpreter, tmp_path: Path) -> None:
    files = folder(
        tmp_path,
        {"boot.py": "print('boot')", "main.py": "import agent\nprint('main', agent.X)", "lib/agent.py": "X = 7"},
    )
    with Lockstep(interpreter, image_writer.build(b""), files=files) as twin:
        assert twin.run(at_repl)
        assert twin.story.lines == ["boot", "main 7"]


def test_import_order_is_root_then_frozen_then_lib(interpreter: Interpreter, tmp_path: Path) -> None:
    files = folder(
        tmp_path, {"one.py": "WHERE = 'root'", "lib/two.py": "WHERE = 'lib'", "lib/three.py": "WHERE = 'lib'"}
    )
    frozen = dict.fromkeys(("one.py", "two.py"), "WHERE = 'frozen'")
    program = "import one, two, three\nprint(one.WHERE, two.WHERE, three.WHERE)"
    assert console(interpreter, program, frozen=frozen, files=files) == ["root frozen lib"]


def test_packages_of_the_image_are_found(interpreter: Interpreter) -> None:
    frozen = {"pkg/__init__.py": "", "pkg/deep/__init__.py": "X = 3", "pkg/part.py": "from pkg import deep\nY = deep.X"}
    assert console(interpreter, "from pkg import part\nprint(part.Y)", frozen=frozen) == ["3"]


def test_no_program_changes_what_is_frozen(interpreter: Interpreter) -> None:
    """Boots share it."""
    program = """
for name in ("main.py", "other.py"):
    try:
        open("/.fw/" + name, "w")
    except OSError:
        print("no")
"""
    assert console(interpreter, program) == ["no", "no"]


def test_modules_of_an_image_stay_for_as_long_as_a_board_runs_it() -> None:
    images = [image_writer.build(archive.pack({"one.py": b"X = %d" % number})) for number in range(20)]
    cpython = interpreters.find("cpython")
    running = unpack.frozen_modules(cpython, images[0])
    folder = running.folder
    folders = {unpack.frozen_modules(cpython, image).folder for image in images}
    assert folder in folders and folder.joinpath("one.py").read_bytes() == b"X = 0"
    assert sum(folder.exists() for folder in folders) < len(images) // 2
    del running
    assert not folder.exists()
    again = unpack.frozen_modules(cpython, images[0])
    assert again.folder.joinpath("one.py").read_bytes() == b"X = 0"


def test_stock_firmware_has_umqtt_over_the_twin_s_socket(interpreter: Interpreter) -> None:
    program = """
import socket, usocket, time, utime
from umqtt import simple
print(simple.socket is socket, usocket is socket, utime is time, simple.MQTTClient.__name__)
"""
    assert console(interpreter, program) == ["True True True MQTTClient"]


def test_without_romfs_twins_and_stock_modules_come_from_files(
    interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a MicroPython before 1.25."""
    compiled = unpack.compile_module
    monkeypatch.setattr(unpack, "compile_module", lambda name, *rest: compiled(name, *_without_romfs(*rest)))
    unpack.unix_folder.cache_clear()
    try:
        assert console(interpreter, "import network, umqtt.simple\nprint(network.WLAN().config('ssid'))") == [""]
    finally:
        unpack.unix_folder.cache_clear()


def _without_romfs(source: bytes, *rest) -> tuple:
    return (source.replace(b"from vfs import VfsRom", b"from vfs import NoVfsRom"), *rest)


def test_a_blank_file_system_is_made_once(interpreter: Interpreter) -> None:
    with board(interpreter, "import os, machine\nprint('boot.py' in os.listdir())") as twin:
        assert twin.run(at_repl)
        twin.board.soft_reset()
        operations = []
        assert twin.run(printed("True"))
        twin.flash.on_op = lambda *operation: operations.append(operation)
        assert twin.run(at_repl)
        assert twin.story.lines == ["True", "True"]
        assert operations == []


def test_files_survive_a_reset_and_are_really_in_flash(interpreter: Interpreter) -> None:
    program = """
import os, machine
if "data" in os.listdir():
    print(open("data/log.txt").read())
    os.remove("old.txt")
else:
    os.mkdir("data")
    open("old.txt", "w").close()
    with open("data/log.txt", "w") as file:
        file.write("kept")
    machine.reset()
"""
    with board(interpreter, program) as twin:
        assert twin.run(at_repl)
        assert twin.story.lines == ["kept"]
        twin.board.close()
        disk = vfs_of(twin)  # an open file does not keep its file system alive
        with disk.open("data/log.txt") as file:
            assert file.read() == "kept"
        assert "old.txt" not in disk.listdir("/")


def test_a_foreign_file_system_is_left_alone(interpreter: Interpreter) -> None:
    with board(interpreter, "import time\nprint('main')\ntime.sleep(10)") as twin:
        twin.flash.program(VFS, b"somebody else's")
        twin.run_for(9)
        assert twin.flash.read(VFS, 15) == b"somebody else's"
        assert twin.story.lines and all("corrupt" in line for line in twin.story.lines)
