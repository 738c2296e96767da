"""The ladder of splits: what is held out is new in what the rung says, and no window looks across."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from decode_toys import recordings
from plimsoll import ladder, machine, moments, splits, underway
from plimsoll.asked import Asked, ask, stated
from plimsoll.clock import Clock
from plimsoll.crew import Crew
from plimsoll.errors import JobError
from plimsoll.finish import Finish
from plimsoll.infer import PLACE
from plimsoll.job import Decode, Job, Split
from plimsoll.outlook import Step
from plimsoll.report.page import render
from plimsoll.report.terminal import terminal
from plimsoll.search import Search
from test_report import HOSTILE

WORN = {"person": "who", "session": "day"}
SENSOR = {"rate": "100 Hz", "ring": True}


def asked(folder: Path, split: str = "random", **worn: Any) -> Asked:
    job = stated("labels", split=split, moments={**WORN, **worn}, signals=SENSOR)
    return ask(job, recordings(folder), None)


def shared(found: Asked, learn: np.ndarray, held: np.ndarray, frames: int) -> int:
    """How many windows of so many frames to learn from share a frame with one that is held out, counted frame by frame."""
    line = found.learn.truth.timeline
    assert line is not None
    told = np.zeros(int(line.ends.max()) + 1, dtype=bool)
    for row in held:
        told[max(line.streams[row], line.ends[row] - frames) : line.ends[row]] = True
    return sum(told[max(line.streams[row], line.ends[row] - frames) : line.ends[row]].any() for row in learn)


def test_no_window_of_a_rung_or_a_fold_looks_across(tmp_path: Path):
    """Frame by frame: not one of a second that is learned from lies in one that is held out, whatever parts them."""
    found = asked(tmp_path)
    assert list(found.ladder) == ["random", "session", "person"]
    for learn, held in [*found.ladder.values(), *found.folds]:
        assert len(learn)
        assert shared(found, learn, held, 100) == 0


def test_a_planted_overlap_is_seen_and_cut(tmp_path: Path):
    """Stretches parted as rows are would share windows: the count above sees them, and ``apart`` drops just those."""
    found = asked(tmp_path)
    line = found.learn.truth.timeline
    assert line is not None
    held = np.flatnonzero(line.ends // 500 % 5 == 0)
    rest = np.setdiff1d(np.arange(len(line.ends)), held)
    assert shared(found, rest, held, 100) > 0
    kept = moments.apart(rest, held, line.ends + np.unique(line.streams, return_inverse=True)[1] * 100, 100)
    assert shared(found, kept, held, 100) == 0
    for row in np.setdiff1d(rest, kept)[:50]:
        near = held[line.streams[held] == line.streams[row]]
        assert np.abs(line.ends[near] - line.ends[row]).min() < 100


def test_a_stated_window_is_all_that_is_kept_apart(tmp_path: Path):
    """With --window no model looks further, so no more than that is lost between what is learned from and what is held out."""
    (tmp_path / "a").mkdir()
    wide, narrow = asked(tmp_path), ask_within(tmp_path / "a")
    assert len(narrow.ladder["random"][0]) > len(wide.ladder["random"][0])
    assert shared(narrow, *narrow.ladder["random"], 25) == 0


def ask_within(folder: Path) -> Asked:
    return asked(folder, window="250 ms")


def test_each_rung_holds_out_what_it_says(tmp_path: Path):
    """A new person is nobody known; a new session is of somebody known; at random, whose session is known."""
    found = asked(tmp_path)
    groups = found.learn.truth.groups
    who, day = (np.array(groups[name].texts()) for name in ("person", "session"))
    both = np.char.add(who.astype(str), day.astype(str))
    for rung, new, known in (("person", who, None), ("session", both, who), ("random", None, both)):
        learn, held = found.ladder[rung]
        assert new is None or not set(new[learn]) & set(new[held])
        assert known is None or set(known[held]) <= set(known[learn])


def test_rungs_that_the_recordings_cannot_climb_are_left_out(tmp_path: Path):
    """Where nobody says who wore the band there is no new person, and one person alone has no other."""
    job = stated("labels", moments={}, signals=SENSOR)
    assert list(ask(job, recordings(tmp_path), None).ladder) == ["random"]
    job = stated("labels", moments=WORN, signals=SENSOR)
    assert list(ask(job, recordings(tmp_path, people=1), None).ladder) == ["random", "session"]


@pytest.mark.parametrize(("split", "meant"), [("person", ("who",)), ("session", ("who", "day"))])
def test_a_split_by_person_or_by_session_is_one_by_their_columns(tmp_path: Path, split: str, meant: tuple[str, ...]):
    """The words name what the job has named; a person who is held out is read by no model, one who is known may be."""
    found = asked(tmp_path, split)
    assert found.job.split == Split("group", meant)
    new = [np.array(part.truth.groups["person"].texts()) for part in (found.learn, found.test)]
    assert bool(set(new[0]) & set(new[1])) == (split == "session")
    assert ("who" in found.schema.names) == (split == "session")
    assert Split.parse(split) == Split(split)


def test_a_split_by_the_time_of_recordings_learns_from_what_came_before(tmp_path: Path):
    """Recordings of the last days are for the test, whole, and no model reads the time."""
    path = recordings(tmp_path)
    frame = pl.read_csv(path).with_row_index("made")
    frame.write_csv(path)
    found = ask(stated("labels", split="time:made", moments=WORN, signals=SENSOR), path, None)
    assert "made" not in found.schema.names
    line, late = found.learn.truth.timeline, found.test.truth.timeline
    assert line is not None
    assert late is not None
    assert line.ends.max() <= late.ends.min()


@pytest.mark.parametrize(("split", "worn"), [("person", {"session": "day"}), ("session", {"person": "who"})])
def test_a_split_by_what_is_not_named_is_refused(tmp_path: Path, split: str, worn: dict[str, str]):
    """In one line that says what to write."""
    with pytest.raises(JobError, match=f"--{split} COL"):
        ask(stated("labels", split=split, moments=worn, signals=SENSOR), recordings(tmp_path), None)


def test_rows_have_no_sessions():
    """Without --decode there is nobody to hold out by that name."""
    with pytest.raises(JobError, match="--decode"):
        moments.settled(Job("y", split=Split("person")))


def test_onsets_are_those_of_the_frames(tmp_path: Path):
    """A moment knows the frame at which its label began, between two moments though it was, and rest that of its recording."""
    found = asked(tmp_path, stride="70 ms")
    line, target = found.learn.truth.timeline, found.learn.truth.target
    assert line is not None
    begins = line.onsets % 1200
    assert set(begins[target > 0]) == {300, 900}
    assert set(begins[target == 0]) == {0, 600}
    assert (line.onsets < line.ends).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run of one trial, in which each gesture sits elsewhere for each person; it has all the time that it needs."""
    folder = tmp_path_factory.mktemp("run")
    limits = "train < 10 min, false_activations_per_hour < 10000"
    job = stated("labels", limits, split="session", moments=WORN, signals=SENSOR)
    found = underway.begin(ask(job, recordings(folder, people=4, sessions=3), None), folder / "out")
    crew = Crew(machine.core_numbers()[:1])
    try:
        search = Search(found, underway.work(folder / "out"), Clock(600.0), crew.first, lanes=len(crew.lanes))
        search.take(Step("covariance_lda", {"window": 0.25}), 300.0)
        Finish(search, crew, lambda *_: None).run([])
    finally:
        crew.stop()
    record: dict[str, Any] = json.loads((folder / "out" / "run.json").read_text())
    record["manifest"] = json.loads((folder / "out" / "bundle" / "bundle.json").read_text())
    return record


def test_a_run_shows_all_three_rungs(run: dict[str, Any]):
    """What is easy in a known session is hard with a new person, and the ladder says so with intervals."""
    rungs = {rung["rung"]: rung for rung in run["evidence"]["ladder"]["rungs"]}
    assert list(rungs) == list(ladder.RUNGS)
    scores = {name: rung["figures"]["balanced_accuracy"]["value"] for name, rung in rungs.items()}
    assert scores["random"] > 0.8
    assert scores["session"] > 0.8
    assert scores["person"] < 0.7
    for rung in rungs.values():
        for figure in rung["figures"].values():
            assert figure["low"] <= figure["value"] <= figure["high"]


def test_a_run_says_what_its_rule_decides(run: dict[str, Any]):
    """The rule stands in the bundle; events, people and the frontier of rules stand in the record, and the limit is kept."""
    evidence = run["evidence"]
    assert run["manifest"]["rule"] == evidence["events"]["rule"]
    assert evidence["events"]["figures"]["detection_rate"]["value"] > 0.8
    assert run["measured"]["false_activations_per_hour"] == pytest.approx(
        evidence["events"]["figures"]["false_activations_per_hour"]["value"]
    )
    assert sum(evidence["events"]["delay_parts"].values()) > 0
    people = evidence["groups"]["person"]
    assert people["worst"] in {each["name"] for each in people["each"]}
    assert people["least"] <= people["mean"]
    assert [sum(point["chosen"] for point in each["points"]) for each in evidence["rules"]] == [1] * len(
        evidence["rules"]
    )


def test_the_report_of_a_decoder_shows_what_its_record_says(run: dict[str, Any]):
    """The ladder, people with the worst marked, the rule in words, the events and the parts of their delay."""
    page = render(run)
    for words in (
        "As a decoder",
        "new session",
        "new person",
        "moments running",
        "event error rate",
        "votes",
        "decode labels",
    ):
        assert words in page
    worst = run["evidence"]["groups"]["person"]["worst"]
    assert re.search(f'class="worst"><title>{worst}: ', page)
    assert page.count("its rule ringed") == 1
    assert "Events: " in terminal(run)
    assert "new person 0." in terminal(run)


def test_what_has_no_room_in_the_window_is_skipped_and_said(run: dict[str, Any]):
    """A rung without figures carries its reason into the report."""
    assert all(rung["why"] == "" for rung in run["evidence"]["ladder"]["rungs"])
    bare = copy.deepcopy(run)
    bare["evidence"]["ladder"]["rungs"][2] |= {"figures": {}, "why": "the window had no room"}
    assert "the window had no room" in render(bare)
    assert "new person" not in terminal(bare)


@pytest.mark.parametrize(
    "gone", ["events", "ladder", "groups", "rules", "figures", "delay_parts", "rule", "counts", "each", "points"]
)
def test_a_report_without_a_part_of_the_evidence_is_whole(run: dict[str, Any], gone: str):
    """Whatever a record lacks, the page is written without it."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: without(part) for name, part in value.items() if name != gone}
        return [without(part) for part in value] if isinstance(value, list) else value

    bare = {**run, "evidence": without(run["evidence"])}
    assert render(bare)
    assert terminal(bare)


def test_names_of_people_are_no_markup(run: dict[str, Any]):
    """A person called as a script is called so, and runs nothing."""
    named = copy.deepcopy(run)
    group = named["evidence"]["groups"]["person"]
    group["each"][0]["name"] = group["worst"] = HOSTILE
    assert "<img src=x" not in render(named)


def test_a_silent_decoder_is_drawn(run: dict[str, Any]):
    """Nothing found, no delay, no rule that finds anything: the page says so and is whole."""
    quiet = copy.deepcopy(run)
    events = quiet["evidence"]["events"]
    events["delay_parts"] = {}
    events["figures"] = {"detection_rate": dict.fromkeys(("low", "value", "high"), 0.0)}
    for each in quiet["evidence"]["rules"]:
        each["points"] = [{**point, "detection_rate": 0.0, "delay_p50": None} for point in each["points"]]
    page = render(quiet)
    assert "Decision rules" not in page
    assert "Where the delay comes from" not in page


def test_folds_of_cells_lie_where_the_frame_says():
    """Two streams side by side in the samples share no frame, so nothing is cut between them."""
    cells = pl.DataFrame({PLACE[0]: [0, 0, 40, 40], PLACE[1]: [30, 40, 50, 60]}).to_struct("x")
    frame = pl.DataFrame({"x": cells, "day": ["a", "a", "b", "b"], moments.WINDOW: [30] * 4, "y": [0, 1, 0, 1]})
    job = Job("y", split=Split("group", ("day",)), decode=Decode())
    learn, held = moments.split(frame, job)
    assert len(learn) == len(held) == 2
    assert len(splits.folds(frame, job, 2)) == 2
