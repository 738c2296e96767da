"""What may be named for a comparison, and what each of them may spend."""

from __future__ import annotations

import pytest

from plimsoll.approaches import Approach, Budget, read
from plimsoll.errors import JobError
from plimsoll.job import Job
from plimsoll.schema import Column, Kind, Schema

SCHEMA = Schema((Column("x", Kind.NUMBER),), "y", ("no", "yes"))


def test_knobs_that_are_fixed_stay_so_in_every_setting():
    """Also where the recipe would put a knob back that changes nothing on such columns; the rest is still searched."""
    approach = Approach.parse("linear:words=3")
    settings = list(approach.space(Job("y"), SCHEMA).settings(0, 20))
    assert {setting["words"] for setting in settings} == {3}
    assert len({setting["strength"] for setting in settings}) > 1
    assert all(settings.count(setting) == 1 for setting in settings)


def test_a_fixed_knob_leaves_the_rest_of_the_portfolio():
    """Of a setting of the portfolio only what is free is taken."""
    listed = Approach.parse("linear:bins=16").space(Job("y"), SCHEMA).listed
    assert {setting["bins"] for setting in listed} == {16}
    assert {setting["strength"] for setting in listed} == {1.0, 0.3}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("trees:leaves=40", 40),
        ("trees:rate=0.07", 0.07),
        ("text_ngrams:balanced=true", True),
        ("covariance_lda:window=1", 1.0),
    ],
)
def test_values_are_of_the_kind_that_the_knob_has(text: str, value: object):
    """A number between the options is allowed: a researcher may want it."""
    (found,) = Approach.parse(text).fixed.values()
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["tree", "linear"], 'Did you mean "trees"?'),
        (["trees:leavs=15", "linear"], 'Did you mean "leaves"?'),
        (["trees:leaves", "linear"], "Write KNOB=VALUE"),
        (["trees:", "linear"], "Write KNOB=VALUE"),
        (["trees:leaves=1.5", "linear"], 'leaves cannot be "1.5"'),
        (["trees:leaves=many", "linear"], 'leaves cannot be "many"'),
        (["trees:rate=nan", "linear"], 'rate cannot be "nan"'),
        (["trees:rate=inf", "linear"], 'rate cannot be "inf"'),
        (["text_ngrams:balanced=perhaps", "linear"], "There are: False, True"),
        (["trees:leaves=15,leaves=31", "linear"], "given twice"),
        (["trees", "trees"], "named twice"),
        (["trees:leaves=15,rate=0.1", "trees:rate=.1,leaves=15"], "named twice"),
        (["trees"], "2 to 20 approaches"),
        ([f"trees:leaves={n}" for n in range(2, 23)], "2 to 20 approaches"),
        (["blend", "trees"], "made of other trials"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(texts: list[str], said: str):
    """The place, what was found, and what to write."""
    with pytest.raises(JobError, match=said.replace("?", r"\?")) as fault:
        read(texts)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("texts", "budget"),
    [
        (None, Budget(10)),
        (["1 trial"], Budget(1)),
        (["60 s"], Budget(1_000, 60.0)),
        (["5 trials", "2min"], Budget(5, 120.0)),
        (["5 trials, 0.5 h"], Budget(5, 1_800.0)),
    ],
)
def test_a_budget_is_trials_or_time_or_both(texts: list[str] | None, budget: Budget):
    """Either alone, or both, in one text or two; printed, it is read as the same again."""
    found = Budget.parse(texts)
    assert found == budget
    assert Budget.parse([str(found)]) == budget


@pytest.mark.parametrize("text", ["10", "ten trials", "0 trials", "-3 trials", "0 s", "-1 s", "5 trials, 6 trials", "1 s, 2 s", "9999 trials", "3 d", "nan s"])  # fmt: skip
def test_what_is_no_budget_is_said_in_a_line(text: str):
    """A number without a unit could be either, and is neither."""
    with pytest.raises(JobError, match="--budget"):
        Budget.parse([text])
