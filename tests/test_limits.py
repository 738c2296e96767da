"""Limits: the grammar, every message, and the one comparison."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import units
from plimsoll.errors import LimitError
from plimsoll.limits import COSTS, Limit, Limits, Measured, parse
from plimsoll.metrics import METRICS


def _bounds(dimension: str) -> st.SearchStrategy[float]:
    """Figures of three digits, which is what a limit shows."""
    shown = st.integers(100, 999).flatmap(lambda digits: st.integers(-2, 3).map(lambda power: digits * 10.0**power))
    return shown.map(lambda value: units.parse(units.show(value, dimension), dimension))


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    """Any limit that the grammar can write."""
    name = draw(st.sampled_from([*COSTS, *METRICS]))
    if name in COSTS:
        return Limit(name, True, draw(_bounds(COSTS[name])))
    where = draw(
        st.none() | st.tuples(st.sampled_from(["sex", "a column", "größe"]), st.sampled_from(["Female", "x,y", "3"]))
    )
    return Limit(name, not METRICS[name].higher_is_better, draw(st.integers(1, 9999)) / 10_000, where)


@given(limits())
def test_a_limit_reads_back_as_it_is_written(limit: Limit):
    """str and parse are each other's inverse."""
    (found,) = parse(str(limit))
    assert (found.name, found.upper, found.slice) == (limit.name, limit.upper, limit.slice)
    assert found.bound == pytest.approx(limit.bound, rel=1e-9)
    assert str(found) == str(limit)


@given(st.lists(limits(), max_size=6, unique_by=lambda limit: limit.key))
def test_several_limits_read_back_in_order(several: list[Limit]):
    """Commas separate limits, but not inside a slice."""
    assert [limit.key for limit in parse(", ".join(map(str, several)))] == [limit.key for limit in several]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "p99 25 ms",
            'limits[0]: "p99 25 ms" is not a limit. Write a name, a side and a number, such as "p99 < 25 ms".',
        ),
        ("p99 < 2 ms, p98 < 2 ms", 'limits[1]: nothing called "p98" is measured. Did you mean "p99"?'),
        ("p99 > 2 ms", 'limits[0].p99: a limit on p99 is written with <, as in "p99 < …".'),
        ("accuracy < 0.9", 'limits[0].accuracy: a limit on accuracy is written with >, as in "accuracy > …".'),
        ("rmse > 3", "a limit on rmse is written with <"),
        ("p99 < 2", 'limits[0].p99: "2" is not a time. Write a number and a unit, such as "25 ms"'),
        ("memory < 2 ms", '"2 ms" is not a size'),
        ("size < 0 MB", "limits[0].size: 0 MB leaves no room. Write a number above zero."),
        ("p99 < 2 ms, p99 < 3 ms", "limits[1]: p99 has been given twice. Keep one of them."),
        ("p99[sex=Female] < 2 ms", '"[sex=Female]" is not a slice'),
        ("accuracy[sex] > 0.8", '"[sex]" is not a slice'),
    ],
)
def test_a_wrong_limit_is_answered_with_its_place_and_what_to_write(text: str, words: str):
    """Every message names the place, what was found and what to write."""
    with pytest.raises(LimitError) as caught:
        parse(text)
    assert words in str(caught.value)


def test_a_list_of_texts_is_one_set_of_limits():
    """Several --limit flags and one with commas mean the same."""
    assert parse(["p99 < 2 ms", "memory < 150 MB"]) == parse("p99 < 2 ms, memory < 150 MB")
    assert list(parse("")) == []


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_an_upper_limit_is_kept_exactly_when_the_figure_is_below(bound: float, found: float):
    """A figure on the line is a breach; one below is not; and the ratio says how far over it is."""
    breaches = Limits((Limit("p99", True, bound),)).judge(Measured.exactly(p99=found))
    assert bool(breaches) == (found >= bound)
    if breaches:
        assert breaches[0].ratio == pytest.approx(found / bound)


def test_the_unsure_side_of_a_cost_counts():
    """A cost is held against the high end of its interval, a floor against the middle."""
    judged = parse("p99 < 2 ms, accuracy > 0.9").judge(
        Measured({"p99": (0.001, 0.0015, 0.0021), "accuracy": (0.85, 0.91, 0.95)})
    )
    assert [breach.limit.name for breach in judged] == ["p99"]


def test_what_was_not_measured_is_not_kept():
    """A limit on a figure that nobody took is a breach, and comes first."""
    judged = parse("p99 < 2 ms, memory < 1 MB").judge(Measured.exactly(memory=2e6))
    assert [str(breach) for breach in judged] == ["p99 < 2 ms: not measured", "memory < 1 MB: 2 MB"]
    assert math.isinf(judged[0].ratio)


def test_a_slice_is_judged_by_its_own_figure():
    """accuracy over the women is another figure than accuracy over all."""
    limits = parse("accuracy[sex=Female] > 0.8")
    assert not limits.judge(Measured({"accuracy[sex=Female]": (0.9, 0.9, 0.9), "accuracy": (0.1, 0.1, 0.1)}))
    assert limits.judge(Measured({"accuracy": (0.9, 0.9, 0.9)}))


def test_the_load_is_the_largest_share_of_a_limit():
    """A model that uses half of its memory and a tenth of its time sits at one half."""
    assert parse("p99 < 10 ms, memory < 100 MB").load(Measured.exactly(p99=0.001, memory=50e6)) == pytest.approx(0.5)
    assert parse("").load(Measured.exactly(p99=0.001)) == 0.0


def test_energy_is_never_written_as_a_single_number():
    """Energy and carbon leave the program as an interval."""
    written = Measured({"energy": (10.0, 20.0, 40.0), "p50": (1.0, 2.0, 3.0)}).as_json()
    assert written == {"energy": [10.0, 40.0], "p50": 2.0}
