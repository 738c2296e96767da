"""What is known before a run: what came with Plimsoll, and what the user's own runs have added."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from families import UNFORETOLD
from plimsoll import logbook, machine, prior
from plimsoll.cases import COSTS, Candidate, Known
from plimsoll.catalogue import find, names
from plimsoll.profile import Profile


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    return tmp_path


def candidates() -> list[Candidate]:
    rows = Profile(
        10_000, numbers=8, steps=500, categories=2, levels=20, spelled=100, texts=1, letters=120.0, classes=2
    )
    return [Candidate(Known(name, find(name).space.default, rows)) for name in names() if name not in UNFORETOLD]


def test_what_is_shipped_foretells_every_recipe():
    """Each cost of each recipe of the house has an interval, before anything has ever been run here."""
    found, _ = prior.costs()
    for told in found.predict(candidates()):
        assert set(COSTS) <= set(told.figures)
        assert all(0 < told.figures[name][0] < told.figures[name][2] for name in COSTS)


def test_what_is_shipped_holds_no_data():
    """Shapes, knobs and figures: no text in it is longer than a name."""
    _, cases = prior.shipped()
    assert len(cases) > 1_000
    assert len({case.group for case in cases}) >= 20
    assert all(len(value) < 40 for case in cases for value in case.known.knobs.values() if isinstance(value, str))


def test_the_users_own_trials_are_learned_from(home: Path):
    """Trials that cost ten times what was told move what is told of the next ones."""
    ask = candidates()[1]
    before = prior.costs()[0].predict([ask])[0].middle("cpu")
    _, cases = prior.shipped()
    slow = [
        replace(case, group=f"own {k % 20}", figures={**case.figures, "cpu": 10.0 * case.figures["cpu"]})
        for k, case in enumerate(c for c in cases if c.known.recipe == ask.known.recipe and "cpu" not in c.over)
    ]
    assert prior.remember(slow) is None
    assert len(logbook.read()[0]) == len(slow)
    after = prior.costs()[0].predict([ask])[0].middle("cpu")
    assert before is not None
    assert after is not None
    assert after > 1.5 * before


def test_other_versions_widen_the_intervals_and_say_so(monkeypatch: pytest.MonkeyPatch):
    """A model that learned with another LightGBM is less sure of what it says."""
    learned = dict(prior.costs()[0].versions)
    monkeypatch.setattr(machine, "versions", lambda: learned)
    here = prior.costs()[0].predict(candidates())[-1].figures["cpu"]
    monkeypatch.setattr(machine, "versions", lambda: learned | {"lightgbm": "99.0.0"})
    found, said = prior.costs()
    there = found.predict(candidates())[-1].figures["cpu"]
    assert any("lightgbm" in line and "widened" in line for line in said)
    assert there[2] / there[0] > 1.2 * here[2] / here[0]


def test_a_machine_that_nothing_is_known_of_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch):
    """Without its card, the intervals are wider, and the line says what to run."""
    monkeypatch.setattr(machine, "card", lambda: {"processor": "another", "cores": 4})
    assert any("plimsoll machine" in line for line in prior.costs()[1])


def test_a_ledger_that_is_damaged_is_survived(home: Path):
    """What can be read of it counts, and the rest is told."""
    (home / "trials.jsonl").write_text('{"logbook": 1, "at": "20\n{"garbage": true}\n')
    found, said = prior.costs()
    assert found.tariffs
    assert any("ledger" in line for line in said)


def test_times_are_remembered_as_at_the_best_pace_of_the_run(home: Path):
    """Of two fits alike, the one in a slow spell is no evidence that such fits are slow."""
    case = next(case for case in prior.shipped()[1] if "cpu" in case.figures and not case.over)
    calm = replace(case, figures={"cpu": 1.0, "train_memory": 5.0}, paces={"cpu": 1e-4, "p50": 0.0})
    slow = replace(case, figures={"cpu": 1.0, "train_memory": 5.0}, paces={"cpu": 2e-4})
    assert prior.remember([calm, slow]) is None
    (one, other), _ = logbook.read()
    assert one.figures == calm.figures
    assert 0.5 < other.figures["cpu"] < 0.6
    assert other.figures["train_memory"] == 5.0


def test_in_a_window_of_seconds_nothing_is_learned(monkeypatch: pytest.MonkeyPatch):
    """The model would come too late, and take a core from the trials; that is said."""
    monkeypatch.setattr(prior, "costs", lambda *_: pytest.fail("it was learned"))
    learning = prior.Learning(0, window=5.0)
    assert learning.costs(60.0).tariffs == {}
    assert any("under 10 s" in line for line in learning.said)


def test_learning_beside_other_work_ends_with_the_model(monkeypatch: pytest.MonkeyPatch):
    """Until it is there an empty one stands in for it, and whoever can wait has it as soon as it is."""
    learned, ready = prior.costs(), threading.Event()

    def waits(*_: object) -> object:
        ready.wait(60.0)
        return learned

    monkeypatch.setattr(prior, "costs", waits)
    learning = prior.Learning(0)
    assert learning.costs(0.0).tariffs == {}
    ready.set()
    assert learning.costs(60.0).tariffs


def test_a_model_that_cannot_be_learned_is_said_and_survived(monkeypatch: pytest.MonkeyPatch):
    """A run without forecasts is worse than one with them, and better than none."""

    def fails(*_: object) -> object:
        raise ValueError("a fault")

    monkeypatch.setattr(prior, "costs", fails)
    learning = prior.Learning(0)
    assert learning.costs(60.0).tariffs == {}
    assert any("a fault" in line for line in learning.said)
