"""The frontier holds what nothing else beats, and the choice is made among what fits."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from plimsoll import frontier, limits
from plimsoll.frontier import COSTS
from plimsoll.limits import Measured
from plimsoll.trial import Score, Status, Trial


def trial(number: int, value: float, cost: float = 1.0, status: Status = Status.FITS, metric: str = "accuracy", **more):
    """A complete trial whose costs are all the same but for those named."""
    measured = Measured.exactly(**{**dict.fromkeys(COSTS, cost), **more})
    return Trial(f"t{number:03d}", "linear", {}, status, score=Score(metric, value, value, value), measured=measured)


LEVELS = st.sampled_from([0.1, 0.2, 0.3])
TRIALS = st.lists(
    st.builds(
        lambda value, status, share, costs: (value, status, share, costs),
        LEVELS,
        st.sampled_from(list(Status)),
        st.sampled_from([0.25, 1.0]),
        st.fixed_dictionaries(dict.fromkeys(COSTS, LEVELS)),
    ),
    max_size=10,
).map(
    lambda each: [
        replace(trial(k, value, status=status, **costs), share=share)
        for k, (value, status, share, costs) in enumerate(each)
    ]
)


def as_good(one: Trial, other: Trial) -> list[bool]:
    """Whether one is at least as good as the other, figure by figure."""
    pairs = [(one.measured.figures[cost][1], other.measured.figures[cost][1]) for cost in COSTS]
    return [one.score.value >= other.score.value, *(mine <= its for mine, its in pairs)]


@given(TRIALS)
def test_the_frontier_is_what_nothing_beats(trials: list[Trial]):
    """It holds whole trials that fit, none of them beaten, and each that fits is on it or beaten by one on it."""
    fit = [each for each in trials if each.status is Status.FITS and each.share == 1.0]
    found = frontier.frontier(trials)
    assert all(each in fit for each in found)
    for each in fit:
        beaten = [other for other in found if all(as_good(other, each)) and not all(as_good(each, other))]
        assert bool(beaten) != (each in found)
    assert [each.score.value for each in found] == sorted((each.score.value for each in found), reverse=True)


@given(TRIALS)
def test_the_order_of_the_trials_does_not_matter(trials: list[Trial]):
    """The frontier is the same whichever trial came first."""
    assert frontier.frontier(trials) == frontier.frontier(trials[::-1])


def test_a_trial_over_any_limit_is_not_on_the_frontier():
    """A model that breaches one limit is never offered, however good its score."""
    good, over = trial(1, 0.7, cost=9.0), trial(2, 0.99, cost=0.1, status=Status.BREACHES)
    assert frontier.frontier([over, good]) == [good]
    for choose in ("best", "cheapest"):
        assert frontier.ranked([over, good], lambda *_: False, choose) == [good]


def test_less_error_is_better():
    """A metric that should be low is turned around."""
    small, large = trial(1, 0.5, metric="rmse"), trial(2, 0.9, metric="rmse")
    assert frontier.goodness(small) > frontier.goodness(large)
    assert frontier.beats(small, large)
    assert frontier.frontier([large, small]) == [small]


def test_no_trial_beats_itself():
    """Two trials that are level both stay."""
    one, other = trial(1, 0.5), trial(2, 0.5)
    assert not frontier.beats(one, other)
    assert frontier.frontier([one, other]) == [one, other]


def test_the_cheapest_that_is_not_worse_is_chosen():
    """Of those that cannot be told from the best, the quickest comes first; the worse come after all of them."""
    best, level, worse = trial(1, 0.90, p50=4.0), trial(2, 0.89, p50=2.0), trial(3, 0.6, p50=1.0)

    def far(one: Trial, other: Trial) -> bool:
        return other.score.value - one.score.value > 0.05

    assert frontier.ranked([worse, best, level], far, "cheapest") == [level, best, worse]
    assert frontier.ranked([worse, best, level], far, "best") == [best, level, worse]


def test_of_p50s_that_cannot_be_told_apart_the_better_score_is_taken():
    """A timing's noise must not decide between a model and a better one that costs the same."""
    best, quick, cheap = trial(1, 0.90, p50=2.9), trial(2, 0.89, p50=2.0), trial(3, 0.88, p50=1.0)
    assert frontier.ranked([quick, best], lambda *_: False, "cheapest") == [best, quick]
    assert frontier.ranked([quick, best, cheap], lambda *_: False, "cheapest") == [cheap, best, quick]


def test_the_best_is_never_held_against_itself():
    """The best trial stays in the choice, even where a comparison calls everything worse."""
    best, other = trial(1, 0.9), trial(2, 0.8, p50=0.1)
    assert frontier.ranked([other, best], lambda *_: True, "cheapest")[0] is best


def test_nothing_that_fits_is_no_choice():
    """With no trial there is no frontier, no order and nothing nearest."""
    assert frontier.frontier([]) == []
    assert frontier.ranked([], lambda *_: False, "cheapest") == []
    assert frontier.nearest([], limits.parse("p50 < 1 ms")) is None


def test_the_nearest_is_the_one_with_the_smallest_worst_breach():
    """A model over one limit by far is further away than one over two by a little."""
    asked = limits.parse("p50 < 1 s, p99 < 1 s")
    far, close = trial(1, 0.9, p50=0.5, p99=3.0), trial(2, 0.1, p50=1.2, p99=1.3)
    assert frontier.nearest([far, close], asked) is close


def test_a_price_names_the_limit_that_is_in_the_way():
    """The limit to move, the model that then fits, its figure and what it scores."""
    asked = limits.parse("p50 < 1 s, size < 2 MB")
    slow = trial(1, 0.9, status=Status.BREACHES, p50=1.5, size=1e6)
    (line,) = frontier.prices([slow], asked)
    assert "Without p50 < 1 s" in line
    assert "1.5 s" in line
    assert "accuracy 0.9" in line


def test_a_price_is_that_of_the_best_model_behind_the_limit():
    """What moving a limit buys is the best that lies behind it, not whatever lies nearest."""
    asked = limits.parse("size < 1 kB")
    floor = trial(1, 0.5, status=Status.BREACHES, size=1.5e3)
    good = trial(2, 0.9, status=Status.BREACHES, size=2e3)
    (line,) = frontier.prices([floor, good], asked)
    assert "size 2 kB" in line
    assert "accuracy 0.9" in line


def test_what_is_likely_chosen_keeps_its_limits():
    """The best of those that fit, whatever breaks a limit; where nothing fits, the best of all."""
    best = trial(1, 0.9, status=Status.BREACHES)
    fits = [trial(2, 0.5), trial(3, 0.7)]
    assert frontier.likely([best, *fits]) is fits[1]
    assert frontier.likely([best, trial(4, 0.8, status=Status.BREACHES)]) is best
    assert frontier.likely([]) is None
