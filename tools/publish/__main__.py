# SPDX-License-Identifier: MIT
"""`python -m tools.publish`: the maker's side of the own broker (docs/broker.md).

Exit status: 0 done, 1 ran and the answer is no, 2 wrong input or environment, 130 Ctrl-C.
"""

import sys

from simulator.__main__ import main
from tools.publish.commands import cli

if __name__ == "__main__":
    sys.exit(main(command=cli, name="python -m tools.publish"))
