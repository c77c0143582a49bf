# SPDX-License-Identifier: MIT
"""Boot vectors: the command and the format, on vectors of our own; the measured file is run where it is at hand."""

import json
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.board import boot_vectors
from simulator.board.otadata import ABORTED, NEW, PENDING_VERIFY, VALID, Record, make
from simulator.errors import UserError

EMPTY = Record()
FIRST = make(1, VALID)
MEASURED = Path(__file__).parent / "esp32_boot_vectors.json"


def vector(before: tuple[Record, Record], running: str, boot: str, after: tuple[Record, Record], **more) -> dict:
    o0, o1, a0, a1 = (record.pack().hex() for record in (*before, *after))
    return {"o0": o0, "o1": o1, "running": running, "BOOT": boot, "a0": a0, "a1": a1} | more


TRIAL = vector((FIRST, make(2, NEW)), "ota_1", "ota_1", (FIRST, make(2, PENDING_VERIFY)))
DEAD = vector((FIRST, make(2, NEW)), "no boot", "", (FIRST, make(2, ABORTED)), broken=["ota_0", "ota_1"])


def test_item_21_measured_vectors_all_hold():
    vectors = json.loads(MEASURED.read_text())
    assert len(vectors) == 120
    failed = {number: found for number, each in enumerate(vectors) if (found := boot_vectors.check(each))}
    assert failed == {}


def test_vectors_of_other_kinds_hold():
    factory_blank = vector((EMPTY, EMPTY), "factory", "factory", (EMPTY, EMPTY), factory=True)
    without_running = {name: value for name, value in DEAD.items() if name not in ("running", "BOOT")}
    for each in (TRIAL, DEAD, factory_blank, DEAD | {"running": None, "BOOT": None}, without_running):
        assert boot_vectors.check(each) == []


def test_vectors_that_are_wrong_are_told_field_by_field():
    wrong = TRIAL | {"running": "ota_0", "a1": TRIAL["o1"], "BOOT": "2"}
    assert boot_vectors.check(wrong) == [
        "running: expected ota_0, got ota_1",
        "BOOT: expected 2, got ota_1",
        f"a1: expected {TRIAL['o1']}, got {TRIAL['a1']}",
    ]


def test_vectors_are_compared_only_in_what_they_say():
    for names in (("running",), ("BOOT",), ("a0",), ("a1",), ("running", "a1")):
        part = {name: TRIAL[name] for name in ("o0", "o1", *names)}
        assert boot_vectors.check(part) == []
        wrong = part | {names[0]: TRIAL["o1"]}
        assert [mismatch.split(":")[0] for mismatch in boot_vectors.check(wrong)] == [names[0]]


def test_vectors_spell_things_in_several_ways():
    same = {"factory": None, "broken": None} | {name: TRIAL[name].upper() for name in ("o0", "o1", "a0", "a1")}
    assert boot_vectors.check(TRIAL | same) == []
    assert boot_vectors.check(TRIAL | {"BOOT": 2}) == ["BOOT: expected 2, got ota_1"]


def test_vectors_that_make_no_sense_are_refused():
    for bad in (
        "text",
        {},
        TRIAL | {"o0": "00"},
        TRIAL | {"a0": 5},
        TRIAL | {"o1": "zz" * 32},
        TRIAL | {"broken": ["ota_9"]},
        TRIAL | {"broken": "ota_0"},
        TRIAL | {"broken": [[]]},
        TRIAL | {"factory": "false"},
        TRIAL | {"running": ["ota_1"]},
        {"o0": TRIAL["o0"], "o1": TRIAL["o1"]},
    ):
        with pytest.raises(UserError) as error:
            boot_vectors.check(bad)
        assert error.value.code == "bad_vector"


def test_bootcheck_counts_and_exits_0_only_if_all_hold(tmp_path, capsys):
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps([TRIAL, DEAD]))
    assert main(["bootcheck", str(file)]) == 0
    assert capsys.readouterr().out == "2 of 2 vectors hold\n"
    file.write_text(json.dumps([TRIAL, DEAD | {"running": "ota_0"}]))
    assert main(["bootcheck", str(file)]) == 1
    assert capsys.readouterr().out == "vector 2: running: expected ota_0, got no boot\n1 of 2 vectors hold\n"


def test_bootcheck_wrong_input_is_one_line_and_exit_2(tmp_path, capsys):
    file = tmp_path / "vectors.json"
    bad_second = json.dumps([TRIAL | {"running": "ota_0"}, {}])
    for text, code in (
        ("{", "not_json"), ("[" * 100000, "not_json"), ("{}", "no_vectors"), ("[]", "no_vectors"),
        ('[{"o0": 1}]', "bad_vector"), (bad_second, "bad_vector"),
    ):  # fmt: skip
        file.write_text(text)
        assert main(["bootcheck", str(file)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"error[{code}]: ") and err.count("\n") == 1
    assert main(["bootcheck", str(tmp_path / "missing.json")]) == 2
    assert "no_such_file" in capsys.readouterr().err
