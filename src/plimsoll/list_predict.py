"""A file of users answered with lists: for each of them ten items, a row each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import gathering, ranking
from plimsoll.errors import DataError, nearest
from plimsoll.rows import Past
from plimsoll.serve.lister import Lister

if TYPE_CHECKING:
    import polars as pl

K = 10
NOTHING = "names nobody to answer for"  # what is said of a file without an answer


def frames(lister: Lister, rows: Any, batch: int) -> Iterator[pl.DataFrame]:
    """The lists of the users that a table names, each once and in its order: the user, a place from 1 on, an item and a score,
    and where there are rules whether it stands there ``filled``, breaking one."""
    seen: set[Any] = set()
    for frame in gathering.batches(rows, batch):
        cells = [cell for cell in _users(lister, frame) if cell is not None]
        fresh = [cell for cell in dict.fromkeys(cells) if cell not in seen]
        seen.update(fresh)
        if fresh:
            yield listed(lister, fresh)


def listed(lister: Lister, users: list[Any]) -> pl.DataFrame:
    """The lists of these users, a row for each place."""
    import polars as pl

    schema, ids = lister.schema, lister.collection.ids
    lists, filled = best(lister, users)
    held = np.asarray(lists["item"] >= 0)
    whose, place = np.nonzero(held)
    told = pl.DataFrame(
        [
            pl.Series(schema.columns[0].name, [users[k] for k in whose.tolist()]),
            pl.Series("place", place + 1),
            pl.Series(schema.target, [ids.value(item) for item in lists["item"][held].tolist()]),
            pl.Series("score", lists["score"][held]),
        ]
    )
    if lister.rules is None:
        return told
    first = held.sum(axis=1) - filled  # of the places that are filled
    return told.with_columns(pl.Series("filled", place >= first[whose]))


def best(lister: Lister, users: list[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The lists of these users, ``RANKED`` of shape (users, 10), and how many at the end of each break a rule."""
    rows, model = lister.users(users), lister.listing
    filled = np.zeros(len(users), dtype=np.int64)
    if lister.rules is None:
        return model.predict(rows)[:, :K], filled
    lists = ranking.nothing(len(users), K)
    for row, (past, *about) in enumerate(rows.values(lister.schema)):
        assert isinstance(past, Past)
        lists[row], filled[row] = lister.best(model.scores(past, about), past, K)
    return lists, filled


def _users(lister: Lister, frame: pl.DataFrame) -> list[Any]:
    name = lister.schema.columns[0].name
    if name not in frame.columns:
        raise DataError(
            f'The rows have no column "{name}", of those who are asked about. {nearest(name, frame.columns)}'
        )
    if lister.held is None:
        raise DataError(
            "This bundle keeps nothing of users. Ask it over HTTP, with what they did, or fit without --forget."
        )
    return frame[name].to_list()


def framed(lister: Lister, rows: Any) -> Any:
    """The lists of the users that a frame of pandas, Polars or Arrow names, as one of the same kind."""
    import polars as pl

    told = list(frames(lister, rows, 1_000_000))
    return alike(pl.concat(told) if told else listed(lister, []), rows)


def alike(answers: pl.DataFrame, rows: Any) -> Any:
    """Answers as a frame of the kind that ``rows`` is."""
    library = type(rows).__module__.split(".")[0]
    if library == "pandas":
        return type(rows)({column.name: column.to_list() for column in answers})
    return answers.to_arrow() if library == "pyarrow" else answers
