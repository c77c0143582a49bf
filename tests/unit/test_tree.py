# SPDX-License-Identifier: MIT
"""The spare tree of software: staged file by file, found again after a cut, verified, and only then chosen."""

import binascii
import os
import sys

from fakes import Nvs, raises, run
from packages import Job, header, manifest, member, package

from ota.errors import FlashError, JobError, VerifyError
from ota.files import below, emptying, make_folders
from ota.package import expected
from ota.slot import BLOCK
from ota.tree import Tree
from ota.trees import MANIFEST, NEW, TRIAL, VALID, Trees, start

FILES = [
    ("app.py", b"import big\n" * 3),
    ("data/empty", b""),
    ("data/noise.bin", bytes((i * 31 + i // 256) & 0xFF for i in range(2 * BLOCK + 700))),
    ("lib/big.py", b"# nothing\n" * 600),
    ("Zebra.txt", b"z" * 512),
]
PACKAGE = package(FILES)
PLACE = "build"  # below the working folder


class Board:
    """As much of one as trees need; its files are below the working folder."""

    reset_cause = "power"

    def __init__(self):
        self.nvs = Nvs()
        self.files = PLACE + "/trees-" + binascii.hexlify(os.urandom(8)).decode()
        make_folders(".", self.files + "/")

    def clear(self):
        run(emptying(self.files))
        sys.path[:] = [entry for entry in sys.path if not entry.startswith(self.files)]


def on_board(story):
    """Runs a story with a board of its own, which leaves nothing behind."""
    board = Board()
    try:
        story(board)
    finally:
        board.clear()


def tree_of(board):
    return Tree(Trees(board), bytearray(BLOCK))


def stream(tree, data, blocks=99):
    """The rest of `data` from the tree's offset on, as Install does it."""
    while tree.offset < len(data) and blocks:
        part = data[tree.offset : tree.offset + BLOCK]
        tree.block[: len(part)] = part
        tree.commit(len(part))
        blocks -= 1


def staged(board, data=PACKAGE):
    tree = tree_of(board)
    run(tree.erase(len(data)))
    stream(tree, data)
    return tree


def holds(board, label="a"):
    """What is in a tree, by path."""
    folder = board.files + "/sw/" + label
    found = {}
    for path, size in below(folder):
        if size >= 0:
            with open(path, "rb") as file:
                found[path[len(folder) + 1 :]] = file.read()
    return found


def test_tree_holds_every_file_and_nothing_else():
    def story(board):
        tree = staged(board)
        run(tree.verify(Job(PACKAGE)))
        tree.activate()
        wanted = dict(FILES)
        wanted[MANIFEST] = manifest(FILES)
        assert holds(board) == wanted

    on_board(story)


def test_tree_is_whole_only_when_it_was_activated():
    def story(board):
        trees = Trees(board)
        tree = staged(board)
        run(tree.verify(Job(PACKAGE)))
        assert not trees.is_whole(1)
        tree.activate()
        assert trees.is_whole(1)
        assert (Trees(board).state, Trees(board).active, Trees(board).before) == (NEW, 1, 0)
        next(tree_of(board).erase(len(PACKAGE)))
        assert not trees.is_whole(1)  # already with the first file

    on_board(story)


def test_tree_is_not_activated_unverified():
    def story(board):
        tree = staged(board)
        raises(VerifyError, "not_verified", tree.activate)
        run(tree.verify(Job(PACKAGE)))
        tree.commit(0)  # whatever comes behind
        raises(VerifyError, "not_verified", tree.activate)

    on_board(story)


def test_tree_takes_up_at_the_last_file_that_is_whole_wherever_the_power_went():
    def story(board):
        for blocks in range(len(PACKAGE) // BLOCK + 2):
            tree = tree_of(board)
            run(tree.erase(len(PACKAGE)))
            stream(tree, PACKAGE, blocks)
            kept = tree.offset
            tree.close()  # closes its files: what was written is there
            again = tree_of(board)
            run(again.find(len(PACKAGE)))
            assert again.offset <= kept and again.offset % 512 == 0
            assert again.offset > kept - 2 * BLOCK - 2048  # the largest file, and headers
            told = Told()
            run(again.feed(told, again.offset))
            assert bytes(told.data) == PACKAGE[: again.offset]
            stream(again, PACKAGE)
            run(again.verify(Job(PACKAGE)))

    on_board(story)


class Told:
    """A digest that keeps what it was told."""

    def __init__(self):
        self.data = bytearray()

    def update(self, data):
        self.data += data


def test_tree_with_a_torn_file_takes_it_again():
    def story(board):
        tree = staged(board)
        tree.close()
        with open(board.files + "/sw/a/data/noise.bin", "wb") as file:
            file.write(b"torn")
        again = tree_of(board)
        run(again.find(len(PACKAGE)))
        assert 0 < again.offset < PACKAGE.find(FILES[2][1])
        stream(again, PACKAGE)
        run(again.verify(Job(PACKAGE)))

    on_board(story)


def test_tree_without_its_manifest_begins_anew():
    def story(board):
        staged(board).close()
        os.remove(board.files + "/sw/a/" + MANIFEST + ".part")
        again = tree_of(board)
        run(again.find(len(PACKAGE)))
        assert again.offset == 0
        stream(again, PACKAGE)
        run(again.verify(Job(PACKAGE)))

    on_board(story)


def test_tree_of_another_archive_than_the_job_promises_is_never_activated():
    def story(board):
        job = Job(PACKAGE)
        job.checksum = "0" * len(job.checksum)
        tree = staged(board)
        raises(VerifyError, "flash_mismatch", run, tree.verify(job))
        raises(VerifyError, "not_verified", tree.activate)

    on_board(story)


def test_tree_one_wrong_bit_in_a_file_is_never_activated():
    def story(board):
        for checksum in (True, False):
            tree = staged(board)
            with open(board.files + "/sw/a/lib/big.py", "wb") as file:
                file.write(FILES[3][1][:-1] + b"!")
            raises(VerifyError, "flash_mismatch", run, tree.verify(Job(PACKAGE, checksum=checksum)))
            raises(VerifyError, "not_verified", tree.activate)

    on_board(story)


def test_tree_with_a_file_of_another_package_is_never_activated():
    def story(board):
        tree = staged(board)
        with open(board.files + "/sw/a/lib/stale.py", "wb") as file:
            file.write(b"import os\n")
        raises(VerifyError, "stray_file", run, tree.verify(Job(PACKAGE)))

    on_board(story)


def test_tree_checks_title_and_version_before_any_erase():
    def story(board):
        tree = tree_of(board)
        tree.block[:] = PACKAGE[:BLOCK]
        tree.check(Job(PACKAGE))
        raises(JobError, "wrong_package", tree.check, Job(PACKAGE, version="2.0.1"))
        raises(JobError, "wrong_package", tree.check, Job(PACKAGE, title="ap"))
        raises(JobError, "not_a_package", tree.check, Job(PACKAGE + b"x"))
        tree.block[:] = bytes(BLOCK)
        raises(JobError, "not_a_package", tree.check, Job(PACKAGE))

    on_board(story)


def test_tree_larger_than_what_is_free_is_refused_and_nothing_erased():
    def story(board):
        staged(board).close()
        before = holds(board)
        tree = tree_of(board)
        raises(JobError, "slot_too_small", run, tree.erase(tree.size + 512))
        assert holds(board) == before

    on_board(story)


def test_tree_counts_what_it_gives_back_as_free():
    def story(board):
        tree = tree_of(board)
        before = tree.size
        stream_all = staged(board)
        stream_all.close()
        assert abs(tree_of(board).size - before) <= 16 * 4096 + before // 1000  # others use the disk too

    on_board(story)


NAUGHTY = (
    ("bad_path", [("/etc/passwd", b"x")]),
    ("bad_path", [("../boot.py", b"x")]),
    ("bad_path", [("a/../../b", b"x")]),
    ("bad_path", [("a//b", b"x")]),
    ("bad_path", [("a\\b", b"x")]),
    ("bad_path", [("a\x01b", b"x")]),
    ("bad_path", [("n" * 101, b"x")]),
    ("bad_path", [("/".join("abcdefghi"), b"x")]),
    ("bad_path", [("ota/agent.py", b"x")]),
    ("bad_path", [("lib/version.py", b"x")]),
    ("bad_path", [("Main.mpy", b"x")]),
    ("bad_path", [("MANIFEST", b"x")]),
    ("bad_path", [("lib", b"x")]),
    ("bad_order", [("a.py", b"x"), ("a.py", b"x")]),
    ("bad_order", [("a.py", b"x"), ("A.py", b"y")]),
    ("bad_order", [("b.py", b"x"), ("a.py", b"y")]),
)


def refused(board, code, data):
    tree = tree_of(board)
    run(tree.erase(len(data)))
    raises(VerifyError, code, stream, tree, data)
    tree.close()


def test_tree_refuses_manifests_that_a_package_may_not_have():
    def story(board):
        for code, files in NAUGHTY:
            refused(board, code, package_of(manifest(files), [member("x", b"x")]))
        assert sorted(os.listdir(board.files)) == ["sw"]

    on_board(story)


def package_of(text, members):
    return member("MANIFEST", text) + b"".join(members) + bytes(1024)


def test_tree_refuses_archives_that_are_not_what_their_manifest_says():
    good = manifest([("a.py", b"abc")])

    def story(board):
        for code, data in (
            ("bad_archive", package_of(good, [member("a.py", b"abc", flag=b"2")])),  # a link
            ("bad_archive", package_of(good, [member("a.py", b"abc", flag=b"3")])),  # a device
            ("bad_archive", package_of(good, [member("b.py", b"abc")])),
            ("bad_archive", package_of(good, [member("a.py", b"abcd")])),
            ("bad_archive", package_of(good, [member("a.py", b"abc", mode=b"0000755")])),
            ("bad_archive", package_of(good, [header(b"a.py", 3) + b"abc" + b"x" * 509])),  # bytes behind the end
            ("bad_archive", package_of(good, [member("a.py", b"abc")])[:-512] + b"x" * 512),
            ("file_mismatch", package_of(good, [member("a.py", b"abd")])),
            ("wrong_size", package_of(good, [])),  # a file is missing
            ("wrong_size", package_of(good, [member("a.py", b"abc")]) + bytes(512)),
            ("wrong_size", package_of(good, [member("a.py", b"abc"), member("b.py", b"")])),
            ("bad_manifest", package_of(good + b"ab 5 c\n", [member("a.py", b"abc")])),
            ("bad_manifest", package_of(good[:-1], [member("a.py", b"abc")])),
            ("bad_manifest", package_of(good + b"x" * 3000, [member("a.py", b"abc")])),
            ("bad_manifest", package_of(good + b"\xff\xfe\n", [member("a.py", b"abc")])),
        ):
            refused(board, code, data)
        broken = bytearray(package_of(good, [member("a.py", b"abc")]))
        broken[2 * 512 + 150] ^= 1  # the checksum of a header
        refused(board, "bad_archive", bytes(broken))

    on_board(story)


def test_a_package_of_which_nobody_promises_anything_says_itself_what_it_is():
    def told(text):
        job = Job(b"", "software", "unknown")
        job.is_sealed = True
        block = bytearray(4096)
        block[512 : 512 + len(text)] = text
        assert expected(job, block) == text[: len(expected(job, block))]
        return job.title, job.version

    assert told(manifest([("a.py", b"abc")], "an app", "2.0.0")) == ("an app", "2.0.0")
    assert told(manifest([], "a" * 249, "v" * 247)) == ("a" * 249, "v" * 247)
    for text in (
        b"", b"ota-software 1\n", b"ota-software 1\ntitle app\n", b"ota-software 1\ntitle app\nversion\n",
        b"ota-software 1\ntitle app\nversion \n", b"ota-software 1\ntitle \nversion 1\n",
        b"ota-software 1\nversion 1\ntitle app\n", b"ota-software 1\ntitle \xff\xfe\nversion 1\n",
        manifest([], "a" * 250), manifest([], "a", "v" * 248), manifest([], "a", "v" * 3000),
        manifest([], "a\0b"), manifest([], "\x1f"), manifest([], "a", "\r"), manifest([], "a", "1\t0"),
    ):  # fmt: skip
        raises(VerifyError, "bad_manifest", told, text)


def test_trees_try_a_new_one_once():
    def story(board):
        tree = staged(board)
        run(tree.verify(Job(PACKAGE)))
        tree.activate()
        assert start(board)
        trees = Trees(board)
        assert (trees.state, trees.running) == (TRIAL, 1)
        assert sys.path[:2] == [trees.folder(1), trees.folder(1) + "/lib"]
        sys.path[:2] = []
        assert not start(board)
        assert (Trees(board).active, Trees(board).running) == (0, 0)

    on_board(story)


def test_trees_go_on_with_a_trial_after_a_soft_reset():
    def story(board):
        tree = staged(board)
        run(tree.verify(Job(PACKAGE)))
        tree.activate()
        board.reset_cause = "soft"
        for _ in range(2):
            assert start(board)
            sys.path[:2] = []

    on_board(story)


def test_trees_that_are_damaged_give_way_to_the_one_before_or_the_firmware():
    def story(board):
        trees = Trees(board)
        staged(board).close()
        os.rename(board.files + "/sw/a/" + MANIFEST + ".part", board.files + "/sw/a/" + MANIFEST)
        trees.save(VALID, 2, 1)
        assert not start(board)
        assert Trees(board).running == Trees(board).active == 1
        sys.path[:2] = []
        os.remove(board.files + "/sw/a/" + MANIFEST)
        start(board)
        assert Trees(board).running == Trees(board).active == 0

    on_board(story)


def test_trees_that_cannot_be_noted_as_tried_are_not_tried():
    def story(board):
        tree = staged(board)
        run(tree.verify(Job(PACKAGE)))
        tree.activate()
        board.nvs.refuses = True
        assert not start(board)
        assert Trees(board).running == 0

    on_board(story)


def test_trees_take_rubbish_in_nvs_for_nothing():
    def story(board):
        for number in (-1, 3, 12, 96, 1 << 20):
            board.nvs.set_i32("tree", number)
            assert (Trees(board).state, Trees(board).active) == (VALID, 0)

    on_board(story)


def test_tree_that_cannot_be_selected_is_an_error_with_a_code():
    def story(board):
        tree = staged(board)
        run(tree.verify(Job(PACKAGE)))
        board.nvs.refuses = True
        raises(FlashError, "not_selected", tree.activate)

    on_board(story)


class Full:
    """A file on a disk without a free block."""

    def __init__(self, code):
        self._code = code

    def write(self, data):
        raise OSError(self._code)

    def close(self):
        pass


def test_tree_that_runs_out_of_space_gives_back_what_it_took():
    def story(board):
        for code, text, keeps in ((28, "no_space", False), (5, "files_failed", True)):
            tree = tree_of(board)
            run(tree.erase(len(PACKAGE)))
            stream(tree, PACKAGE, 1)
            tree.block[:] = PACKAGE[BLOCK : 2 * BLOCK]
            tree._file.close()
            tree._file = Full(code)
            raises(FlashError, text, tree.commit, BLOCK)
            tree.close()
            assert bool(holds(board)) == keeps

    on_board(story)
