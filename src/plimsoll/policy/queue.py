"""Events that wait for a person: in SQLite beside the server, or in PostgreSQL where several servers share one queue.

Three kinds of events come here: those that the policy sends, a random slice of all the others, so that labels are not
only of what the policy suspected, and appeals. Each keeps the chance with which it came, so that rates of the whole can be
estimated from what was reviewed (Horvitz and Thompson 1952).
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plimsoll.errors import UserError
from plimsoll.policy import store, tally
from plimsoll.policy.opinions import (
    APPEAL,
    APPEALED,
    ASKED,
    AUDIT,
    Agreement,
    Item,
    Verdict,
    agreed,
    agreement,
    majority,
)
from plimsoll.policy.store import ITEM, item_of, said_of
from plimsoll.policy.tally import PAIR, TALLIED, WAITS, Tally

__all__ = [
    "APPEAL",
    "APPEALED",
    "ASKED",
    "AUDIT",
    "LEASE",
    "Agreement",
    "Item",
    "Queue",
    "Verdict",
    "agreement",
    "majority",
]

MOST_OPINIONS = 3  # after which the majority stands
SECOND = 0.1  # share of the events that two people see, to know how far they agree
_HELD = "held_by = ? AND held_by <> ''"  # said twice, so that the few that are held are looked through and not all that wait
LEASE = 600.0  # seconds that an event is one reviewer's alone


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
        self._connection = store.postgres(str(place)) if self._shared else store.sqlite(Path(place))
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
                for statement in store.TABLES.format(serial=serial).split(";\n"):
                    if statement.strip():
                        run(statement)
                tally.add(run, tally.everything(run))

    def close(self) -> None:
        self._connection.close()

    def put(self, items: Sequence[Item]) -> None:
        """Adds events; one that is there already stays as it is."""
        marks, new = ", ".join("?" * 11), Tally()
        with self._whole() as run:
            for item in items:
                told = json.dumps(dict(item.event)), json.dumps(dict(item.decision))
                needs = max(item.needs, 2 if _drawn(item.id, SECOND) else 1)
                values = (item.id, item.at, item.why, item.chance, item.priority, needs, *told, item.note, item.not_by)
                told_ = (*values, 0)
                if run(f"INSERT INTO items ({ITEM}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING RETURNING id", told_):
                    new[WAITS, item.why, ""] += 1
            tally.add(run, new)

    def next(self, reviewer: str, now: float) -> Item | None:
        """The event that this reviewer should see, which is theirs alone for ten minutes; None where none waits."""
        locked = " FOR UPDATE SKIP LOCKED" if self._shared else ""
        with self._whole() as run:
            mine = run(f"SELECT {ITEM} FROM items WHERE {_HELD} AND closed = 0 AND held_until > ?", (reviewer, now))
            if mine:
                return item_of(mine[0])
            found = run(
                f"""UPDATE items SET held_by = ?, held_until = ? WHERE id = (
                    SELECT id FROM items WHERE closed = 0 AND (held_by = '' OR held_until <= ?) AND not_by <> ?
                    AND NOT EXISTS (SELECT 1 FROM verdicts WHERE item = items.id AND reviewer = ? AND undone = 0)
                    ORDER BY priority DESC, at, id LIMIT 1{locked}) RETURNING {ITEM}""",
                (reviewer, now + LEASE, now, reviewer, reviewer),
            )
        return item_of(found[0]) if found else None

    def find(self, number: str) -> tuple[Item, list[Verdict]] | None:
        """An event with what has been said of it."""
        with self._whole() as run:
            found = run(f"SELECT {ITEM} FROM items WHERE id = ?", (number,))
            return (item_of(found[0]), said_of(run, number)) if found else None

    def decide(self, number: str, reviewer: str, label: str, note: str, now: float) -> None:
        """Writes down what a reviewer says. Raises UserError where there is no such event, or it is not theirs to say."""
        locked = " FOR UPDATE" if self._shared else ""
        with self._whole() as run:
            found = run(f"SELECT {ITEM} FROM items WHERE id = ?{locked}", (number,))
            if not found:
                raise UserError(f'There is no event "{number}" to decide.')
            item, said = item_of(found[0]), said_of(run, number)
            if item.closed or any(each.reviewer == reviewer for each in said) or item.not_by == reviewer:
                raise UserError(f"The event {number} is not yours to decide any more.")
            run(
                "INSERT INTO verdicts (item, reviewer, label, note, at) VALUES (?, ?, ?, ?, ?)",
                (number, reviewer, label, note, now),
            )
            self._settle(run, item)
            tally.moved(run, number, tally.counted(item, said))

    def undo(self, reviewer: str, now: float) -> Item | None:
        """Takes back the last thing that a reviewer said; the event is theirs again. None where there is nothing."""
        with self._whole() as run:
            last = run(
                "SELECT n, item FROM verdicts WHERE reviewer = ? AND undone = 0 ORDER BY n DESC LIMIT 1", (reviewer,)
            )
            if not last:
                return None
            locked = " FOR UPDATE" if self._shared else ""
            run(f"SELECT id FROM items WHERE id = ?{locked}", (last[0][1],))
            before = tally.of(run, last[0][1])
            run("UPDATE verdicts SET undone = 1 WHERE n = ?", (last[0][0],))
            run(f"UPDATE items SET held_by = '' WHERE {_HELD}", (reviewer,))
            found = run(
                f"UPDATE items SET closed = 0, held_by = ?, held_until = ? WHERE id = ? RETURNING {ITEM}",
                (reviewer, now + LEASE, last[0][1]),
            )
            tally.moved(run, last[0][1], before)
        return item_of(found[0])

    def skip(self, number: str, reviewer: str) -> None:
        """Gives an event back to the others, behind them."""
        with self._whole() as run:
            run(
                "UPDATE items SET held_by = '', held_until = 0, priority = (SELECT MIN(priority) FROM items WHERE closed = 0) - 1 WHERE id = ? AND held_by = ?",
                (number, reviewer),
            )

    def _settle(self, run: Any, item: Item) -> None:
        """Closes an event that enough have seen; where two say different things a third is asked."""
        said = said_of(run, item.id)
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
                f"SELECT {ITEM} FROM items WHERE at < ? AND id > ? ORDER BY id LIMIT ?{locked}",
                (older_than, after, many),
            )
            for item in map(item_of, rows):
                now = change(item)
                if now != item:
                    told = json.dumps(dict(now.event)), json.dumps(dict(now.decision)), now.note, int(now.closed)
                    run(
                        "UPDATE items SET event = ?, decision = ?, note = ?, closed = ?, held_by = '' WHERE id = ?",
                        (*told, item.id),
                    )
                    changed.append((item, now))
            moved = Tally()
            for before, now in changed:
                moved[WAITS, tally.stands(now), ""] += 1
                moved[WAITS, tally.stands(before), ""] -= 1
            tally.add(run, moved)
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
            rows = run(f"SELECT {ITEM} FROM items WHERE closed = 1 ORDER BY at, id")
            told = [(item, said_of(run, item.id)) for item in map(item_of, rows) if not item.decision.get("redacted")]
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
            return agreed({(one, other): many for one, other, many in run(TALLIED, (PAIR,))})

    def counts(self) -> dict[str, int]:
        """How many wait, by why they came, and how many are done; by the tally too."""
        with self._whole() as run:
            return {what: many for what, _, many in run(TALLIED, (WAITS,))}

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


def _drawn(number: str, share: float) -> bool:
    """Whether an event is one of so large a share: by its number, so that it is the same whoever asks."""
    return int.from_bytes(hashlib.sha256(number.encode()).digest()[:8], "big") < share * 2**64
