"""A bundle for one person: what calibrates it, what it is worth later, and what is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from plimsoll import blend, blending, bundle, calibration, meter, person, personal, window_lda
from plimsoll.blending import Sums
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.cli import main
from plimsoll.clock import Clock
from plimsoll.ctc import Spelling
from plimsoll.errors import DataError, JobError, NothingFits
from plimsoll.events import Rule
from plimsoll.limits import Measured, parse
from plimsoll.meter import Reading
from plimsoll.own import Own
from plimsoll.recipe import Fold
from plimsoll.recipes import constant, covariance_lda
from plimsoll.testing import signal_toys

TOY = signal_toys.oscillations()
KNOBS = {"window": 0.25}
COSTS = Measured.exactly(p50=1e-4, p99=2e-4, memory=5e7, size=9e3, cold_start=0.3)


def everybody(**changes: Any) -> Bundle:
    """``covariance_lda`` of the toy's three people, whose electrodes are told apart as they stand."""
    model = covariance_lda.RECIPE.fit(TOY.job, TOY.schema, TOY.fold, KNOBS, Clock(9.0))
    found = Bundle(
        TOY.job, TOY.schema, "covariance_lda", KNOBS, Calibration.none(4), dict(model.members()), {"limits": []}
    )
    return replace(found, **changes)


def sessions(many: int = 2, turn: int = 2, seed: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Sessions of somebody whose band is turned by two places: everybody's model is of no use to them."""
    held = [signal_toys.session(seed + k) for k in range(many)]
    return np.concatenate([np.roll(one, turn, axis=1) for one, _ in held]), np.concatenate([two for _, two in held])


def written(folder: Path, samples: np.ndarray, truth: np.ndarray, many: int = 2, **columns: Any) -> Path:
    size = len(truth) // many
    names = np.array(signal_toys.GESTURES)[truth]
    np.savez(folder / "signals.npz", emg=samples, rate=100.0, gesture=names)
    told = {"who": ["Ada"] * many, "session": list(range(many)), "start": [k * size for k in range(many)]}
    pl.DataFrame({**told, "length": [size] * many, **columns}).write_csv(folder / "recordings.csv")
    return folder / "recordings.csv"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    bundle.write(tmp_path / "all", everybody())
    return tmp_path / "all"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Timing is the meter's test, but for one test here."""
    if "served" not in request.node.name:
        monkeypatch.setattr(meter, "measure", lambda *_, **__: Reading(COSTS))


def test_a_few_seconds_of_a_person_are_worth_more_than_everybodys_model(place: Path, tmp_path: Path):
    """Everybody's model fails on a turned band; a second of the first session does much, and the score is on the second."""
    table = written(tmp_path, *sessions())
    found = personal.personalise(place, table, tmp_path / "ada", seconds=2.0)
    seconds = [each for each, _ in found.curve]
    scores = [score.value for _, score in found.curve]
    assert seconds == pytest.approx([0.0, 1.0, 1.9])
    assert scores[0] < 0.4
    assert scores[-1] > 0.85
    assert scores[-1] >= scores[1] > scores[0]
    assert found.later.endswith("moments of a later session")
    assert found.curve[-1][1].rows == len(moments_of(table)) // 2


def moments_of(table: Path) -> pl.DataFrame:
    from plimsoll import sources

    return sources.read(table, TOY.job).frame


def test_the_new_bundle_says_what_it_was_made_of_and_answers_by_itself(place: Path, tmp_path: Path):
    """Its facts name the bundle, the person and the seconds of each class; it is read, checked and asked like any other."""
    found = personal.personalise(place, written(tmp_path, *sessions()), tmp_path / "ada", seconds=2.0)
    made = bundle.read(tmp_path / "ada")
    assert made.facts["personal"]["of"] == bundle.read(place).facts["digest"]
    assert made.facts["personal"]["person"] == "Ada"
    assert made.facts["personal"]["seconds"] == {"first": 2.0, "rest": 5.9, "second": 2.0, "third": 1.9}
    assert made.facts["measured"]["p99"] == 2e-4
    answers = made.model().predict(TOY.test)
    assert np.array_equal(answers, found.made.model().predict(TOY.test))
    assert dict(made.model().members()) == dict(made.members)


@pytest.mark.parametrize("metric", ["event_error_rate", "character_error_rate"])
def test_a_person_is_scored_by_what_is_said_where_the_job_is(tmp_path: Path, metric: str):
    """Decided by the bundle's rule, or spelt by its spelling; answers that spell stay uncalibrated."""
    job = replace(TOY.job, metric=metric)
    rest = TOY.schema.classes.index("rest")
    bundle.write(tmp_path / "all", everybody(job=job, rule=Rule(0.5, 2, rest=rest), spelling=Spelling(1, rest)))
    found = personal.personalise(tmp_path / "all", written(tmp_path, *sessions()), tmp_path / "ada", seconds=2.0)
    scores = [score for _, score in found.curve]
    assert {score.metric for score in scores} == {metric}
    assert scores[-1].value < scores[0].value
    assert found.shifts is not None
    assert found.shifts.turned[0] == pytest.approx(scores[-1].value)
    made = bundle.read(tmp_path / "ada")
    assert made.spelling == Spelling(1, rest)
    assert (made.calibration.scale == 1.0) == (metric == "character_error_rate")


def test_the_moments_that_score_are_never_those_that_calibrate(place: Path, tmp_path: Path):
    """Not one of them, and of another session altogether; a planted overlap would be seen."""
    held = person.read(everybody(facts={"digest": "x"}), written(tmp_path, *sessions(3), many=3), seconds=1.0)
    used = held.own.chosen(1.0, TOY.schema.classes)
    later = held.own.later(used)
    assert set(held.own.session[used]) == {0}
    assert set(held.own.session[later]) == {1, 2}
    for learn, unseen in held.own.halves(used):
        ends = held.own.ends[used]
        assert np.abs(ends[learn][:, None] - ends[unseen][None]).min() >= held.own.window


def test_it_keeps_the_promises_of_streams_once_it_is_adapted(place: Path, tmp_path: Path):
    """Chunked equals whole, and one row its batch, for a person's model too."""
    from plimsoll.testing import streams, tryout

    def fit(job: Any, schema: Any, fold: Fold, knobs: Any, clock: Clock) -> Any:
        return window_lda.adapt(job, schema, covariance_lda.RECIPE.fit(job, schema, fold, knobs, clock), fold, clock)

    recipe = replace(covariance_lda.RECIPE, fit=fit)
    streams.chunked_equals_whole(recipe)
    streams.no_look_ahead(recipe)
    tryout.expect_alike(recipe, TOY, tryout.fitted(recipe, TOY), TOY.test)


def test_sums_of_two_parts_are_those_of_both():
    """What is kept of everybody is exact: however the streams are parted, the same discriminants come of it."""
    random = np.random.default_rng(0)
    features, target, streams = random.normal(size=(300, 5)), random.integers(0, 3, 300), np.arange(300) // 100
    whole = Sums.of(features, target, 3, streams)
    parts = [Sums.of(features[streams == k], target[streams == k], 3) for k in range(3)]
    joined = parts[0].joined(parts[1]).joined(parts[2])
    for name in ("counts", "sums", "scatter"):
        assert np.allclose(getattr(whole, name), getattr(joined, name))
    people = np.concatenate([features + 9.0, features])
    apart = Sums.of(people, np.tile(target, 2), 3, np.repeat([0, 1], 300))
    assert np.trace(apart.spread) < 1.5 * np.trace(Sums.of(features, target, 3).spread)


def test_own_data_rule_the_more_there_are():
    """Nothing of one's own is everybody's, class by class, and a minute is nearly one's own alone."""
    random = np.random.default_rng(1)
    pooled = Sums.of(random.normal(size=(4_000, 2)), np.arange(4_000) % 2, 2)
    own = np.concatenate([random.normal(2.0, 1.0, (1_200, 2)), random.normal(6.0, 1.0, (1_200, 2))])
    target = np.repeat([0, 1], 1_200)
    right = [
        np.mean(blending.blend(own[pick], target[pick], 2, 0.05, pooled).scores(own).argmax(axis=1) == target)
        for pick in (slice(0, 2_400, 2_400), slice(0, 2_400, 20), slice(0, 2_400))
    ]
    assert right[0] < 0.8 < right[1] <= right[2]
    alone = blending.blend(own[:1_200], target[:1_200], 2, 0.05, None)
    assert (alone.scores(own).argmax(axis=1) == 0).all()


def test_a_temperature_moves_no_decision():
    """Seconds are too few to tell one class from another anew: only how sure a model may be is learned from them."""
    random = np.random.default_rng(2)
    truth = random.integers(0, 3, 400)
    scores = random.normal(size=(400, 3)) + np.eye(3)[truth]
    sure = calibration.softmax(8.0 * scores)
    found = calibration.tempered(truth, sure)
    assert found.scale < 0.3
    assert np.array_equal(found.labels(found.apply(sure)), sure.argmax(axis=1))


def own(target: list[int], session: list[int]) -> Own:
    rows = np.arange(len(target))
    return Own(np.array(target), np.array(session), np.array(session), 10 * rows + 20, rows >= 0, 0.1, 10, 0)


def test_the_first_session_that_has_every_class_calibrates():
    """A session that lacks one is passed over; where each lacks one, all of them are drawn on."""
    found = own([0, 1, 1, 0, 0, 2, 1, 0, 0, 1, 2], [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2])
    assert set(found.session[found.chosen(9.0, "abc")]) == {1}
    parted = own([0, 1, 0, 2], [0, 0, 1, 1])
    assert parted.chosen(9.0, "abc").tolist() == [0, 1, 2, 3]
    assert not len(parted.later(np.arange(4)))


def test_of_rest_there_is_as_much_as_of_all_the_others():
    """Rest is what lies between gestures, so a person gives it for nothing; it comes from all of the time, not its start."""
    found = own([0] * 20 + [1] * 6 + [0] * 20 + [2] * 6, [0] * 52)
    chosen = found.chosen(0.4, "abc")
    assert np.bincount(found.target[chosen]).tolist() == [8, 4, 4]
    assert max(np.diff(chosen[found.target[chosen] == 0])) > 4


Change = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
BAD: dict[str, tuple[Change, dict[str, Any], str]] = {
    "one class is missing": (lambda x, y: (x[y != 2], y[y != 2]), {}, 'no moment of "second"'),
    "one class alone": (lambda x, y: (x, np.full_like(y, 1)), {}, 'All that is labelled here is "rest"'),
    "too few seconds": (lambda x, y: (x, y), {"seconds": 0.1}, "at least a window, 0.25"),
    "no seconds": (lambda x, y: (x, y), {"seconds": float("nan")}, "is not a time to calibrate by"),
    "another number of channels": (lambda x, y: (x[:, :3], y), {}, "have 3 channels, and 4 are needed"),
    "another person": (lambda x, y: (x, y), {"person": "Bob"}, '--person "Bob" is not in these recordings'),
    "shorter than a window": (lambda x, y: (x[:20], y[:20]), {}, "as long as a window|shorter than"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_cannot_calibrate_is_refused_in_one_line(place: Path, tmp_path: Path, fault: str):
    """Where, what was found and what to write; and no bundle is left behind."""
    change, words, says = BAD[fault]
    samples, truth = change(*sessions())
    with pytest.raises((DataError, JobError), match=says) as caught:
        personal.personalise(place, written(tmp_path, samples, truth), tmp_path / "ada", **words)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ada").exists()


def test_recordings_without_labels_are_refused(place: Path, tmp_path: Path):
    """The line names what is not there."""
    table = written(tmp_path, *sessions())
    np.savez(tmp_path / "signals.npz", emg=sessions()[0], rate=100.0)
    with pytest.raises((DataError, JobError), match='"gesture" is not noted'):
        personal.personalise(place, table, tmp_path / "ada")


def test_a_label_that_nobody_was_taught_is_refused(place: Path, tmp_path: Path):
    """A person's own gesture is not one that the bundle knows."""
    samples, truth = sessions()
    table = written(tmp_path, samples, truth)
    np.savez(tmp_path / "signals.npz", emg=samples, rate=100.0, gesture=np.where(truth == 2, "wave", "rest"))
    with pytest.raises(DataError, match='"wave"'):
        personal.personalise(place, table, tmp_path / "ada")


def test_a_table_of_several_people_asks_whose_model_it_is(place: Path, tmp_path: Path):
    """Unless it is said: nobody's data are mixed with another's by accident."""
    table = written(tmp_path, *sessions(), who=["Ada", "Bob"])
    with pytest.raises(JobError, match="recordings of Ada, Bob"):
        personal.personalise(place, table, tmp_path / "ada")
    found = personal.personalise(place, table, tmp_path / "bob", person="Bob", seconds=2.0)
    assert found.person == "Bob"
    assert "nothing can say" in found.later
    assert found.curve == []
    assert bundle.read(tmp_path / "bob").facts["metrics"] == []


def test_a_table_that_names_nobody_is_one_persons(place: Path, tmp_path: Path):
    """A person who records themselves need not fill in columns; what is worth less is said."""
    written(tmp_path, *sessions())
    table = pl.read_csv(tmp_path / "recordings.csv").drop("who", "session")
    table.write_csv(tmp_path / "recordings.csv")
    found = personal.personalise(place, tmp_path / "recordings.csv", tmp_path / "ada", person="Ada", seconds=1.0)
    assert found.person == "Ada"
    assert found.later.endswith("moments of later recordings")


def test_a_bundle_that_cannot_be_adapted_says_which_can(tmp_path: Path):
    """The line names the families that can."""
    floor = constant.fit(TOY.job, TOY.schema, TOY.fold, {}, Clock(9.0))
    bundle.write(tmp_path / "floor", everybody(recipe="constant", knobs={}, members=dict(floor.members())))
    with pytest.raises(JobError, match=r"--recipes .*covariance_lda"):
        personal.personalise(tmp_path / "floor", written(tmp_path, *sessions()), tmp_path / "ada")


def test_a_limit_that_the_new_bundle_breaks_leaves_none(tmp_path: Path):
    """What is served keeps the limits of the job, or is not there."""
    bundle.write(tmp_path / "all", everybody(job=replace(TOY.job, limits=parse("memory < 10 MB"))))
    with pytest.raises(NothingFits, match="memory < 10 MB: 50 MB"):
        personal.personalise(tmp_path / "all", written(tmp_path, *sessions()), tmp_path / "ada")
    assert not (tmp_path / "ada").exists()


def test_hostile_sums_and_weights_are_refused(tmp_path: Path):
    """Arrays of shapes that do not go together are no model, and are never asked."""
    from safetensors.numpy import load, save

    members = everybody().members["covariance_lda.safetensors"]
    for name, shape in (("pooled_scatter", (3, 7)), ("pooled_sums", (2, 10)), ("centre", (5,))):
        arrays = {**load(members), name: np.zeros(shape, dtype=np.float32)}
        bundle.write(tmp_path / name, everybody(members={"covariance_lda.safetensors": save(arrays)}))
        with pytest.raises(bundle.BundleError, match="not ones that covariance_lda wrote"):
            bundle.read(tmp_path / name).model()


def test_the_command_prints_a_table_and_writes_a_page(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Seconds of calibration and turns of the ring, as lines; the page holds both, and names as text."""
    table = written(tmp_path, *sessions(), who=["<b>Ada</b>"] * 2)
    words = ["personalise", str(place), str(table), "--out", str(tmp_path / "ada"), "--seconds", "2"]
    assert main([*words, "--quiet"]) == 0
    told = capsys.readouterr().out
    assert "none (everybody's)" in told
    assert "ring turned by" in told
    page = (tmp_path / "ada.html").read_text()
    assert "&lt;b&gt;Ada" in page
    assert "<b>Ada" not in page
    assert "What calibration is worth" in page
    assert main([*words, "--quiet", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["seconds"] for each in found["curve"]][:2] == [0.0, 1.0]
    assert found["shift"]["turned"][2]["places"] == 0


def test_the_command_overwrites_neither_its_source_nor_what_is_no_bundle(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Exit code 2 and one line, before anything is read."""
    table = written(tmp_path, *sessions())
    for out, says in ((place, "made of"), (tmp_path, "is not a bundle")):
        assert main(["personalise", str(place), str(table), "--out", str(out)]) == 2
        assert says in capsys.readouterr().err


def test_what_is_served_is_what_was_measured(place: Path, tmp_path: Path):
    """The costs in the bundle are the meter's, of a stream of chunks, and its size is its own."""
    found = personal.personalise(place, written(tmp_path, *sessions()), tmp_path / "ada", seconds=1.0)
    assert found.measured.middle("size") == meter.size(tmp_path / "ada")
    assert (found.measured.middle("p50") or 0.0) > 0.0


def test_a_blend_is_made_one_persons_part_by_part(tmp_path: Path):
    """Each part by its own family; one that knows no such thing is left out, and one of such parts alone is refused."""
    lda = covariance_lda.RECIPE.fit(TOY.job, TOY.schema, TOY.fold, KNOBS, Clock(9.0))
    floor = constant.fit(TOY.job, TOY.schema, TOY.fold, {}, Clock(9.0))
    mixed = blend.Blend((lda, floor), ("covariance_lda", "constant"), (0.6, 0.4))
    found = blend.adapt(TOY.job, TOY.schema, mixed, TOY.fold, Clock(9.0))
    alone = window_lda.adapt(TOY.job, TOY.schema, lda, TOY.fold, Clock(9.0))
    assert (found.recipes, found.weights) == (("covariance_lda",), (1.0,))
    assert np.array_equal(found.predict(TOY.test), alone.predict(TOY.test))
    with pytest.raises(JobError, match="None of constant"):
        blend.adapt(TOY.job, TOY.schema, blend.Blend((floor,), ("constant",), (1.0,)), TOY.fold, Clock(9.0))
