# SPDX-License-Identifier: MIT
"""Software packages in the campaign: what it sees of trees by itself, what it can fail at, and what it has found."""

from collections import defaultdict

import pytest
from littlefs import LittleFS

from simulator.board.flash import SECTOR
from simulator.board.flash_file import layout
from simulator.campaign import application, stories
from simulator.campaign.case import Case
from simulator.campaign.outcome import Outcome
from simulator.campaign.planted import hunt
from simulator.campaign.planted_software import SOFTWARE_BUGS
from simulator.campaign.run import Run, execute
from simulator.campaign.stories import SOFTWARE, STORIES
from simulator.campaign.trees import LABELS, TORN, Choice, places, whole_trees
from simulator.software import inspect
from tests.power.files import changed

QUICK = {
    "chooses a tree before it has its manifest": "I2S",
    "gives a tree its manifest before it has its files": "I3S",
    "writes into the tree that runs": "I3S",
    "leaves the files of the tree before in place": "I4",
    "forgets that a tree is on trial": "I18S",
    "lets the frozen modules come before those of the package": "I1S",
    "never writes down that software is confirmed": "I7S",
    "leaves a file open when a download is given up": "I23",
}


@pytest.fixture(scope="module")
def files() -> bytes:
    """The file system that story `software` begins with."""
    row = stories.partitions()["vfs"]
    return Run(Case("software")).twin.flash.peek(row.offset, row.size)


def play(line: str) -> Outcome:
    """Runs a case, in which no rule may be broken."""
    outcome = execute(Case.parse(line))
    assert outcome.record()["violations"] == []
    return outcome


def test_board_with_files_is_the_other_one_with_one_partition_more():
    with_files = stories.partitions()
    others = {row.label: row for row in layout(stories.BOARD).partitions}
    assert others == {label: row for label, row in with_files.items() if label != "vfs"}


def test_versions_of_software_share_no_data_file_and_are_packages_that_a_board_takes():
    packages = [inspect(stories.package(step)) for name in SOFTWARE for step in STORIES[name].of("SOFTWARE")]
    assert {package.title for package in packages} == {application.TITLE}
    data = {(package.version, path) for package in packages for path, _ in package.files if path.endswith(".bin")}
    assert len({path for _, path in data}) == len(data)


def test_trees_are_told_from_flash_alone(files):
    assert whole_trees(files) == {"a": "2.0.0", "b": "2.0.1"}
    assert whole_trees(b"\xff" * len(files)) == {}


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda disk: disk.remove("/sw/a/MANIFEST"), None),
        (lambda disk: disk.remove("/sw/a/lib/part.py"), TORN),
        (lambda disk: disk.open("/sw/a/stray", "wb").close(), TORN),
        (lambda disk: disk.open("/sw/a/app.py", "wb").close(), TORN),
    ],
)
def test_tree_that_misses_something_or_has_too_much_is_not_whole(files, change, seen):
    trees = whole_trees(changed(files, change))
    assert (trees.get("a"), trees["b"]) == (seen, "2.0.1")


def test_places_are_where_the_largest_file_lies(files):
    found = places(files, "2.0.1")
    largest = stories.trees()["2.0.1"]["large-2.0.1.bin"]
    assert found
    assert all(files[n * SECTOR : (n + 1) * SECTOR] == largest[:SECTOR] for n in found)
    assert places(files, None) == []


@pytest.mark.parametrize("number", [None, -1, 3, 12, 5 << 4])
def test_choice_that_makes_no_sense_is_the_built_in_application(number):
    assert Choice.of(number) == Choice("valid", "built-in", "built-in")
    assert Choice.of(2 << 4 | 1 << 2 | 2) == Choice("trial", "b", "a")


def test_firmware_and_software_offered_together_are_installed_one_after_the_other():
    outcome = play("both")
    assert outcome.ends == ["updated", "updated"]
    told = [value for entry in outcome.entries_of("telemetry") for value in entry["values"].items()]
    states = [(name, state) for name, state in told if name.endswith("_state")]
    assert states.index(("fw_state", "UPDATED")) < states.index(("sw_state", "DOWNLOADING"))
    assert outcome.choice.tree in LABELS[1:]


def test_a_cut_in_the_trial_of_software_takes_it_back_and_leaves_the_firmware():
    entries = execute(Case("both")).entries
    confirming = max(at for at, entry in enumerate(entries) if entry["event"] == "choose" and entry["state"] == "valid")
    operation = next(entry["number"] for entry in entries[confirming:] if entry["event"] == "op")
    assert play(f"both cut={operation}:before").ends == ["updated", "rolled_back"]


@pytest.mark.parametrize("name", QUICK)
def test_planted_bug_of_software_is_caught(name):
    catch = hunt(next(bug for bug in SOFTWARE_BUGS if bug.name == name))
    assert catch.case is not None
    assert QUICK[name] in catch.invariants


def test_story_of_software_begins_as_the_one_before_has_ended():
    outcome = execute(Case("software"))
    first = outcome.entries_of("app")[0]
    assert (first["version"], first["choice"].tree) == ("2.0.1", "b")


@pytest.mark.parametrize(
    "fault",
    ["cloud=chunkx9:corrupt", "cloud=chunk=2x9:corrupt", "cloud=chunk=1x30:error=FAILURE"],
)
def test_a_job_that_was_given_up_leaves_no_file_open(fault):
    """Found by the campaign: what was being written, and the manifest, stayed open until the next job."""
    assert play(f"software {fault}").end == "failed"


def test_a_file_system_that_cannot_be_mounted_starts_nothing_and_loses_nothing(files):
    """As the port does it; the twin used to make a new one in its place."""
    run = Run(Case("software"))
    row = stories.partitions()["vfs"]
    run.twin.flash.program(row.offset, bytes(2 * SECTOR))
    with run.twin:
        run.twin.run_for(9)
    assert run.twin.story.lines
    assert all("corrupt" in line for line in run.twin.story.lines)
    assert run.twin.flash.peek(row.offset + 2 * SECTOR, row.size - 2 * SECTOR) == files[2 * SECTOR :]


def begin_without(monkeypatch, cells: bytes, trees: str) -> None:
    """Boards begin with this flash, in which these trees have lost their manifests."""

    def lose(disk: LittleFS) -> None:
        for label in trees:
            disk.remove(f"/sw/{label}/MANIFEST")

    row = stories.partitions()["vfs"]
    spoilt = cells[: row.offset] + changed(cells[row.offset : row.end], lose) + cells[row.end :]
    monkeypatch.setattr("simulator.campaign.run._board", lambda name: spoilt)
    monkeypatch.setattr("simulator.campaign.run._spare", defaultdict(list))  # flash that begins otherwise


@pytest.mark.parametrize(("lost", "runs"), [("b", "2.0.0"), ("ab", "built-in")])
def test_a_tree_that_was_damaged_gives_way_to_the_one_before_it(monkeypatch, lost, runs):
    flash = Run(Case("software")).twin.flash
    begin_without(monkeypatch, flash.peek(0, flash.size), lost)
    outcome = execute(Case("software"))
    assert outcome.entries_of("app")[0]["version"] == runs
    assert outcome.ends == ["updated"]
    assert outcome.trees[outcome.choice.tree] == "2.1.0"


def test_a_tree_that_was_lost_after_its_update_is_fetched_again(monkeypatch):
    before = Run(Case("software"))
    assert before.play().trees == {"a": "2.1.0", "b": "2.0.1"}
    begin_without(monkeypatch, before.twin.flash.peek(0, before.twin.flash.size), "a")
    outcome = Run(Case("software")).play()
    assert outcome.entries_of("app")[0]["version"] == "2.0.1"
    assert (outcome.ends, outcome.trees["a"]) == (["updated"], "2.1.0")
