"""One trial after another is recorded, however it ends, and the run goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plimsoll import meter, scoring
from plimsoll.asked import Asked
from plimsoll.clock import Clock
from plimsoll.errors import TrialError
from plimsoll.job import Job, Task
from plimsoll.ledger import Ledger
from plimsoll.limits import Measured, parse
from plimsoll.outlook import Step
from plimsoll.rows import Coded, Rows
from plimsoll.runner import Outcome
from plimsoll.schema import Column, Kind, Schema
from plimsoll.search import Search
from plimsoll.trial import Status
from plimsoll.truth import Part, Truth
from plimsoll.worth import Given

COUNT = 400
TARGET = np.arange(COUNT) // 2 % 2
GOOD = np.column_stack([1 - TARGET, TARGET]) * 0.6 + 0.2
POOR = np.full((COUNT, 2), 0.5) + 0.01 * np.random.default_rng(0).normal(size=(COUNT, 1)) * [-1, 1]
COSTS = Measured.exactly(p50=1e-4, p99=1e-3, memory=5e7, size=1e3, cold_start=0.2)
SCHEMA = Schema((Column("port", Kind.CATEGORY),), "late", ("no", "yes"))


@dataclass
class Bench:
    """Stands in for the workbench: each run ends as the next of ``ends`` says."""

    ends: list[dict[str, Any]]
    asked: list[tuple[dict[str, Any], float, float | None]] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        pass

    def run(self, spec: dict[str, Any], folder: Path, seconds: float, memory: float | None) -> Outcome:
        self.asked.append((spec, seconds, memory))
        end = dict(self.ends[len(self.asked) - 1])
        (folder / "members").mkdir(parents=True)
        (folder / "members" / "constant.json").write_bytes(b"{}")
        if damaged := end.pop("damaged", b""):
            (folder / "answers.npz").write_bytes(damaged)
        if (answers := end.pop("answers", None)) is not None:
            np.savez(folder / "answers.npz", index=end.pop("index", np.arange(len(answers))), answers=answers)
        return Outcome(**{"status": Status.FITS, "folder": folder, "wall": 0.1, "cpu": 2.0, "memory": 7, **end})


def begun(tmp_path: Path, *ends: dict[str, Any], limits: str = "", metric: str = "") -> Search:
    """A search whose trials end as ``ends`` say."""
    ports = ["Hull", "Leith"] * (COUNT // 2)
    truth = Truth(TARGET, {"accuracy[port=Hull]": np.array(ports) == "Hull"})
    part = Part(Rows(COUNT, {"port": Coded.of(ports)}), truth)
    job = Job("late", limits=parse(limits), task=Task.BINARY, metric=metric)
    folds = [(np.arange(COUNT), np.arange(0))]
    asked = Asked(job, SCHEMA, part, part, folds, 1, "", (), "boats.csv", "")
    (tmp_path / "work").mkdir()
    return Search(asked, tmp_path / "work", Clock(60.0), Bench(list(ends)))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def metered(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The meter reads ``COSTS`` of every bundle; the folders that it was shown."""
    shown: list[Path] = []

    def measure(bundle: Path, *_: Any, **__: Any) -> meter.Reading:
        shown.append(bundle)
        return meter.Reading(COSTS, ("a note",))

    monkeypatch.setattr(meter, "measure", measure)
    return shown


def test_a_sound_trial_is_scored_metered_and_written_down(tmp_path: Path, metered: list[Path]):
    """Its score and costs stand in the record, and its line in the ledger, with what its training settled."""
    found = begun(tmp_path, {"answers": GOOD, "settled": {"trees": 40}})
    trial = found.take(Step("constant", {"knob": 1}, 1.0, "the default"), 30.0)
    assert (trial.id, trial.status, trial.why, trial.complete) == ("t001", Status.FITS, "the default", True)
    assert trial.score is not None
    assert trial.score.value == pytest.approx(1.0)
    assert trial.notes == ("a note",)
    assert {"p50", "train", "train_memory", "cpu", "energy", "carbon"} <= set(trial.measured.figures)
    assert metered == [tmp_path / "work" / "t001" / "bundle"]
    entry = json.loads((tmp_path / "ledger.jsonl").read_text())
    assert entry["settled"] == {"trees": 40}
    assert found.trials == [trial]
    (read,) = Ledger(tmp_path / "ledger.jsonl").trials()
    assert (read.id, read.knobs, read.score) == (trial.id, trial.knobs, trial.score)


@pytest.mark.parametrize(
    ("end", "status", "why"),
    [
        ({"status": Status.KILLED, "why": "it held too much"}, Status.KILLED, "it held too much"),
        ({"status": Status.FAILED, "why": "ValueError: no"}, Status.FAILED, "ValueError: no"),
        ({}, Status.FAILED, "its answers could not be scored"),
        ({"damaged": b"no answers"}, Status.FAILED, "its answers could not be scored"),
    ],
    ids=["killed", "raised", "no answers", "damaged answers"],
)
def test_a_broken_trial_is_recorded_and_the_next_one_runs(
    tmp_path: Path, end: dict[str, Any], status: Status, why: str, metered: list[Path]
):
    """It has its status, its reason and its costs, but neither a score nor a figure of serving."""
    found = begun(tmp_path, end, {"answers": GOOD})
    broken, sound = (found.take(Step("constant"), 30.0) for _ in range(2))
    assert (broken.status, broken.score) == (status, None)
    assert broken.why.startswith(why)
    assert broken.measured.middle("cpu") == 2.0
    assert "p50" not in broken.measured.figures
    assert len(metered) == 1
    assert (sound.id, sound.status) == ("t002", Status.FITS)
    assert [trial.status for trial in Ledger(tmp_path / "ledger.jsonl").trials()] == [status, Status.FITS]
    assert found.cpu == 4.0


def test_a_model_that_cannot_be_served_is_a_failure_with_its_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What the meter says is the reason; the score stays, for the record."""

    def refuses(*_: Any, **__: Any) -> None:
        raise TrialError("one-row answers did not end in 3 s")

    monkeypatch.setattr(meter, "measure", refuses)
    trial = begun(tmp_path, {"answers": GOOD}).take(Step("constant"), 30.0)
    assert (trial.status, trial.why) == (Status.FAILED, "one-row answers did not end in 3 s")
    assert trial.score is not None
    assert not trial.complete


def test_a_trial_on_a_share_of_the_rows_is_scored_and_not_metered(tmp_path: Path, metered: list[Path]):
    """Halving needs a score alone; what is served is never a model of a quarter of the rows."""
    trial = begun(tmp_path, {"answers": GOOD}).take(Step("constant", {}, 0.25), 30.0)
    assert (trial.status, trial.share, trial.complete) == (Status.FITS, 0.25, False)
    assert trial.score is not None
    assert metered == []


@pytest.mark.parametrize(
    ("limits", "breaches"),
    [
        ("p99 < 2 ms, size < 2 kB, train_memory < 1 kB", []),
        ("p99 < 1 ms, size < 2 kB", ["p99 < 1 ms: 1 ms"]),
        ("train_memory < 5 B", ["train_memory < 5 B: 7 B"]),
        ("train < 1 ns, cpu < 1 s, energy < 1 J, carbon < 1 mg", []),  # of the run, not of a trial
        ("accuracy > 0.9, accuracy[port=Hull] > 0.9", []),
    ],
)
def test_a_trial_is_judged_by_the_limits_that_are_its_own(tmp_path: Path, limits: str, breaches: list[str]):
    """Limits on what is served, on a trial's memory and on quality; those on the whole run wait for its end."""
    trial = begun(tmp_path, {"answers": GOOD}, limits=limits).take(Step("constant"), 30.0)
    assert list(trial.breaches) == breaches
    assert trial.status is (Status.BREACHES if breaches else Status.FITS)


def test_the_workbench_is_told_the_limit_on_memory(tmp_path: Path):
    """Whoever may kill a trial knows what it may hold, and how long it may take."""
    found = begun(tmp_path, {"answers": GOOD}, limits="train_memory < 3 MB")
    found.take(Step("constant", {"knob": 1}, 0.25), 12.0)
    ((spec, seconds, memory),) = found.bench.asked  # type: ignore[attr-defined]
    assert (seconds, memory) == (12.0, 3e6)
    assert (spec["recipe"], spec["knobs"], spec["share"]) == ("constant", {"knob": 1}, 0.25)


def test_a_floor_on_a_slice_speaks_of_its_rows_alone(tmp_path: Path):
    """Wrong answers in Leith leave Hull as it was; a slice with no row is not measured, and so not kept."""
    found = begun(tmp_path, limits="accuracy > 0.9, accuracy[port=Hull] > 0.9")
    truth, hull = found.asked.learn.truth, found.asked.learn.truth.slices["accuracy[port=Hull]"]
    labels = np.where(hull, TARGET, 1 - TARGET)
    kept = scoring.qualities(found.job.limits, truth, Given(GOOD, labels))
    assert kept.middle("accuracy") == pytest.approx(0.5)
    assert kept.middle("accuracy[port=Hull]") == pytest.approx(1.0)
    away = np.flatnonzero(~hull)
    none = scoring.qualities(found.job.limits, truth.take(away), Given(GOOD, labels).take(away))
    assert "accuracy[port=Hull]" not in none.figures


def test_worse_is_what_the_rows_can_tell(tmp_path: Path):
    """Coin flips are worse than answers; the same answers in another order are not; two without a row in common do not compare."""
    order = np.random.default_rng(1).permutation(COUNT)
    ends = [
        {"answers": GOOD},
        {"answers": POOR},
        {"answers": GOOD[order], "index": order},
        {"answers": POOR[:-100]},
        {"answers": GOOD[:50]},
        {"answers": GOOD[50:], "index": np.arange(50, COUNT)},
    ]
    found = begun(tmp_path, *ends)
    best, poor, shuffled, fewer, some, others = (found.take(Step("constant"), 30.0) for _ in ends)
    assert found.judge.worse(poor, best)
    assert not found.judge.worse(best, poor)
    assert not found.judge.worse(shuffled, best)
    assert found.judge.worse(fewer, best)
    assert not found.judge.worse(some, best)
    assert found.judge.worse(some, others)


def test_no_row_calibrates_its_own_answer():
    """What is true of one half changes the other half's answers, and none of its own."""
    job = Job("late", task=Task.BINARY)
    random = np.random.default_rng(2)
    chance = random.uniform(0.05, 0.95, COUNT)
    raw, truth = np.column_stack([1 - chance, chance]), (random.random(COUNT) < chance).astype(np.int64)
    half = np.random.default_rng(job.seed).permutation(COUNT) % 2 == 0
    before, _ = scoring.crossed(truth, raw, job)
    after, _ = scoring.crossed(np.where(half, 1 - truth, truth), raw, job)
    np.testing.assert_array_equal(after[half], before[half])
    assert np.abs(after[~half] - before[~half]).max() > 0.01


def test_numbers_are_scored_as_they_were_answered():
    """There is nothing to calibrate in an answer that is a number."""
    raw = np.array([1.0, 2.0, 3.0])
    answers, labels = scoring.crossed(np.array([0.0, 0.0, 9.0]), raw, Job("y", task=Task.REGRESSION))
    assert answers.tolist() == labels.tolist() == raw.tolist()


def test_energy_is_an_interval_around_the_core_seconds():
    """What is counted is exact, and what is estimated from it is not."""
    figures = scoring.spent(10.0, train=3.0).figures
    assert figures["cpu"] == (10.0, 10.0, 10.0)
    assert figures["train"] == (3.0, 3.0, 3.0)
    assert figures["energy"][0] < figures["energy"][1] < figures["energy"][2]
    assert figures["carbon"][0] < figures["carbon"][1] < figures["carbon"][2]


def test_a_trial_is_a_case_for_the_cost_model(tmp_path: Path):
    """What a fit of one fold cost, what its model costs as it is served, and of one that was killed a bound."""
    killed = {"status": Status.KILLED, "why": "too large", "cpu": 0.0, "memory": 9}
    found = begun(tmp_path, {"answers": GOOD, "size": 31, "answer": 1e-6, "settled": {"trees": 12}}, killed)
    found.take(Step("constant"), 30.0)
    found.take(Step("constant", {"knob": 1}, 0.5), 30.0)
    sound, bound = found.cases
    assert sound.figures["cpu"] == 2.0
    assert (sound.figures["size"], sound.figures["model"], sound.settled) == (1e3, 31.0, {"trees": 12.0})
    assert (sound.known.profile.rows, bound.known.profile.rows) == (COUNT, COUNT // 2)
    assert bound.over == {"train_memory"}
    assert bound.figures == {"train_memory": 9.0}


def test_each_trial_has_a_number_of_its_own(tmp_path: Path):
    """Trials side by side are numbered as they begin, and a run that goes on counts on."""
    found = begun(tmp_path, {"answers": GOOD})
    assert [found.number(), found.number()] == ["t001", "t002"]
    found.take(Step("constant"), 30.0)
    assert [trial.id for trial in found.trials] == ["t003"]


def test_what_was_foretold_stands_beside_what_came(tmp_path: Path):
    """The prediction that a step carries is in its trial and in the ledger."""
    told = Measured({"cpu": (1.0, 2.0, 4.0)})
    found = begun(tmp_path, {"answers": GOOD})
    assert found.take(Step("constant", predicted=told), 30.0).predicted == told
    (again,) = Ledger(tmp_path / "ledger.jsonl").trials()
    assert again.predicted == told
