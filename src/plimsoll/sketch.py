"""How a column was spread at training time, as a bundle says it: read with care, cut into bins, and counted in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import BundleError
from plimsoll.rows import NUMERIC, Cells, Coded, Rows, plain
from plimsoll.schema import Kind, Schema

Array = NDArray[Any]
_UNKNOWN = 1_000  # rows that a sketch is taken to be of where it does not say
_MOST = 1_000  # quantiles, or values, of a sketch
_DIGITS = 1e-5  # relative, within which two answers are the same
_TAILS = (0.1, 0.3, 1.0, 3.0, 10.0, 100.0)  # ends of the bins outside, in ranges of the column
_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
_Many = Annotated[list[float], msgspec.Meta(max_length=_MOST)]


class _Letters(msgspec.Struct):
    quantiles: _Many
    below: _Many = []


class _Told(msgspec.Struct):
    missing: _Share
    rows: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = _UNKNOWN
    quantiles: _Many | None = None
    below: _Many = []
    values: Annotated[dict[str, _Share], msgspec.Meta(max_length=_MOST)] | None = None
    letters: _Letters | None = None


@dataclass(frozen=True)
class Sketch:
    """One column. Of numbers: ``edges`` in order, and the share of what is known ``below`` each or at it. Of words: ``values``
    and their ``shares``. With neither, only what is missing is counted. ``letters``: it is of the lengths of texts.

    >>> ages = parsed("age", {"missing": 0.1, "rows": 100, "quantiles": [18.0, 30.0, 90.0]}, numeric=True)
    >>> ages.edges, ages.below
    ((18.0, 30.0, 90.0), (0.0, 0.5, 1.0))
    >>> ages.cells(np.array([20.0, 25.0, 60.0, np.nan]))[ages.expected() > 0].tolist()
    [2, 1, 1]
    """

    name: str
    rows: int
    missing: float
    edges: tuple[float, ...] = ()
    below: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    letters: bool = False
    middle: float = math.nan  # the median
    slack: float = 0.0  # how far above an end, relative to it, a number still counts as there

    @property
    def kind(self) -> str:
        return "numbers" if self.edges else "words"

    @property
    def shown(self) -> str:
        return f"{self.name} (letters)" if self.letters else self.name

    @cached_property
    def cuts(self) -> Array:
        """Upper ends of the bins of numbers: those of the sketch, and some outside, so that a median can be told there."""
        first, last = self.edges[0], self.edges[-1]
        with np.errstate(over="ignore", invalid="ignore"):
            span = (last - first) or abs(first) or 1.0
            under = [first - each * span for each in reversed(_TAILS)]
            over = [last + each * span for each in _TAILS]
            just_under = np.nextafter(first - self.slack * abs(first), -np.inf)
        outside = np.array([*under, just_under, *self._ends, *over])
        return np.unique(outside[np.isfinite(outside)])

    @cached_property
    def _ends(self) -> Array:
        edges = np.array(self.edges)
        return np.asarray(edges + self.slack * np.abs(edges) if self.slack else edges)

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {value: place for place, value in enumerate(self.values)}

    @property
    def width(self) -> int:
        """How many cells there are: bins or values, one for what is beyond them, and the last for what is missing."""
        return (len(self.cuts) if self.edges else len(self.values)) + 2

    def expected(self) -> Array:
        """The share of each cell at training time."""
        found = np.zeros(self.width)
        if self.edges:
            places = np.searchsorted(self.cuts, self._ends)
            np.add.at(found, places, np.diff(self.below, prepend=0.0) * (1.0 - self.missing))
        else:
            found[: len(self.shares)] = self.shares
            found[-2] = max(0.0, 1.0 - self.missing - sum(self.shares))
        found[-1] = self.missing
        return found

    def cells(self, cells: Cells) -> Array:
        """How many of these cells fall into each."""
        cells = plain(cells)
        if isinstance(cells, Coded):
            table = [self._placed(value) for value in cells.values]
            places = np.array([*table, self.width - 1])[cells.codes]  # code -1 finds what is missing, at the end
        elif self.edges:
            places = np.searchsorted(self.cuts, cells)
            places[np.isnan(cells)] = self.width - 1
        else:
            places = np.where(np.isnan(cells), self.width - 1, self.width - 2)
        found = np.bincount(places, minlength=self.width)
        if self.letters:
            found[-1] = 0  # what is missing is told of the text itself
        return found

    def _placed(self, value: str) -> int:
        if self.letters:
            return int(np.searchsorted(self.cuts, float(len(value))))
        return self._codes.get(value, len(self.values))


def parsed(name: str, told: Any, numeric: bool) -> Sketch:
    """A sketch from a bundle's JSON. Raises BundleError with its place."""
    return _of(name, _read(name, told), numeric)


def sketches(told: Any, schema: Schema) -> list[Sketch]:
    """The sketches of a bundle's columns, and of the lengths of its texts. Of times only what is missing is looked at: that
    they are later than those learned from is no drift. A column without a sketch is passed over. Raises BundleError.
    """
    if not isinstance(told, Mapping):
        raise BundleError(f"facts.sketches: is {type(told).__name__}; expected an object of columns.")
    found = []
    for column in schema.columns:
        if column.name not in told:
            continue
        one = _read(column.name, told[column.name])
        if column.kind is Kind.TIME:
            found.append(Sketch(column.name, one.rows, one.missing))
            continue
        found.append(_of(column.name, one, column.kind in (*NUMERIC, Kind.SIGNAL, Kind.HISTORY)))
        if one.letters is not None and one.letters.quantiles:
            edges, below = _steps(f"{column.name}.letters", one.letters.quantiles, one.letters.below)
            known = round(one.rows * (1.0 - one.missing))
            middle = _median(one.letters.quantiles)
            found.append(Sketch(column.name, known, 0.0, edges, below, letters=True, middle=middle))
    return found


def answered(told: Any, schema: Schema) -> list[Sketch]:
    """The sketches of a bundle's answers to its test rows, as ``evidence.answered`` writes them. Raises BundleError."""
    if not isinstance(told, Mapping):
        raise BundleError(f"facts.answers: is {type(told).__name__}; expected an object.")
    kinds = {"prediction": not schema.classes, "probability": True}
    # One row alone and the same row in a batch are answered alike but for the last digits.
    return [
        replace(parsed(name, told[name], numeric), slack=_DIGITS) for name, numeric in kinds.items() if name in told
    ]


def sureness(answers: Array) -> Array:
    """Of probabilities, shape (rows, classes), the one that is watched: of the second of two classes, or the likeliest of more.

    >>> sureness(np.array([[0.9, 0.1]])).tolist(), sureness(np.array([[0.5, 0.2, 0.3]])).tolist()
    ([0.1], [0.5])
    """
    return np.asarray(answers[:, 1] if answers.shape[1] == 2 else answers.max(axis=1, initial=0.0))


def counted(sketches: Sequence[Sketch], rows: Rows) -> Array:
    """How many rows fall into each cell of each sketch, one after the other."""
    found = [sketch.cells(rows.columns[sketch.name]) for sketch in sketches]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def parted(sketches: Sequence[Sketch], counts: Array) -> list[Array]:
    """``counted`` by sketch again."""
    return np.split(counts, np.cumsum([sketch.width for sketch in sketches])[:-1]) if sketches else []


def _read(name: str, told: Any) -> _Told:
    try:
        return msgspec.convert(told, _Told)
    except msgspec.ValidationError as fault:
        raise BundleError(f'facts: the sketch of "{name[:80]}": {fault}.') from None


def _of(name: str, told: _Told, numeric: bool) -> Sketch:
    if numeric and told.quantiles is not None:
        edges, below = _steps(name, told.quantiles, told.below)
        return Sketch(name, told.rows, told.missing, edges, below, middle=_median(told.quantiles))
    if not numeric and told.values is not None:
        if sum(told.values.values()) + told.missing > 1.0 + 1e-6:
            raise BundleError(f'facts: the sketch of "{name[:80]}" has shares that come to more than one.')
        return Sketch(name, told.rows, told.missing, values=tuple(told.values), shares=tuple(told.values.values()))
    wanted = "quantiles" if numeric else "values"
    raise BundleError(f'facts: the sketch of "{name[:80]}" has no {wanted}, which its column would have.')


def _steps(
    name: str, quantiles: Sequence[float], below: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Unique quantiles, and the share up to each. Where that is not told, it is at least that of the quantile."""
    many = len(quantiles)
    shares = list(below) or [place / (many - 1) for place in range(many - 1)] + [1.0] * (many > 0)
    fair = len(shares) == many and all(map(math.isfinite, [*quantiles, *shares]))
    ordered = fair and list(quantiles) == sorted(quantiles) and shares == sorted(shares)
    if not ordered or (many and not (shares[0] >= 0.0 and shares[-1] == 1.0)):
        raise BundleError(f'facts: the sketch of "{name[:80]}" has quantiles or shares that are not in order.')
    last = dict(zip(quantiles, shares, strict=True))  # of equal quantiles the last one counts
    return tuple(last), tuple(last.values())


def _median(quantiles: Sequence[float]) -> float:
    return quantiles[len(quantiles) // 2] if quantiles else math.nan
