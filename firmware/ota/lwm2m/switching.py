# SPDX-License-Identifier: MIT
"""Another tree of software is to run: the one that is installed, or what the firmware brings. See ota.trees."""

from ota.trees import VALID, Trees


def switch(owner, is_on, for_good):
    """Whether it could be done. The board starts anew if something else is to run; `for_good`: there is no way back.

    The files of a tree that nobody wants go when the next package needs their place.
    """
    trees = Trees(owner.board)
    tree = trees.active or trees.before
    if trees.state != VALID or (is_on and not (tree and trees.is_whole(tree))):
        return False
    active = tree if is_on else 0
    try:
        trees.save(VALID, active, 0 if is_on or for_good else tree)
    except OSError:
        return False
    if active != trees.running:
        owner.reboot()
    return True
