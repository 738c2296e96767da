"""adaptive_lda: one answer however a stream is cut, whoever asks, and however the ring is worn."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import adaptive, catalogue
from plimsoll.clock import Clock
from plimsoll.job import Job
from plimsoll.recipe import Fold
from plimsoll.recipes import adaptive_lda
from plimsoll.schema import Column, Kind
from plimsoll.streaming import Stream
from worn_toys import JOB, SCHEMA, STRIDE, WINDOW, fitted, right, rows, stream

MODEL = fitted(hold=0.5)


def _streamed(model, samples, sizes, first=WINDOW, stride=STRIDE, who="P0"):
    told, place, turn = Stream(model, first, stride, (who,)), 0, 0
    found = []
    while place < len(samples):
        size = sizes[turn % len(sizes)]
        found.append(told.push(samples[place : place + size])[1])
        place, turn = place + size, turn + 1
    return np.concatenate([part for part in found if len(part)])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 90), min_size=1, max_size=6).filter(any))
def test_chunks_are_answered_as_the_whole_is(sizes: list[int]):
    """However a stream is cut, to a millionth."""
    samples, truth = stream(40, way=4, rounds=1, held=60)
    whole = MODEL.predict(rows([(samples, truth)], ["P0"])[0])
    assert np.allclose(_streamed(MODEL, samples, sizes), whole, rtol=0, atol=1e-6)


def test_moments_between_its_beats_are_answered_and_change_nothing():
    """A stream that is asked every frame learns no more than one that is asked now and then."""
    samples, _ = stream(41, way=2, rounds=1, held=60)
    often = _streamed(MODEL, samples, [33], first=WINDOW, stride=1)
    assert np.allclose(often[::STRIDE], _streamed(MODEL, samples, [33]), rtol=0, atol=1e-9)
    assert not np.allclose(often[1], often[0])


def test_nothing_after_a_moment_is_heard():
    """Samples of the future are changed, and the past is answered as before."""
    samples, truth = stream(42, rounds=1)
    other = samples.copy()
    other[400:] = 99.0
    one, two = (MODEL.predict(rows([(each, truth)], ["P0"])[0]) for each in (samples, other))
    before = (400 - WINDOW) // STRIDE + 1
    assert np.array_equal(one[:before], two[:before])
    assert not np.allclose(one[before + 3 :], two[before + 3 :])


@pytest.mark.parametrize("way", [2, 7, 11])
def test_a_ring_that_is_worn_in_a_way_never_seen_is_found_out(way: int):
    """A new stream is answered in any way of wearing; a model that is told that nothing turns is lost there."""
    held = [stream(50 + way, way)]
    asked, truth = rows(held, ["somebody new"])
    settled = len(truth) // 3
    found, lost = (right(model.predict(asked)[settled:], truth[settled:]) for model in (MODEL, fitted(turn=False)))
    assert found > 0.85
    assert lost < found - 0.2


def test_the_order_in_which_things_are_done_is_not_learned():
    """A memory of what usually comes next would do worse where something else comes."""
    straight, shuffled = (rows([stream(60, 9, shuffled=each)], ["P1"]) for each in (False, True))
    one, two = (right(MODEL.predict(asked), truth) for asked, truth in (straight, shuffled))
    assert two > one - 0.05


def test_a_level_that_is_off_is_followed():
    """A new person four times as strong is answered better than by a model that stays where it is."""
    asked, truth = rows([stream(70, 0, level=4.0)], ["somebody new"])
    follows, stays = (
        right(fitted(level=level, classes=classes).predict(asked), truth)
        for level, classes in ((10.0, 30.0), (0.0, 0.0))
    )
    assert follows > stays + 0.1


def test_a_known_person_has_discriminants_of_their_own():
    """One who makes the first and the second gesture the other way about is understood by name, and by no other name."""
    held = [stream(seed) for seed in range(6)]
    swapped = [
        (samples, np.array([2, 1, 0, 3])[truth] if seed < 2 else truth) for seed, (samples, truth) in enumerate(held)
    ]
    train, target = rows(swapped, ["P0", "P0", "P1", "P1", "P2", "P2"])
    knobs = {**adaptive_lda.SPACE.default, "own": 0.8, "turn": False}
    model = adaptive_lda.fit(JOB, SCHEMA, Fold(train, target), knobs, Clock(60.0))
    samples, truth = stream(80)
    truth = np.array([2, 1, 0, 3])[truth]
    known, other, new = (
        right(model.predict(a), t) for a, t in (rows([(samples, truth)], [who]) for who in ("P0", "P1", "?"))
    )
    assert known > 0.85
    assert max(other, new) < known - 0.2


def test_seconds_of_somebody_new_make_a_model_of_theirs():
    """Gestures that nobody else makes so are learned from a few seconds, and kept when it is saved."""
    mirrored = np.array([2, 1, 0, 3])
    samples, truth = stream(81, 3, rounds=12)
    given_rows, target = rows([(samples, mirrored[truth])], ["new"])
    model = adaptive_lda.adapt(JOB, SCHEMA, fitted(), Fold(given_rows, target), Clock(60.0))
    again = adaptive_lda.load(JOB, SCHEMA, model.members())
    samples, truth = stream(82, 3)
    asked, truth = rows([(samples, mirrored[truth])], ["new"])
    assert right(again.predict(asked), truth) > 0.85
    assert right(fitted().predict(asked), truth) < 0.75
    assert np.array_equal(again.predict(asked), model.predict(asked))


def test_an_answer_that_is_held_flickers_less():
    """And where nothing is held, each answer is its own."""
    asked, _ = rows([stream(90, 1, held=300)], ["P2"])
    flicker = [np.sum(np.diff(fitted(hold=hold).predict(asked).argmax(axis=1)) != 0) for hold in (0.0, 1.0)]
    assert flicker[1] < flicker[0]


def test_knobs_that_change_nothing_are_put_back():
    """A signal in no ring is not turned, and where nobody is named nobody has discriminants of their own."""
    layout = replace(SCHEMA.columns[0].layout, axes=())
    bare = replace(SCHEMA, columns=(Column("emg", Kind.SIGNAL, layout=layout),))
    knobs = {**adaptive_lda.SPACE.default, "turn": False, "own": 0.0}
    assert adaptive_lda.plain(Job("y"), bare, knobs) == adaptive_lda.SPACE.default
    assert adaptive_lda.plain(Job("y"), SCHEMA, knobs) == knobs


@pytest.mark.parametrize(
    ("array", "change"),
    [
        ("root", lambda a: a[:, :-1]),
        ("means", lambda a: a[:, :2]),
        ("odds", lambda a: a[:, :3]),
        ("prior", lambda a: np.full_like(a, np.nan)),
        ("root", lambda a: a[:1]),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(array: str, change):
    """A bundle is another's until it is checked."""
    members = MODEL.members()
    held = dict(safetensors.numpy.load(members[adaptive.ARRAYS]))
    held[array] = np.ascontiguousarray(change(held[array]))
    with pytest.raises(ValueError, match=r"heads|zip"):
        adaptive_lda.load(JOB, SCHEMA, {**members, adaptive.ARRAYS: safetensors.numpy.save(held)})


@pytest.mark.parametrize(
    ("name", "value"), [("frames", 0), ("beat", 10**9), ("learn", -1), ("stay", 1.0), ("fresh", 0.0)]
)
def test_a_pace_that_cannot_be_is_refused(name: str, value: float):
    members = MODEL.members()
    notes = json.loads(members[adaptive.NOTES])
    notes["pace"][name] = value
    with pytest.raises(ValueError, match="pace"):
        adaptive_lda.load(JOB, SCHEMA, {**members, adaptive.NOTES: json.dumps(notes).encode()})


def test_a_table_of_recordings_is_refused_in_words():
    """It follows streams, and a row of a table is none."""
    assert "stream" in adaptive_lda.refuse(replace(JOB, decode=None), SCHEMA)
    assert adaptive_lda.refuse(JOB, SCHEMA) is None


def test_a_bound_on_the_window_is_one_on_memory_too():
    """However slowly it moves: a state may hold what lay before, so a family with one is not tried, whichever it is."""
    assert JOB.decode is not None
    free, bounded = (replace(JOB, decode=replace(JOB.decode, within=within)) for within in (False, True))
    assert adaptive_lda.RECIPE.refusal(free, SCHEMA) is None
    refused = catalogue.refusals(bounded, SCHEMA)
    remembering = [name for name in refused if catalogue.find(name).remembers]
    assert not any(refused[name] is None for name in remembering)
    assert {"adaptive_lda", "conv_gru"} <= set(remembering)
    assert all("--window" in str(catalogue.find(name).refusal(bounded, SCHEMA)) for name in remembering)
    assert refused["covariance_lda"] is None
