# SPDX-License-Identifier: MIT
"""`python -m tools.make_image DIR --title T --version V -o FILE`: Python modules to an app image."""

import sys

from simulator.__main__ import main
from simulator.commands.image import build

if __name__ == "__main__":
    sys.exit(main(command=build, name="python -m tools.make_image"))
