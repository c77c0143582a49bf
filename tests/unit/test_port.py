# SPDX-License-Identifier: MIT
import gc
import sys

from ota import port

IS_SMALL = hasattr(gc, "threshold")  # MicroPython


def test_port_forgets_a_module_that_has_done_its_work_and_an_import_loads_it_again():
    from ota import identity

    port.forget("ota.identity", "ota.never_loaded")
    assert ("ota.identity" in sys.modules) != IS_SMALL
    assert hasattr(sys.modules["ota"], "identity") != IS_SMALL
    from ota import identity as again

    assert (again is not identity) == IS_SMALL
    assert sys.modules["ota.identity"] is again
