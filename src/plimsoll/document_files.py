"""Documents that are files: a folder of texts and pages with all that is in it, or those that a pattern names.

The id of a document is the path of its file within the folder. Every file that is left out is counted.
"""

from __future__ import annotations

import codecs
import glob
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll import data, html_text
from plimsoll.errors import DataError

PLAIN, MARKDOWN, PAGES = (".txt", ".text", ".rst"), (".md", ".markdown"), (".html", ".htm", ".xhtml")
ENDINGS = (*PLAIN, *MARKDOWN, *PAGES)
ID, TEXTS, FOLDER = "path", ("title", "text"), "folder"
MOST = 2**26  # bytes of a file: a longer one is no document that somebody reads
_LONG = 200  # letters of a title that is the first line
_BATCH = 2**24  # letters of texts that are held before they are packed
_HEADING = re.compile(r"^(?:#{1,6}[ \t]+(.+?)[ \t]*#*|(\S.*)\n(?:={3,}|-{3,})[ \t]*)$", re.MULTILINE)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass
class Files:
    """The files of ``base`` that are documents, in order; what had to be said of them is known once all are read."""

    base: Path
    paths: list[Path]
    others: Counter[str] = field(default_factory=Counter)  # endings of files that are no documents
    left: dict[str, list[str]] = field(default_factory=dict)  # why files were left out, and which
    guessed: list[str] = field(default_factory=list)  # files that are not UTF-8

    @property
    def warnings(self) -> tuple[str, ...]:
        found = [f"{_files(len(names))} left out: {why}, such as {names[0]}." for why, names in self.left.items()]
        if self.others:
            told = ", ".join(f"{ending or 'none'} {many:,}" for ending, many in self.others.most_common(5))
            found.append(
                f"{_files(self.others.total())} left out for the ending ({told}); read are {' '.join(ENDINGS)}."
            )
        if self.guessed:
            found.append(
                f"{_files(len(self.guessed))} not UTF-8, such as {self.guessed[0]}, and read in the encoding that they name, or else as Windows-1252."
            )
        return tuple(found)


def _files(many: int) -> str:
    return "1 file is" if many == 1 else f"{many:,} files are"


def of(source: Any) -> Files | None:
    """The files that a folder, a pattern or a path names, where these are documents; None where the source is a table.

    Raises DataError for a folder that holds texts and tables alike, as nobody could say which of them are the documents.
    """
    if not isinstance(source, str | Path):
        return None
    path = Path(source)
    if path.is_dir():
        return _folder(path)
    named = [path] if path.is_file() else sorted(Path(name) for name in glob.glob(str(source), recursive=True))
    named = [each for each in named if each.is_file()]
    if not named or not all(each.name.lower().endswith(ENDINGS) for each in named):
        return None
    return Files(Path(os.path.commonpath([each.parent for each in named])), named)


def _folder(folder: Path) -> Files | None:
    held: list[Path] = []
    others: Counter[str] = Counter()
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            if name.lower().endswith(ENDINGS):
                held.append(Path(base) / name)
            else:
                others[Path(name).suffix.lower()] += 1
    tables = [
        path.name for path in sorted(folder.iterdir()) if path.is_file() and path.name.lower().endswith(data.ENDINGS)
    ]
    if held and tables:
        raise DataError(
            f"{folder}: holds tables ({tables[0]}) and texts ({held[0].name}). Name the table, or the texts as in {folder}/**/*{held[0].suffix}"
        )
    if not held and not tables:
        raise DataError(
            f"{folder}: the folder holds no documents. Give one with files ending in {' '.join(ENDINGS)}, or a table."
        )
    return Files(folder, held, others) if held else None


def frames(files: Files, size: int) -> Iterator[pl.DataFrame]:
    """The documents in batches: their path, title, text and the folder that they stand in."""
    rows: list[tuple[str, str, str, str]] = []
    letters = 0
    for path in files.paths:
        if (row := _document(files, path)) is not None:
            rows.append(row)
            letters += len(row[2])
        if len(rows) == size or letters > _BATCH:
            yield _frame(rows)
            rows, letters = [], 0
    if rows:
        yield _frame(rows)


def _frame(rows: list[tuple[str, str, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys((ID, *TEXTS, FOLDER), pl.String), orient="row")


def _document(files: Files, path: Path) -> tuple[str, str, str, str] | None:
    name = os.fsencode(path.relative_to(files.base).as_posix()).decode("utf-8", "replace")
    text = _text(files, path, name)
    if text is None:
        return None
    if path.name.lower().endswith(PAGES):
        title, text = html_text.read(text)
    else:
        title = _heading(text) if path.name.lower().endswith(MARKDOWN) else ""
    title = title or _first_line(text) or Path(name).stem
    return name, title, text, name.rpartition("/")[0]


def _text(files: Files, path: Path, name: str) -> str | None:
    """What stands in a file; None where it is no text, and then it is said why."""
    try:
        held = path.read_bytes() if path.stat().st_size <= MOST else None
    except OSError as fault:
        files.left.setdefault(f"cannot be read ({fault.strerror})", []).append(name)
        return None
    if held is None:
        files.left.setdefault(f"longer than {MOST // 2**20} MiB", []).append(name)
        return None
    marked = next((encoding for mark, encoding in _MARKS if held.startswith(mark)), "")
    if b"\0" in held and not marked.startswith("utf-16"):
        files.left.setdefault("no text", []).append(name)
        return None
    return _decoded(files, held, name, marked)


def _decoded(files: Files, held: bytes, name: str, marked: str) -> str:
    try:
        return held.decode(marked or "utf-8")
    except UnicodeDecodeError:
        files.guessed.append(name)
    if said := html_text.charset(held) if name.lower().endswith(PAGES) else "":
        try:
            return held.decode(said)
        except (LookupError, UnicodeError):
            pass
    return held.decode("cp1252", "replace")


def _heading(text: str) -> str:
    """The first heading of a text in Markdown.

    >>> _heading("# Wings #\\n\\nThey lift."), _heading("Wings\\n=====\\n"), _heading("no heading")
    ('Wings', 'Wings', '')
    """
    found = _HEADING.search(text)
    return (found.group(1) or found.group(2)).strip() if found else ""


def _first_line(text: str) -> str:
    return next((line.strip()[:_LONG] for line in text.lstrip().split("\n", 1) if line.strip()), "")
