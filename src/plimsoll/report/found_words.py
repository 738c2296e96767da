"""What is said of a search in words, the same on the page and in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plimsoll.report.list_words import share

ALPHA = 0.05
MADE = "made queries"
MADE_OF = "The queries were made of words of the documents themselves, each with that one document to find: they favour what matches words, and say little of what people ask."
MEASURES = {
    "ndcg": "how much of what is relevant is found, and how high, by grades: 1 where nothing else stands above it",
    "precision": "the share of the places that hold a relevant document",
    "recall": "the share of all relevant documents that is among these places",
    "map": "the precision at each place where something relevant is found, over all there is to find",
    "mrr": "one over the place of the first relevant document: 0.5 where it stands second",
    "hit_rate": "the share of queries with anything relevant among these places",
    "judged": "the share of these places whose document anybody has judged; the others count as not relevant",
}
_COUNTED = {
    "empty": ("queries without a text, left out", "queries"),
    "unjudged": ("queries without a relevant document, left out", "queries"),
    "alike": ("queries with the very text of another", "queries"),
    "without": ("judgements without a query or a document, left out", "judgements"),
    "strangers": ("judgements of documents that are not there, left out", "judgements"),
    "unasked": ("judgements of queries that are not there, left out", "judgements"),
    "copies": ("judgements that are there twice, taken once", "judgements"),
    "disputed": ("pairs with several grades, of which the highest counts", ""),
    "negative": ("judgements with a grade below 0, taken for 0", "judgements"),
    "cut": ("judgements beyond the most that are kept of a query", "judgements"),
}

Told = Mapping[str, Any]


def in_short(told: Told) -> str:
    """What the chosen model finds: a line, "" where nothing is known.

    >>> figures = {"ndcg@10": [0.3, 0.4, 0.5], "judged@10": [0.5, 0.6, 0.7]}
    >>> in_short({"measure": "ndcg@10", "known": 45, "models": {"bm25": {"figures": figures}}})
    'Search: ndcg@10 0.400 over 45 queries; 60 % of the first ten were judged.'
    """
    models: Told = told.get("models") or {}
    figures: Told = next((model.get("figures") or {} for model in models.values()), {})
    names = dict.fromkeys((str(told.get("measure")), "recall@100"))
    said = ", ".join(f"{name} {figures[name][1]:.3f}" for name in names if name in figures)
    if not said:
        return ""
    known = f"; {share(figures['judged@10'][1])} of the first ten were judged" if "judged@10" in figures else ""
    return f"Search: {said} over {many(told.get('known', 0), told)}{known}."


def rows_word(run: Told) -> str:
    """What the rows of a test are called.

    >>> rows_word({"evidence": {"found": {"made": True}}}), rows_word({})
    ('made test queries', 'test rows')
    """
    told = (run.get("evidence") or {}).get("found")
    return "test rows" if not told else "made test queries" if told.get("made") else "test queries"


def many(count: int, told: Told) -> str:
    """So many queries, with the word that tells made ones from real ones.

    >>> many(1, {}), many(20, {"made": True})
    ('1 query', '20 made queries')
    """
    return f"{count:,} {'made ' if told.get('made') else ''}{'query' if count == 1 else 'queries'}"


def verdicts(told: Told) -> list[str]:
    """Whether the chosen model can be told from each other one, a sentence each.

    >>> test = {"one": "lsa", "other": "bm25", "queries": 45, "wins": 25, "ties": 8, "losses": 12, "difference": 0.046}
    >>> test |= {"low": 0.027, "high": 0.064, "p": 0.0002, "adjusted": 0.0002, "exact": False}
    >>> verdicts({"measure": "ndcg@10", "tests": [test]})
    ['lsa is measurably better than bm25: ndcg@10 +0.046 (95 % +0.027 to +0.064, p < 0.001). Over 45 queries better on 25, worse on 12, the same on 8.']
    """
    return [_verdict(test, told) for test in told.get("tests") or ()]


def _verdict(test: Told, told: Told) -> str:
    one, other = test["one"], test["other"]
    better = "better" if test["difference"] > 0 else "worse"
    apart = test["adjusted"] < ALPHA
    head = f"{one} is measurably {better} than {other}" if apart else f"{one} cannot be told from {other}"
    gap = f"{told.get('measure', '')} {signed(test['difference'])} (95 % {signed(test['low'])} to {signed(test['high'])}, {_chance(test['adjusted'])})"
    counts = f"better on {test['wins']:,}, worse on {test['losses']:,}, the same on {test['ties']:,}"
    return f"{head}: {gap}. Over {many(test['queries'], told)} {counts}."


def signed(value: float) -> str:
    """
    >>> signed(0.0456), signed(-0.1), signed(-0.0001)
    ('+0.046', '−0.100', '0.000')
    """
    return f"{value:+.3f}".replace("-", "−") if abs(value) >= 0.0005 else "0.000"


def _chance(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def method(told: Told) -> str:
    """How two models were tested, "" where they were not.

    >>> method({"tests": [{"exact": True}]})[:55]
    'p is the share of all ways to swap the two query by que'
    """
    tests = told.get("tests") or ()
    if not tests:
        return ""
    counted = "" if all(test["exact"] for test in tests) else ", counted over 10,000 of them by chance"
    holm = f" It is corrected for {len(tests)} tests (Holm 1979)." if len(tests) > 1 else ""
    return f"p is the share of all ways to swap the two query by query that would part them as far{counted} (a randomisation test: Smucker, Allan and Carterette 2007).{holm} Below 0.05 the two are told apart. The interval is that of a paired bootstrap over queries."


def counted(told: Told) -> list[tuple[str, str]]:
    """What was odd in the queries and the judgements: (words, how often).

    >>> counted({"counted": {"judgements": 1837, "negative": 225, "half_read": 2, "cut": 0}})
    [('judgements with a grade below 0, taken for 0', '225 of 1,837'), ('half read', '2')]
    """
    found: Mapping[str, int] = told.get("counted") or {}
    wholes = {whole for _, whole in _COUNTED.values()}
    said = []
    for name, times in found.items():
        words, whole = _COUNTED.get(name, (name.replace("_", " "), ""))
        if times and name not in wholes:
            said.append((words, f"{times:,} of {found[whole]:,}" if whole in found else f"{times:,}"))
    return said


def named(measure: str) -> str:
    """What a measure says, with its places where these are no part of its name's meaning."""
    return MEASURES.get(measure.partition("@")[0], "")
