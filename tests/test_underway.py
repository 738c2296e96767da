"""A run that was cut off: what is taken up, what is refused, and what it has spent already."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import plimsoll
from plimsoll import underway
from plimsoll.errors import UserError
from plimsoll.ledger import Ledger
from plimsoll.limits import Measured
from plimsoll.trial import Status, Trial

FRAME = pl.DataFrame({"x": np.arange(200.0), "y": ["no", "yes"] * 100})
ASKED = {"predict": "y", "recipes": ["constant"]}


def told(folder: Path, started: float, wall: float) -> None:
    measured = Measured({"train": (wall, wall, wall), "p99": (1.0, 2.0, 4.0), "energy": (1.0, 2.0, 15.0)})
    Ledger(folder / "ledger.jsonl").add(Trial("t001", "constant", {}, Status.FITS, measured=measured, started=started))


def test_what_was_spent_before_counts(tmp_path: Path):
    """The window is the run's as a whole, so a run that goes on has less of it left."""
    assert underway.spent(tmp_path) == 0.0
    told(tmp_path, started=3.0, wall=4.5)
    assert underway.spent(tmp_path) == 7.5


def test_a_ledger_keeps_whole_intervals(tmp_path: Path):
    """A bound on a p99 and the middle of an estimate survive the way to disk and back."""
    told(tmp_path, 0.0, 1.0)
    (trial,) = Ledger(tmp_path / "ledger.jsonl").trials()
    assert trial.measured.figures["p99"] == (1.0, 2.0, 4.0)
    assert trial.measured.figures["energy"] == (1.0, 2.0, 15.0)


def test_a_run_cut_off_before_its_first_trial_can_go_on(tmp_path: Path):
    """A scratch folder alone is a run that has begun: refused without --resume, and taken up with it."""
    out = tmp_path / "run"
    (out / "work").mkdir(parents=True)
    with pytest.raises(UserError, match="--resume"):
        plimsoll.fit(FRAME, out=out, **ASKED)
    run = plimsoll.fit(FRAME, out=out, resume=True, limits="train < 20 s", **ASKED)
    assert run.bundle.is_dir()
    assert not (out / "work").exists()


def test_a_run_that_ended_without_a_model_is_not_shown_as_one(tmp_path: Path):
    """Only a record with a choice is a run that has ended well."""
    (tmp_path / "run.json").write_text(json.dumps({"chosen": None, "trials": []}))
    assert underway.ended(tmp_path) is None
    (tmp_path / "run.json").write_text(json.dumps({"chosen": "t001", "trials": []}))
    assert underway.ended(tmp_path) is not None


def test_what_has_nothing_left_is_not_gone_on_with(tmp_path: Path):
    """A ledger without its scratch names another way."""
    told(tmp_path, 0.0, 1.0)
    with pytest.raises(UserError, match="nothing left to go on with"):
        plimsoll.fit(FRAME, out=tmp_path, resume=True, **ASKED)
