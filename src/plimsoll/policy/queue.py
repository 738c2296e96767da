"""Events that wait for a person: in SQLite beside the server, or in PostgreSQL where several servers share one queue.

Three kinds of events come here: those that the policy sends, a random slice of all the others, so that labels are not
only of what the policy suspected, and appeals. Each keeps the chance with which it came, so that rates of the whole can be
estimated from what was reviewed (Horvitz and Thompson 1952).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plimsoll.errors import MissingExtra, UserError

ASKED, AUDIT, APPEAL = "asked", "audit", "appeal"
APPEALED = "appeal-"  # before the number of a decision: that of the appeal against it
SECOND = 0.1  # share of the events that two people see, to know how far they agree
MOST_OPINIONS = 3  # after which the majority stands
LEASE = 600.0  # seconds that an event is one reviewer's alone
_TABLES = """
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
_WAITS, _PAIR = "waits", "pair"  # what is tallied: events by why they wait, or done; the first two opinions on an event
_Tally = Counter[tuple[str, str, str]]
_HELD = "held_by = ? AND held_by <> ''"  # said twice, so that the few that are held are looked through and not all that wait
_ITEM = "id, at, why, chance, priority, needs, event, decision, note, not_by, closed"


@dataclass(frozen=True)
class Item:
    """An event that waits: ``priority`` orders them, the largest first; ``chance`` is that with which it came here."""

    id: str
    at: float
    why: str
    event: Mapping[str, Any]
    decision: Mapping[str, Any]
    chance: float = 1.0
    priority: float = 0.0
    needs: int = 1
    note: str = ""
    not_by: str = ""  # whom it may not come to: one whose own decision is appealed
    closed: bool = False


@dataclass(frozen=True)
class Verdict:
    """What a reviewer said of an event."""

    item: str
    reviewer: str
    label: str
    note: str
    at: float


@dataclass(frozen=True)
class Agreement:
    """Of the pairs of opinions on one event how many agree, and Cohen's kappa (1960): how far beyond chance."""

    pairs: int
    agree: int
    kappa: float | None

    def __str__(self) -> str:
        kappa = "" if self.kappa is None else f", kappa {self.kappa:.2f}"
        return f"Two reviewers agree on {self.agree:,} of {self.pairs:,} events{kappa}."


class Queue:
    """The queue at a place: a path, or postgresql://…

    >>> import tempfile
    >>> queue = Queue(Path(tempfile.mkdtemp()) / "review.db")
    >>> queue.put([Item("1", 0.0, ASKED, {"text": "hi"}, {"outcome": "review"})])
    >>> found = queue.next("ann", 1.0)
    >>> queue.decide(found.id, "ann", "fine", "", 2.0)
    >>> queue.next("ann", 3.0), [(label["text"], label["label"]) for label in queue.labels()]
    (None, [('hi', 'fine')])
    """

    def __init__(self, place: Path | str) -> None:
        self._shared = str(place).startswith(("postgresql://", "postgres://"))
        self._lock = threading.Lock()
        self._connection = _postgres(str(place)) if self._shared else _sqlite(Path(place))
        self._found()

    def _found(self) -> None:
        """Makes the tables where there are none; several servers may begin at once."""
        there = (
            "SELECT to_regclass('tally')"
            if self._shared
            else "SELECT MAX(name) FROM sqlite_master WHERE name = 'tally'"
        )
        serial = "BIGSERIAL PRIMARY KEY" if self._shared else "INTEGER PRIMARY KEY"
        with self._whole() as run:
            if self._shared:
                run("SELECT pg_advisory_xact_lock(7046255)")
            if run(there)[0][0] is None:
                for statement in _TABLES.format(serial=serial).split(";\n"):
                    if statement.strip():
                        run(statement)
                _add(run, _all(run))

    def close(self) -> None:
        self._connection.close()

    def put(self, items: Sequence[Item]) -> None:
        """Adds events; one that is there already stays as it is."""
        marks, new = ", ".join("?" * 11), _Tally()
        with self._whole() as run:
            for item in items:
                told = json.dumps(dict(item.event)), json.dumps(dict(item.decision))
                needs = max(item.needs, 2 if _drawn(item.id, SECOND) else 1)
                values = (item.id, item.at, item.why, item.chance, item.priority, needs, *told, item.note, item.not_by)
                told_ = (*values, 0)
                if run(f"INSERT INTO items ({_ITEM}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING RETURNING id", told_):
                    new[_WAITS, item.why, ""] += 1
            _add(run, new)

    def next(self, reviewer: str, now: float) -> Item | None:
        """The event that this reviewer should see, which is theirs alone for ten minutes; None where none waits."""
        locked = " FOR UPDATE SKIP LOCKED" if self._shared else ""
        with self._whole() as run:
            mine = run(f"SELECT {_ITEM} FROM items WHERE {_HELD} AND closed = 0 AND held_until > ?", (reviewer, now))
            if mine:
                return _item(mine[0])
            found = run(
                f"""UPDATE items SET held_by = ?, held_until = ? WHERE id = (
                    SELECT id FROM items WHERE closed = 0 AND (held_by = '' OR held_until <= ?) AND not_by <> ?
                    AND NOT EXISTS (SELECT 1 FROM verdicts WHERE item = items.id AND reviewer = ? AND undone = 0)
                    ORDER BY priority DESC, at, id LIMIT 1{locked}) RETURNING {_ITEM}""",
                (reviewer, now + LEASE, now, reviewer, reviewer),
            )
        return _item(found[0]) if found else None

    def find(self, number: str) -> tuple[Item, list[Verdict]] | None:
        """An event with what has been said of it."""
        with self._whole() as run:
            found = run(f"SELECT {_ITEM} FROM items WHERE id = ?", (number,))
            return (_item(found[0]), _said(run, number)) if found else None

    def decide(self, number: str, reviewer: str, label: str, note: str, now: float) -> None:
        """Writes down what a reviewer says. Raises UserError where there is no such event, or it is not theirs to say."""
        locked = " FOR UPDATE" if self._shared else ""
        with self._whole() as run:
            found = run(f"SELECT {_ITEM} FROM items WHERE id = ?{locked}", (number,))
            if not found:
                raise UserError(f'There is no event "{number}" to decide.')
            item, said = _item(found[0]), _said(run, number)
            if item.closed or any(each.reviewer == reviewer for each in said) or item.not_by == reviewer:
                raise UserError(f"The event {number} is not yours to decide any more.")
            run(
                "INSERT INTO verdicts (item, reviewer, label, note, at) VALUES (?, ?, ?, ?, ?)",
                (number, reviewer, label, note, now),
            )
            self._settle(run, item)
            _moved(run, number, _counted(item, said))

    def undo(self, reviewer: str, now: float) -> Item | None:
        """Takes back the last thing that a reviewer said; the event is theirs again. None where there is nothing."""
        with self._whole() as run:
            last = run(
                "SELECT n, item FROM verdicts WHERE reviewer = ? AND undone = 0 ORDER BY n DESC LIMIT 1", (reviewer,)
            )
            if not last:
                return None
            before = _of(run, last[0][1])
            run("UPDATE verdicts SET undone = 1 WHERE n = ?", (last[0][0],))
            run(f"UPDATE items SET held_by = '' WHERE {_HELD}", (reviewer,))
            found = run(
                f"UPDATE items SET closed = 0, held_by = ?, held_until = ? WHERE id = ? RETURNING {_ITEM}",
                (reviewer, now + LEASE, last[0][1]),
            )
            _moved(run, last[0][1], before)
        return _item(found[0])

    def skip(self, number: str, reviewer: str) -> None:
        """Gives an event back to the others, behind them."""
        with self._whole() as run:
            run(
                "UPDATE items SET held_by = '', held_until = 0, priority = (SELECT MIN(priority) FROM items WHERE closed = 0) - 1 WHERE id = ? AND held_by = ?",
                (number, reviewer),
            )

    def _settle(self, run: Any, item: Item) -> None:
        """Closes an event that enough have seen; where two say different things a third is asked."""
        said = _said(run, item.id)
        if len(said) >= item.needs and len({each.label for each in said}) > 1 and len(said) < MOST_OPINIONS:
            run("UPDATE items SET needs = ?, held_by = '' WHERE id = ?", (len(said) + 1, item.id))
        elif len(said) >= item.needs:
            run("UPDATE items SET closed = 1, held_by = '' WHERE id = ?", (item.id,))
        else:
            run("UPDATE items SET held_by = '' WHERE id = ?", (item.id,))

    def rewrite(
        self, older_than: float, after: str, many: int, change: Callable[[Item], Item]
    ) -> tuple[list[tuple[Item, Item]], str | None]:
        """Puts what ``change`` makes of them in the place of the next so many events from before a moment, in the order of
        their numbers; (those that were changed, with what they are now; the last number looked at, None after the last)."""
        locked, changed = " FOR UPDATE" if self._shared else "", []
        with self._whole() as run:
            rows = run(
                f"SELECT {_ITEM} FROM items WHERE at < ? AND id > ? ORDER BY id LIMIT ?{locked}",
                (older_than, after, many),
            )
            for item in map(_item, rows):
                now = change(item)
                if now != item:
                    told = json.dumps(dict(now.event)), json.dumps(dict(now.decision)), now.note, int(now.closed)
                    run(
                        "UPDATE items SET event = ?, decision = ?, note = ?, closed = ?, held_by = '' WHERE id = ?",
                        (*told, item.id),
                    )
                    changed.append((item, now))
            moved = _Tally()
            for before, now in changed:
                moved[_WAITS, _stands(now), ""] += 1
                moved[_WAITS, _stands(before), ""] -= 1
            _add(run, moved)
        return changed, str(rows[-1][0]) if len(rows) == many else None

    def settle(self) -> None:
        """Leaves nothing of what was overwritten in SQLite's own log; PostgreSQL sees to that by itself (vacuum)."""
        if not self._shared:
            with self._lock:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def labels(self) -> Iterator[dict[str, Any]]:
        """Each closed event's fields with the label that most reviewers gave it, and the chance with which it came; but
        for those of which something was redacted, for nothing can be learned from what is not there."""
        with self._whole() as run:
            rows = run(f"SELECT {_ITEM} FROM items WHERE closed = 1 ORDER BY at, id")
            told = [(item, _said(run, item.id)) for item in map(_item, rows) if not item.decision.get("redacted")]
        for item, said in told:
            yield {
                **item.event,
                "label": majority(said),
                "chance": item.chance,
                "why": item.why,
                "reviewed": said[-1].at,
            }

    def agreement(self) -> Agreement:
        """How far reviewers agree on the events that two of them saw first. Looks at the tally alone, however many there are."""
        with self._whole() as run:
            return _agreement({(one, other): many for one, other, many in run(_TALLIED, (_PAIR,))})

    def counts(self) -> dict[str, int]:
        """How many wait, by why they came, and how many are done; by the tally too."""
        with self._whole() as run:
            return {what: many for what, _, many in run(_TALLIED, (_WAITS,))}

    @contextmanager
    def _whole(self) -> Iterator[Any]:
        """A transaction: ``run(sql, values)`` in it gives rows."""
        with self._lock:
            cursor = self._connection.cursor()
            try:
                if not self._shared:
                    cursor.execute("BEGIN IMMEDIATE")

                def run(sql: str, values: Sequence[Any] = ()) -> list[Any]:
                    cursor.execute(sql.replace("?", "%s") if self._shared else sql, tuple(values))
                    return list(cursor.fetchall()) if cursor.description else []

                yield run
                self._connection.commit()
            except BaseException:
                self._connection.rollback()
                raise
            finally:
                cursor.close()


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Of pairs of labels of the same events.

    >>> agreement([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")]).kappa
    0.5
    """
    return _agreement(Counter(pairs))


def _agreement(counted: Mapping[tuple[str, str], int]) -> Agreement:
    pairs = sum(counted.values())
    if not pairs:
        return Agreement(0, 0, None)
    agree = sum(many for (one, other), many in counted.items() if one == other)
    ones, others = Counter[str](), Counter[str]()
    for (one, other), many in counted.items():
        ones[one] += many
        others[other] += many
    chance = sum(many * others[label] for label, many in ones.items()) / pairs**2
    return Agreement(pairs, agree, (agree / pairs - chance) / (1.0 - chance) if chance < 1.0 else None)


# The tally: a page shows how many wait and how far reviewers agree, and may not look through all that was ever said.

_TALLIED = "SELECT one, other, many FROM tally WHERE what = ? AND many <> 0"


def _stands(item: Item) -> str:
    return "done" if item.closed else item.why


def _counted(item: Item, said: Sequence[Verdict]) -> _Tally:
    """What one event adds to the tally."""
    found = _Tally({(_WAITS, _stands(item), ""): 1})
    if len(said) > 1:
        found[_PAIR, said[0].label, said[1].label] += 1
    return found


def _of(run: Any, number: str) -> _Tally:
    return _counted(_item(run(f"SELECT {_ITEM} FROM items WHERE id = ?", (number,))[0]), _said(run, number))


def _moved(run: Any, number: str, before: _Tally) -> None:
    """Takes note of what became of an event."""
    after = _of(run, number)
    after.subtract(before)
    _add(run, after)


def _add(run: Any, told: _Tally) -> None:
    """In the order of their keys, and last in a transaction: so no two that write the tally wait for each other."""
    for key in sorted(key for key, many in told.items() if many):
        run(
            "INSERT INTO tally (what, one, other, many) VALUES (?, ?, ?, ?) ON CONFLICT (what, one, other) DO UPDATE SET many = tally.many + excluded.many",
            (*key, told[key]),
        )


def _all(run: Any) -> _Tally:
    """The tally of a queue that was made when there was none."""
    found = _Tally()
    for closed, why, many in run("SELECT closed, why, COUNT(*) FROM items GROUP BY closed, why"):
        found[_WAITS, "done" if closed else why, ""] += many
    by: dict[str, list[str]] = {}
    for number, label in run("SELECT item, label FROM verdicts WHERE undone = 0 ORDER BY item, n"):
        by.setdefault(number, []).append(label)
    for labels in by.values():
        if len(labels) > 1:
            found[_PAIR, labels[0], labels[1]] += 1
    return found


def majority(said: Sequence[Verdict]) -> str:
    """The label that most gave an event; of those that as many gave the first of the alphabet."""
    labels = [each.label for each in said]
    return max(sorted(set(labels)), key=labels.count)


def _drawn(number: str, share: float) -> bool:
    """Whether an event is one of so large a share: by its number, so that it is the same whoever asks."""
    return int.from_bytes(hashlib.sha256(number.encode()).digest()[:8], "big") < share * 2**64


def _said(run: Any, number: str) -> list[Verdict]:
    rows = run(
        "SELECT item, reviewer, label, note, at FROM verdicts WHERE item = ? AND undone = 0 ORDER BY n", (number,)
    )
    return [Verdict(*row) for row in rows]


def _item(row: Sequence[Any]) -> Item:
    number, at, why, chance, priority, needs, event, decision, note, not_by, closed = row
    told = json.loads(event), json.loads(decision)
    return Item(number, at, why, *told, chance, priority, needs, note, not_by, bool(closed))


def _sqlite(path: Path) -> Any:
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


def _postgres(url: str) -> Any:
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
