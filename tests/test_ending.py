"""Every command ends with an exit code of the design and at most one line, and never with a traceback."""

from __future__ import annotations

import argparse
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plimsoll.ending import ended
from plimsoll.errors import DataError, NothingFits, PlimsollError


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a run that has begun."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "ledger.jsonl").touch()
    return tmp_path / "run"


def _end(fault: BaseException | None, out: Path | None = None, command: str = "fit", asked_json: bool = False) -> int:
    def call(_: argparse.Namespace) -> int:
        if fault is not None:
            raise fault
        return 0

    return ended(argparse.Namespace(command=command, out=out, json=asked_json), call)


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (NothingFits("Nothing fits. Nearest: linear."), 3, "Nearest: linear"),
        (DataError("no\nrows"), 2, "no rows"),
        (PlimsollError("the server did not come up"), 1, "did not come up"),
        (KeyboardInterrupt(), 130, "Stopped"),
        (ModuleNotFoundError("No module named 'lightgbm'", name="lightgbm"), 2, "pip install 'plimsoll[fit]'"),
        (ModuleNotFoundError("No module named 'plimsol'", name="plimsol"), 1, "traceback.txt"),
        (PermissionError(errno.EACCES, "Permission denied", "runs"), 2, "runs cannot be used: Permission denied."),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "No space left on device"),
        (OSError(errno.EIO, "Input/output error"), 1, "traceback.txt"),
        (ZeroDivisionError("oh"), 1, "ZeroDivisionError: oh"),
        (DataError('the column "\x1b[2Jx"'), 2, 'the column "�[2Jx"'),
    ],
)
def test_every_end_has_its_exit_code_and_one_line(
    fault: BaseException, code: int, said: str, out: Path, capsys: pytest.CaptureFixture[str]
):
    """Nothing fits is 3, a mistake 2, a stop 130, a fault of ours 1; what came from the data moves no cursor."""
    assert _end(fault, out) == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_a_command_that_is_done_says_nothing(capsys: pytest.CaptureFixture[str]):
    """0, and not a word."""
    assert _end(None) == 0
    assert capsys.readouterr() == ("", "")


def test_the_traceback_of_a_fault_of_ours_lies_in_a_file(out: Path, capsys: pytest.CaptureFixture[str]):
    """Beside the ledger, where a run has begun; otherwise out of the way, so that the folder stays empty."""
    _end(ZeroDivisionError("oh"), out)
    assert "ZeroDivisionError: oh" in (out / "traceback.txt").read_text()
    for name in ("traceback.txt", "ledger.jsonl"):
        (out / name).unlink()
    capsys.readouterr()
    _end(ZeroDivisionError("oh"), out)
    assert list(out.iterdir()) == []
    place = Path(capsys.readouterr().err.split(" is in ")[1].strip().rstrip("."))
    assert "ZeroDivisionError: oh" in place.read_text()


def test_when_nothing_fits_the_report_is_named_and_the_record_printed(out: Path, capsys: pytest.CaptureFixture[str]):
    """The folder may have been named by the program, so the line says where it is; --json prints the record."""
    (out / "run.json").write_text(json.dumps({"chosen": None}))
    for said in ("Nothing fits.", "Nothing fits", "Nothing fits. "):
        assert _end(NothingFits(said), out) == 3
        assert capsys.readouterr() == ("", f"Nothing fits. See {out / 'report.html'}.\n")
    assert _end(NothingFits(f"It breaches. See {out / 'report.html'}."), out, asked_json=True) == 3
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"chosen": None}
    assert shown.err.count("report.html") == 1


def test_a_stop_says_what_it_leaves(out: Path, capsys: pytest.CaptureFixture[str]):
    """A run with a bundle is usable, one without can go on, one that had not begun is not there."""
    _end(KeyboardInterrupt(), out)
    assert capsys.readouterr().err == f"Stopped before a model was ready. Go on with --out {out} --resume.\n"
    (out / "bundle").mkdir()
    (out / "bundle" / "bundle.json").touch()
    _end(KeyboardInterrupt(), out)
    assert f"best model so far in {out}/bundle" in capsys.readouterr().err
    _end(KeyboardInterrupt(), out / "nowhere")
    assert "nothing was written" in capsys.readouterr().err
    _end(KeyboardInterrupt(), out, command="predict")
    assert capsys.readouterr().err == "Stopped.\n"


def _asked(*words: str, stdout: int, **env: str) -> subprocess.CompletedProcess[bytes]:
    """The command line in a process of its own, which holds its output back until the end."""
    command = [sys.executable, "-m", "plimsoll", *words]
    env = {**os.environ, "PYTHONUNBUFFERED": "", **env}
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=env, check=False)


def test_a_reader_that_has_gone_is_not_an_error_to_talk_about():
    """plimsoll … | head -0 ends with nothing on standard error."""
    here, there = os.pipe()
    os.close(here)
    done = _asked("--version", stdout=there)
    os.close(there)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_said_in_one_line():
    """Output that cannot be written is not passed over in silence."""
    with open("/dev/full", "wb") as full:
        done = _asked("--version", stdout=full.fileno())
    assert done.returncode == 2
    assert done.stderr == b"The output cannot be written: No space left on device.\n"


def test_a_terminal_that_knows_few_letters_is_written_to_all_the_same():
    """Where there is no "µ" a mark stands for it, and nothing is raised."""
    done = _asked("fit", "--help", stdout=subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"costs     p50 p99 cold_start train < 25 ms ? memory" in done.stdout


def test_a_thread_that_nobody_waits_for_keeps_no_process_and_ends_it_well(tmp_path: Path):
    """What is said is written out, the code is the command's, and it does not take as long as the thread."""
    program = (
        "import threading, time\n"
        "from plimsoll import ending\n"
        "threading.Thread(target=time.sleep, args=(60,), name=ending.UNHEEDED).start()\n"
        "print('said', end='')\n"
        "ending.leave(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "said", "")
