"""What the test says of lists: what was found and what was shown, of everybody, of those who are known and of those who are not;
and lists of two models side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import shown, variety
from plimsoll.collection import Collection
from plimsoll.job import Job
from plimsoll.printed import clipped
from plimsoll.rows import Coded
from plimsoll.schema import Kind
from plimsoll.truth import Part, Truth

Array = NDArray[Any]
K = 10
MEASURES = ("ndcg", "hit_rate", "recall", "mrr", "coverage", "popularity", "novelty", "diversity")
_DRAWS = 100
_BINS = 10
_PEOPLE, _NEW = 8, 2  # whose lists are shown, and how many of them may be new: all new ones get the same list
_NEWEST = 8  # events of each that are shown
_LEAST = 5  # users of a group that has figures
_LETTERS = 120  # of a name, before it is cut short


def told(
    job: Job, part: Part, lists: Mapping[str, Array], collection: Collection, users: Sequence[Any]
) -> dict[str, Any]:
    """All that the report shows of the lists of some models, by their names."""
    models = {
        name: {"groups": gather(job, part, found), "spread": spread(part.truth, found)} for name, found in lists.items()
    }
    return {"items": len(collection), "models": models, "people": people(job, part, lists, collection, users)}


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
    """Some users of the test by chance, most of them such as are known: what they did last, what they came to next, of which it
    is said which models have it, and the lists of each model."""
    assert job.lists is not None
    before, called = part.rows.histories(job.lists.to), _names(collection)
    return [
        {
            "user": clipped(str(users[row]), _LETTERS),
            "events": int(before.lengths[row]),
            "before": [called(item) for item in before.cell(row)[::-1][:_NEWEST].tolist()],
            **_found(part.truth.target[row], {model: found[row] for model, found in lists.items()}, called),
        }
        for row in _picked(before.lengths > 0, job.seed).tolist()
    ]


def _picked(warm: Array, seed: int) -> Array:
    """Rows of those who are known, and a few of those who are not; more of the one where there are too few of the other."""
    order = np.random.default_rng([seed, 13]).permutation(len(warm))
    known, new = order[warm[order]], order[~warm[order]]
    fresh = max(_PEOPLE - len(known), min(_NEW, len(new)))
    return np.concatenate([known[: _PEOPLE - fresh], new[:fresh]])


def _found(truth: Array, lists: Mapping[str, Array], called: Callable[[int], str]) -> dict[str, Any]:
    """``due`` counts what came next, ``next`` are the first of it, and ``lists`` the first places of each model."""
    due = [int(item) for item in truth["item"].tolist() if item >= 0]
    first = {model: [int(item) for item in found["item"][:K].tolist() if item >= 0] for model, found in lists.items()}
    return {
        "due": len(due),
        "next": [
            {"item": called(item), "by": [model for model, items in first.items() if item in items]} for item in due[:K]
        ],
        "lists": {
            model: [{"item": called(item), "found": item in due} for item in items] for model, items in first.items()
        },
    }


def _names(collection: Collection) -> Callable[[int], str]:
    """An item as people know it: its text where a table has one that tells items apart, else its id."""
    texts = [name for name in collection.schema.names if collection.schema[name].kind in (Kind.TEXT, Kind.CATEGORY)]
    cells = [collection.rows.columns[name] for name in texts]
    apart = [each for each in cells if isinstance(each, Coded) and len(each.values) > 0.9 * len(collection)]

    def name(item: int) -> str:
        code = int(apart[0].codes[item]) if apart else -1
        said = apart[0].values[code].strip() if code >= 0 else ""
        return clipped(said or collection.ids[item], _LETTERS)

    return name
