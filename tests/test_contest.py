"""The statistics of a comparison: known values, hand-made tables, and contests whose outcome is planted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import contest, paired
from plimsoll.errors import JobError

UNITS = np.array([0.62, 0.55, 0.71, 0.48, 0.66, 0.59, 0.70, 0.52, 0.61, 0.57])


@pytest.mark.parametrize("units", [3, 6, 12, 40])
def test_signed_ranks_without_ties_are_those_of_scipy(units: int):
    """The exact distribution and the exact p, also where most differences point one way."""
    for seed in range(20):
        gap = np.random.default_rng([seed, units]).normal(0.3, 1.0, units)
        known = scipy.stats.wilcoxon(gap, method="exact")
        p, plus, minus = paired.signed_ranks(gap)
        assert p == pytest.approx(known.pvalue)
        assert min(plus, minus) == known.statistic


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_signed_ranks_with_ties_and_zeros_count_every_sign(gaps: list[int]):
    """Where differences are equal the distribution is that of all signs at hand, which scipy's tables leave out."""
    gap = np.array(gaps, dtype=float)
    told = gap[gap != 0]
    size = scipy.stats.rankdata(np.abs(told))
    least = min(size[told > 0].sum(), size[told < 0].sum())
    sums = [
        sum(s for s, plus in zip(size, signs, strict=True) if plus)
        for signs in itertools.product((0, 1), repeat=len(told))
    ]
    brute = min(1.0, 2 * float(np.mean(np.array(sums) <= least + 1e-9))) if len(told) else 1.0
    assert paired.signed_ranks(gap)[0] == pytest.approx(brute)


def test_many_units_come_near_to_the_normal_distribution():
    """Beyond 200 units p is scipy's approximate one."""
    gap = np.random.default_rng(0).normal(0.1, 1.0, 400)
    assert paired.signed_ranks(gap)[0] == pytest.approx(scipy.stats.wilcoxon(gap, method="asymptotic").pvalue)


def test_holm_is_the_step_down_of_the_book():
    """Corrected p-values of a worked example: each times how many are left, never falling, never above 1."""
    assert paired.holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert paired.holm([0.6, 0.001, 0.5]) == pytest.approx([1.0, 0.003, 1.0])
    assert paired.holm([]) == []


@pytest.mark.parametrize("decimals", [1, 6])
def test_friedman_is_that_of_scipy_with_ties_and_without(decimals: int):
    """The statistic is corrected for ties as scipy does it."""
    table = np.random.default_rng(3).normal(size=(4, 9)).round(decimals) + np.arange(4)[:, None] * 0.3
    known = scipy.stats.friedmanchisquare(*table)
    assert paired.friedman(table) == pytest.approx((known.statistic, known.pvalue))
    assert paired.friedman(np.ones((3, 5))) == (0.0, 1.0)


def test_an_interval_holds_the_truth_as_often_as_it_says():
    """Over skewless differences of ten units the mean lies inside 95 of 100 bounds, and of twenty as well."""
    for units in (10, 20):
        draws = np.random.default_rng(5).standard_t(3, size=(400, units)) + 0.7
        bounds = [paired.interval(gap, seed=1) for gap in draws]
        held = np.mean([low <= 0.7 <= high for low, high in bounds if low is not None])
        assert 0.92 <= held <= 0.98


def test_an_interval_of_six_is_the_range_of_its_means():
    """With 6 units 1 of the 64 stretches is left out on either side: the bounds are the smallest and the largest unit."""
    gap = np.array([0.3, -0.1, 0.2, 0.25, 0.05, 0.4])
    assert paired.interval(gap) == (-0.1, 0.4)
    assert paired.interval(gap[:5]) is None


def test_identical_approaches_are_never_told_apart():
    """Equal scores are a tie on every unit, whatever the last digit of a float says."""
    twin = UNITS * 3.0 / 3.0 + 1e-17
    found = contest.contest({"a": UNITS, "b": np.nextafter(twin, 1.0)}, True)
    (pair,) = found.pairs
    assert (pair.ties, pair.p, pair.adjusted, pair.apart, pair.rank_biserial) == (10, 1.0, 1.0, False, 0.0)
    assert found.groups == (("a", "b"),)
    assert set(found.ranks.values()) == {1.5}


def test_better_by_a_constant_on_ten_units_is_told_apart():
    """Ten of ten units: p is 2 in 1,024, the effect is whole, and its size in deviations is beyond all bounds."""
    found = contest.contest({"worse": UNITS - 0.01, "better": UNITS}, True)
    (pair,) = found.pairs
    assert (pair.one, pair.wins, pair.losses, pair.apart) == ("better", 10, 0, True)
    assert pair.p == pytest.approx(2 / 1024)
    assert (pair.difference, pair.low, pair.high) == pytest.approx((0.01, 0.01, 0.01))
    assert (pair.rank_biserial, pair.d_z) == (1.0, None)
    assert found.groups == ()


def test_less_is_better_where_the_metric_is_an_error():
    """The better approach is the one with the smaller error, and its difference is above 0."""
    found = contest.contest({"a": UNITS + 0.1, "b": UNITS}, False)
    assert list(found.ranks) == ["b", "a"]
    assert found.pairs[0].difference == pytest.approx(0.1)


def test_five_units_can_tell_nothing_apart():
    """A p below .03 is out of reach, however large the difference: the contest knows it."""
    found = contest.contest({"a": UNITS[:5] + 5, "b": UNITS[:5], "c": UNITS[:5] - 5}, True)
    assert not any(pair.apart for pair in found.pairs)
    assert found.least == pytest.approx(3 / 16)
    assert contest.least_p(5) > 0.03


def test_more_pairs_ask_for_more():
    """What two approaches alone would be told apart by is not enough among six: the correction is there."""
    gap = np.array([0.03, 0.02, 0.04, -0.005, 0.05, 0.01, 0.06, 0.07])
    two = {"a": UNITS[:8] + gap, "b": UNITS[:8]}
    assert contest.contest(two, True).pairs[0].apart
    rest = {name: UNITS[:8] + 0.001 * np.random.default_rng(k).normal(size=8) for k, name in enumerate("cdef")}
    among = next(p for p in contest.contest({**two, **rest}, True).pairs if {p.one, p.other} == {"a", "b"})
    assert among.p < contest.ALPHA < among.adjusted


def test_effect_sizes_are_those_of_a_table_made_by_hand():
    """Differences of 3, -1, 2, 4: ranks 3, 1, 2, 4, so 9 against 1 of 10; mean 2 over a deviation of 2.16."""
    found = contest.contest({"a": np.array([3.0, 0.0, 2.0, 4.0]), "b": np.array([0.0, 1.0, 0.0, 0.0])}, True)
    (pair,) = found.pairs
    assert pair.rank_biserial == pytest.approx(0.8)
    assert pair.d_z == pytest.approx(2.0 / np.std([3, -1, 2, 4], ddof=1))
    assert (pair.wins, pair.ties, pair.losses) == (3, 0, 1)


def test_groups_overlap_where_neighbours_are_alike_and_ends_are_not():
    """Being told apart does not carry over: each group holds only those of which no two are apart, also with a gap."""
    apart = {frozenset("ac"), frozenset("ad"), frozenset("bd")}
    assert contest.groups(list("abcd"), apart) == (("a", "b"), ("b", "c"), ("c", "d"))
    assert contest.groups(list("abc"), {frozenset("ab")}) == (("a", "c"), ("b", "c"))
    assert contest.groups(list("ab"), {frozenset("ab")}) == ()


@pytest.mark.parametrize("scores", [{"a": UNITS}, {"a": UNITS, "b": UNITS[:9]}, {"a": UNITS[:0], "b": UNITS[:0]}])
def test_what_cannot_be_paired_is_refused(scores: dict[str, np.ndarray]):
    """One approach, or two on different units, are no contest."""
    with pytest.raises(JobError, match="same units"):
        contest.contest(scores, True)


def test_a_score_that_is_no_number_is_refused():
    """A unit without a score is left out by whoever knows why, never here."""
    with pytest.raises(JobError, match="finite"):
        contest.contest({"a": np.array([np.nan, 1.0]), "b": np.ones(2)}, True)
