"""The whole loop, on small tables whose answer is known."""

import json

import numpy as np
import polars as pl
import pytest

import plimsoll
from plimsoll.errors import JobError, NothingFits, UserError
from plimsoll.ledger import Ledger


def table(rows=600, seed=0):
    """A class that a number and a category decide together, with a tenth of the labels turned."""
    random = np.random.default_rng(seed)
    size, colour = random.normal(size=rows), random.choice(["red", "green"], rows)
    bought = (size > 0) ^ (random.random(rows) < 0.1)
    return pl.DataFrame({"size": size, "colour": colour, "bought": np.where(bought, "yes", "no")})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "first"
    return plimsoll.fit(
        table(), predict="bought", limits="p99 < 50 ms, memory < 300 MB, train < 25 s, accuracy > 0.6", out=out
    )


def test_a_run_learns_what_there_is_to_learn(run):
    """The chosen model's test AUC is far above the constant's one half."""
    assert run.record["test"]["value"] > 0.8
    assert run.record["test"]["metric"] == "roc_auc"


def test_a_run_leaves_the_files_that_scripts_rely_on(run):
    """run.json, the ledger, the report and the bundle stand in the folder, and the scratch does not."""
    assert {path.name for path in run.folder.iterdir()} == {"run.json", "ledger.jsonl", "report.html", "bundle"}
    assert json.loads((run.folder / "run.json").read_text())["chosen"] == run.chosen["id"]
    assert len(Ledger(run.folder / "ledger.jsonl").trials()) >= 3


def test_the_floor_is_always_a_row_of_the_table(run):
    """The constant model is tried whatever else is."""
    assert "constant" in {trial["recipe"] for trial in run.record["trials"]}


def test_every_limit_is_kept_by_what_is_served(run):
    """The figures of the bundle lie under their limits, the run's own seconds too."""
    measured = run.record["measured"]
    assert measured["p99"] < 0.05
    assert measured["memory"] < 300e6
    assert measured["train"] < 25
    assert run.record["elapsed"] < 25.0


def test_a_bundle_answers_frames_and_rows_alike(run):
    """Loaded in this process, a frame, a list and one row give the same probabilities."""
    loaded = plimsoll.load(run.bundle)
    frame = table(20, seed=1).drop("bought")
    given = loaded.predict(frame)["p_yes"].to_list()
    listed = [answer["probabilities"]["yes"] for answer in loaded.predict(frame.to_dicts())]
    single = [loaded.predict(row)["probabilities"]["yes"] for row in frame.to_dicts()]
    assert given == pytest.approx(listed, abs=1e-7)
    assert given == pytest.approx(single, abs=1e-7)


def test_the_frontier_is_a_frame(run):
    """Each row of the frontier has a score and the costs of a served model."""
    assert {"recipe", "score", "p50", "p99", "memory", "size"} <= set(run.frontier.columns)
    assert "roc_auc" in run._repr_html_()


def test_the_same_seed_gives_the_same_models(tmp_path):
    """Trials of two runs that have the same settings have the same score to the last digit, whenever they were run."""
    found = [
        plimsoll.fit(table(), predict="bought", recipes=["linear"], limits="train < 60 s", out=tmp_path / name).record
        for name in ("a", "b")
    ]
    one, other = ({_named(t): t["score"] for t in record["trials"] if t["score"]} for record in found)
    shared = one.keys() & other.keys()
    assert len(shared) >= 3
    assert {name: one[name] for name in shared} == {name: other[name] for name in shared}


def _named(trial):
    return f"{trial['recipe']} {json.dumps(trial['knobs'], sort_keys=True)} {trial['share']}"


def test_when_nothing_fits_the_nearest_model_and_the_price_are_named(tmp_path):
    """An impossible limit ends in NothingFits, which names a model, its figure and what a relaxation buys."""
    with pytest.raises(NothingFits, match=r"Nearest: .* size < 10 B.*Without size"):
        plimsoll.fit(table(200), predict="bought", limits="size < 10 B, train < 15 s", out=tmp_path / "run")
    assert (tmp_path / "run" / "report.html").exists()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["chosen"] is None


def test_a_number_comes_with_an_interval_that_covers(tmp_path):
    """On fresh test rows a stated 80 % interval covers about 80 %."""
    random = np.random.default_rng(3)
    x = random.normal(size=3_000)
    frame = pl.DataFrame({"x": x, "y": 3.0 * x + random.normal(size=3_000)})
    run = plimsoll.fit(
        frame, predict="y", coverage=0.8, recipes=["linear"], limits="train < 20 s", out=tmp_path / "run"
    )
    assert run.record["evidence"]["coverage"]["observed"] == pytest.approx(0.8, abs=0.06)


def test_a_run_that_was_cut_off_goes_on(tmp_path, monkeypatch):
    """A killed run's trials are taken up, not fitted again."""
    from plimsoll import finish

    def dies(*_):
        raise RuntimeError("the power went")

    out = tmp_path / "run"
    asked = {"predict": "bought", "recipes": ["linear"], "limits": "train < 20 s", "out": out}
    with monkeypatch.context() as patch:
        patch.setattr(finish.Finish, "run", dies)
        with pytest.raises(RuntimeError, match="the power went"):
            plimsoll.fit(table(), **asked)
    before = [trial.id for trial in Ledger(out / "ledger.jsonl").trials()]
    run = plimsoll.fit(table(), resume=True, **asked)
    after = [trial["id"] for trial in run.record["trials"]]
    assert after[: len(before)] == sorted(before)  # the ledger has them as they ended
    assert len(set(after)) == len(after)


def test_a_run_is_not_continued_with_other_rows(tmp_path, monkeypatch):
    """Resuming with different data is refused, for its trials would not compare."""
    from plimsoll import finish

    out = tmp_path / "run"
    asked = {"predict": "bought", "recipes": ["linear"], "limits": "train < 15 s", "out": out}
    with monkeypatch.context() as patch:
        patch.setattr(finish.Finish, "run", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            plimsoll.fit(table(), **asked)
    with pytest.raises(UserError, match="other rows"):
        plimsoll.fit(table(seed=5), resume=True, **asked)


def test_a_folder_with_a_run_is_not_written_over(run):
    """An existing run is kept unless --resume says otherwise."""
    with pytest.raises(UserError, match="holds a run already"):
        plimsoll.fit(table(), predict="bought", out=run.folder)


def test_a_mistyped_target_is_answered_with_a_suggestion(tmp_path):
    """A wrong column name is one clear line, and leaves no folder behind."""
    with pytest.raises(UserError, match="bought"):
        plimsoll.fit(table(), predict="bougt", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_floor_on_a_slice_needs_rows_to_speak_of(tmp_path):
    """A slice whose value never occurs is refused before anything is trained."""
    with pytest.raises(JobError, match="no row has"):
        plimsoll.fit(table(), predict="bought", limits="accuracy[colour=blue] > 0.5", out=tmp_path / "run")


@pytest.mark.parametrize("limit", ["rmse < 1", "mae < 2"])
def test_a_limit_on_another_kind_of_answer_is_refused(limit, tmp_path):
    """An error in a number says nothing of classes, and that is said before anything is trained."""
    with pytest.raises(JobError, match=r"another kind of answer than binary.*roc_auc"):
        plimsoll.fit(table(), predict="bought", limits=limit, out=tmp_path / "run")


def test_a_seed_below_zero_is_refused(tmp_path):
    """NumPy takes none, so the user is told which to write."""
    with pytest.raises(JobError, match="--seed -4"):
        plimsoll.fit(table(), predict="bought", seed=-4, out=tmp_path / "run")


def test_interrupting_a_run_leaves_a_usable_one(tmp_path, monkeypatch):
    """Ctrl-C after a few trials ends in a bundle, and the record says that it was stopped."""
    from plimsoll.search import Search

    keep, count = Search.keep, iter(range(100))

    def interrupted(self, taken):
        if next(count) == 2:
            raise KeyboardInterrupt
        return keep(self, taken)

    monkeypatch.setattr(Search, "keep", interrupted)
    run = plimsoll.fit(table(), predict="bought", limits="train < 30 s", out=tmp_path / "run")
    assert run.bundle.exists()
    assert any("stopped" in line for line in run.record["warnings"])
