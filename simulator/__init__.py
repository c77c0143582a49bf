# SPDX-License-Identifier: MIT
"""The host-side twin of the board and of its clouds: runs the code of `firmware/` unmodified."""
