"""Sequences out of moments: held against every path there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from plimsoll import ctc


def _collapsed(path: tuple[int, ...], blank: int) -> tuple[int, ...]:
    kept = [symbol for place, symbol in enumerate(path) if not place or symbol != path[place - 1]]
    return tuple(symbol for symbol in kept if symbol != blank)


def _likeliest(probabilities: np.ndarray, blank: int) -> tuple[int, ...]:
    """The sum over all paths, one by one."""
    totals: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(probabilities.shape[1]), repeat=len(probabilities)):
        chance = float(np.prod([moment[symbol] for moment, symbol in zip(probabilities, path, strict=True)]))
        key = _collapsed(path, blank)
        totals[key] = totals.get(key, 0.0) + chance
    return max(totals, key=lambda key: totals[key])


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("blank", [0, 2])
def test_a_wide_beam_finds_what_the_sum_over_all_paths_finds(seed: int, blank: int):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), size=6)
    assert tuple(ctc.beamed(probabilities, blank, width=200)) == _likeliest(probabilities, blank)


def test_the_likeliest_path_need_not_be_the_likeliest_sequence():
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4]])
    assert ctc.greedy(probabilities, blank=0) == ([], [])
    assert ctc.beamed(probabilities, blank=0) == [1]


def test_like_symbols_are_two_only_with_a_blank_between_them():
    sure = np.eye(3)
    assert ctc.greedy(sure[[1, 1, 0, 1, 2, 2]], blank=0) == ([1, 1, 2], [0, 3, 4])
    assert ctc.beamed(sure[[1, 1, 0, 1, 2, 2]], blank=0) == [1, 1, 2]


def test_nothing_heard_is_nothing_said():
    assert ctc.greedy(np.zeros((0, 3)), blank=0) == ([], [])
    assert ctc.beamed(np.zeros((0, 3)), blank=0) == []
    assert ctc.beamed(np.eye(3)[[0] * 50], blank=0) == []


def test_a_stream_is_read_moment_by_moment():
    probabilities = np.random.default_rng(3).dirichlet(np.ones(4), size=40)
    beam = ctc.Beam(blank=1, width=8)
    settled = [symbol.label for moment in probabilities.tolist() for symbol in beam.step(moment)]
    assert settled + list(beam.best) == ctc.beamed(probabilities, blank=1, width=8)
