"""The run-off: more folds for the best and for what would be chosen in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from plimsoll.crew import Lane, Work
from plimsoll.limits import Measured
from plimsoll.run_off import MOST, reserve, run_off
from plimsoll.trial import Score, Status, Trial

FOLDS = 5


def trial(name: str, score: float, p50: float) -> Trial:
    found = Score("roc_auc", score, score - 0.01, score + 0.01)
    return Trial(name, "linear", {}, Status.FITS, score=found, measured=Measured.exactly(p50=p50, train=1.0))


@dataclass
class Stand:
    """Stands in for a search: a trial that is truly worse is seen to be so once both have ``tells`` folds."""

    trials: list[Trial]
    worse_ones: set[str] = field(default_factory=set)
    tells: int = 3
    left: float = 100.0
    choose: str = "cheapest"
    asked: Any = field(default_factory=lambda: SimpleNamespace(folds=range(FOLDS), first=1))

    def __post_init__(self) -> None:
        self.folds = {each.id: 1 for each in self.trials}
        self.walls = {each.id: 1.0 for each in self.trials}
        self.job = SimpleNamespace(choose=self.choose)
        self.clock = SimpleNamespace(left=self.left)
        self.more: list[str] = []
        self.judge = SimpleNamespace(worse=self.worse)

    def worse(self, one: Trial, best: Trial) -> bool:
        seen = min(self.folds[one.id], self.folds[best.id])
        return one.id in self.worse_ones and seen >= self.tells

    lanes: int = 1

    def extension(self, one: Trial, seconds: float, lane: Any) -> tuple[Trial, None]:
        assert seconds <= self.clock.left
        return one, None

    def extended(self, one: Trial, _outcome: None) -> None:
        self.folds[one.id] += 1
        self.clock.left -= 1.0 / self.lanes
        self.more.append(one.id)


@dataclass
class Crew:
    """Stands in for the lanes: what follows is done at once."""

    lanes: int = 1

    def each(self, following: Callable[[], Work | None]) -> Iterator[Any]:
        done = [work.do(Lane(0, (0,))) for work in iter(following, None)]
        yield from done


def quiet(*_: Any) -> None:
    pass


def test_a_cheaper_model_that_is_as_good_keeps_its_place():
    """Both are scored on every fold, in turn, and the choice stands."""
    search = Stand([trial("best", 0.9, 10.0), trial("cheap", 0.89, 1.0)])
    run_off(search, Crew(search.lanes), lambda: search.clock.left, quiet)
    assert search.folds == {"best": FOLDS, "cheap": FOLDS}


def test_side_by_side_both_are_scored_at_once():
    """On two lanes a turn is a fold of each, and takes half as long."""
    search = Stand([trial("best", 0.9, 10.0), trial("cheap", 0.89, 1.0)], lanes=2)
    run_off(search, Crew(2), lambda: search.clock.left, quiet)
    assert search.folds == {"best": FOLDS, "cheap": FOLDS}
    assert search.clock.left == pytest.approx(100.0 - (FOLDS - 1))


def test_a_cheaper_model_that_is_worse_is_found_out():
    """As soon as the folds tell, the next candidate is tried against the best, which need not be scored again."""
    search = Stand([trial("best", 0.9, 10.0), trial("cheap", 0.88, 1.0), trial("next", 0.89, 3.0)], {"cheap"})
    run_off(search, Crew(search.lanes), lambda: search.clock.left, quiet)
    assert search.folds["cheap"] == 3
    assert search.folds["next"] == search.folds["best"] == FOLDS


def test_where_the_best_is_the_cheapest_nothing_is_run():
    """There is nothing to settle."""
    search = Stand([trial("best", 0.9, 1.0), trial("dear", 0.89, 10.0)])
    run_off(search, Crew(search.lanes), lambda: search.clock.left, quiet)
    assert search.more == []


@pytest.mark.parametrize("left", [0.5, 3.0])
def test_it_never_takes_time_that_is_kept_for_others(left: float):
    """A fold is begun only where there is time for it."""
    search = Stand([trial("best", 0.9, 10.0), trial("cheap", 0.89, 1.0)], left=left + 2.0)
    run_off(search, Crew(search.lanes), lambda: search.clock.left - 2.0, quiet)
    assert len(search.more) <= left / 1.3 + 1
    assert search.clock.left >= 2.0


def test_who_wants_the_best_score_gets_it_without_a_run_off():
    """The cost is no matter, so nothing is kept and nothing is run."""
    search = Stand([trial("best", 0.9, 10.0), trial("cheap", 0.89, 1.0)], choose="best")
    run_off(search, Crew(search.lanes), lambda: search.clock.left, quiet)
    assert search.more == []
    assert reserve(search, 60.0) == 0.0


def test_what_is_kept_for_it_is_a_share_of_the_window():
    """Enough for the folds of two, and never more than its share."""
    search = Stand([trial("best", 0.9, 10.0)])
    assert reserve(search, 1_000.0) == pytest.approx(2 * (FOLDS - 1) * 1.3)
    assert reserve(Stand([trial("best", 0.9, 10.0)], lanes=2), 1_000.0) == pytest.approx((FOLDS - 1) * 1.3)
    assert reserve(search, 10.0) == pytest.approx(MOST * 10.0)
    assert reserve(Stand([]), 10.0) == 0.0
