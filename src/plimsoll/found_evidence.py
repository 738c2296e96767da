"""What the test queries say of a search: figures of each model, whether two of them can be told apart, and query by query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import ranking, relevance
from plimsoll.collection import Collection
from plimsoll.found_queries import Why, asked, words
from plimsoll.job import Job
from plimsoll.paired import holm, randomised, settled

Array = NDArray[Any]
Figures = Mapping[str, Array]  # by measure, one of each query
MEASURES = ("ndcg@10", "precision@10", "recall@100", "map@100", "mrr@10")
JUDGED = "judged@10"  # the share of what is shown first that anybody has judged
FLOOR = "bm25"
_DRAWS = 1_000
_NOISE = 1e-12  # by which a difference is none


def told(
    job: Job,
    truth: Array,
    queries: Sequence[str],
    lists: Mapping[str, Array],
    collection: Collection,
    fields: Sequence[str],
    counted: Mapping[str, int],
    *,
    made: bool = False,
    why: Mapping[str, Why] | None = None,
    spans: Callable[[str], Sequence[tuple[int, int, tuple[str, ...]]]] = words,
) -> dict[str, Any]:
    """All that the report shows of the answers of some models to the test queries; the model that was chosen comes first.

    ``truth`` are the judgements, ``ranking.GRADED`` of shape (queries, most), with those that say that a document is not
    relevant; ``lists`` are ``ranking.RANKED`` of shape (queries, depth) by model. ``fields`` are the columns of text, the
    title first. ``counted`` is what was odd in the judgements, and ``made`` whether the queries were made of the documents.
    ``why`` gives the parts of a document's score to a query, by model; ``spans`` finds words and their terms in a text, as
    ``analysis.Analyser.spans`` does, and marks those of a query in titles.
    """
    measure = job.score
    each = {name: _figures(measure, truth, found, made) for name, found in lists.items()}
    values = {name: figures[measure] for name, figures in each.items()}
    return {
        "measure": measure,
        "made": made,
        "queries": len(queries),
        "known": int(((truth["item"] >= 0) & (truth["grade"] > 0)).any(axis=1).sum()),
        "documents": len(collection),
        "grades": float(truth["grade"].max(initial=0.0)),
        "models": {name: {"figures": _intervals(figures, job.seed)} for name, figures in each.items()},
        "tests": versus(values, job.seed),
        **asked(truth, queries, lists, values, collection, fields, why or {}, spans, job.seed),
        "counted": {name: int(many) for name, many in counted.items() if many},
    }


def _figures(measure: str, truth: Array, lists: Array, made: bool) -> Figures:
    held = ranking.found(lists, truth)
    figures = {name: relevance.each(name, held) for name in dict.fromkeys((measure, *MEASURES))}
    if made:  # nobody has judged anything
        return figures
    known = np.where(held.relevant > 0, judged(truth, lists), np.nan)
    return {**figures, JUDGED: known}


def judged(truth: Array, lists: Array, k: int = 10) -> NDArray[np.float64]:
    """The share of the first k of each list that a judgement speaks of, whatever it says, shape (queries,); nan of an empty list.

    >>> truth = np.array([[(4, 1.0), (2, 0.0)]], dtype=ranking.GRADED)
    >>> lists = np.array([[(4, 0.9), (7, 0.5), (2, 0.4), (-1, 0.0)]], dtype=ranking.RANKED)
    >>> judged(truth, lists).round(2).tolist()
    [0.67]
    """
    items = lists["item"][:, :k]
    known = [np.isin(shown, told[told >= 0]) & (shown >= 0) for shown, told in zip(items, truth["item"], strict=True)]
    share = np.full(len(items), np.nan)
    many = (items >= 0).sum(axis=1)
    np.divide(np.array([each.sum() for each in known]), many, out=share, where=many > 0)
    return share


def _intervals(figures: Figures, seed: int) -> dict[str, list[float]]:
    """(low, mean, high) of each figure over the queries that have it."""
    found = {name: list(relevance.interval(values, seed, _DRAWS)) for name, values in figures.items()}
    return {name: ends for name, ends in found.items() if np.isfinite(ends).all()}


def versus(values: Mapping[str, Array], seed: int) -> list[dict[str, Any]]:
    """The first model against each other one, over the queries with something to find: difference of the means, a paired bootstrap's
    95 % interval, p of the randomisation test (see ``paired.randomised``) and the same corrected for how many tests there are.

    >>> (found,) = versus({"a": np.array([0.5, 0.7, 0.2]), "b": np.array([0.5, 0.4, 0.1])}, 0)
    >>> found["wins"], found["ties"], found["losses"], found["p"], found["exact"]
    (2, 1, 0, 0.5, True)
    """
    one = next(iter(values), "")
    pairs = [_test(one, other, values, seed) for other in list(values)[1:]]
    told = [pair for pair in pairs if pair["queries"]]
    corrected = holm([pair["p"] for pair in told])
    return [{**pair, "adjusted": p} for pair, p in zip(told, corrected, strict=True)]


def _test(one: str, other: str, values: Mapping[str, Array], seed: int) -> dict[str, Any]:
    gap = gaps(values[one], values[other])
    gap = gap[~np.isnan(gap)]
    low, middle, high = relevance.interval(gap, seed, _DRAWS)
    p, exact = randomised(gap, seed)
    counts = {"wins": int((gap > 0).sum()), "ties": int((gap == 0).sum()), "losses": int((gap < 0).sum())}
    found = {"difference": middle, "low": low, "high": high, "p": p, "exact": exact}
    return {"one": one, "other": other, "queries": len(gap), **counts, **found}


def gaps(one: Array, other: Array) -> Array:
    """How much better one is than the other, query by query; nan where there is nothing to find."""
    return settled(one - other, _NOISE)
