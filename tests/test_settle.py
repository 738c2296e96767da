"""Labels that lag behind a clock: what a moment's label says, and from which moments nothing is learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from decode_toys import recordings
from plimsoll import catalogue, machine, underway, workbench
from plimsoll.asked import Asked, ask, stated
from plimsoll.clock import Clock
from plimsoll.crew import Crew
from plimsoll.errors import DataError, JobError
from plimsoll.own import Own
from plimsoll.recipe import Facts, Fold, Recipe
from plimsoll.rows import Rows
from plimsoll.search import Search
from test_personalise import own

WORN = {"person": "who", "session": "day"}
RATE, LONG = 100, 1200  # Hz, and frames of a recording


def asked(folder: Path, split: str = "session", **words: Any) -> Asked:
    job = stated("labels", split=split, moments={**WORN, **words}, signals={"rate": "100 Hz"})
    return ask(job, recordings(folder, people=3, sessions=3), None)


def tracked(folder: Path) -> np.ndarray:
    with np.load(folder / "band.npz") as file:
        return np.asarray(file["labels"])


def ends(found: Asked) -> np.ndarray:
    assert found.learn.truth.timeline is not None
    return found.learn.truth.timeline.ends


def steady(track: np.ndarray, frame: int, settle: int, stream: int) -> bool:
    """Whether a label has been the same for so long by this frame, or since its stream began: counted frame by frame."""
    first = max(stream, frame - settle)
    return bool((track[first : frame + 1] == track[frame]).all())


@pytest.mark.parametrize("delay", [0, 30])
def test_a_label_is_believed_once_it_has_lasted(tmp_path: Path, delay: int):
    """By the label of the moment, which is the one of ``delay`` before it; what a stream begins with is no change."""
    found = asked(tmp_path, settle="0.7 s", delay=f"{delay * 10} ms")
    track, line, believed = tracked(tmp_path), found.learn.truth.timeline, found.learn.truth.believed
    assert line is not None
    assert believed is not None
    noted = line.ends - 1 - delay
    due = [steady(track, frame, 70, stream) for frame, stream in zip(noted, line.streams, strict=True)]
    assert believed.tolist() == due
    assert 0.05 < np.mean(~believed) < 0.4
    assert (found.learn.truth.target == np.unique(track, return_inverse=True)[1][noted]).all()


def test_test_rows_are_those_that_they_were(tmp_path: Path):
    """Settling takes away what is learned from, and nothing of what is tested, scored or folded."""
    (tmp_path / "a").mkdir()
    plain, settled = asked(tmp_path), asked(tmp_path / "a", settle="0.7 s")
    assert np.array_equal(plain.test.truth.target, settled.test.truth.target)
    assert len(plain.learn) == len(settled.learn)
    for one, other in zip(plain.folds, settled.folds, strict=True):
        assert np.array_equal(one[1], other[1])
    assert plain.learn.truth.believed is not None
    assert plain.learn.truth.believed.all()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Fold]:
    """What every fit is shown."""
    found: list[Fold] = []

    class Model:
        settled: ClassVar[dict[str, Any]] = {}

        def predict(self, rows: Rows) -> Any:
            return np.full((len(rows), 3), 1.0 / 3.0)

        def answer(self, values: Any) -> Any:
            return [1.0 / 3.0] * 3

        def members(self) -> dict[str, bytes]:
            return {"model.json": b"{}"}

    def fit(job: Any, schema: Any, fold: Fold, knobs: Any, clock: Any) -> Any:
        found.append(fold)
        return Model()

    space = catalogue.find("constant").space
    peeking = Recipe("peeking", space, lambda *_: None, lambda *_: Facts((), ()), fit, lambda *_: Model())  # type: ignore[arg-type, return-value]
    monkeypatch.setattr(catalogue, "find", lambda name: peeking)
    return found


@pytest.mark.parametrize("folds", [[0], [1], []], ids=["the first fold", "another fold", "all rows"])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_no_fit_is_shown_what_has_not_settled(tmp_path: Path, shown: list[Fold], folds: list[int], share: float):
    """Of a fold and of all rows alike; rows that it is scored on are all answered."""
    found = underway.begin(asked(tmp_path, settle="0.7 s"), tmp_path / "out")
    crew = Crew(machine.core_numbers()[:1])
    try:
        search = Search(found, underway.work(tmp_path / "out"), Clock(60.0), crew.first)
        spec = search.spec("constant", {}, share, folds, crew.lanes[0])
    finally:
        crew.stop()
    (tmp_path / "members").mkdir()
    workbench.carry_out({**spec, "seconds": 60.0}, tmp_path)
    believed, name = found.learn.truth.believed, found.schema.names[0]
    assert believed is not None
    learned = shown[0].train.signals(name).ends
    sure = set(ends(found)[believed])
    assert len(learned)
    assert set(learned) <= sure
    if not folds:
        assert set(learned) == sure
    else:
        with np.load(tmp_path / "answers.npz") as file:
            assert file["index"].tolist() == found.folds[folds[0]][1].tolist()
        assert not believed[found.folds[folds[0]][1]].all()


def test_a_person_is_calibrated_by_settled_moments(tmp_path: Path):
    """The first seconds of a class are those of it that have settled."""
    plain = own([0] * 9 + [1] * 9 + [0] * 9 + [2] * 9, [0] * 36)
    unsure: Own = replace(plain, believed=np.arange(36) % 9 >= 3)
    chosen = unsure.chosen(0.4, "abc")
    assert unsure.believed[chosen].all()
    assert not unsure.believed[plain.chosen(0.4, "abc")].all()
    assert np.bincount(unsure.target[chosen])[1:].tolist() == [4, 4]
    with pytest.raises(DataError, match='no moment of "c"'):
        replace(plain, believed=plain.target != 2).chosen(0.4, "abc")


def test_what_never_settles_is_said(tmp_path: Path):
    """A settling time that leaves one class alone is refused in one line, and the label is named."""
    with pytest.raises(JobError, match=r'^--settle 4 s leaves nothing of ".*" to learn from') as caught:
        asked(tmp_path, settle="4 s")
    assert "\n" not in str(caught.value)


def test_a_class_that_never_settles_is_named(tmp_path: Path):
    """It is answered all the same, with the others."""
    table = recordings(tmp_path, people=3, sessions=3)
    with np.load(tmp_path / "band.npz") as file:
        band, labels = file["band"], file["labels"]
    blinked = (labels == 2) & (np.arange(len(labels)) % 40 >= 20)
    np.savez(tmp_path / "band.npz", band=band, labels=np.where(blinked, 0, labels))
    job = stated("labels", split="session", moments={**WORN, "settle": "1 s"}, signals={"rate": "100 Hz"})
    found = ask(job, table, None)
    assert any("leaves nothing to learn from" in line and '"2"' in line for line in found.warnings)


def test_a_label_that_lags_is_that_of_the_stream(tmp_path: Path):
    """Early in a recording it is what the one before it in the stream ended with; where a stream begins nobody knows, and
    there is no moment."""
    found = asked(tmp_path, delay="1 s")
    track, line = tracked(tmp_path), found.learn.truth.timeline
    assert line is not None
    assert (line.ends - 1 - 100 >= line.streams).all()
    early = (line.ends % LONG < 100) & (line.ends // LONG * LONG > line.streams)
    assert early.any()
    assert (found.learn.truth.target[early] == track[line.ends[early] - 101]).all()
    assert (track[line.ends[early] - 1] != track[line.ends[early] - 101]).any()


def test_recordings_shorter_than_the_delay_have_no_moments(tmp_path: Path):
    """One line says why."""
    table = recordings(tmp_path, people=2, sessions=2)
    table.write_text(table.read_text().replace(",1200", ",300"))
    job = stated("labels", moments={"delay": "4 s"}, signals={"rate": "100 Hz"})
    with pytest.raises(DataError, match="as the labels' delay of 4 s"):
        ask(job, table, None)
