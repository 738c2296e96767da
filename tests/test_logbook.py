"""The user's own ledger: every run writes to it, nothing that is written to it is lost, and nothing stops a run."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import pickle
import stat
import subprocess
import sys
import tempfile
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import cli, ledger_command, logbook, logline, shared_file
from plimsoll.cases import Case, Known
from plimsoll.errors import UserError
from plimsoll.profile import Profile

SPAWN = multiprocessing.get_context("spawn")
VERSIONS = {"numpy": "2.4.6", "lightgbm": "4.7.0"}


def case(number: int, recipe: str = "trees", group: str = "boats") -> Case:
    """A trial that is told from others by its number."""
    known = Known(recipe, {"leaves": 31, "rate": 0.1, "bagged": True}, Profile(1_000 + number, numbers=5, signal=0.25))
    return Case(known, group, {"cpu": 1.5, "size": 3e5}, frozenset({"cpu"}), machine="a quick one", versions=VERSIONS)


def cases(count: int, **told: str) -> list[Case]:
    return [case(number, **told) for number in range(count)]


def line(case: Case, **change: Any) -> bytes:
    """The line of a trial, with something changed."""
    return json.dumps(json.loads(logline.written(logline.Entry("", case))) | change).encode() + b"\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the ledger of a test is, by default as well."""
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "trials.jsonl"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PLIMSOLL_HOME": "/a", "XDG_DATA_HOME": "/b"}, "/a/trials.jsonl"),
        ({"XDG_DATA_HOME": "/b"}, "/b/plimsoll/trials.jsonl"),
        ({"XDG_DATA_HOME": "not/absolute"}, "/home/ann/.local/share/plimsoll/trials.jsonl"),
        ({"XDG_DATA_HOME": ""}, "/home/ann/.local/share/plimsoll/trials.jsonl"),
        ({}, "/home/ann/.local/share/plimsoll/trials.jsonl"),
        ({"PLIMSOLL_HOME": "~/own"}, "/home/ann/own/trials.jsonl"),
    ],
)
def test_the_ledger_has_one_place(environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch):
    """PLIMSOLL_HOME wins, then the XDG specification."""
    monkeypatch.setenv("HOME", "/home/ann")
    assert logbook.place(environ) == Path(expected)


@pytest.mark.parametrize("said", ["", " ", "off", "OFF"])
def test_a_ledger_that_is_off_keeps_nothing(said: str, place: Path, monkeypatch: pytest.MonkeyPatch):
    """Every call is answered, and no file appears."""
    monkeypatch.setenv("PLIMSOLL_HOME", said)
    monkeypatch.chdir(place.parents[1])
    assert logbook.place() is None
    assert logbook.add(cases(2)) is None
    assert logbook.read() == ([], [])
    assert logbook.forget(everything=True) == 0
    with pytest.raises(UserError, match="PLIMSOLL_HOME is off"):
        logbook.export("out.jsonl")
    with pytest.raises(UserError, match="PLIMSOLL_HOME is off"):
        logbook.merge("out.jsonl")
    assert list(place.parents[1].iterdir()) == []


def test_a_user_without_a_home_has_no_ledger(monkeypatch: pytest.MonkeyPatch):
    """In a container whose user is unknown nothing is kept, and nothing fails."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert logbook.place({}) is None


def test_trials_are_read_as_they_were_kept(place: Path):
    """All of them, in order, with every field; reading makes no file."""
    assert logbook.read() == ([], [])
    assert not place.parent.exists()
    assert logbook.add(cases(3)) is None
    assert logbook.add([]) is None
    assert logbook.add([case(3)]) is None
    assert logbook.read() == (cases(4), [])


def test_a_trial_is_counted_once(place: Path):
    """The same trial on two lines is one, whenever each was written; another figure makes another trial."""
    other = replace(case(1), figures={"cpu": 1.6})
    logbook.add([case(1), case(1)])
    logbook.add([other, case(1)])
    assert place.read_bytes().count(b"\n") == 4
    assert logbook.read() == ([case(1), other], [])


@given(tail=st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_whatever_was_cut_off_costs_no_other_line(tail: bytes):
    """Bytes of any kind at the end take neither the trials before them nor those that follow."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trials.jsonl"
        assert logbook.add(cases(2), path) is None
        with path.open("ab") as file:
            file.write(tail)
        assert logbook.read(path)[0] == cases(2)
        assert logbook.add([case(2)], path) is None
        assert logbook.read(path)[0] == cases(3)


@given(kept=st.integers(0, 399))
@settings(max_examples=30, deadline=None)
def test_a_write_that_stopped_anywhere_loses_only_itself(kept: int):
    """A kill in the middle of a line costs that trial alone, and is told with the number of the line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trials.jsonl"
        logbook.add([case(0)], path)
        whole = path.read_bytes()
        path.write_bytes(whole + line(case(1))[:kept])
        found, complaints = logbook.read(path)
        assert found == [case(0)]
        assert complaints == ([f"{path}: line 2 is cut off or damaged, and passed over."] if kept else [])
        logbook.add([case(2)], path)
        assert logbook.read(path)[0] == [case(0), case(2)]


def test_a_last_line_that_lacks_only_its_end_is_kept(place: Path):
    """It is read, and what follows starts a line of its own."""
    logbook.add([case(0)])
    place.write_bytes(place.read_bytes()[:-1])
    assert logbook.read() == ([case(0)], [])
    logbook.add([case(1)])
    assert logbook.read() == (cases(2), [])


HOSTILE = {
    "a number of 400 digits": line(case(9), figures={"cpu": int("9" * 400)}),
    "a number of 5000 digits": line(case(9)).replace(b"1.5", b"9" * 5_000),
    "not a number": line(case(9)).replace(b"1.5", b"NaN"),
    "without end": line(case(9)).replace(b"1.5", b"1e999"),
    "nested": b"[" * 60_000 + b"\n",
    "nested inside": line(case(9)).replace(b"1.5", b"[" * 30_000 + b"]" * 30_000),
    "ten megabytes": line(case(9), machine="x" * 10_000_000),
    "binary": bytes(range(11, 256)) + b"\n",
    "a pickle": pickle.dumps([case]).replace(b"\n", b" ") + b"\n",
    "a list": b"[1, 2]\n",
    "null": b"null\n",
    "an object of another kind": b'{"trial": {}}\n',
    "a figure that nobody knows": line(case(9), figures={"cpus": 1.0}),
    "no rows": line(case(9), profile={"rows": 0}),
    "rows without end": line(case(9), profile={"rows": 1e300}),
    "a text for a table": line(case(9), knobs="leaves"),
    "a list for a text": line(case(9), group=["boats"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_that_is_not_sound_is_passed_over_and_told(name: str, place: Path):
    """Whatever stands between two trials, both are read, and the damaged line is named."""
    place.parent.mkdir()
    place.write_bytes(line(case(0)) + HOSTILE[name] + line(case(1)))
    found, complaints = logbook.read()
    assert found == cases(2)
    assert complaints == [f"{place}: line 2 is cut off or damaged, and passed over."]


def test_complaints_say_how_many_lines_and_which_is_the_first(place: Path):
    """One sentence for damage and one for lines of another version, however many there are."""
    place.parent.mkdir()
    place.write_bytes(b"\n" + line(case(0)) + b"half\n" + line(case(1), logbook=2) + b"half\n" * 2_000)
    found, complaints = logbook.read()
    assert found == [case(0)]
    assert complaints == [
        f"{place}: 2,001 lines, the first of them line 3, are cut off or damaged, and passed over.",
        f"{place}: line 4 is of a version other than 1, and passed over.",
    ]


@pytest.mark.parametrize(
    "at", ["2999-01-01T00:00:00+00:00", "1970-01-01T00:00:00+00:00", "yesterday", 7, None, "x" * 90]
)
def test_a_time_that_makes_no_sense_does_no_harm(at: Any, place: Path):
    """Nothing but what is shown to people rests on the clock."""
    place.parent.mkdir()
    place.write_bytes(line(case(0), at=at) + line(case(1)))
    assert logbook.read() == (cases(2), [])


def test_a_clock_that_jumps_changes_no_order(place: Path, monkeypatch: pytest.MonkeyPatch):
    """Trials stay in the order of writing, and the newest lines stay when the oldest go."""
    monkeypatch.setattr(logbook, "MOST", 4)
    for number in range(6):
        monkeypatch.setattr(logbook, "_now", lambda year=2900 - 100 * number: f"{year}-01-01T00:00:00+00:00")
        logbook.add([case(number)])
    assert logbook.read() == (cases(6)[2:], [])
    assert [entry.at[:4] for entry in logbook.entries()[0]] == ["2700", "2600", "2500", "2400"]


@given(most=st.integers(1, 12), sizes=st.lists(st.integers(0, 9), max_size=8))
@settings(max_examples=40, deadline=None)
def test_the_ledger_never_outgrows_its_bound_by_more_than_a_quarter(most: int, sizes: list[int]):
    """However trials come in, the newest are there, and at most a quarter more than the bound."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(logbook, "MOST", most)
        path, given = Path(folder) / "trials.jsonl", cases(sum(sizes))
        begun = 0
        for size in sizes:
            assert logbook.add(given[begun : begun + size], path) is None
            begun += size
            found, complaints = logbook.read(path)
            assert complaints == []
            assert min(begun, most) <= len(found) <= most + most // 4
            assert found == given[:begun][-len(found) :] or not found
        assert sorted(each.name for each in Path(folder).iterdir()) in ([], ["trials.jsonl", "trials.jsonl.lock"])


def test_a_file_that_is_too_large_is_read_from_its_newest_part(place: Path, monkeypatch: pytest.MonkeyPatch):
    """It is said, no half of a line is taken for damage, and the next write makes the file small again."""
    logbook.add(cases(40))
    monkeypatch.setattr(logbook, "LARGEST", 5_000)
    monkeypatch.setattr(logbook, "_ROOM", 4_000)
    found, complaints = logbook.read()
    assert 5 < len(found) < 20
    assert found == cases(40)[-len(found) :]
    assert [words.split(" is ")[1] for words in complaints] == ["larger than 0 MB: its newest part"]
    assert logbook.add([case(40)]) is None
    assert place.stat().st_size <= 4_000
    found, complaints = logbook.read()
    assert found == cases(41)[-len(found) :]
    assert complaints == []


def test_a_line_too_long_for_the_whole_room_leaves_nothing_to_trip_over(place: Path, monkeypatch: pytest.MonkeyPatch):
    """A file of one endless line is passed over, and trials are kept after it."""
    place.parent.mkdir()
    place.write_bytes(b"x" * 20_000)
    monkeypatch.setattr(logbook, "LARGEST", 5_000)
    monkeypatch.setattr(logbook, "_ROOM", 4_000)
    assert logbook.read() == ([], [f"{place} is larger than 0 MB: its newest part is read."])
    assert logbook.add([case(0)]) is None
    assert logbook.read() == ([case(0)], [])


# What stands in the way of a run


def test_a_home_that_cannot_be_written_is_told_in_a_line(place: Path):
    """A file where the folder should be, or a folder where the file should be: the run gets a sentence and goes on."""
    place.parent.write_text("in the way")
    said = logbook.add([case(0)])
    assert said is not None
    assert str(place) in said
    assert "PLIMSOLL_HOME" in said
    place.parent.unlink()
    place.mkdir(parents=True)
    assert "irectory" in str(logbook.add([case(0)]))
    assert logbook.read() == ([], [f"{place} cannot be read: Is a directory."])


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_home_that_is_read_only_is_told_in_a_line(place: Path):
    """What is there is read, and what cannot be kept is said."""
    logbook.add([case(0)])
    place.chmod(0o400)
    place.parent.chmod(0o500)
    assert "Permission denied" in str(logbook.add([case(1)]))
    assert logbook.read() == ([case(0)], [])
    with pytest.raises(UserError, match="cannot be changed"):
        logbook.forget(everything=True)
    place.parent.chmod(0o700)


def test_a_file_system_that_is_read_only_is_told_in_a_line(place: Path, monkeypatch: pytest.MonkeyPatch):
    """The same where the system refuses to make the lock."""
    logbook.add([case(0)])

    def refused(*words: Any) -> int:
        raise OSError(30, "Read-only file system", "trials.jsonl.lock")

    with monkeypatch.context() as patch:
        patch.setattr(shared_file.os, "open", refused)
        said = logbook.add([case(1)])
    assert said == f"Trials could not be kept in {place}: Read-only file system. PLIMSOLL_HOME names another folder."
    assert logbook.read() == ([case(0)], [])


FULL = """
import resource, sys
from dataclasses import replace
from pathlib import Path
from plimsoll import logbook
path = Path(sys.argv[1])
case = logbook.read(path)[0][0]
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, resource.RLIM_INFINITY))
print(logbook.add([replace(case, group="other")], path))
"""


def test_a_disk_that_fills_up_within_a_line_loses_only_that_line(place: Path):
    """Half of the line is on the disk: it is said, and the next run writes after it."""
    logbook.add(cases(2))
    done = subprocess.run([sys.executable, "-c", FULL, place], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Trials could not be kept in {place}: ")
    assert done.stdout.count("\n") == 1
    assert not place.read_bytes().endswith(b"\n")
    logbook.add([case(2)])
    found, complaints = logbook.read()
    assert found == cases(3)
    assert len(complaints) == 1


def test_a_run_that_never_lets_go_is_not_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch):
    """After the patience of a write the trial is given up with a sentence; nothing is written without the lock."""
    logbook.add([case(0)])
    with shared_file.held(place):
        monkeypatch.setattr(shared_file, "_PATIENCE", 0.05)
        assert "another run holds it" in str(logbook.add([case(1)]))
        with pytest.raises(UserError, match="another run holds it"):
            logbook.forget(everything=True)
    assert logbook.read() == ([case(0)], [])
    assert logbook.add([case(1)]) is None


def test_a_system_without_locks_keeps_trials_all_the_same(place: Path, monkeypatch: pytest.MonkeyPatch):
    """Where there is no fcntl, or the file system has no locks, trials are kept without."""
    monkeypatch.setattr(shared_file, "fcntl", None)
    assert logbook.add([case(0)]) is None

    class Lockless:
        LOCK_EX = LOCK_NB = LOCK_UN = 0

        @staticmethod
        def flock(handle: int, how: int) -> None:
            raise OSError(95, "Operation not supported")

    monkeypatch.setattr(shared_file, "fcntl", Lockless)
    assert logbook.add([case(1)]) is None
    assert logbook.read() == (cases(2), [])


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), "fast", 10**400, 1e300])
def test_a_trial_that_could_not_be_read_again_is_not_written(wrong: Any, place: Path):
    """It is told, and those beside it are kept."""
    said = logbook.add([case(0), replace(case(5), figures={"cpu": wrong}), case(1)])
    assert said is not None
    assert said.startswith("1 of the trials could not be kept, as ")
    assert logbook.read() == (cases(2), [])


# Several runs at once


def _writes(path: Path, group: str, count: int, most: int) -> None:
    logbook.MOST = most
    for number in range(count):
        while logbook.add([case(number, group=group)], path) is not None:
            pass  # what is not kept is told: on a very busy machine it is tried again


def _rewrites(path: Path, count: int) -> None:
    for number in range(count):
        logbook.add([case(number, group="passing")], path)
        logbook.forget(path, group="passing")


def _together(*processes: SpawnProcess) -> None:
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    assert [each.exitcode for each in processes] == [0] * len(processes)


def test_runs_that_write_at_once_lose_nothing_while_the_file_is_rewritten(tmp_path: Path):
    """Four processes append, a fifth replaces the file again and again: each trial is there, in its run's order."""
    path, count = tmp_path / "trials.jsonl", 25
    writers = [SPAWN.Process(target=_writes, args=(path, f"run {k}", count, 10_000)) for k in range(4)]
    _together(*writers, SPAWN.Process(target=_rewrites, args=(path, count)))
    found, complaints = logbook.read(path)
    assert complaints == []
    for k in range(4):
        assert [each for each in found if each.group == f"run {k}"] == cases(count, group=f"run {k}")
    assert {each.group for each in found} == {f"run {k}" for k in range(4)}


def test_runs_that_write_at_once_keep_the_newest_as_the_oldest_go(tmp_path: Path):
    """Whoever finds the file too long makes it shorter: of each run the last trials are left, without a gap."""
    path, count = tmp_path / "trials.jsonl", 40
    _together(*(SPAWN.Process(target=_writes, args=(path, f"run {k}", count, 20)) for k in range(3)))
    found, complaints = logbook.read(path)
    assert complaints == []
    assert 20 <= len(found) <= 25
    for k in range(3):
        mine = [each for each in found if each.group == f"run {k}"]
        assert mine == cases(count, group=f"run {k}")[count - len(mine) :]


# Out of the ledger and into another


def test_what_is_exported_is_taken_in_once(place: Path, tmp_path: Path):
    """A second import adds nothing, and trials keep the time at which they were written."""
    logbook.add(cases(3))
    out, other = tmp_path / "out.jsonl", tmp_path / "other" / "trials.jsonl"
    assert logbook.export(out) == 3
    assert logbook.merge(out, other) == (3, 0, [])
    assert logbook.merge(out, other) == (0, 3, [])
    assert logbook.entries(other) == logbook.entries(place)


def test_what_is_imported_stands_before_what_the_user_wrote(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An import never pushes out the user's own trials, and says what there was no room for."""
    logbook.add(cases(30, group="theirs"), tmp_path / "theirs.jsonl")
    logbook.add(cases(4))
    monkeypatch.setattr(logbook, "MOST", 10)
    added, there, refused = logbook.merge(tmp_path / "theirs.jsonl")
    assert (added, there) == (6, 0)
    assert refused == ["24 more: the ledger is full, and keeps the user's own"]
    assert logbook.read() == (cases(30, group="theirs")[24:] + cases(4), [])
    assert logbook.merge(tmp_path / "theirs.jsonl")[:2] == (0, 6)
    assert logbook.read()[0][-4:] == cases(4)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_of_an_import_is_refused_and_the_rest_taken(name: str, place: Path, tmp_path: Path):
    """Every line is looked at by itself, and what is wrong with it is said in a line."""
    source = tmp_path / "theirs.jsonl"
    source.write_bytes(line(case(0)) + HOSTILE[name] + line(case(1)))
    added, there, refused = logbook.merge(source)
    assert (added, there) == (2, 0)
    assert len(refused) == 1
    assert refused[0].startswith("line 2: ")
    assert len(refused[0]) < 200
    assert "\n" not in refused[0]
    assert logbook.read() == (cases(2), [])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_of_nothing_else_is_refused(name: str, place: Path, tmp_path: Path):
    """The error names the file, what was found and what to give, and the ledger is as it was."""
    source = tmp_path / "theirs.jsonl"
    source.write_bytes(HOSTILE[name])
    with pytest.raises(UserError, match=r"theirs\.jsonl holds no trial \(line 1: .*\)\. Give a file"):
        logbook.merge(source)
    assert not place.exists()


def test_a_source_that_is_no_plain_file_is_refused(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder, a link, a pipe, a device, nothing at all, and a file beyond the bound: one sentence each."""
    plain, pipe = tmp_path / "plain.jsonl", tmp_path / "pipe"
    plain.write_bytes(line(case(0)))
    (tmp_path / "link").symlink_to(plain)
    os.mkfifo(pipe)
    for source, words in (
        (tmp_path, "Is a directory"),
        (tmp_path / "link", "is a link"),
        (pipe, "not a plain file"),
        (Path("/dev/zero"), "not a plain file"),
        (tmp_path / "gone", "No such file"),
    ):
        with pytest.raises(UserError, match=words):
            logbook.merge(source)
    monkeypatch.setattr(logbook, "LARGEST", 100)
    with pytest.raises(UserError, match="larger than"):
        logbook.merge(plain)
    assert not place.exists()


def test_a_file_of_endless_nonsense_is_given_up(place: Path, tmp_path: Path):
    """After a thousand bad lines the rest is not looked at, and nothing of the file is taken."""
    source = tmp_path / "theirs.jsonl"
    source.write_bytes(line(case(0)) + b"x\n" * 5_000)
    with pytest.raises(UserError, match="more than 1,000 lines hold no trial, such as line 2: it is not JSON"):
        logbook.merge(source)
    assert not place.exists()


def test_an_export_goes_nowhere_but_where_it_can(place: Path, tmp_path: Path):
    """Not over the ledger itself, not onto a folder, and not where there is nothing to write."""
    with pytest.raises(UserError, match="none is kept yet"):
        logbook.export(tmp_path / "out.jsonl")
    logbook.add([case(0)])
    with pytest.raises(UserError, match="is the ledger itself"):
        logbook.export(place)
    with pytest.raises(UserError, match="Is a directory"):
        logbook.export(tmp_path)
    with pytest.raises(UserError, match="No such file"):
        logbook.export(tmp_path / "gone" / "out.jsonl")
    assert logbook.read() == ([case(0)], [])


def test_what_is_forgotten_is_gone_from_the_file(place: Path):
    """By recipe, by data set, by both; damaged lines go as well, and those of another version stay."""
    logbook.add([*cases(3, group="ships"), *cases(2), *cases(2, recipe="linear"), case(0)])
    with place.open("ab") as file:
        file.write(line(case(9), logbook=2) + b'{"group": "ships", "cut')
    assert logbook.forget(recipe="none") == 0
    assert b"cut" in place.read_bytes()
    assert logbook.forget(group="ships") == 3
    assert b"ships" not in place.read_bytes()
    assert logbook.read()[0] == [*cases(2), *cases(2, recipe="linear")]
    assert logbook.forget(recipe="trees", group="boats") == 2
    assert logbook.read()[0] == cases(2, recipe="linear")
    assert place.read_bytes().count(b"\n") == 3
    assert logbook.forget(everything=True) == 2
    assert place.read_bytes() == b""
    with pytest.raises(UserError, match="Nothing was named"):
        logbook.forget()


def test_a_link_to_the_ledger_stays_one(place: Path, tmp_path: Path):
    """Whoever keeps the file elsewhere finds it there after it was rewritten, with its rights."""
    real = tmp_path / "elsewhere.jsonl"
    logbook.add(cases(2), real)
    real.chmod(0o640)
    place.parent.mkdir()
    place.symlink_to(real)
    assert logbook.forget(recipe="trees") == 2
    assert place.is_symlink()
    assert real.read_bytes() == b""
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


# The command


def _said(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """The exit code of a command, and what it wrote to either stream."""
    try:
        code: Any = cli.main(["ledger", *words])
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr()
    return code, said.out, said.err


def test_an_empty_ledger_says_where_it_is_and_what_fills_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """And one that is off says that."""
    code, out, err = _said([], capsys)
    assert (code, err) == (0, "")
    assert f"{place} holds no trial yet" in out
    assert "plimsoll fit" in out
    monkeypatch.setenv("PLIMSOLL_HOME", "")
    assert _said([], capsys) == (0, "Nothing is kept: PLIMSOLL_HOME is off.\n", "")


def test_the_ledger_is_shown_in_eighty_columns(place: Path, capsys: pytest.CaptureFixture[str]):
    """By recipe how many trials, of how many sets and machines, from when to when, and with which libraries."""
    long = [replace(case(0, recipe="r" * 80, group="g" * 80), versions={f"library{k}": "1.2.3" for k in range(30)})]
    logbook.add([*cases(1_234), *cases(3, recipe="linear", group="ships"), *long])
    code, out, err = _said([], capsys)
    assert (code, err) == (0, "")
    head, *rest = out.splitlines()
    assert head == f"{place} holds 1,238 trials."
    assert all(len(row) <= 80 for row in rest)
    table = [row.split() for row in rest if row.startswith(("recipe", "linear", "trees"))]
    assert table[0] == ["recipe", "trials", "data", "sets", "machines", "first", "last"]
    assert table[1][:4] == ["linear", "3", "1", "1"]
    assert table[2][:4] == ["trees", "1,234", "1", "1"]
    assert "lightgbm 4.7.0 · numpy 2.4.6" in out
    assert "boats 1,234" in out


def test_libraries_are_told_once_where_all_recipes_had_the_same(place: Path, capsys: pytest.CaptureFixture[str]):
    """And by recipe where they differ, each with all its versions."""
    logbook.add([case(0), case(0, recipe="linear")])
    assert "libraries  lightgbm 4.7.0 · numpy 2.4.6\n" in _said([], capsys)[1]
    logbook.add([replace(case(1), versions={"lightgbm": "5.0.0"})])
    out = _said([], capsys)[1]
    assert "linear     lightgbm 4.7.0 · numpy 2.4.6\n" in out
    assert "trees      lightgbm 4.7.0, 5.0.0 · numpy 2.4.6\n" in out


def test_the_ledger_as_json_holds_the_same(place: Path, capsys: pytest.CaptureFixture[str]):
    """One object on standard output, with complaints in it and nowhere else."""
    logbook.add([*cases(2), case(0, recipe="linear", group="ships")])
    with place.open("ab") as file:
        file.write(b"half")
    code, out, err = _said(["--json"], capsys)
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["place"], told["trials"], told["groups"]) == (str(place), 3, {"boats": 2, "ships": 1})
    assert [share["recipe"] for share in told["recipes"]] == ["linear", "trees"]
    assert told["recipes"][1] | {"first": "", "last": ""} == {
        "recipe": "trees",
        "trials": 2,
        "data_sets": 1,
        "machines": 1,
        "first": "",
        "last": "",
        "versions": {"lightgbm": ["4.7.0"], "numpy": ["2.4.6"]},
    }
    assert len(told["complaints"]) == 1
    assert "line 4 is cut off" in _said([], capsys)[2]


def test_a_name_from_a_file_cannot_command_the_terminal(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Escape sequences and line ends in what was imported are shown as marks."""
    source = tmp_path / "theirs.jsonl"
    bad = case(0, recipe="\x1b[31mred\n", group="\x1b]0;title\x07\u202e\ud800")
    source.write_bytes(line(bad) + line(case(1), figures={"\x1b[2J\ncpu": "x"}))
    assert _said(["import", str(source)], capsys)[0] == 0
    for words in ([], ["forget", "--recipe", "none"]):
        _, out, err = _said(words, capsys)
        assert all(letter.isprintable() for text in (out, err) for letter in text.replace("\n", ""))


def test_trials_are_exported_imported_and_forgotten_by_command(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Each says what it did, in a line."""
    out = tmp_path / "out.jsonl"
    logbook.add([*cases(2), case(0, recipe="linear")])
    assert _said(["export", str(out)], capsys)[1].startswith(f"3 trials written to {out}.")
    assert _said(["forget", "--recipe", "linear"], capsys) == (0, "1 trial forgotten.\n", "")
    assert _said(["import", str(out)], capsys) == (0, "1 trial added, 2 there already.\n", "")
    assert _said(["forget", "--group", "boats"], capsys) == (0, "3 trials forgotten.\n", "")
    assert _said(["forget", "--all"], capsys) == (0, "0 trials forgotten.\n", "")
    with out.open("ab") as file:
        file.write(b"half\n" * 9)
    code, said, err = _said(["import", str(out)], capsys)
    assert (code, said) == (0, "3 trials added, 0 there already.\n")
    assert err.splitlines() == [f"Refused: line {k}: it is not JSON." for k in range(4, 9)] + [
        "Refused: and 4 more lines."
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exprt"], 'there is no "exprt". Did you mean "export"?'),
        (["--jsn"], 'Did you mean "--json"?'),
        (["export"], "required: FILE"),
        (["export", "gone/out.jsonl"], "gone/out.jsonl cannot be written: No such file or directory."),
        (["import"], "required: FILE"),
        (["import", "gone.jsonl"], "gone.jsonl cannot be read: No such file or directory."),
        (["forget"], "--recipe --group --all is required"),
        (["forget", "--recipe"], "expected one argument"),
        (["forget", "--recipe", "tres"], 'no trial of the recipe "tres" to forget. Did you mean "trees"?'),
        (["forget", "--group", "boat"], 'no trial of the group "boat" to forget. Did you mean "boats"?'),
        (["forget", "--recipe", "trees", "--all"], "not allowed with"),
        (["forget", "--all", "more"], "unrecognized arguments: more."),
    ],
)
def test_a_mistake_is_answered_in_one_line(
    words: list[str], said: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A wrong word or file ends with 2 and a line on standard error alone, and nothing is changed."""
    logbook.add(cases(2))
    monkeypatch.chdir(place.parent)
    code, out, err = _said(words, capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert logbook.read() == (cases(2), [])


@pytest.mark.parametrize("words", [[], ["export"], ["import"], ["forget"]])
def test_the_help_of_every_way_is_there(words: list[str], capsys: pytest.CaptureFixture[str]):
    """On a screen, in lines that a terminal holds."""
    code, out, _ = _said([*words, "--help"], capsys)
    assert code == 0
    assert 3 < out.count("\n") <= 30
    assert max(map(len, out.splitlines())) <= 100


def test_a_command_in_a_process_of_its_own_finds_the_same_ledger(place: Path):
    """The environment alone says where it is."""
    logbook.add(cases(2))
    done = subprocess.run([sys.executable, "-m", "plimsoll", "ledger", "--json"], capture_output=True, check=True)
    assert json.load(io.BytesIO(done.stdout))["trials"] == 2


def test_tests_never_touch_the_ledger_of_whoever_runs_them():
    """Without a word from a test the ledger is in a temporary folder."""
    place = logbook.place()
    assert place is not None
    assert place.parent.name.startswith("home")
    assert not place.is_relative_to(Path.home() / ".local")


def test_what_is_shown_needs_no_ledger():
    """The lines of the terminal follow from the trials alone."""
    entry = logline.Entry("2026-11-21T10:00:00+00:00", case(0))
    shown = ledger_command.lines("/home/ann/trials.jsonl", [entry, replace(entry, at="")])
    assert shown[0] == "/home/ann/trials.jsonl holds 2 trials."
    assert shown[3].split() == ["trees", "2", "1", "1", "2026-11-21", "2026-11-21"]
