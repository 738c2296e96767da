"""Histories with something planted in them, and how well scores find what came next."""

from __future__ import annotations

import numpy as np

from plimsoll.rows import Histories


def told(cells: list[list[int]], many: int) -> Histories:
    """Rows of these items, an event a second, all of weight one."""
    lengths = np.array([len(cell) for cell in cells], dtype=np.int64)
    items = np.array([item for cell in cells for item in cell], dtype=np.int32)
    ends = np.cumsum(lengths)
    return Histories(items, np.arange(len(items)), np.ones(len(items), np.float32), ends - lengths, ends, many)


def groups(people: int = 60, many: int = 40, each: int = 10, takes: int = 7, seed: int = 0) -> Histories:
    """People of one group each, who take some of its items in any order, and now and then one of another group."""
    rng = np.random.default_rng(seed)
    cells = []
    for person in range(people):
        own = rng.permutation(each)[:takes] + each * (person % (many // each))
        cells.append(np.where(rng.random(takes) < 0.05, rng.integers(0, many, takes), own).tolist())
    return told(cells, many)


def chains(people: int = 60, many: int = 30, steps: int = 12, seed: int = 0) -> Histories:
    """People who begin anywhere and go from each item to the next number, or now and then to any other."""
    rng = np.random.default_rng(seed)
    cells = []
    for _ in range(people):
        cell = [int(rng.integers(many))]
        while len(cell) < steps:
            cell.append((cell[-1] + 1) % many if rng.random() < 0.8 else int(rng.integers(many)))
        cells.append(cell)
    return told(cells, many)


def weighed(histories: Histories, seed: int = 0) -> Histories:
    """The same with weights of all sizes."""
    weights = np.random.default_rng(seed).uniform(0.2, 3.0, len(histories.items)).astype(np.float32)
    return Histories(histories.items, histories.times, weights, histories.starts, histories.ends, histories.many)


def hit_rate(scores: np.ndarray, seen: Histories, truth: np.ndarray, best: int = 10) -> float:
    """The share of rows whose true item is among the best of all that were not seen; who shares a score stands last."""
    hits = 0
    for row, (own, item) in enumerate(zip(scores.astype(np.float64), truth.tolist(), strict=True)):
        target = own[item]
        own[seen.cell(row)] = -np.inf
        hits += int((own >= target).sum() <= best)
    return hits / len(scores)
