"""A toy for families that find documents: short notes on a few subjects, and queries of whom it is known what they are about."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from plimsoll.collection import Collection
from plimsoll.finding import QUERY
from plimsoll.ids import Ids
from plimsoll.job import Documents, Job, Task
from plimsoll.ranking import GRADED
from plimsoll.recipe import Fold
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.testing import folder_toys
from plimsoll.testing.toys import Toy

_SUBJECTS, _EACH, _WORDS, _COMMON = 24, 5, 8, 30
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te")
DOCUMENTS = _SUBJECTS * _EACH
TITLE, TEXT = "title", "text"


@functools.cache
def notes() -> Toy:
    """Five documents on each subject, of its words and of common ones; a query is some words of a subject, and documents with
    more of them have the higher grade.

    >>> toy = notes()
    >>> len(toy.test), toy.schema.lists, toy.test.texts("query").texts()[0].count(" ") > 0
    (36, 120, True)
    """
    random = np.random.default_rng(11)
    words = _spelled(random, _SUBJECTS * _WORDS + _COMMON)
    own, common = words[:-_COMMON].reshape(_SUBJECTS, _WORDS), words[-_COMMON:]
    titles, texts, held = [], [], np.zeros((DOCUMENTS, _SUBJECTS, _WORDS))
    for document in range(DOCUMENTS):
        subject = document % _SUBJECTS
        chosen = random.integers(_WORDS, size=6)
        np.add.at(held[document, subject], chosen, 1.0)
        titles.append(f"{own[subject][chosen[0]]} {random.choice(common)}")
        texts.append(" ".join(random.permutation([*own[subject][chosen], *random.choice(common, 20)])))
    asked = [random.choice(_WORDS, 3, replace=False) for _ in range(6 * _SUBJECTS)]
    queries = [f"{' '.join(own[k % _SUBJECTS][each])} {random.choice(common)}" for k, each in enumerate(asked)]
    truth = np.stack([_graded(held[:, k % _SUBJECTS, each], k % _SUBJECTS) for k, each in enumerate(asked)])
    return _toy(titles, texts, queries, truth)


def _spelled(random: np.random.Generator, many: int) -> np.ndarray:
    """Words that are like no word of a language, each once."""
    found = dict.fromkeys("".join(random.choice(_SYLLABLES, 4)) for _ in range(3 * many))
    return np.array([*found][:many])


def _graded(counts: np.ndarray, subject: int) -> np.ndarray:
    """Each document of the subject, by how many of the words of a query it has: 0 to 3."""
    truth = np.zeros(_EACH, dtype=GRADED)
    truth["item"] = np.arange(subject, DOCUMENTS, _SUBJECTS)
    truth["grade"] = (counts[truth["item"]] > 0).sum(axis=1)
    return truth


def _toy(titles: list[str], texts: list[str], queries: list[str], truth: np.ndarray) -> Toy:
    encoder, cross = folder_toys.folders(sorted({word for text in texts for word in text.split()}))
    search = Documents("queries.jsonl", "judgements.csv", f"{TITLE},{TEXT}", "english", encoder, cross)
    job = Job("id", task=Task.RANKING, search=search)
    schema = Schema((Column(QUERY, Kind.QUERY, distinct=DOCUMENTS, example=queries[0]),), "id")
    about = Schema((Column(TITLE, Kind.TEXT), Column(TEXT, Kind.TEXT)), "id")
    cells = Rows(DOCUMENTS, {TITLE: Coded.of(titles), TEXT: Coded.of(texts)})
    shelf = Collection(Ids.of([f"n{k:03d}" for k in range(DOCUMENTS)]), cells, about)
    rows = Rows(len(queries), {QUERY: Coded.of(queries)})
    learn, valid, test = np.split(np.arange(len(queries)), [len(queries) // 2, len(queries) * 3 // 4])
    fold = Fold(rows.take(learn), truth[learn], rows.take(valid), truth[valid], collection=shelf)
    return Toy("notes", job, schema, fold, rows.take(test), truth[test], easy=True)


TOYS: tuple[Callable[[], Toy], ...] = (notes,)
