# SPDX-License-Identifier: MIT
"""Bugs put into the path of software packages on purpose; see planted.py."""

from simulator.campaign.planted_bug import Planted

_TREE, _TREES, _SOFTWARE = "ota/tree.py", "ota/trees.py", "ota/software.py"
_INSTALL, _COMMON = "ota/install.py", "ota/cloud/tb_common.py"

SOFTWARE_BUGS = (
    Planted(
        "takes any file that is there for whole",
        _TREE,
        "            if found != sha256:\n                break\n",
        "",
    ),
    Planted(
        "chooses a tree without reading it back",
        _TREE,
        "        yield from self.feed(digest, job.size)\n        if job.checksum not in (None, digest.text()):\n",
        "        yield\n        if False:\n",
    ),
    Planted(
        "chooses a tree before it is verified",
        _INSTALL,
        "                yield from self.agent.attending(self.slot.verify(self.job))\n",
        '                if self.track.kind == "software":\n'
        "                    self.slot._trees.save(1, self.slot._tree, self.slot._trees.running)\n"
        "                yield from self.agent.attending(self.slot.verify(self.job))\n",
    ),
    Planted(
        "chooses a tree before it has its manifest",
        _TREE,
        "            os.rename(self._part, self._whole)\n"
        "            self._trees.save(NEW, self._tree, self._trees.running)\n",
        "            self._trees.save(NEW, self._tree, self._trees.running)\n"
        "            os.rename(self._part, self._whole)\n",
    ),
    Planted(
        "gives a tree its manifest before it has its files",
        _TREE,
        '        self._part = self._whole + ".part"\n',
        "        self._part = self._whole\n",
    ),
    Planted(
        "writes into the tree that runs",
        _TREE,
        "        self._tree = 2 if trees.running == 1 else 1\n",
        "        self._tree = trees.running or 1\n",
    ),
    Planted(
        "leaves the files of the tree before in place",
        _TREE,
        "            yield from emptying(self._folder)\n            if_needed(os.mkdir, self._trees.root)\n"
        "            os.mkdir(self._folder)\n",
        "            yield\n            if_needed(os.mkdir, self._trees.root)\n"
        "            if_needed(os.mkdir, self._folder)\n",
    ),
    Planted(
        "forgets that a tree is on trial",
        _TREES,
        "        state = TRIAL\n    elif",
        "        state = VALID\n    elif",
    ),
    Planted(
        "tries a tree again and again",
        _TREES,
        '    elif state == TRIAL and board.reset_cause != "soft":\n',
        "    elif False:\n",
    ),
    Planted(
        "lets the frozen modules come before those of the package",
        _TREES,
        '        sys.path.insert(0, trees.folder(tree) + "/lib")\n',
        '        sys.path.append(trees.folder(tree) + "/lib")\n',
    ),
    Planted(
        "reports a software before it is confirmed",
        _SOFTWARE,
        "            if not self.on_trial:\n                bootcheck.succeed(",
        "            if True:\n                bootcheck.succeed(",
    ),
    Planted(
        "never writes down that software is confirmed",
        _SOFTWARE,
        "            trees.save(VALID, trees.active, trees.before)\n        except",
        "            pass\n        except",
    ),
    Planted(
        "tells of software what is said of firmware",
        _COMMON,
        "    prefix = PREFIXES[kind]\n    values",
        "    prefix = PREFIXES[FIRMWARE]\n    values",
    ),
    Planted(
        "leaves a file open when a download is given up",
        _SOFTWARE,
        "        self.slot.close()  # a download that was given up\n",
        "",
    ),
)
