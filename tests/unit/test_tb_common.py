# SPDX-License-Identifier: MIT
"""What goes to ThingsBoard stays within what it takes."""

from ota.cloud import tb_common
from ota.job import FIRMWARE, SOFTWARE


class Cloud:
    identity = ("thermo", "1.0.0")
    software = ("app", "2.0.0")


def test_report_names_the_kind_and_what_runs_of_it_a36():
    for kind, prefix, title, version in ((FIRMWARE, "fw", "thermo", "1.0.0"), (SOFTWARE, "sw", "app", "2.0.0")):
        running = {"current_" + prefix + "_title": title, "current_" + prefix + "_version": version}
        assert tb_common.state(Cloud, {"state": "DOWNLOADING"}, kind) == {prefix + "_state": "DOWNLOADING"}
        assert tb_common.state(Cloud, {"state": "UPDATED"}, kind) == dict(running, **{prefix + "_state": "UPDATED"})


def test_report_of_a_long_error_is_cut_a29():
    told = tb_common.state(Cloud, {"state": "FAILED", "error": "code: " + "x" * 5000}, FIRMWARE)
    assert told["fw_error"] == "code: " + "x" * 194


def test_chunk_in_the_midst_of_a_large_one_is_a_small_one():
    for chunk, offset, size in ((65536, 8192, 4096), (65536, 131072, 65536), (65536, 0, 65536), (1000, 4096, 1000)):
        assert tb_common.chunk_at(chunk, offset) == size


def test_chunk_size_is_one_that_the_server_takes_a15():
    for wanted, size in ((-1, 512), (0, 512), (512, 512), (4096, 4096), (65536, 65536), (65537, 65536)):
        assert tb_common.chunk_size(wanted) == size
