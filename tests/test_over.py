"""What scores are drawn over, crossed over and chosen by, where rows are no separate evidence: people, sessions, streams."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from decode_toys import recordings
from plimsoll import metrics, scoring, splits
from plimsoll.asked import Asked, ask, stated
from plimsoll.job import Job, Split, Task
from plimsoll.judge import Judge
from plimsoll.rows import Coded
from plimsoll.runner import Outcome
from plimsoll.scoring import Seen
from plimsoll.trial import Status, Trial
from plimsoll.truth import Truth
from plimsoll.worth import Given

SENSOR = {"rate": "100 Hz"}
WORN = {"person": "who", "session": "day"}


def asked(folder: Path, people: int, sessions: int, split: str, **worn: Any) -> Asked:
    job = stated("labels", split=split, moments=worn or WORN, signals=SENSOR)
    return ask(job, recordings(folder, people, sessions), None)


@pytest.mark.parametrize(
    ("people", "sessions", "worn", "what"),
    [
        (5, 2, WORN, "people"),
        (3, 4, WORN, "sessions"),
        (1, 1, {"rest": "0"}, "stretches"),
        (3, 2, {"rest": "0"}, "streams"),
    ],
)
def test_intervals_are_drawn_over_the_largest_whole_of_which_there_are_enough(
    tmp_path: Path, people: int, sessions: int, worn: dict[str, str], what: str
):
    """People where they are four or more, else sessions (of each person their own), streams, and stretches of five seconds."""
    truth = asked(tmp_path, people, sessions, "random", **worn).learn.truth
    found, units = truth.over()
    assert found == what
    assert units is not None
    assert truth.timeline is not None
    streams = truth.timeline.streams
    due = {"people": people, "sessions": people * sessions, "streams": len(set(streams)), "stretches": len(set(units))}
    assert len(set(units)) == due[what] >= 4
    for unit in set(units):  # none is of two streams, but where people have several
        assert what in ("people", "sessions") or len(set(streams[units == unit])) == 1


def test_halves_may_be_of_two_people(tmp_path: Path):
    """What calibrates a person's answers is of somebody else, as soon as there is somebody else."""
    truth = asked(tmp_path, 3, 4, "random").learn.truth
    assert truth.over(least=2)[0] == "people"


def test_rows_of_a_table_are_evidence_each_but_in_groups(tmp_path: Path):
    """A split that keeps groups whole says that their rows are alike."""
    frame = pl.DataFrame(
        {
            "who": [f"p{k % 8}" for k in range(80)],
            "x": [0.5 * (k % 9) for k in range(80)],
            "y": [k % 2 for k in range(80)],
        }
    )
    plain, grouped = (ask(stated("y", split=split), frame, None) for split in ("random", "group:who"))
    assert plain.learn.truth.over() == ("rows", None)
    what, units = grouped.test.truth.over(least=1)
    assert what == "groups"
    assert units is not None
    assert len(set(units)) < 8
    assert grouped.learn.truth.take(np.arange(3)).together is not None
    assert Truth(np.zeros(2), {}, together=np.zeros(2, dtype=np.int64)).over() == ("rows", None)


def judged(found: Asked, folder: Path, **labels: np.ndarray) -> Judge:
    """A judge who has seen trials decide so on all rows to learn from."""
    judge = Judge(found, folder)
    for name, decided in labels.items():
        answers = np.full((len(decided), 3), 0.05)
        answers[np.arange(len(decided)), decided] = 0.9
        judge.seen[name] = Seen(np.arange(len(decided)), answers, Given(answers, decided))
    return judge


def trial(name: str) -> Trial:
    return Trial(name, "constant", {}, Status.FITS, share=0.5)


def test_better_for_one_person_alone_is_not_measurably_better(tmp_path: Path):
    """However many moments that person has; better for each of them is."""
    found = asked(tmp_path, 6, 2, "session")
    truth, who = found.learn.truth.target, found.learn.truth.groups["person"].codes
    every = np.where(np.arange(len(truth)) % 3 == 0, 0, truth)
    single = np.where(who == 0, truth, every)
    judge = judged(found, tmp_path, best=truth, plain=every, single=single)
    assert judge.worse(trial("plain"), trial("best"))
    assert not judge.worse(trial("plain"), trial("single"))
    rowwise = metrics.gain(
        "macro_f1", truth, *[(judge.seen[k].given.answers, judge.seen[k].given.labels) for k in ("single", "plain")]
    )
    assert rowwise[0] > 0  # over rows it would have been


def test_the_score_of_a_trial_is_drawn_over_people(tmp_path: Path):
    """Its interval is the one that people give, and far wider than that of its moments."""
    found = asked(tmp_path, 6, 2, "session")
    truth, who = found.learn.truth.target, found.learn.truth.groups["person"].codes
    decided = np.where(np.random.default_rng(0).random(len(truth)) < who / 6, truth, 0)
    raw = np.full((len(truth), 3), 0.05)
    raw[np.arange(len(truth)), decided] = 0.9
    (tmp_path / "t").mkdir()
    np.savez(tmp_path / "t" / "answers.npz", index=np.arange(len(truth)), answers=raw)
    judge = Judge(found, tmp_path)
    scored = judge.recorded(trial("t"), Outcome(Status.FITS, tmp_path / "t"), 1.0).score
    assert scored is not None
    seen = judge.seen["t"].given
    over, rows = (
        metrics.interval("macro_f1", truth, seen.answers, seen.labels, draws=100, units=units) for units in (who, None)
    )
    assert (scored.low, scored.value, scored.high) == over
    assert over[2] - over[0] > 3 * (rows[2] - rows[0])


def test_no_person_calibrates_their_own_answers():
    """What is true of one half of the people changes the others' answers, and nobody's of that half."""
    random, job = np.random.default_rng(3), Job("y", task=Task.BINARY)
    who = np.repeat(np.arange(8), 50)
    chance = random.uniform(0.05, 0.95, 400)
    raw, truth = np.column_stack([1 - chance, chance]), (random.random(400) < chance).astype(np.int64)
    before, _ = scoring.crossed(truth, raw, job, who)
    for person in range(8):
        after, _ = scoring.crossed(np.where(who == person, 1 - truth, truth), raw, job, who)
        moved = np.abs(after - before).max(axis=1) > 1e-9
        assert not moved[who == person].any()
        assert moved.any()


def test_one_person_alone_is_crossed_by_rows():
    """There is nobody else to learn from, and a score all the same."""
    random, job = np.random.default_rng(3), Job("y", task=Task.BINARY)
    raw, truth = random.dirichlet([1, 1], 100), random.integers(0, 2, 100)
    one, plain = (scoring.crossed(truth, raw, job, units)[0] for units in (np.zeros(100, dtype=np.int64), None))
    assert np.array_equal(one, plain)


# What is held out.


def held_people(found: Asked, places: range) -> set[str]:
    people = np.array(found.learn.truth.groups["person"].texts())
    return {str(name) for place in places for name in people[found.folds[place][1]]}


@pytest.mark.parametrize("split", ["person", "column:part"])
def test_trials_are_scored_on_as_many_people_as_tell_something(tmp_path: Path, split: str):
    """Of nine people to learn from a fold holds out three, none of whom is known in it, and trials are scored on six."""
    table = recordings(tmp_path, 12, 3)
    frame = pl.read_csv(table).with_columns(
        pl.when(pl.col("who").is_in(["p0", "p4", "p7"])).then(pl.lit("test")).otherwise(pl.lit("train")).alias("part")
    )
    frame.write_csv(table)
    found = ask(stated("labels", split=split, moments=WORN, signals=SENSOR), table, None)
    people = np.array(found.learn.truth.groups["person"].texts())
    assert len(found.learn) > 5_000
    for learn, held in found.folds:
        assert not set(people[learn]) & set(people[held])
        assert len(set(people[held])) >= len(set(people)) // 3
    assert len(held_people(found, range(found.first))) >= 6
    assert len(held_people(found, range(found.first - 1))) < 6


def test_a_grouped_table_is_folded_by_enough_groups_too():
    """Of many rows the trials are scored on six groups at least; of few on all of them."""
    frame = pl.DataFrame(
        {
            "who": [f"p{k % 10}" for k in range(6_000)],
            "x": [0.5 * (k % 9) for k in range(6_000)],
            "y": [k % 2 for k in range(6_000)],
        }
    )
    many, few = (ask(stated("y", split="group:who"), part, None) for part in (frame, frame[:400]))
    who = many.learn.truth.together
    assert who is not None
    assert len(np.unique(who[np.concatenate([held for _, held in many.folds[: many.first]])])) >= 6
    assert few.first == len(few.folds) == 5


@pytest.mark.parametrize("seed", range(6))
def test_sessions_are_held_out_of_people_who_stay_known(seed: int):
    """The sessions of a person are dealt to different folds, and a test part takes not all of them."""
    rows = [(f"p{who}", f"d{day}") for who in range(8) for day in range(3) for _ in range(20)]
    frame = pl.DataFrame(rows, schema=["who", "day"], orient="row").with_columns(pl.lit(0).alias("y"))
    job = Job("y", split=Split("group", ("who", "day")), seed=seed)
    who, day = frame["who"].to_numpy(), frame["day"].to_numpy()
    for learn, held in [splits.split(frame, job, 0.4), *splits.folds(frame, job, 4)]:
        assert set(who[held]) <= set(who[learn])
        assert not set(zip(who[held], day[held], strict=True)) & set(zip(who[learn], day[learn], strict=True))
    sizes = [len(set(zip(who[held], day[held], strict=True))) for _, held in splits.folds(frame, job, 4)]
    assert sizes == [6] * 4


def test_groups_of_evidence_travel_with_their_rows(tmp_path: Path):
    """Taking rows takes the units that they are of."""
    truth = asked(tmp_path, 5, 2, "random").learn.truth
    some = np.arange(0, len(truth.target), 7)
    units, part = truth.over()[1], truth.take(some).over()[1]
    assert units is not None
    assert part is not None
    assert np.array_equal(np.unique(units[some], return_inverse=True)[1], part)
    assert replace(truth, groups={"person": Coded.of([None] * len(truth.target))}).over()[0] == "streams"
