"""Known-item queries: some words of a document, which is then the one to find; for collections that nobody judged.

A document is drawn by chance, and words of it by how often it has them and how rare they are elsewhere, as somebody would who
remembers what set it apart (Azzopardi, de Rijke and Balog 2007, building simulated queries for known-item topics: their
model that joins how often with how rare). Words stand in the document's order. No word of another document is mixed in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl

from plimsoll import rarity
from plimsoll.collection import Collection
from plimsoll.documents import text_of
from plimsoll.errors import DataError
from plimsoll.judged import Counted, Judged
from plimsoll.ranking import GRADED
from plimsoll.rarity import Rarity, words
from plimsoll.schema import Kind

MANY = 300  # queries, unless another number is asked for
LENGTHS = (2, 6)  # words of a query, fewest and most
_LEAST = 10  # documents with words enough below which nothing can be compared
_PLAIN = re.compile(r"[^\W\d_]{3,30}")  # three letters and more, and no figures
_TRIES = 4  # documents that are looked at for each query that is wanted


def made(collection: Collection, fields: Sequence[str] = (), many: int = MANY, seed: int = 0) -> Judged:
    """Queries made of the documents, each with the one that it was made of as its only relevant one. The same seed makes the same.

    Raises DataError where too few documents have the words for a query.

    >>> from plimsoll import documents
    >>> told = [f"the {a} of a {b} under {c} loads" for a in ("drag", "lift") for b in ("wing", "cone", "plate") for c in ("heavy", "light")]
    >>> held = documents.read(pl.DataFrame({"id": range(12), "text": told}))
    >>> found = made(held.collection, held.fields, many=3)
    >>> len(found), all(set(words.split()) <= set(told[row[0]["item"]].split()) for words, row in zip(found.texts, found.truth))
    (3, True)
    """
    fields = fields or collection.schema.of(Kind.TEXT)
    random = np.random.default_rng(seed)
    rare = rarity.counted(collection, fields)
    found: dict[str, int] = {}
    drawn = random.permutation(len(collection))[: _TRIES * many]
    for number in drawn.tolist():
        if query := _query(words(text_of(collection, fields, number)), rare, random):
            found.setdefault(query, number)
        if len(found) == many:
            break
    if len(found) < min(_LEAST, many):
        raise DataError(
            f"Queries can be made of {len(found):,} documents only, as the others have too few words. Give queries and judgements, or more documents."
        )
    return _judged(found)


def _judged(found: dict[str, int]) -> Judged:
    truth = np.zeros((len(found), 1), dtype=GRADED)
    truth["item"][:, 0], truth["grade"] = list(found.values()), 1.0
    ids = tuple(f"made-{k}" for k in range(1, len(found) + 1))
    said = (
        f"No queries were given, so {len(found):,} were made, each of a few words of one document, which is then the one to find."
        " They favour the words that documents use themselves: how a model does where people use other words cannot be seen from them."
    )
    frame = pl.DataFrame({"query_id": ids, "text": list(found)})
    return Judged(ids, tuple(found), truth, Counted(len(found), len(found)), (said,), frame)


def _query(told: Sequence[str], rare: Rarity, random: np.random.Generator) -> str:
    """Two to six of these words, in their order; "" where there are too few."""
    counts = Counter(word for word in told if _PLAIN.fullmatch(word))  # in the order in which they come first
    weights = np.array([many * rare.of(word) * (not rare.usual(word)) for word, many in counts.items()])
    length, able = int(random.integers(LENGTHS[0], LENGTHS[1] + 1)), int((weights > 0).sum())
    if able < LENGTHS[0]:
        return ""
    chosen = random.choice(len(weights), min(length, able), replace=False, p=weights / weights.sum())
    names = list(counts)
    return " ".join(names[k] for k in sorted(chosen.tolist()))
