"""Discriminants on a window: what they are told by, and a ring that may be turned."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import safetensors.numpy

from plimsoll import ring, window_lda
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.recipe import Fold
from plimsoll.recipes import covariance_lda, time_domain_lda
from plimsoll.schema import Column, Kind, Layout, Schema
from worn_toys import JOB, LAYOUT, SCHEMA, right, rows, stream

TRAIN = rows([stream(seed) for seed in range(3)], ["P0", "P1", "P2"])
RECIPES = {
    "covariance": (covariance_lda, {}),
    "bands": (covariance_lda, {"bands": True}),
    "time": (time_domain_lda, {"covariance": False}),
    "both": (time_domain_lda, {"covariance": True}),
}


def _fitted(kind: str, **knobs):
    module, own = RECIPES[kind]
    settings = {**module.SPACE.default, **own, **knobs}
    return module.RECIPE.fit(JOB, SCHEMA, Fold(*TRAIN), settings, Clock(60.0))


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
    held = dict(safetensors.numpy.load(model.members()["covariance_lda.safetensors"]))
    assert covariance_lda.RECIPE.load(JOB, SCHEMA, model.members()).kind == "bands"
    with pytest.raises(IndexError):
        covariance_lda.RECIPE.load(
            JOB, SCHEMA, {"covariance_lda.safetensors": safetensors.numpy.save({**held, "kind": np.array(99)})}
        )
    with pytest.raises(ValueError, match="window"):
        covariance_lda.RECIPE.load(
            JOB, SCHEMA, {"covariance_lda.safetensors": safetensors.numpy.save({**held, "frames": np.array(0)})}
        )


def test_where_nothing_turns_there_is_one_setting():
    bare = Schema((Column("emg", Kind.SIGNAL, layout=Layout(100.0, ("a", "b"))),), "y")
    assert window_lda.plain(Job("y"), bare, {"roll": 1, "person": "alike"}) == {"roll": 0, "person": "apart"}
    assert window_lda.plain(Job("y"), SCHEMA, {"roll": 1, "person": "alike"}) == {"roll": 1, "person": "alike"}


@pytest.mark.parametrize("kind", RECIPES)
def test_a_known_person_is_answered_by_their_own_and_a_stranger_by_everybodys(kind: str):
    """Alone and in a batch, and the same once it has been loaded; alike, nobody has any."""
    model, alike = _fitted(kind), _fitted(kind, person="alike")
    assert set(model.known.heads) == {"P0", "P1", "P2"}
    assert not alike.known.heads
    signals, _ = stream(9)
    known, strange = (rows([(signals, stream(9)[1])], [who])[0] for who in ("P1", "nobody"))
    assert np.abs(model.predict(known) - alike.predict(known)).max() > 1e-3
    assert model.predict(strange) == pytest.approx(alike.predict(strange))
    again = RECIPES[kind][0].RECIPE.load(JOB, SCHEMA, model.members())
    assert np.array_equal(again.predict(known), model.predict(known))
    for row, values in enumerate(known.values(SCHEMA)[:20]):
        assert again.answer(values) == pytest.approx(model.predict(known)[row], abs=1e-9)


def test_a_band_that_one_person_wears_turned_is_read_by_that_persons_own():
    """Their own rows say how it sits; those of everybody stand a turn away."""
    worn = {"P0": 0, "P1": 1, "P2": -1}
    told = [
        (ring.turned(each, LAYOUT, by), truth)
        for by, (each, truth) in zip(worn.values(), map(stream, range(3)), strict=True)
    ]
    asked, truth = rows([(ring.turned(stream(9)[0], LAYOUT, 1), stream(9)[1])], ["P1"])
    knobs = dict(covariance_lda.SPACE.default)
    fold = Fold(*rows(told, list(worn)))
    apart, alike = (
        right(
            covariance_lda.RECIPE.fit(JOB, SCHEMA, fold, {**knobs, "person": person}, Clock(60.0)).predict(asked), truth
        )
        for person in window_lda.PERSON
    )
    assert apart > alike + 0.03


@pytest.mark.parametrize(
    "change",
    [
        lambda held, people: (held, ["P0", "P0", "P1"]),
        lambda held, people: (held, [*people, "P3"]),
        lambda held, people: ({**held, "own1_weights": held["own1_weights"][:-1]}, people),
        lambda held, people: ({**held, "own1_offsets": held["own1_offsets"][:-1]}, people),
    ],
    ids=["twice", "one more", "fewer features", "fewer classes"],
)
def test_hostile_discriminants_of_a_person_are_refused(change: Callable[[dict, list[str]], tuple[dict, list[str]]]):
    members = dict(_fitted("covariance").members())
    held, people = change(dict(safetensors.numpy.load(members["covariance_lda.safetensors"])), ["P0", "P1", "P2"])
    members = {
        "covariance_lda.safetensors": safetensors.numpy.save(held),
        "covariance_lda.json": json.dumps({"people": people}).encode(),
    }
    with pytest.raises((KeyError, ValueError)):
        covariance_lda.RECIPE.load(JOB, SCHEMA, members)
