"""A file answered with a bundle, a batch at a time: the input's rows with the answers beside them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from plimsoll import bundle as bundles
from plimsoll.errors import DataError
from plimsoll.rows import NUMERIC, Rows
from plimsoll.schema import Kind, Schema
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.answering import answering

if TYPE_CHECKING:
    import polars as pl  # frames need the [fit] extra; rows as dictionaries do without

    from plimsoll.serve.session import Session

Told = Callable[[str], None]
_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
# A spreadsheet takes a cell that begins so for a formula, unless it is a number (CWE-1236).
_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?(\d[\d_,]*\.?\d*|\.\d+)([eE][+-]?\d+)?\s*%?$"


@dataclass(frozen=True)
class Loaded:
    """A bundle in this process, which answers frames and dictionaries."""

    answerer: Answerer

    def predict(self, rows: Any) -> Any:
        """Answers to rows: a frame of pandas, Polars or Arrow gives one of the same kind, with ``prediction`` and, for
        classes, ``p_<class>``, or for a number ``low`` and ``high``. A list of dictionaries gives a list of them, and
        a dictionary gives one, as the server would answer them; this needs no extra to be installed.
        """
        if isinstance(rows, Mapping):
            return json.loads(self.answerer.answer(json.dumps(dict(rows)).encode()))
        if isinstance(rows, Sequence) and not isinstance(rows, str):
            return json.loads(self.answerer.answer(json.dumps([dict(row) for row in rows]).encode()))
        return _framed(self.answerer, rows)

    def start(self, person: str | int | None = None) -> Session:
        """A stream from its start, of a bundle that decodes: ``step(chunk)`` then takes frames as they come, an array of
        shape (frames, channels) or a list of frames, and gives a list of ``Moment`` and ``Event``.

        ``person`` says who wears the sensor; somebody unknown, or nobody, is answered by what holds for everybody.
        Raises JobError where the bundle answers rows, and DataError where ``person`` is no name.

        >>> import plimsoll
        >>> session = plimsoll.load("runs/wrist").start(person="P01")  # doctest: +SKIP
        >>> for told in session.step(chunk):  # doctest: +SKIP
        ...     if isinstance(told, plimsoll.Event):
        ...         print(told.at, told.label, told.probability)
        """
        return self.answerer.session(person)

    def __repr__(self) -> str:
        made = self.answerer.bundle
        if made.schema.of(Kind.QUERY):
            return f"<{made.recipe} searches {made.schema.lists:,} documents>"
        if made.schema.lists:
            return f"<{made.recipe} recommends {made.schema.target} to {made.schema.names[0]}>"
        return f"<{made.recipe} predicts {made.schema.target} from {', '.join(made.schema.names)}>"

    def _repr_html_(self) -> str:
        made = self.answerer.bundle
        columns = "".join(f"<tr><td>{escape(c.name)}</td><td>{c.kind.value}</td></tr>" for c in made.schema.columns)
        limits = escape(", ".join(map(str, made.job.limits)) or "none")
        return f"<p><b>{escape(made.recipe)}</b> predicts <b>{escape(made.schema.target)}</b>; limits: {limits}</p><table>{columns}</table>"


def load(path: Path | str) -> Loaded:
    """The bundle at a path, or of the run at a path, every byte of it checked. Raises BundleError."""
    return Loaded(answering(bundles.read(bundles.of(Path(path)))))


def _framed(answerer: Answerer, rows: Any) -> Any:
    import polars as pl

    from plimsoll import data, infer

    if answerer.schema.lists:
        return _of_lists(answerer).framed(answerer, rows)
    answers = pl.DataFrame(_columns(answerer, infer.to_rows(data.read(rows), answerer.schema)))
    library = type(rows).__module__.split(".")[0]
    if library == "pandas":
        # By way of a dictionary: to_pandas would ask for pyarrow.
        return type(rows)({column.name: column.to_list() for column in answers}, index=rows.index)
    return answers.to_arrow() if library == "pyarrow" else answers


def predict(
    bundle: Path,
    rows: str | Path,
    out: Path,
    batch: int = 20_000,
    told: Told | None = None,
    warn: Told | None = None,
    lists: Path | None = None,
) -> int:
    """Answer every row and write them to ``out``, by its ending; the number of rows comes back.

    ``told`` hears of each batch, and ``warn``, at the end, of cells that could not be understood. ``lists`` is a file of
    rules inside the lists of a bundle that recommends.

    ``out`` appears when it is whole, and not before. Texts that a spreadsheet would run as a formula get an apostrophe in CSV and TSV.
    Cells of CSV go to CSV as they are written; elsewhere columns of numbers are numbers.
    """
    from plimsoll import data, sources

    kind = _kind(out)
    if batch < 1:
        raise DataError(f"--batch {batch} holds no rows. Write a number such as 20000.")
    answerer = answering(bundles.read(bundle), lists=lists)
    if answerer.schema.lists:
        return _lists(answerer, rows, out, kind, batch, told)
    signals = answerer.bundle.job.signals is not None
    held = {} if kind.startswith((".csv", ".tsv")) or signals else data.types(rows)
    count, odd = 0, Misfits(answerer.schema)
    with _replaced(out) as fresh, _writer(kind, fresh) as write:
        for frame, cells in sources.batches(rows, answerer.bundle.job, answerer.schema, batch):
            write(answered(answerer, frame, cells, held))
            odd.look(frame, cells)
            count += frame.height
            if told is not None:
                told(f"{count:,} rows answered")
        if not count:
            raise DataError(f"{rows} holds no rows to answer.")
    if warn is not None:
        for line in odd.lines():
            warn(line)
    return count


def _lists(answerer: Any, rows: str | Path, out: Path, kind: str, batch: int, told: Told | None) -> int:
    """The lists of the users that a file names; how many rows they take comes back."""
    count, room = 0, _of_lists(answerer)
    with _replaced(out) as fresh, _writer(kind, fresh) as write:
        for frame in room.frames(answerer, rows, batch):
            write(frame)
            count += frame.height
            if told is not None:
                told(f"{count:,} places filled")
        if not count:
            raise DataError(f"{rows} {room.NOTHING}.")
    return count


def _of_lists(answerer: Answerer) -> Any:
    """The room that answers files with its kind of lists."""
    from plimsoll import find_predict, list_predict

    return find_predict if answerer.schema.of(Kind.QUERY) else list_predict


@dataclass
class Misfits:
    """Counts cells of numbers, booleans and times that are none: they are answered as missing, which should be said."""

    schema: Schema
    found: dict[str, tuple[int, str]] = field(default_factory=dict)

    def look(self, frame: pl.DataFrame, rows: Rows) -> None:
        from plimsoll.cells import misfits

        for column in self.schema.columns:
            if column.kind in NUMERIC:
                odd = misfits(frame[column.name], rows.numbers(column.name))
                if len(odd):
                    count, example = self.found.get(column.name, (0, odd[0]))
                    self.found[column.name] = count + len(odd), example

    def lines(self) -> list[str]:
        return [
            f'"{name}" holds {count:,} cells that are no {self.schema[name].kind.value}, such as "{example[:40]}"; they count as missing.'
            for name, (count, example) in self.found.items()
        ]


def answered(answerer: Answerer, frame: pl.DataFrame, rows: Rows, types: Mapping[str, Any]) -> pl.DataFrame:
    """The frame, whose cells are ``rows``, its columns cast to ``types``, with ``prediction`` and, for classes, ``p_<class>``, or for a number
    ``low`` and ``high``."""
    import polars as pl

    added = _columns(answerer, rows)
    for column in added:
        if column.name in frame.columns:
            raise DataError(
                f'The rows have a column "{column.name}" already, where an answer would go. Rename or drop it.'
            )
    kept = [cells.cast(types.get(cells.name, cells.dtype)) for cells in frame]
    return pl.DataFrame([*kept, *added])


def _columns(answerer: Answerer, rows: Rows) -> list[pl.Series]:
    import polars as pl

    schema = answerer.schema
    decided = answerer.decide(rows)
    if decided.probabilities is None or decided.labels is None:
        figures = {"prediction": decided.values, "low": decided.low, "high": decided.high}
        return [pl.Series(name, figure) for name, figure in figures.items()]
    says = [schema.class_value(place) for place in range(len(schema.classes))]
    chances = [pl.Series(f"p_{name}", decided.probabilities[:, place]) for place, name in enumerate(schema.classes)]
    return [pl.Series("prediction", [says[place] for place in decided.labels.tolist()]), *chances]


def _kind(out: Path) -> str:
    ending = next((each for each in sorted(_ENDINGS, key=len, reverse=True) if out.name.lower().endswith(each)), None)
    if ending is None:
        raise DataError(f"--out {out} has no ending that can be written. Write one of: {' '.join(_ENDINGS)}.")
    return ending


@contextmanager
def _replaced(out: Path) -> Iterator[Path]:
    """A place beside ``out`` that takes its name when all has gone well, and vanishes otherwise."""
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise DataError(
            f"--out {out} cannot be written: {'it is a folder' if out.is_dir() else 'its folder is not there'}."
        )
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.absolute().parent))
    try:
        yield folder / "fresh"
        os.replace(folder / "fresh", out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


Write = Callable[["pl.DataFrame"], None]


@contextmanager
def _writer(kind: str, fresh: Path) -> Iterator[Write]:
    if kind == ".parquet":
        with _parquet(fresh) as write:
            yield write
        return
    file: IO[bytes] = gzip.open(fresh, "wb") if kind.endswith(".gz") else open(fresh, "wb")  # type: ignore[assignment]  # noqa: SIM115  # closed below
    with file:
        yield _lines(file) if "json" in kind or "nd" in kind else _table(file, "\t" if kind.startswith(".tsv") else ",")


def _lines(file: IO[bytes]) -> Write:
    return lambda frame: frame.write_ndjson(file)


def _table(file: IO[bytes], separator: str) -> Write:
    first = True

    def write(frame: pl.DataFrame) -> None:
        nonlocal first
        guarded(frame).write_csv(file, include_header=first, separator=separator)
        first = False

    return write


@contextmanager
def _parquet(fresh: Path) -> Iterator[Write]:
    """Polars cannot add to a Parquet file, so batches are written one by one and streamed into one at the end."""
    import polars as pl

    parts = fresh.with_name("parts")
    parts.mkdir()
    count = 0

    def write(frame: pl.DataFrame) -> None:
        nonlocal count
        frame.write_parquet(parts / f"{count:08d}.parquet")
        count += 1

    yield write
    if count:
        pl.scan_parquet(parts / "*.parquet").sink_parquet(fresh)


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """Texts that a spreadsheet would run get an apostrophe in front; numbers, also negative ones, stay as they are.

    >>> import polars as pl
    >>> guarded(pl.DataFrame({"a": ["=1+1", "-5", "-x", "plain"], "b": [-1, 2, 3, 4]}))["a"].to_list()
    ["'=1+1", '-5', "'-x", 'plain']
    """
    import polars as pl

    texts = pl.col(pl.String)
    runs = texts.str.contains(_FORMULA) & ~texts.str.contains(_NUMBER)
    return frame.with_columns(pl.when(runs).then(pl.lit("'") + texts).otherwise(texts).name.keep())
