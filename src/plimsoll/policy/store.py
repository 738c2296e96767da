"""Where a queue stands: its tables, in SQLite and in PostgreSQL, and how their rows are read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plimsoll.errors import MissingExtra, UserError
from plimsoll.policy.opinions import Item, Verdict

TABLES = """
CREATE TABLE IF NOT EXISTS items (
    id TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL, why TEXT NOT NULL, chance DOUBLE PRECISION NOT NULL,
    priority DOUBLE PRECISION NOT NULL, needs INTEGER NOT NULL, event TEXT NOT NULL, decision TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '', not_by TEXT NOT NULL DEFAULT '', closed INTEGER NOT NULL DEFAULT 0,
    held_by TEXT NOT NULL DEFAULT '', held_until DOUBLE PRECISION NOT NULL DEFAULT 0);
DROP INDEX IF EXISTS items_open;
CREATE INDEX IF NOT EXISTS items_next ON items (closed, priority DESC, at, id);
CREATE TABLE IF NOT EXISTS verdicts (
    n {serial}, item TEXT NOT NULL REFERENCES items (id), reviewer TEXT NOT NULL, label TEXT NOT NULL,
    note TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, undone INTEGER NOT NULL DEFAULT 0);
DROP INDEX IF EXISTS verdicts_item;
CREATE INDEX IF NOT EXISTS verdicts_said ON verdicts (item, reviewer);
CREATE INDEX IF NOT EXISTS verdicts_reviewer ON verdicts (reviewer, n);
CREATE INDEX IF NOT EXISTS items_held ON items (held_by) WHERE held_by <> '';
CREATE TABLE IF NOT EXISTS tally (
    what TEXT NOT NULL, one TEXT NOT NULL, other TEXT NOT NULL, many BIGINT NOT NULL, PRIMARY KEY (what, one, other));
"""
ITEM = "id, at, why, chance, priority, needs, event, decision, note, not_by, closed"


def said_of(run: Any, number: str) -> list[Verdict]:
    """What has been said of an event and not taken back, in its order."""
    rows = run(
        "SELECT item, reviewer, label, note, at FROM verdicts WHERE item = ? AND undone = 0 ORDER BY n", (number,)
    )
    return [Verdict(*row) for row in rows]


def item_of(row: Sequence[Any]) -> Item:
    """The event of a row of ``ITEM``."""
    number, at, why, chance, priority, needs, event, decision, note, not_by, closed = row
    told = json.loads(event), json.loads(decision)
    return Item(number, at, why, *told, chance, priority, needs, note, not_by, bool(closed))


def sqlite(path: Path) -> Any:
    """A file, made where there is none. Raises UserError where it cannot be a queue."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is redacted is overwritten, and not only let go of
    except (OSError, sqlite3.Error) as fault:
        raise UserError(f"{path}: cannot be the queue of a review: {fault}.") from None
    return connection


def postgres(url: str) -> Any:
    """A server. Raises UserError where it cannot be reached, MissingExtra without psycopg."""
    try:
        import psycopg
    except ImportError:
        raise MissingExtra(
            "A queue in PostgreSQL needs psycopg. Install it: pip install 'plimsoll[postgres]'."
        ) from None
    try:
        return psycopg.connect(url)
    except psycopg.Error as fault:
        raise UserError(f"The queue's PostgreSQL cannot be reached: {str(fault).splitlines()[0]}.") from None
