"""Documents that come after a bundle was made: added, changed and taken away, in one SQLite file beside it.

A call is one transaction that is on the disk when it returns, so neither a crash nor a full disk leaves half of one. One program writes at a
time, and another waits for it a while; who reads waits for nobody. The file says which bundle it is of.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from plimsoll.errors import BundleError, RequestError, nearest
from plimsoll.ids import spelled
from plimsoll.one_cell import taken
from plimsoll.rows import Value
from plimsoll.schema import Schema

ENDING = ".later.db"
_MOMENT = 0.01  # seconds
PATIENCE = 2.0  # seconds that a writer waits for another: a call takes milliseconds
FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS about (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), format INTEGER NOT NULL, bundle TEXT NOT NULL, calls INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS documents (id TEXT PRIMARY KEY, cells TEXT, call INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_call ON documents (call)
"""
_PUT = (
    "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET cells = excluded.cells, call = excluded.call"
)
Cells = tuple[Value, ...]


@dataclass(frozen=True)
class Change:
    """What became of a document: its ``cells`` in the order of the schema, or None where it was taken away."""

    id: str
    cells: Cells | None


def place(bundle: Path) -> Path:
    """Where the later documents of a bundle are kept.

    >>> place(Path("search.plimsoll")).name
    'search.plimsoll.later.db'
    """
    return bundle.with_name(bundle.name + ENDING)


class Later:
    """The later documents of the bundle with this ``digest``, whose documents have this ``schema``.

    Raises BundleError where the file is of another bundle, or none of ours; and RequestError (503) while another program writes
    for longer than it waits, and (507) where the disk is full.

    >>> import tempfile
    >>> from plimsoll.schema import Column, Kind
    >>> schema = Schema((Column("title", Kind.TEXT), Column("year", Kind.NUMBER)), "id")
    >>> later = Later(Path(tempfile.mkdtemp()) / "x.later.db", "abc", schema)
    >>> later.add([{"id": 7, "title": "Wings", "year": 1958}]), later.delete(["8"]), later.calls()
    (1, 1, 2)
    >>> list(later.since(0))
    [Change(id='7', cells=('Wings', 1958.0)), Change(id='8', cells=None)]
    """

    def __init__(self, path: Path, digest: str, schema: Schema, patience: float = PATIENCE) -> None:
        self.path, self._digest, self._schema, self._patience = path, digest, schema, patience
        self._lock = threading.Lock()
        self._process = -1
        self._connection: sqlite3.Connection | None = None
        self._left: list[sqlite3.Connection] = []  # by a fork
        with self._lock:
            self._opened()

    def add(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Puts documents in, each instead of the one with its id; how many. All of them or, where one is refused, none. Raises RequestError with its place."""
        told = [self._row(row, f"$[{number}]") for number, row in enumerate(rows)]
        if twin := _twin([each.id for each in told]):
            raise RequestError(
                "$", f'"{twin[:60]}" is the "{self._schema.target}" of several documents. Keep one of them.'
            )
        return self._put(told)

    def delete(self, ids: Sequence[Any]) -> int:
        """Takes documents away by their ids, whether they are there or not; how many ids there were."""
        told = [self._id(each, f"$[{number}]") for number, each in enumerate(ids)]
        return self._put([Change(each, None) for each in dict.fromkeys(told)])

    def calls(self) -> int:
        """How many calls changed anything so far: whoever knows the file at this number knows it still."""
        return int(self._told("SELECT calls FROM about")[0][0])

    def since(self, call: int) -> Iterator[Change]:
        """What changed after a call, by id; each document once, as it is now."""
        for name, cells in self._told("SELECT id, cells FROM documents WHERE call > ? ORDER BY id", call):
            yield Change(name, None if cells is None else self._read(name, cells))

    def close(self) -> None:
        with self._lock:
            if self._process == os.getpid() and self._connection is not None:
                self._connection.close()
                self._process, self._connection = -1, None

    def _put(self, told: Sequence[Change]) -> int:
        if told:
            rows = [(each.id, None if each.cells is None else _written(each.cells)) for each in told]
            with self._lock, self._whole(self._opened()) as run:
                (call,) = run("UPDATE about SET calls = calls + 1 RETURNING calls").fetchone()
                for row in rows:
                    run(_PUT, (*row, call))
        return len(told)

    @contextmanager
    def _whole(self, connection: sqlite3.Connection) -> Iterator[Any]:
        """All that is run in it, or nothing of it."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection.execute
            connection.execute("COMMIT")
        except sqlite3.Error as fault:
            raise self._fault(fault) from None
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _told(self, question: str, *values: Any) -> list[Any]:
        try:
            with self._lock:
                return self._opened().execute(question, values).fetchall()
        except sqlite3.Error as fault:
            raise self._fault(fault) from None

    def _opened(self) -> sqlite3.Connection:
        """The connection of this process. One that was made before a fork is kept as it is behind it: even closing it would
        let go of what the parent holds."""
        if self._process != os.getpid():
            if self._connection is not None:
                self._left.append(self._connection)
            try:
                self._connection = _connected(self.path, self._patience)
                self._check(self._connection)
            except sqlite3.Error as fault:
                raise self._fault(fault) from None
            self._process = os.getpid()
        assert self._connection is not None
        return self._connection

    def _check(self, connection: sqlite3.Connection) -> None:
        """Makes the tables of a new file. Raises BundleError for the file of another bundle."""
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
            with self._whole(connection) as run:
                for statement in _TABLES.strip().split(";\n"):
                    run(statement)
                run("INSERT INTO about VALUES (1, ?, ?, 0) ON CONFLICT DO NOTHING", (FORMAT, self._digest))
        found = connection.execute("SELECT format, bundle FROM about").fetchone() or (None, "")
        if found[0] != FORMAT:
            raise BundleError(f"{self.path}: is of format {found[0]}. This program reads format {FORMAT}.")
        if found[1] != self._digest:
            raise BundleError(
                f"{self.path}: holds later documents of another bundle ({str(found[1])[:12]}…). Move it away, or serve that bundle."
            )

    def _fault(self, fault: sqlite3.Error) -> Exception:
        code = getattr(fault, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return RequestError(
                "$", f"another program has been writing to {self.path.name} for {self._patience:g} s. Try again.", 503
            )
        if code is not None and code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return RequestError(
                "$", f"nothing more can be written to {self.path.name} ({fault}). Nothing of this call was kept.", 507
            )
        return BundleError(f"{self.path}: cannot hold later documents: {fault}.")

    def _row(self, row: Any, place: str) -> Change:
        """A document as it is kept. Raises RequestError where it does not go with the schema."""
        if not isinstance(row, Mapping):
            raise RequestError(place, "expected a document such as {…}")
        for name in row:
            if name not in (*self._schema.names, *self._schema.ignored, self._schema.target):
                raise RequestError(
                    f"{place}.{str(name)[:100]}",
                    f"documents have no such column. {nearest(str(name)[:100], (self._schema.target, *self._schema.names))}",
                )
        name = self._id(row.get(self._schema.target), f"{place}.{self._schema.target}")
        return Change(name, tuple(self._cell(row, column.name, place) for column in self._schema.columns))

    def _cell(self, row: Mapping[str, Any], name: str, place: str) -> Value:
        try:
            found = taken(self._schema[name].kind, row.get(name))
        except ValueError as fault:
            raise RequestError(f"{place}.{name}", str(fault)) from None
        if isinstance(found, str) and not _is_text(found):
            raise RequestError(f"{place}.{name}", "the text holds half of a letter (a lone surrogate)")
        return found

    def _id(self, cell: Any, place: str) -> str:
        found = spelled(cell) if isinstance(cell, str | int | float) else ""
        if not found or not _is_text(found):
            raise RequestError(place, "expected the id of a document: a text or a number")
        return found

    def _read(self, name: str, cells: str) -> Cells:
        """Cells out of a file that nobody has to be believed about."""
        try:
            told = msgspec.json.decode(cells)
            if not isinstance(told, list) or len(told) != len(self._schema.columns):
                raise ValueError("other columns")
            return tuple(taken(column.kind, cell) for column, cell in zip(self._schema.columns, told, strict=True))
        except (ValueError, msgspec.MsgspecError) as fault:
            raise BundleError(f'{self.path}: the document "{name[:60]}" is none of this bundle\'s: {fault}.') from None


def _connected(path: Path, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    _keep_a_log(connection, time.monotonic() + patience)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA trusted_schema = OFF")  # the file may be anybody's
    return connection


def _keep_a_log(connection: sqlite3.Connection, end: float) -> None:
    """Has changes written to a log first, so that who reads waits for nobody. Of two that make the file at once SQLite turns
    one away and lets nobody wait, so it is asked again."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_MOMENT)
        else:
            return


def _written(cells: Cells) -> str:
    return msgspec.json.encode(
        [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells]
    ).decode()


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _twin(names: Sequence[str]) -> str:
    """The first name that is there twice; "" where none is."""
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), "")  # type: ignore[func-returns-value]
