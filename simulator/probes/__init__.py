# SPDX-License-Identifier: MIT
"""Programs that take measurements on a twin of the board: each is frozen into an image as its main.py.

`image` builds one; what a probe wants to know (names in capitals) is put before its first line.
"""

import tempfile
from pathlib import Path

from simulator.board.build import NO_LINE_NUMBERS, build_firmware
from simulator.breakage import FIRMWARE, TITLE

VERSION = "1.0.0"
_HERE = Path(__file__).parent


def image(probe: str, *, boot: bool = True, firmware: Path = FIRMWARE, **values: object) -> bytes:
    """An app image of `firmware` with `probe` in place of main.py; without `boot` its boot.py is empty.

    Compiled as firmware/manifest.py has it compiled for a board.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.py").write_text(source(probe, **values))
        if not boot:
            Path(folder, "boot.py").touch()
        return build_firmware([firmware, folder], TITLE, VERSION, optimise=NO_LINE_NUMBERS)


def source(probe: str, **values: object) -> str:
    """The program itself."""
    head = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    return head + (_HERE / f"{probe}.py").read_text()
