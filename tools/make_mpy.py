# SPDX-License-Identifier: MIT
"""The agent compiled for a board: less to store, nothing to compile there. `python -m tools.make_mpy FOLDER`

FOLDER then holds what `mpremote mip install FOLDER/package.json` needs. Line numbers stay out, as in docs/memory.md.
"""

import json
import sys
from pathlib import Path

from simulator.board.build import NO_LINE_NUMBERS, compile_module

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"


def make(folder: Path) -> int:
    """Compiles every module that firmware/package.json lists; returns the bytes of all."""
    package = json.loads((FIRMWARE / "package.json").read_text())
    names, total = [], 0
    for name, _ in package["urls"]:
        compiled = Path(name).with_suffix(".mpy").as_posix()
        names.append([compiled, compiled])
        data = compile_module(name, (FIRMWARE / name).read_bytes(), NO_LINE_NUMBERS)
        total += len(data)
        file = folder / compiled
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (folder / "package.json").write_text(json.dumps({**package, "urls": names}, indent=2) + "\n")
    return total


def main() -> None:
    folder = Path(sys.argv[1])
    print(f"{folder}/package.json: {make(folder):,} bytes of modules")


if __name__ == "__main__":
    main()
