"""``train`` is a hard promise for the run as a whole, whatever a recipe does with its time."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import plimsoll
from plimsoll.trial import Status

WINDOW = 10.0
SLACK = 2.0  # the promise: never passed by more than this

HEAD = """
import time
from dataclasses import dataclass, replace
from plimsoll.recipes import constant
from plimsoll.recipes.constant import Constant

"""
PLANTED = {
    # Never comes back from its fit.
    "hangs": """
def fit(*asked):
    time.sleep(600)

RECIPE = replace(constant.RECIPE, name="hangs", fit=fit)
""",
    # Fits, and then never answers the meter.
    "mute": """
class Mute(Constant):
    def answer(self, values):
        time.sleep(600)

def fit(*asked):
    made = constant.fit(*asked)
    return Mute(made.value, made.classifies)

def load(*asked):
    made = constant.load(*asked)
    return Mute(made.value, made.classifies)

RECIPE = replace(constant.RECIPE, name="mute", fit=fit, load=load)
""",
    # Quick on the folds of the search, endless on all rows.
    "stalls": """
def fit(job, schema, fold, knobs, clock):
    if fold.valid is None:
        time.sleep(600)
    return constant.fit(job, schema, fold, knobs, clock)

RECIPE = replace(constant.RECIPE, name="stalls", fit=fit)
""",
    # Looks at no clock, and takes two thirds of the window for its first fit.
    "slow": """
def fit(*asked):
    time.sleep(1.1)
    return constant.fit(*asked)

RECIPE = replace(constant.RECIPE, name="slow", fit=fit)
""",
}


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, body in PLANTED.items():
        (tmp_path / f"{name}.py").write_text(HEAD + body)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PLIMSOLL_RECIPES", ",".join(PLANTED))
    return tmp_path


@pytest.mark.parametrize("recipe", PLANTED)
def test_a_run_ends_in_time_with_the_best_so_far(recipe: str, planted: Path):
    """A recipe that hangs, never answers, stalls on its refit or takes its time costs the run nothing but that trial."""
    random = np.random.default_rng(0)
    frame = pl.DataFrame({"x": random.normal(size=300), "y": random.choice(["no", "yes"], 300)})
    begun = time.monotonic()
    run = plimsoll.fit(
        frame, predict="y", recipes=[recipe], choose="best", limits=f"train < {WINDOW} s", out=planted / "run"
    )
    assert time.monotonic() - begun < WINDOW + SLACK
    assert run.bundle.exists()
    ended = {trial["recipe"]: trial["status"] for trial in run.record["trials"]}
    assert ended["constant"] == Status.FITS
    if recipe not in ended:
        pytest.skip("the machine is too busy: there was no time for the planted recipe to begin")
