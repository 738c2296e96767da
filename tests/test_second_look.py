"""A better model that was timed as too slow is timed once more, and only once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from plimsoll.limits import Measured, parse
from plimsoll.second_look import second_look
from plimsoll.trial import Score, Status, Trial

FAST, SLOW = 1e-4, 5e-3


def trial(name: str, score: float, p99: float, status: Status, size: float = 1e3) -> Trial:
    found = Score("roc_auc", score, score - 0.01, score + 0.01)
    measured = Measured.exactly(p50=p99 / 2, p99=p99, size=size, train=1.0)
    return Trial(name, "linear", {}, status, score=found, measured=measured)


@dataclass
class Stand:
    """Stands in for a search; ``truly`` is what each model takes when nothing is beside it."""

    trials: list[Trial]
    truly: dict[str, float]
    looked: set[str] = field(default_factory=set)
    served: float = 1.0
    left: float = 100.0

    def __post_init__(self) -> None:
        self.job = SimpleNamespace(limits=parse("p99 < 1 ms, size < 2 kB"))
        self.clock = SimpleNamespace(left=self.left)
        self.judge = SimpleNamespace(worse=lambda one, best: one.score.value < best.score.value - 0.02)
        self.more: list[str] = []

    def timed_again(self, one: Trial, seconds: float) -> Trial:
        assert seconds <= self.left
        self.left -= self.served
        self.more.append(one.id)
        p99 = self.truly[one.id]
        status = Status.FITS if p99 < 1e-3 else Status.BREACHES
        found = replace(one, status=status, measured=one.measured.joined(Measured.exactly(p99=p99)))
        self.trials = [found if each.id == one.id else each for each in self.trials]
        return found


def look(stand: Stand) -> list[str]:
    second_look(stand, lambda: stand.left, lambda *_: None)  # type: ignore[arg-type]
    return stand.more


CONSTANT = trial("c", 0.5, 1e-5, Status.FITS)


def test_a_better_model_that_was_disturbed_is_saved():
    """The best first; where it fits, no other is looked at."""
    trials = [CONSTANT, trial("a", 0.90, SLOW, Status.BREACHES), trial("b", 0.95, SLOW, Status.BREACHES)]
    stand = Stand(trials, {"a": FAST, "b": FAST})
    assert look(stand) == ["b"]
    assert [each.status for each in stand.trials] == [Status.FITS, Status.BREACHES, Status.FITS]


def test_each_is_looked_at_once():
    """A model that is truly too slow stays so, and the next best has its turn; then there is no more to ask."""
    trials = [CONSTANT, trial("a", 0.90, SLOW, Status.BREACHES), trial("b", 0.95, SLOW, Status.BREACHES)]
    stand = Stand(trials, {"a": SLOW, "b": SLOW})
    assert look(stand) == ["b", "a"]
    assert look(stand) == ["b", "a"]


@pytest.mark.parametrize(
    "other",
    [
        trial("a", 0.90, SLOW, Status.BREACHES, size=9e3),  # too large as well
        trial("a", 0.51, SLOW, Status.BREACHES),  # not measurably better
        replace(trial("a", 0.90, SLOW, Status.BREACHES), share=0.25),
        trial("a", 0.90, FAST, Status.KILLED),
    ],
)
def test_others_are_left_alone(other: Trial):
    """Where something else stands against them, or nothing would be gained."""
    assert look(Stand([CONSTANT, other], {})) == []


def test_nothing_is_begun_that_time_does_not_allow():
    """What is left is for the end."""
    stand = Stand([CONSTANT, trial("a", 0.9, SLOW, Status.BREACHES)], {"a": FAST}, left=0.5)
    assert look(stand) == []


def test_where_nothing_fits_the_best_is_looked_at():
    """It is the one that would be missed most."""
    stand = Stand([trial("a", 0.9, SLOW, Status.BREACHES)], {"a": FAST})
    assert look(stand) == ["a"]
