"""What the test says of lists: what was found and what was shown, of everybody, of those who are known and of those who are not;
and lists of two models side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import shown, variety
from plimsoll.collection import Collection
from plimsoll.job import Job
from plimsoll.rows import Coded
from plimsoll.schema import Kind
from plimsoll.truth import Part, Truth

Array = NDArray[Any]
K = 10
MEASURES = ("ndcg", "hit_rate", "recall", "mrr", "coverage", "popularity", "novelty", "diversity")
_DRAWS = 100
_BINS = 10
_PEOPLE = 8  # whose lists are shown
_NEWEST = 8  # events of each that are shown
_LEAST = 5  # users of a group that has figures


def gather(job: Job, part: Part, lists: Array) -> dict[str, Any]:
    """Figures with their intervals, by whom they are of: ``{"all": {"rows": …, "figures": {"ndcg@10": [low, value, high]}}}``."""
    assert job.lists is not None
    warm = part.rows.histories(job.lists.to).lengths > 0
    groups = {"all": np.ones(len(warm), dtype=bool), "warm": warm, "cold": ~warm}
    return {name: _group(job, part.truth, lists, mask) for name, mask in groups.items()}


def _group(job: Job, truth: Truth, lists: Array, mask: Array) -> dict[str, Any]:
    index = np.flatnonzero(mask)
    if len(index) < _LEAST:
        return {"rows": len(index), "figures": {}}
    names = list(dict.fromkeys((job.score, *(f"{each}@{K}" for each in MEASURES))))
    held = truth.take(index)
    figures = {name: list(shown.interval(name, held, lists[index], job.seed, _DRAWS)) for name in names}
    return {"rows": len(index), "figures": {name: told for name, told in figures.items() if np.isfinite(told).all()}}


def spread(truth: Truth, lists: Array) -> list[float]:
    """Of the first ten places, the share that each tenth of the items has, the least popular tenth first."""
    assert truth.shelf is not None
    items = lists["item"][:, :K]
    tenth = np.minimum((variety.percentiles(truth.shelf.counts) * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(tenth[items[items >= 0]], minlength=_BINS)
    return [float(share) for share in counts / max(1, counts.sum())]


def people(
    job: Job, part: Part, lists: Mapping[str, Array], collection: Collection, users: Sequence[Any]
) -> list[dict[str, Any]]:
    """Some users, those of the test by chance: what they did last, what they came to next, and the lists of each model."""
    assert job.lists is not None
    told = part.rows.histories(job.lists.to)
    names = _names(collection)
    pick = np.sort(np.random.default_rng([job.seed, 13]).permutation(len(told))[:_PEOPLE])
    return [
        {
            "user": str(users[row]),
            "before": [names(item) for item in told.cell(row)[::-1][:_NEWEST].tolist()],
            "events": int(told.lengths[row]),
            "next": [names(item) for item in _true(part.truth.target[row])],
            "lists": {
                model: [_placed(names(item), item, part.truth.target[row]) for item in _shown(found[row])]
                for model, found in lists.items()
            },
        }
        for row in pick.tolist()
    ]


def _placed(name: str, item: int, truth: Array) -> dict[str, Any]:
    return {"item": name, "found": bool((truth["item"] == item).any())}


def _true(truth: Array) -> list[int]:
    return [int(item) for item in truth["item"][:K].tolist() if item >= 0]


def _shown(found: Array) -> list[int]:
    return [int(item) for item in found["item"][:K].tolist() if item >= 0]


def _names(collection: Collection) -> Any:
    """An item as people know it: its text where a table has one that tells items apart, else its id."""
    texts = [name for name in collection.schema.names if collection.schema[name].kind in (Kind.TEXT, Kind.CATEGORY)]
    cells = [collection.rows.columns[name] for name in texts]
    apart = [each for each in cells if isinstance(each, Coded) and len(each.values) > 0.9 * len(collection)]

    def name(item: int) -> str:
        if apart and (code := int(apart[0].codes[item])) >= 0:
            return apart[0].values[code]
        return collection.ids[item]

    return name
