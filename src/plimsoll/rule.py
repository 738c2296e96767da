"""The decision rule of a model that decodes: chosen after it, on answers to moments that it had not learned from.

Every rule of a grid is tried on the same answers. Where a job limits its events, of the rules that keep those limits most
surely the one that finds the most is taken; else the one whose decided sequences err least. What nothing else beats is the frontier that a report draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import events, matching
from plimsoll.events import Fired, Pieces, Rule, Timeline
from plimsoll.limits import Limits, Measured
from plimsoll.matching import HOUR, Happened, Tally

Array = NDArray[Any]
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
VOTES = (1, 2, 3, 4, 5, 7, 10)
EVERY = (1, 2, 4)
HOLDS = (0.25, 0.5, 1.0)  # seconds
_LISTED = 16  # rules whose decided sequences are compared, of those that look best without
_DRAWS = 200
_SURE = (0.95, 0.9, 0.8, 0.7, 0.6)  # shares of the draws over people, or streams, in which a rule keeps a limit
_LEAST = 4  # of them, for that to be asked
_ERROR = "event_error_rate"  # the one figure that is dear
_FOUND, _MADE_UP = "detection_rate", "false_activations_per_hour"


@dataclass(frozen=True)
class Tried:
    """One rule on the answers that are known: its figures by name, those in draws of the units (none of what is not drawn),
    and a count of its mistakes that is quick to make."""

    rule: Rule
    measured: Measured
    drawn: Mapping[str, Array]
    mistakes: float

    def at(self, share: float) -> Measured:
        """The figures at the end of the one-sided interval of this level that speaks against the rule."""
        ends = {
            name: float(np.quantile(each, 1.0 - share if name == _FOUND else share))
            for name, each in self.drawn.items()
        }
        return self.measured.joined(Measured.exactly(**ends))

    def figure(self, name: str) -> float:
        """The figure, or what is worst of it where there is none: nothing found has no delay."""
        found = self.measured.middle(name)
        return float("inf") if found is None else found


@dataclass(frozen=True)
class Known:
    """Answers to moments: when those were, what was true of them, the calibrated probabilities, and the unit of each (a
    person, or a stream), shapes (rows,), (rows,), (rows, classes), (rows,)."""

    timeline: Timeline
    target: Array
    probabilities: Array
    units: Array | None = None
    compute: float = 0.0  # seconds of one step, which every delay has

    @cached_property
    def held(self) -> Pieces:
        return events.pieces(self.timeline)

    @cached_property
    def true(self) -> Happened:
        return matching.happened(self.timeline, self.target, self.held)

    @property
    def held_units(self) -> Array:
        """The unit of each row: the one that was given, or the piece of its stream; shape (rows,)."""
        if self.units is not None:
            return self.units
        found = np.empty(len(self.held.order), dtype=np.int64)
        found[self.held.order] = self.held.piece
        return found

    def halves(self, seed: int) -> NDArray[np.bool_]:
        """One half of the units, drawn by the seed, shape (units,)."""
        many = int(self.held_units.max(initial=-1)) + 1
        return np.asarray(np.random.default_rng([seed, 5]).permutation(many) % 2 == 0)

    @cached_property
    def weights(self) -> Array:
        """Bootstrap draws over units, shape (draws, units); none where there are too few."""
        many = int(self.held_units.max(initial=-1)) + 1
        draws = _DRAWS if many >= _LEAST else 0
        return matching.drawn(many, draws, np.random.default_rng(0))

    def take(self, index: Array) -> Known:
        units = None if self.units is None else np.unique(self.units[index], return_inverse=True)[1]
        return Known(self.timeline.take(index), self.target[index], self.probabilities[index], units, self.compute)

    def fired(self) -> Iterator[tuple[Rule, Fired]]:
        """The decisions of every rule of the grid. A rule that decides what one before it did is passed over."""
        ordered, rate, rest = self.probabilities[self.held.order], self.timeline.rate, self.timeline.rest
        for threshold in THRESHOLDS:
            for every in EVERY:
                found, seen = events.streaks(ordered, self.held, threshold, every, rest), set[bytes]()
                for votes in VOTES:
                    for hold in HOLDS:
                        rule = Rule(threshold, votes, every, hold, rest)
                        made = events.decided(found, votes, rule.frames(rate))
                        if (told := made.at.tobytes()) not in seen:
                            seen.add(told)
                            yield rule, made

    def tried(self) -> list[Tried]:
        """Every rule with its figures, but for the error of its sequences."""
        return [self._tried(rule, made) for rule, made in self.fired()]

    def _tried(self, rule: Rule, made: Fired) -> Tried:
        found = matching.tally(self.timeline, self.target, made, self.held, self.true, self.units)
        missed = found.events - found.found
        mistakes = float(np.maximum(missed, found.unmatched).sum())
        figures, drawn = _figures(found, self.weights, self.compute)
        return Tried(rule, Measured.exactly(**figures), drawn, mistakes)

    def erring(self, tried: Tried) -> Tried:
        """The same with the error of its sequences."""
        made = events.fired(tried.rule, self.probabilities, self.timeline, self.held)
        edits = sum(each.total for each in matching.edited(self.true, made, self.held))
        if not len(self.true.labels):
            return tried
        error = Measured.exactly(event_error_rate=edits / len(self.true.labels))
        return replace(tried, measured=tried.measured.joined(error))


def _figures(found: Tally, weights: Array, compute: float) -> tuple[dict[str, float], dict[str, Array]]:
    """The figures of a rule, and what they are in draws of the units."""
    each, drawn = {}, {}
    for name, above, below in (
        (_FOUND, found.found, found.events),
        (_MADE_UP, found.false * HOUR, found.resting),
    ):
        if below.sum() > 0:
            each[name] = float(above.sum() / below.sum())
            if len(told := matching.ratios(above, below, weights)):
                drawn[name] = told
    if len(found.delays):
        delays = np.sort(found.delays)
        for name, share in (("delay_p50", 0.5), ("delay_p99", 0.99)):
            each[name] = matching.quantile(delays, share) + compute
    return each, drawn


@dataclass(frozen=True)
class Choice:
    """The rule that was chosen, with its figures, and all that were tried."""

    best: Tried
    tried: Sequence[Tried]

    def frontier(self) -> list[Tried]:
        """Rules that no other equals in false activations, detection and delay at once, the fewest false activations first."""
        order = sorted(self.tried, key=_corner)
        kept: list[Tried] = []
        for each in order:
            if not any(_beats(other, each) for other in kept):
                kept.append(each)
        return kept


def _corner(tried: Tried) -> tuple[float, float, float]:
    return (
        tried.figure(_MADE_UP),
        -(tried.measured.middle(_FOUND) or 0.0),
        tried.figure("delay_p50"),
    )


def _beats(one: Tried, other: Tried) -> bool:
    """No worse in any of the three; equals come after one another and need not be shown twice."""
    return all(a <= b for a, b in zip(_corner(one), _corner(other), strict=True))


def chosen(known: Known, limits: Limits, score: str = "") -> Choice:
    """The rule for these answers under the limits on events, of which those on a slice are left to the test. Of rules that keep
    them it is the one that finds the most, or errs least where that is the ``score``."""
    asked = Limits(tuple(limit for limit in limits.events if limit.slice is None))
    tried = known.tried()
    quick = asked.without([_ERROR])
    able = _able(tried, quick)
    if not able:  # none keeps them: the one that comes nearest shows by how much
        best = min(tried, key=lambda each: (quick.judge(each.measured)[0].ratio, each.mistakes))
        return Choice(known.erring(best), tried)
    listed = sorted(able, key=lambda each: each.mistakes)[:_LISTED]
    if asked.each:
        listed += sorted(able, key=lambda each: _finding(each))[:_LISTED]
    told = [known.erring(each) for each in {each.rule: each for each in listed}.values()]
    fit = [each for each in told if not asked.judge(each.measured)]
    # Where nothing bounds what is made up, to find the most would be to make up the most.
    finds = fit and asked.only((_MADE_UP,)).each and score != _ERROR
    return Choice(min(fit or told, key=_finding if finds else _erring), tried)


def _able(tried: Sequence[Tried], limits: Limits) -> list[Tried]:
    """Those that keep the limits, and of them the surest: what is at the edge today is over it on every other day."""
    for share in _SURE:
        if found := [each for each in tried if not limits.judge(each.at(share))]:
            return found
    return [each for each in tried if not limits.judge(each.measured)]


def _erring(tried: Tried) -> tuple[float, float, tuple[float, float, float]]:
    return tried.figure(_ERROR), tried.mistakes, _corner(tried)


def _finding(tried: Tried) -> tuple[float, float]:
    """The more is found the better, and of equals the fewer mistakes."""
    return -(tried.measured.middle(_FOUND) or 0.0), tried.mistakes


def crossed(known: Known, limits: Limits, seed: int, score: str = "") -> Array:
    """The decisions at these moments (see ``events.decisions``), those of each half of the units by the rule that the other
    half chose: figures that flatter nobody. One unit alone has the rule that it chose itself.
    """
    units = known.held_units
    half = known.halves(seed)[units]
    made = np.full(len(units), -1)
    for teach, learn in ((half, ~half), (~half, half)):
        if learn.any():
            taught = chosen(known.take(np.flatnonzero(teach if teach.any() else learn)), limits, score).best.rule
            part = known.take(np.flatnonzero(learn))
            made[learn] = events.decisions(taught, part.probabilities, part.timeline)
    return made
