"""The planner: defaults first, then what promises most for its cost, nothing twice, and nothing that time forbids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import planner, promise
from plimsoll.cases import Candidate, Case, Known
from plimsoll.costs import Costs
from plimsoll.knobs import Space
from plimsoll.limits import Measured, parse
from plimsoll.outlook import Scene, Step, foretold, ruled_out, verdicts, wall
from plimsoll.planner import next_step
from plimsoll.profile import Profile
from plimsoll.trial import Score, Status, Trial

SPACES = {
    "constant": Space(),
    "linear": Space({"strength": (1.0, 0.1, 10.0), "bins": (0, 8)}, portfolio=({"bins": 8},)),
    "trees": Space(
        {"leaves": (31, 15, 63, 127), "rate": (0.1, 0.05, 0.01)}, portfolio=({"leaves": 63}, {"rate": 0.01})
    ),
}
GOOD = {"constant": 0.5, "linear": 0.80, "trees": 0.81}
MANY = Profile(20_000)


@dataclass(frozen=True)
class Told(Costs):
    """Stands in for the learned model: core-seconds in proportion to the rows, and a size; within a tenth either way."""

    seconds: dict[str, float] = field(default_factory=dict)
    size: float = 1e5

    def predict(self, candidates: Sequence[Candidate]) -> list[Measured]:
        found = []
        for each in candidates:
            cpu = self.seconds.get(each.known.recipe, 1.0) * each.known.profile.rows / MANY.rows
            found.append(Measured({n: (0.9 * v, v, 1.1 * v) for n, v in (("cpu", cpu), ("size", self.size))}))
        return found


def tried(step: Step, number: int, value: float | None = None, status: Status = Status.FITS) -> Trial:
    """The trial that a step gave."""
    value = GOOD[step.recipe] if value is None else value
    measured = Measured.exactly(train=1.0, **({"p50": 0.001} if step.share >= 1.0 else {}))
    score = Score("accuracy", value, value - 0.05, value + 0.05)
    return Trial(f"t{number:03d}", step.recipe, step.knobs, status, score=score, measured=measured, share=step.share)


def scene(**more: object) -> Scene:
    told = {"profile": MANY, "costs": Told(), "seconds": 60.0, "served": 0.0, **more}
    return Scene(SPACES, **told)  # type: ignore[arg-type]


def searched(begin: Scene) -> list[Step]:
    """All steps of a search, one at a time."""
    taken: list[Step] = []
    while step := next_step(begin):
        taken.append(step)
        left = begin.seconds - wall(begin, step)
        begin = replace(begin, trials=[*begin.trials, tried(step, len(taken))], seconds=left)
        assert len(taken) < 200
    return taken


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([50, 20_000]), st.floats(10.0, 60.0), st.integers(0, 50))
def test_defaults_come_first_and_nothing_comes_twice(rows: int, seconds: float, seed: int):
    """Every recipe's default is tried in order before anything else, and no step is taken again."""
    taken = searched(scene(profile=Profile(rows), seconds=seconds, seed=seed))
    assert [(step.recipe, step.knobs, step.share) for step in taken[:3]] == [
        (name, space.default, 1.0) for name, space in SPACES.items()
    ]
    assert len({step.key for step in taken}) == len(taken)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.0, 40.0), st.integers(0, 50))
def test_the_same_search_takes_the_same_steps(seconds: float, seed: int):
    """What comes next hangs on what was tried, what it would cost, the time left and the seed alone."""
    assert searched(scene(seconds=seconds, seed=seed)) == searched(scene(seconds=seconds, seed=seed))


@settings(deadline=None, max_examples=20)
@given(st.floats(0.0, 60.0), st.floats(0.2, 5.0))
def test_no_step_is_taken_that_would_outlast_the_time(seconds: float, cost: float):
    """After the first trial of all, without which there is nothing to serve, the time is kept."""
    begin = scene(seconds=seconds, costs=Told(seconds=dict.fromkeys(SPACES, cost)))
    taken = searched(begin)
    assert sum(wall(begin, step) for step in taken[1:]) <= max(0.0, seconds) + 1e-9


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.05])
def test_without_time_only_the_first_trial_of_all_is_begun(seconds: float):
    """A search whose time is up, or too short for any forecast, ends with one."""
    first = next_step(scene(seconds=seconds))
    assert first is not None
    assert next_step(scene(seconds=seconds, trials=[tried(first, 1)])) is None


def test_what_is_running_is_not_begun_again():
    """Two lanes take two steps."""
    first = next_step(scene(lanes=2))
    assert first is not None
    second = next_step(scene(lanes=2, running=[first]))
    assert second is not None
    assert second.key != first.key


def test_a_default_that_one_core_cannot_end_has_all_of_them_to_itself():
    """Where all cores end it in time it waits until they are free; where not, it sees fewer rows."""
    slow = Told(seconds={"constant": 0.01, "linear": 0.01, "trees": 100.0})
    done = [tried(Step(name, SPACES[name].default), k) for k, name in enumerate(("constant", "linear"))]
    wide = next_step(scene(costs=slow, trials=done, lanes=4, quicker=3.0))
    assert wide is not None
    assert (wide.recipe, wide.wide, wide.share) == ("trees", True, 1.0)
    busy = next_step(scene(costs=slow, trials=done, lanes=4, quicker=3.0, running=[Step("linear", {"bins": 8})]))
    assert busy is None or busy.recipe != "trees"
    fewer = next_step(scene(costs=slow, trials=done))
    assert fewer is not None
    assert (fewer.recipe, fewer.share) == ("trees", 0.25)


def test_dear_candidates_are_tried_on_fewer_rows_first_and_the_best_of_them_go_on():
    """A setting that does well on a sixteenth of the rows is thawed before one that does badly."""
    dear = Told(seconds={"constant": 0.01, "linear": 0.01, "trees": 8.0})
    done = [tried(Step(name, space.default), k) for k, (name, space) in enumerate(SPACES.items())]
    begin = scene(costs=dear, trials=done, seconds=600.0)
    first = next_step(begin)
    while first is not None and first.recipe != "trees":
        begin = replace(begin, trials=[*begin.trials, tried(first, 9)])
        first = next_step(begin)
    assert first is not None
    assert first.share == planner.RUNGS[0]
    good, bad = Step("trees", {"leaves": 63, "rate": 0.1}, 1 / 16), Step("trees", {"leaves": 31, "rate": 0.01}, 1 / 16)
    probes = [tried(good, 20, 0.84), tried(bad, 21, 0.60)]
    known = {s.key for s in planner.candidates(begin) if s.recipe != "trees"}
    others = [tried(s, 30 + k, 0.5) for k, s in enumerate(planner.candidates(begin)) if s.key in known]
    drawn = [s for s in planner.candidates(begin) if s.recipe == "trees" and s.knobs not in (good.knobs, bad.knobs)]
    others += [tried(replace(s, share=1.0), 60 + k, 0.5) for k, s in enumerate(drawn)]
    step = next_step(replace(begin, trials=[*done, *probes, *others]))
    assert step is not None
    assert step.knobs == good.knobs
    assert step.share > 1 / 16


def test_few_rows_are_all_seen_at_once():
    """Where a sixteenth would be a handful, no candidate is tried on fewer."""
    assert {step.share for step in searched(scene(profile=Profile(900)))} == {1.0}


def test_another_seed_draws_other_settings():
    """Random settings hang on the seed; defaults and portfolios do not."""
    wide = {"trees": Space({f"knob{k}": (0, 1, 2) for k in range(6)}, portfolio=({"knob1": 2},))}
    one, other = (planner.candidates(replace(scene(seed=seed), spaces=wide)) for seed in (0, 1))
    fixed = ("default", "portfolio")
    assert [step for step in one if step.stage in fixed] == [step for step in other if step.stage in fixed]
    assert {step.key for step in one} != {step.key for step in other}


def test_settings_beside_the_best_are_candidates():
    """One step in each knob from the best that keeps its limits; beyond the last option where a knob is open."""
    space = Space({"leaves": (31, 15, 63), "rate": (0.1, 0.05), "cuts": ("best", "random")}, open=("leaves",))
    trials = [
        tried(Step("trees", {"leaves": 63, "rate": 0.05, "cuts": "best"}), 1, 0.95),
        tried(Step("trees", {"leaves": 15, "rate": 0.1, "cuts": "best"}), 2, 0.96, Status.BREACHES),
        tried(Step("trees", space.default), 3, 0.90),
    ]
    found = planner.candidates(Scene({"trees": space}, MANY, trials=trials))
    near = [step.knobs for step in found if step.stage == "near"]
    drawn = [step.knobs for step in found if step.stage in ("default", "search")]
    due = [
        {"leaves": 31, "rate": 0.05, "cuts": "best"},
        {"leaves": 126, "rate": 0.05, "cuts": "best"},
        {"leaves": 63, "rate": 0.1, "cuts": "best"},
        {"leaves": 63, "rate": 0.05, "cuts": "random"},
    ]
    assert near == [knobs for knobs in due if knobs not in drawn]
    assert due[1] in near


def test_a_recipe_out_of_reach_gets_no_more_time():
    """One whose default is far behind the best is not tuned."""
    done = [
        tried(Step("constant", {}), 1, 0.5),
        tried(Step("linear", SPACES["linear"].default), 2, 0.60),
        tried(Step("trees", SPACES["trees"].default), 3, 0.95),
    ]
    step = next_step(scene(trials=done))
    assert step is not None
    assert step.recipe == "trees"


def test_a_failed_default_does_not_end_the_search():
    """A trial without a score is not tried again, and the next recipe's default follows."""
    step = next_step(scene(trials=[Trial("t001", "constant", {}, Status.FAILED)]))
    assert step is not None
    assert step.recipe == "linear"


def test_training_that_was_not_done_is_offered_more():
    """Where as many trees were kept as were allowed, twice as many are a candidate; where fewer were, they are not."""
    space = Space({"trees": (100,), "rate": (0.1,)})
    for kept, offered in ((100.0, True), (60.0, False)):
        case = Case(Known("trees", space.default, MANY), "x", {"cpu": 1.0}, settled={"trees": kept})
        found = [
            s.knobs for s in planner.candidates(Scene({"trees": space}, MANY, cases=[case])) if s.stage == "longer"
        ]
        assert found == ([{"trees": 200, "rate": 0.1}] if offered else [])


def test_training_goes_on_where_its_curve_still_falls():
    """Of two that came to all their trees, the one whose loss still fell is promised more than the one that had flattened."""
    space = Space({"trees": (100,), "rate": (0.1,)})
    longer = Step("trees", {"trees": 200, "rate": 0.1}, stage="longer")
    promised = {}
    for name, power in (("falls", 0.5), ("flat", 0.0)):
        curve = tuple((spent, 0.2 + 0.5 * spent**-power) for spent in (1.0, 2.0, 4.0, 8.0, 16.0))
        case = Case(Known("trees", space.default, MANY), "x", {"cpu": 1.0}, settled={"trees": 100.0}, curve=curve)
        done = [tried(Step("trees", space.default), 1, 0.8)]
        here = Scene({"trees": space}, MANY, trials=done, cases=[case])
        promised[name] = promise.Promises(here).of(longer).middle - promise.log_loss_of(done[0])
    assert promised["falls"] < promised["flat"] - 0.02
    assert promised["flat"] == pytest.approx(0.0, abs=0.01)


def test_before_others_are_tried_on_fewer_rows_the_best_is_to_compare_them_with():
    """A score on few rows lies far below one on all; only against another on as few does it say anything."""
    dear = Told(seconds={"constant": 0.01, "linear": 0.01, "trees": 8.0})
    best = Step("trees", SPACES["trees"].default)
    done = [
        tried(Step("constant", {}), 1),
        tried(Step("linear", {"strength": 1.0, "bins": 0}), 2),
        tried(best, 3, 0.95),
    ]
    begin = scene(costs=dear, trials=done, seconds=600.0)
    first = next_step(begin)
    assert first is not None
    assert (first.knobs, first.stage) == (best.knobs, "probe")
    meanwhile = next_step(replace(begin, running=[first], lanes=2))
    assert meanwhile is not None
    assert (meanwhile.share, meanwhile.knobs != best.knobs) == (first.share, True)
    then = next_step(replace(begin, trials=[*done, tried(first, 4, 0.90)]))
    assert then is not None
    assert (then.share, then.knobs != best.knobs) == (first.share, True)
    beaten = [*done, tried(first, 4, 0.90), tried(then, 5, 0.91)]
    thawed = next_step(replace(begin, trials=beaten))
    assert thawed is not None
    assert thawed.knobs == then.knobs
    assert thawed.share > then.share


class Flat(Told):
    """A fit on few rows takes nearly as long as one on all of them."""

    def predict(self, candidates: Sequence[Candidate]) -> list[Measured]:
        return [Measured({"cpu": (0.9, 1.0, 1.1), "size": (self.size,) * 3}) for _ in candidates]


def test_where_fewer_rows_save_nothing_all_are_seen_at_once():
    """A rung is climbed for what it spares, not for its own sake."""
    assert {step.share for step in searched(scene(costs=Flat(), seconds=60.0))} == {1.0}


# What is foretold of the limits.


@pytest.mark.parametrize(
    ("size", "verdict"), [(1e5, "fits"), (1.95e5, "may"), (2.1e5, "may"), (3e5, "does not")], ids=str
)
def test_a_verdict_holds_the_interval_against_the_limit(size: float, verdict: str):
    """Below it as a whole, above it as a whole, or neither."""
    here = scene(costs=Told(size=size), limits=parse("size < 200 kB"))
    ((_, found, why),) = verdicts(here, foretold(here, [Step("trees")]))
    assert found == verdict
    assert bool(why) == (verdict != "fits")


def test_what_cannot_keep_a_limit_is_ruled_out_with_the_figure_and_is_not_tried():
    """But the defaults are: without them there is nothing to compare with."""
    here = scene(costs=Told(size=1e6), limits=parse("size < 200 kB"), seconds=600.0)
    out = list(ruled_out(here, foretold(here, planner.candidates(here))))
    assert len(out) == len(planner.candidates(here))
    assert all("size < 200 kB: 900 kB" in why for _, why in out)
    assert [step.recipe for step in searched(here)] == list(SPACES)
    assert len(searched(replace(here, lenient=True))) > len(SPACES)


def test_of_a_limit_that_nothing_is_foretold_of_nothing_is_said():
    """A floor on a quality rules nothing out before there is a score."""
    here = scene(limits=parse("accuracy > 0.99, cold_start < 1 ms"))
    assert not list(ruled_out(here, foretold(here, [Step("trees")])))


def test_a_fit_on_all_cores_takes_less_time_and_each_fold_takes_its_own():
    """Core-seconds of a fold, times the folds, over what all cores are worth, and what goes on around them on top."""
    here = scene(costs=Told(seconds={"trees": 8.0}), folds=5, quicker=2.0, served=1.0)
    (step,) = foretold(here, [Step("trees")])
    assert wall(here, step) == pytest.approx(41.0)
    assert wall(here, replace(step, wide=True)) == pytest.approx(21.0)
    assert math.isclose(wall(here, replace(step, share=0.25)), 40.2)  # a rung is not measured
