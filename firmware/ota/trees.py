# SPDX-License-Identifier: MIT
"""Which tree of software runs: what otadata and the bootloader are to firmware, in one number of NVS.

The number is state * 16 + before * 4 + active. Trees: 0 is what the firmware brings itself, 1 and 2 are the folders
`a` and `b`. NVS writes a number whole or not at all: after any cut the old choice counts, or the new one.
"""

import os
import sys

from ota.bootcheck import TREE
from ota.log import log
from ota.package import MANIFEST
from ota.port import const

LABELS = ("built-in", "a", "b")
VALID = const(0)  # the active tree runs
NEW = const(1)  # it is to be tried at the next boot
TRIAL = const(2)  # it is being tried
REVERTED = const(3)  # the trial ended badly: the tree from before is active again
DAMAGED = const(4)  # the tree was not whole: another one is active
CRASHED = const(5)  # the application crashed again and again: the tree from before is active, and `before` is that one


class Trees:
    """`active`: the tree that is to run; `before`: the one that ran before it, and still may.

    `is_noted`: NVS has a number. `parent`: the folder that holds `root`, which holds the trees.
    """

    def __init__(self, board):
        self._nvs = board.nvs
        self.parent = board.files
        self.root = self.parent.rstrip("/") + "/sw"
        self.state = self.active = self.before = 0
        try:
            number = self._nvs.get_i32(TREE)
            self.is_noted = True
        except OSError:
            number = 0
            self.is_noted = False
        if 0 <= number <= CRASHED << 4 | 10 and number & 3 != 3 and number >> 2 & 3 != 3:
            self.state, self.before, self.active = number >> 4, number >> 2 & 3, number & 3

    @property
    def running(self):
        """The tree that modules are imported from: what NVS says may have failed to be written."""
        for tree in (1, 2):
            if self.folder(tree) in sys.path:
                return tree
        return 0

    def folder(self, tree):
        return self.root + "/" + LABELS[tree]

    def is_whole(self, tree):
        """Whether a tree was staged and verified to its end. True for what the firmware brings."""
        try:
            return not tree or bool(os.stat(self.folder(tree) + "/" + MANIFEST))
        except OSError:
            return False

    def save(self, state, active, before):
        """One write of NVS. Raises OSError: then nothing has changed."""
        self._nvs.set_i32(TREE, state << 4 | before << 2 | active)
        self._nvs.commit()
        self.state, self.active, self.before, self.is_noted = state, active, before, True


def start(board):
    """For boot.py: puts the folder of the tree that is to run in front of sys.path; returns whether it is on trial.

    A trial begins here, and here it ends if the board has started anew without a confirmation.
    """
    trees = Trees(board)
    state, tree, before = trees.state, trees.active, trees.before
    if state == NEW:
        state = TRIAL
    elif state == TRIAL and board.reset_cause != "soft":
        state, tree = REVERTED, before
    if not trees.is_whole(tree):
        state, tree = DAMAGED, before if before != tree and trees.is_whole(before) else 0
    if (state, tree) != (trees.state, trees.active):
        try:
            trees.save(state, tree, before)
        except OSError as error:
            log("warning", "code", "tree_not_saved", "error", error)
            if state == TRIAL:  # nobody could end it
                state, tree = NEW, before
    if tree:
        sys.path.insert(0, trees.folder(tree) + "/lib")
        sys.path.insert(0, trees.folder(tree))
    return state == TRIAL
