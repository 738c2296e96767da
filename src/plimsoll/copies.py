"""Which rows are alike: copies of one another, in one table or in two."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.cells import plain
from plimsoll.job import Job
from plimsoll.kinds import named_id

_CHEAP = 2_000_000  # rows up to which copies are looked for


def copies(frame: pl.DataFrame, job: Job) -> NDArray[np.uint64] | None:
    """A number alike for rows whose features are alike, or None where looking is dear or copies are the rule."""
    if frame.height > _CHEAP:
        return None
    left = {job.predict, *job.ignore}
    features = pl.DataFrame([cells for cells in frame if cells.name not in left and not _numbers_rows(cells)])
    if not features.width:
        return None
    hashed = features.hash_rows(seed=0).to_numpy()
    distinct = len(np.unique(hashed))
    # A table of few distinct rows cannot be split by them: there they are cells of a cross table, not copies.
    return hashed if frame.height // 2 < distinct < frame.height else None


def _numbers_rows(cells: pl.Series) -> bool:
    """Whether a column only says which row it is, so that copies differ in it; lists and records count too."""
    if cells.dtype.is_nested() or named_id(cells.name):
        return True
    return cells.dtype.is_integer() and plain(cells).is_sorted() and plain(cells).n_unique() == len(cells)


def alike(frame: pl.DataFrame, other: pl.DataFrame) -> NDArray[np.uint64]:
    """A number for each row, alike where the cells are, though one file's whole numbers may be another's decimals."""
    odd = [
        cells.cast(pl.Float64 if cells.dtype.is_numeric() and other[cells.name].dtype.is_numeric() else pl.String)
        for cells in frame
        if cells.dtype != other[cells.name].dtype
    ]
    return frame.with_columns(odd).hash_rows(seed=0).to_numpy()
