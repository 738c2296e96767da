"""A trial is contained: whatever its recipe does, it has an outcome and the next one runs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plimsoll import runner, workbench
from plimsoll.job import Job
from plimsoll.rows import Coded, Histories, Past, Rows
from plimsoll.runner import Outcome, Workbench
from plimsoll.schema import Column, Kind, Schema
from plimsoll.trial import Status

# A workbench whose catalogue holds recipes that misbehave. It imports nothing ahead, so that it starts quickly.
SCRIPT = '''
import os, signal, sys, time, types
from dataclasses import replace

import numpy as np

from plimsoll import catalogue, workbench
from plimsoll.recipes import constant


def raises(*_):
    raise ValueError("the planted fault\\nand more of it")


def hangs(*_):
    time.sleep(600)


def crashes(*_):
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(600)


def eats(*_):
    held = []
    while True:
        held.append(np.ones(4_000_000))
        time.sleep(0.05)


def starves(*_):
    raise MemoryError


def leaves(*_):
    sys.exit(3)


def shouts(*asked):
    print("exit 0\\npid 1")
    return constant.fit(*asked)


class Odd:
    """A model whose answers are what it is told."""

    settled = {}

    def __init__(self, answers):
        self.answers = answers

    def predict(self, rows):
        return self.answers(len(rows))

    def members(self):
        return {}


def bends(*_):
    return Odd(lambda count: np.zeros((count, 7)))


def blurs(*_):
    return Odd(lambda count: np.full((count, 2), np.nan))


def swells(*_):
    return Odd(lambda count: np.ones((count, 2)))


def tells(*asked):
    for loss in (3.0, 2.0, 1.0):
        asked[-1].tell(loss)
    if os.environ["CUDA_VISIBLE_DEVICES"] != "GPU-7":
        raise ValueError("it sees other devices than its own")
    return constant.fit(*asked)


for fit in (tells, raises, hangs, crashes, eats, starves, leaves, shouts, bends, blurs, swells):
    module = types.ModuleType("planted_" + fit.__name__)
    module.RECIPE = replace(constant.RECIPE, name=fit.__name__, fit=fit)
    sys.modules[module.__name__] = module
    catalogue.RECIPES[fit.__name__] = module.__name__
workbench._ready = lambda: None
workbench.main()
'''
SCHEMA = Schema((Column("x", Kind.NUMBER), Column("job", Kind.CATEGORY)), "y", ("no", "yes"))
TARGET = np.tile([0, 0, 1], 20)
ROWS = Rows(60, {"x": np.arange(60.0), "job": Coded.of(["cook", None, "nurse"] * 20)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows and two folds on disk, as a search leaves them."""
    folder = tmp_path_factory.mktemp("run")
    workbench.store(folder / "rows", ROWS, TARGET)
    first, second = np.arange(30), np.arange(30, 60)
    np.savez(folder / "folds.npz", learn0=first, unseen0=second, learn1=second, unseen1=first)
    (folder / "planted.py").write_text(SCRIPT)
    return folder


@pytest.fixture(scope="module")
def bench(folder: Path) -> Iterator[Workbench]:
    """A workbench that knows the planted recipes."""
    plain = subprocess.Popen

    def started(argv: list[str], **more: Any) -> subprocess.Popen[str]:
        assert argv[1:] == ["-m", "plimsoll.workbench"]
        return plain([argv[0], str(folder / "planted.py")], **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner.subprocess, "Popen", started)
        bench = Workbench()
        yield bench
        bench.stop()


def run(bench: Workbench, folder: Path, recipe: str, seconds: float = 60.0, memory: float | None = None, **more: Any):
    spec = {
        "job": Job("y").as_json(),
        "schema": SCHEMA.as_json(),
        "recipe": recipe,
        "knobs": {},
        "share": 1.0,
        "rows": str(folder / "rows"),
        "folds": str(folder / "folds.npz"),
        "only": [0, 1],
        **more,
    }
    return bench.run(spec, folder / "trial", seconds, memory)


def test_a_fit_sees_its_own_device_and_tells_how_far_it_has_come(bench: Workbench, folder: Path):
    """The device of its lane and no other, or none; what it tells its clock is in the outcome, as seconds and losses."""
    outcome = run(bench, folder, "tells", device="GPU-7")
    assert outcome.status is Status.FITS
    assert [loss for _, loss in outcome.curve] == [3.0, 2.0, 1.0]
    assert run(bench, folder, "tells").status is Status.FAILED


def sound(bench: Workbench, folder: Path) -> Outcome:
    """A trial that has nothing wrong with it."""
    outcome = run(bench, folder, "constant")
    assert (outcome.status, outcome.why) == (Status.FITS, "")
    return outcome


def test_a_sound_trial_brings_its_answers_and_members(bench: Workbench, folder: Path):
    """Each row is answered by the fold that had not seen it, and the last model can be packed."""
    outcome = sound(bench, folder)
    index, answers = outcome.answers()
    assert sorted(index) == list(range(60))
    assert answers.shape == (60, 2)
    np.testing.assert_allclose(answers[0], [21 / 32, 11 / 32])
    assert list(outcome.members()) == ["constant.json"]
    assert outcome.done
    assert outcome.memory > 0
    assert not outcome.cut


@pytest.mark.parametrize(
    ("recipe", "status", "why"),
    [
        ("raises", Status.FAILED, "ValueError: the planted fault"),
        ("starves", Status.FAILED, "out of memory"),
        ("leaves", Status.FAILED, "its process ended without a result"),
        ("crashes", Status.FAILED, "its process was ended by SIGSEGV"),
        ("bends", Status.FAILED, "TrialError: answers of shape (30, 7) where (30, 2) was due"),
        ("blurs", Status.FAILED, "TrialError: an answer is not a finite number"),
        ("swells", Status.FAILED, "TrialError: probabilities do not sum to one"),
    ],
)
def test_a_recipe_that_fails_says_why_and_the_next_one_runs(
    bench: Workbench, folder: Path, recipe: str, status: Status, why: str
):
    """An exception, a crash or a broken promise is a reason, and the workbench lives on."""
    outcome = run(bench, folder, recipe)
    assert (outcome.status, outcome.why) == (status, why)
    assert not outcome.done
    process = bench._process
    sound(bench, folder)
    assert bench._process is process


def test_a_recipe_that_hangs_is_ended_and_the_next_one_runs(bench: Workbench, folder: Path):
    """One that does not end in its time is killed, with the time in the reason."""
    sound(bench, folder)  # the workbench is up, so that the second is the recipe's own
    outcome = run(bench, folder, "hangs", seconds=1.0)
    assert (outcome.status, outcome.why) == (Status.KILLED, "it had not ended after 1 s")
    sound(bench, folder)


def test_a_recipe_that_eats_memory_is_ended_and_the_next_one_runs(bench: Workbench, folder: Path):
    """One that outgrows its memory is killed, with what it held and what it might."""
    outcome = run(bench, folder, "eats", memory=400e6)
    assert outcome.status is Status.KILLED
    assert "of the 400 MB allowed" in outcome.why
    assert outcome.memory > 400e6
    sound(bench, folder)


def test_what_a_recipe_prints_goes_to_its_log(bench: Workbench, folder: Path):
    """A recipe cannot speak for the workbench by printing its words."""
    outcome = run(bench, folder, "shouts")
    assert outcome.status is Status.FITS
    assert (outcome.folder / "log.txt").read_text() == "exit 0\npid 1\n" * 2
    sound(bench, folder)


def test_a_recipe_that_is_not_there_is_a_reason(bench: Workbench, folder: Path):
    """An unknown name fails the trial and not the run."""
    outcome = run(bench, folder, "constnat")
    assert outcome.status is Status.FAILED
    assert "constant" in outcome.why


def test_a_refit_has_members_and_no_answers(bench: Workbench, folder: Path):
    """Without folds all rows are learned from, so no row is left to answer."""
    outcome = run(bench, folder, "constant", folds=None)
    assert outcome.done
    assert list(outcome.members()) == ["constant.json"]
    assert not (outcome.folder / "answers.npz").exists()


def test_a_share_of_the_rows_is_one_fold(bench: Workbench, folder: Path):
    """A trial on a quarter learns from part of the first fold and answers all of its unseen rows."""
    index, _ = run(bench, folder, "constant", share=0.25).answers()
    assert sorted(index) == list(range(30, 60))


def test_nothing_of_an_earlier_trial_is_left(bench: Workbench, folder: Path):
    """A trial that fails in the folder of one that went well has none of its files."""
    sound(bench, folder)
    outcome = run(bench, folder, "leaves")
    assert not outcome.done
    assert not (outcome.folder / "answers.npz").exists()


def test_a_workbench_that_dies_is_started_again(bench: Workbench, folder: Path):
    """The next trial after the workbench was killed runs in a new one."""
    sound(bench, folder)
    died = bench._process
    assert died is not None
    os.kill(died.pid, signal.SIGKILL)
    died.wait()
    sound(bench, folder)
    assert bench._process is not died
    for pipe in (died.stdin, died.stdout):
        pipe.close()


def test_a_workbench_can_be_stopped_and_used_again(bench: Workbench, folder: Path):
    """Stopping twice does no harm, and a later trial starts it."""
    bench.stop()
    bench.stop()
    sound(bench, folder)


def test_rows_are_fetched_as_they_were_stored(folder: Path):
    """Numbers, texts, missing cells and the target come back from disk unchanged."""
    rows, target = workbench.fetch(folder / "rows")
    assert repr(rows.values(SCHEMA)) == repr(ROWS.values(SCHEMA))
    assert target.tolist() == TARGET.tolist()


def test_the_memory_of_no_process_is_unknown():
    """A process that is gone holds nothing; this one holds something."""
    assert workbench.peak_memory(2**22 + 1) == 0
    assert 0 < workbench.peak_memory(os.getpid(), "VmRSS") <= workbench.peak_memory(os.getpid())


def test_events_of_several_sets_of_rows_lie_on_disk_once(tmp_path: Path):
    """What is learned from and what is judged are stretches of the same events: linked, and read back as they were."""
    whole = Histories.of([Past.of([3, 1, 2]), Past.of([0, 4])], 5)
    short, laid = replace(whole, ends=whole.ends - 1), dict[int, Path]()
    for name, told in (("taught", short), ("rows", whole)):
        workbench.store(tmp_path / name, Rows(2, {"who": told}), np.zeros(2), laid=laid)
        found = workbench.fetch(tmp_path / name)[0].histories("who")
        assert [found.cell(row).tolist() for row in range(2)] == [told.cell(row).tolist() for row in range(2)]
    for file in ("0-items.npy", "0-times.npy", "0-weights.npy"):
        assert (tmp_path / "taught" / file).samefile(tmp_path / "rows" / file)
    assert not (tmp_path / "taught" / "0.npy").samefile(tmp_path / "rows" / "0.npy")
