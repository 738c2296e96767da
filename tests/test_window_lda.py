"""Discriminants on a window: what they are told by, and a ring that may be turned."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.numpy

from plimsoll import ring, window_lda
from plimsoll.clock import Clock
from plimsoll.recipe import Fold
from plimsoll.recipes import covariance_lda, time_domain_lda
from plimsoll.schema import Column, Kind, Layout, Schema
from worn_toys import JOB, LAYOUT, SCHEMA, right, rows, stream

TRAIN = rows([stream(seed) for seed in range(3)], ["P0", "P1", "P2"])
RECIPES = {
    "covariance": (covariance_lda, {}),
    "bands": (covariance_lda, {"bands": True}),
    "time": (time_domain_lda, {}),
    "both": (time_domain_lda, {"covariance": True}),
}


def _fitted(kind: str, **knobs):
    module, own = RECIPES[kind]
    settings = {**module.SPACE.default, **own, **knobs}
    return module.fit(JOB, SCHEMA, Fold(*TRAIN), settings, Clock(60.0))


@pytest.mark.parametrize("kind", RECIPES)
def test_gestures_are_told_apart_by_any_features(kind: str):
    """And the model says which ones it looks at."""
    asked, truth = rows([stream(9)], ["P0"])
    model = _fitted(kind)
    assert model.kind == kind
    assert right(model.predict(asked), truth) > 0.85


@pytest.mark.parametrize("kind", RECIPES)
def test_a_model_that_learned_from_a_turning_ring_stands_a_turn_better(kind: str):
    """By one place, either way; the one that did not is the measure."""
    samples, truth = stream(9)
    asked = [rows([(ring.turned(samples, LAYOUT, by), truth)], ["P0"]) for by in (-1, 1)]
    rolled, still = (np.mean([right(_fitted(kind, roll=each).predict(a), t) for a, t in asked]) for each in (1, 0))
    assert rolled > still + 0.03


def test_members_of_other_features_are_not_mistaken():
    """What a window is told by stands in the members, and a number that means nothing is refused."""
    model = _fitted("bands")
    held = dict(safetensors.numpy.load(model.members()[covariance_lda.MEMBER]))
    assert covariance_lda.load(JOB, SCHEMA, model.members()).kind == "bands"
    with pytest.raises(IndexError):
        covariance_lda.load(
            JOB, SCHEMA, {covariance_lda.MEMBER: safetensors.numpy.save({**held, "kind": np.array(99)})}
        )
    with pytest.raises(ValueError, match="window"):
        covariance_lda.load(
            JOB, SCHEMA, {covariance_lda.MEMBER: safetensors.numpy.save({**held, "frames": np.array(0)})}
        )


def test_where_nothing_turns_there_is_one_setting():
    bare = Schema((Column("emg", Kind.SIGNAL, layout=Layout(100.0, ("a", "b"))),), "y")
    assert window_lda.plain(bare, {"roll": 1}) == {"roll": 0}
    assert window_lda.plain(SCHEMA, {"roll": 1}) == {"roll": 1}
