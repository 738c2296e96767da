"""The head of a delimited text file, and which of its lines is at fault."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from plimsoll.errors import DataError

_DELIMITERS = (",", ";", "\t", "|")
_PEEK = 1 << 18  # characters of a file in which its delimiter is looked for
_LONG = 1 << 26  # a header longer than this is not one

csv.field_size_limit(1 << 30)


@dataclass(frozen=True)
class Head:
    """What the first line says: the columns' names, and what stands between cells."""

    names: tuple[str, ...]
    delimiter: str


def head(path: Path) -> Head:
    """The names and the delimiter of a CSV or TSV file, gzipped or not.

    Raises DataError where the file is empty, is not UTF-8 or names two columns alike.
    """
    text = _peek(path)
    if not text.strip():
        raise DataError(f"{path}: the file is empty. Give one with a header and rows.")
    tabs = path.name.lower().removesuffix(".gz").endswith(".tsv")
    delimiter = sniff(text, "\t" if tabs else ",")
    cells = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    names = [name or f"column_{place}" for place, name in enumerate(cells, 1)]
    seen: set[str] = set()
    twins = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]  # add gives None
    if twins:
        raise DataError(
            f"{path}, line 1: {', '.join(dict.fromkeys(twins))} is the name of several columns. Rename all but one."
        )
    return Head(tuple(names), delimiter)


def sniff(text: str, usual: str) -> str:
    """The delimiter of a text: the usual one, unless it gives a single column and another gives several, alike in each row.

    >>> sniff("a;b\\n1;2\\n", ",")
    ';'
    >>> sniff("a,b\\n1;2,3\\n", ",")
    ','
    """
    best, most = usual, 1
    for delimiter in (usual, *(other for other in _DELIMITERS if other != usual)):
        rows = [row for row in islice(csv.reader(io.StringIO(text), delimiter=delimiter), 50) if row]
        counts = {len(row) for row in rows}
        if delimiter == usual and rows and len(rows[0]) > 1:
            return usual
        if len(counts) == 1 and max(counts) > most:
            best, most = delimiter, max(counts)
    return best


def lines(path: Path) -> Iterator[str]:
    """The lines of a text file, gzipped or not, without a byte order mark. Raises DataError where it is not UTF-8."""
    opener: Callable[[Path, str], Any] = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError:
                    raise DataError(f"{path}, line {number}: the text is not UTF-8. Save the file as UTF-8.") from None
    except (gzip.BadGzipFile, EOFError) as fault:
        raise DataError(f"{path}: the gzip file is damaged ({fault}). Fetch or write it again.") from None


def short_row(path: Path, top: Head) -> int | None:
    """The line on which a row with fewer cells than the header ends, or None."""
    return _odd_row(path, top, lambda count: count < len(top.names))


def blame(path: Path, top: Head, fault: str) -> str:
    """A sentence for a file that polars refused: the line at fault where it can be found, else polars' own words."""
    wide = len(top.names)
    if "more fields" in fault and (number := _odd_row(path, top, lambda count: count > wide)):
        return f"{path}, line {number}: the row has more cells than the header's {wide}. Quote cells that hold a {_named(top.delimiter)}, or mend the line."
    if "utf-8" in fault.lower():
        for _ in lines(path):
            pass  # reading it names the line
    first = (fault.splitlines() or ["no reason given"])[0]
    return f"{path}: cannot be read as a table ({first}). Check that the file is whole."


def _odd_row(path: Path, top: Head, odd: Callable[[int], bool]) -> int | None:
    reader = csv.reader(lines(path), delimiter=top.delimiter)
    return next((reader.line_num for row in reader if row and odd(len(row))), None)


def _named(delimiter: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[delimiter]


def _peek(path: Path) -> str:
    """The start of the file: the whole header at least, however many columns it names."""
    parts, size = [], 0
    for line in lines(path):
        if "\0" in line:
            raise DataError(f"{path}: this is not text. Save the file as CSV in UTF-8.")
        parts.append(line)
        size += len(line)
        if size > _LONG:
            raise DataError(f"{path}, line {len(parts)}: the line does not end. Check that the file is a table.")
        if size > _PEEK and len(parts) > 2:
            break
    return "".join(parts)
