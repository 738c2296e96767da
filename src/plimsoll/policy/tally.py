"""What a queue knows without counting: the page shows how many wait and how far reviewers agree, and may not look through
all that was ever put in and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from plimsoll.policy.opinions import Item, Verdict
from plimsoll.policy.store import ITEM, item_of, said_of

WAITS, PAIR = "waits", "pair"  # what is tallied: events by why they wait, or done; the first two opinions on an event
Tally = Counter[tuple[str, str, str]]
TALLIED = "SELECT one, other, many FROM tally WHERE what = ? AND many <> 0"


def stands(item: Item) -> str:
    return "done" if item.closed else item.why


def counted(item: Item, said: Sequence[Verdict]) -> Tally:
    """What one event adds to the tally."""
    found = Tally({(WAITS, stands(item), ""): 1})
    if len(said) > 1:
        found[PAIR, said[0].label, said[1].label] += 1
    return found


def of(run: Any, number: str) -> Tally:
    return counted(item_of(run(f"SELECT {ITEM} FROM items WHERE id = ?", (number,))[0]), said_of(run, number))


def moved(run: Any, number: str, before: Tally) -> None:
    """Takes note of what became of an event."""
    after = of(run, number)
    after.subtract(before)
    add(run, after)


def add(run: Any, told: Tally) -> None:
    """In the order of their keys, and last in a transaction: so no two that write the tally wait for each other."""
    for key in sorted(key for key, many in told.items() if many):
        run(
            "INSERT INTO tally (what, one, other, many) VALUES (?, ?, ?, ?) ON CONFLICT (what, one, other) DO UPDATE SET many = tally.many + excluded.many",
            (*key, told[key]),
        )


def everything(run: Any) -> Tally:
    """The tally of a queue that was made when there was none."""
    found = Tally()
    for closed, why, many in run("SELECT closed, why, COUNT(*) FROM items GROUP BY closed, why"):
        found[WAITS, "done" if closed else why, ""] += many
    by: dict[str, list[str]] = {}
    for number, label in run("SELECT item, label FROM verdicts WHERE undone = 0 ORDER BY item, n"):
        by.setdefault(number, []).append(label)
    for labels in by.values():
        if len(labels) > 1:
            found[PAIR, labels[0], labels[1]] += 1
    return found
