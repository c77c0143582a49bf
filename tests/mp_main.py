# SPDX-License-Identifier: MIT
"""Runs on the device's side of `run_mp.py`: calls every test function of one module, by name.

usage: mp_main.py MODULE FOLDER...    the folders go to the front of sys.path, first one first
The last line, `ran PASSED FAILED`, is missing if the interpreter died on the way.
"""

import sys


def _run(module):
    passed = failed = 0
    for name in sorted(dir(module)):
        if not name.startswith("test_"):
            continue
        try:
            getattr(module, name)()
            passed += 1
        except Exception as error:
            failed += 1
            print("FAILED", name)
            sys.print_exception(error)
    return passed, failed


for _folder in reversed(sys.argv[2:]):
    sys.path.insert(0, _folder)
print("ran %d %d" % _run(__import__(sys.argv[1])))
