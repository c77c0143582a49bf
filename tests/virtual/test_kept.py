# SPDX-License-Identifier: MIT
"""Modules that are put back instead of loaded anew: after a reset nothing of what ran before may be left."""

from types import ModuleType

import pytest

from simulator.board.inprocess import InProcess
from simulator.board.kept import Kept
from simulator.board.lockstep import Lockstep
from tests.virtual.test_inprocess import small, sources


def loaded(source: str) -> ModuleType:
    module = ModuleType("product")
    exec(source, vars(module))
    return module


SPOILED = {
    "a number": ("count = 1", "count = 2"),
    "a name that was not there": ("", "new = 1"),
    "a name that is gone": ("count = 1", "del count"),
    "a list": ("names = ['a']", "names.append('b')"),
    "a dict": ("known = {'a': 1}", "known.clear()"),
    "a buffer": ("buffer = bytearray(2)", "buffer[0] = 7"),
    "a class": ("class Led:\n    is_on = False", "Led.is_on = True; Led.colour = 'red'"),
    "a list in a class": ("class Led:\n    seen = []", "Led.seen.append(1)"),
    "a default": ("def add(to=[]):\n    to.append(1)\n    return len(to)", "add()"),
}


def shown(module: ModuleType) -> dict:
    """All that can be seen of its state."""
    values = {name: value for name, value in vars(module).items() if not name.startswith("__")}
    classes = {name: dict(vars(value)) for name, value in values.items() if isinstance(value, type)}
    defaults = [value.__defaults__ for value in values.values() if callable(value) and hasattr(value, "__defaults__")]
    return {key: repr(value) for key, value in (values | {"classes": classes, "defaults": defaults}).items()}


@pytest.mark.parametrize("what", SPOILED)
def test_kept_module_is_as_its_code_has_left_it(what):
    source, spoil = SPOILED[what]
    module = loaded(source)
    kept, before = Kept.of(module, ()), shown(module)
    assert kept
    exec(spoil, vars(module))
    assert shown(module) != before
    kept.restore()
    assert shown(module) == before


@pytest.mark.parametrize(
    "source",
    [
        "class Led:\n    pass\nled = Led()",
        "names = [['nested']]",
        "def make():\n    count = []\n    return lambda: count.append(1)\nadd = make()",
        "steps = iter([1, 2])",
    ],
)
def test_kept_what_may_change_without_a_trace_is_not_kept(source):
    assert Kept.of(loaded(source), ()) is None


def test_inprocess_modules_are_as_new_after_every_reset():
    product = "import helper\nstate = []\ndef spoil():\n    state.append(1)\n    helper.led.on = helper.led.on + 1\n"
    helper = (
        "class Led:\n    on = 0\nled = Led()\n"  # an object: this module has to be loaded anew, and so its importer
    )
    program = "import machine, product\nproduct.spoil()\nprint('state', len(product.state), product.helper.led.on)\n"
    firmware = sources(boot_py="", main_py=program + "machine.reset()\n", product_py=product, helper_py=helper)
    with Lockstep(InProcess(firmware), small("1.0.0")) as twin:
        twin.run(lambda event: event["event"] == "boot" and event["number"] == 4)
        assert [line for line in twin.story.lines if line.startswith("state")] == ["state 1 1"] * 3


@pytest.mark.parametrize("is_first", [False, True])
def test_inprocess_a_file_in_front_of_a_frozen_module_takes_its_place_while_it_is_there(is_first):
    """Who has imported it is loaded anew as well: it may have taken names from it."""
    product = "from helper import NAME\n"
    look = "import product\nprint('name', product.NAME)\n"
    change = (
        "import machine, os\nif 'helper.py' in os.listdir('/'):\n    os.remove('/helper.py')\n"
        "else:\n    with open('/helper.py', 'wb') as file:\n        file.write(b'NAME = \"file\"')\n"
    )
    program = (change + look if is_first else look + change) + "machine.reset()\n"
    firmware = sources(boot_py="", main_py=program, product_py=product, helper_py="NAME = 'frozen'\n")
    with Lockstep(InProcess(firmware), small("1.0.0")) as twin:
        twin.run(lambda event: event["event"] == "boot" and event["number"] == 6)
        turns = ["name file", "name frozen"] if is_first else ["name frozen", "name file"]
        assert [line for line in twin.story.lines if line.startswith("name")] == [*turns, *turns, turns[0]]
