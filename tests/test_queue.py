"""The queue of a review: whom an event comes to, what is said of it, and what follows; in SQLite and in PostgreSQL."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from plimsoll.errors import UserError
from plimsoll.policy.queue import APPEAL, ASKED, AUDIT, LEASE, Item, Queue, agreement
from plimsoll.policy.redaction import redact_queue

_BIN = Path("/usr/lib/postgresql")


def _programs() -> Path | None:
    """The newest PostgreSQL of this machine."""
    found = sorted(_BIN.glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL of the tests' own."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs = _programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL on this machine")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # its path is short, for a socket's may not be long
    data, user = folder / "data", {}
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        shutil.chown(folder, "postgres")
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    made = [programs / "initdb", "-D", data, "-A", "trust", "-U", "plimsoll", "--no-sync", "--locale=C", "-E", "UTF8"]
    subprocess.run(made, **quiet)
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    subprocess.run([programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"], **quiet)
    yield f"postgresql://plimsoll@/postgres?host={folder}"
    subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "review.db")
    url: str = request.getfixturevalue("postgres")
    import psycopg

    with psycopg.connect(url) as connection:
        for table in ("verdicts", "items", "tally"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
    return url


def item(number: str, priority: float = 0.0, why: str = ASKED, **more: object) -> Item:
    return Item(
        number, float(len(number)), why, {"text": f"event {number}"}, {"outcome": "review"}, priority=priority, **more
    )  # type: ignore[arg-type]


def once(numbers: range, queue: Queue) -> list[str]:
    """Numbers of events that one opinion settles."""
    queue.put([item(f"e{k}") for k in numbers])
    return [f"e{k}" for k in numbers if queue.find(f"e{k}")[0].needs == 1]  # type: ignore[index]


def test_the_most_urgent_comes_first_and_is_one_reviewers_alone(place: str):
    """Until it is decided, given back, or ten minutes are over."""
    queue = Queue(place)
    queue.put([item("low", 0.1), item("high", 0.9), item("middle", 0.5)])
    assert queue.next("ann", 100.0).id == "high"
    assert queue.next("ann", 101.0).id == "high"
    assert queue.next("bob", 102.0).id == "middle"
    assert queue.next("cy", 100.0 + LEASE + 1.0).id == "high"
    queue.skip("high", "cy")
    assert queue.next("dan", 100.0 + LEASE + 2.0).id == "low" or queue.next("dan", 100.0 + LEASE + 2.0).id == "middle"
    queue.close()


def test_an_event_is_put_in_once(place: str):
    """Whatever comes later under its number."""
    queue = Queue(place)
    queue.put([item("a", 0.5), item("a", 0.9)])
    queue.put([item("a", 0.9)])
    assert queue.counts() == {ASKED: 1}
    assert queue.find("a")[0].priority == 0.5
    assert queue.find("b") is None
    queue.close()


def test_what_was_said_can_be_taken_back(place: str):
    """The last word first; the event is then the reviewer's again, and no label of it is given out."""
    queue = Queue(place)
    numbers = once(range(12), queue)[:2]
    for number in numbers:
        queue.decide(number, "ann", "bad", "clear", 5.0)
    assert {label["text"] for label in queue.labels()} == {f"event {number}" for number in numbers}
    assert queue.undo("ann", 6.0).id == numbers[1]
    assert [label["text"] for label in queue.labels()] == [f"event {numbers[0]}"]
    assert queue.next("ann", 7.0).id == numbers[1]
    assert queue.undo("bob", 8.0) is None
    queue.decide(numbers[1], "ann", "fine", "", 9.0)
    assert [label["label"] for label in queue.labels()] == ["bad", "fine"]
    queue.close()


def test_nobody_decides_twice_nor_what_is_closed(place: str):
    """Nor an event that is not there."""
    queue = Queue(place)
    number = once(range(12), queue)[0]
    queue.decide(number, "ann", "bad", "", 1.0)
    for who in ("ann", "bob"):
        with pytest.raises(UserError, match="not yours"):
            queue.decide(number, who, "fine", "", 2.0)
    with pytest.raises(UserError, match="no event"):
        queue.decide("none", "ann", "fine", "", 2.0)
    queue.close()


def test_some_are_seen_by_two_and_where_they_differ_by_a_third(place: str):
    """The majority's label is given out, and how far the two agreed is told."""
    queue = Queue(place)
    queue.put([item("twice", needs=2)])
    queue.decide("twice", "ann", "bad", "", 1.0)
    assert queue.next("ann", 2.0) is None
    assert queue.next("bob", 2.0).id == "twice"
    queue.decide("twice", "bob", "fine", "", 3.0)
    assert not queue.find("twice")[0].closed
    queue.decide("twice", "cy", "fine", "", 4.0)
    assert [label["label"] for label in queue.labels()] == ["fine"]
    assert (queue.agreement().pairs, queue.agreement().agree) == (1, 0)
    queue.close()


def test_an_appeal_does_not_come_to_whom_it_is_about(place: str):
    """Another person looks at it."""
    queue = Queue(place)
    queue.put([item("again", why=APPEAL, not_by="ann", note="It was a joke.")])
    assert queue.next("ann", 1.0) is None
    with pytest.raises(UserError, match="not yours"):
        queue.decide("again", "ann", "bad", "", 1.0)
    assert queue.next("bob", 1.0).note == "It was a joke."
    queue.close()


def test_a_tenth_is_seen_by_two_whoever_asks(place: str):
    """Drawn by the number of the event; the chance with which it came stays beside its label."""
    queue = Queue(place)
    queue.put([item(f"n{k}", why=AUDIT, chance=0.01) for k in range(400)])
    twice = sum(queue.find(f"n{k}")[0].needs == 2 for k in range(400))  # type: ignore[index]
    assert 20 <= twice <= 65
    number = once(range(12), queue)[0]
    queue.decide(number, "ann", "bad", "", 1.0)
    assert next(queue.labels())["chance"] == 1.0
    queue.close()


def test_many_servers_share_one_queue(place: str):
    """Of 60 events that eight reviewers take at once, each comes to one of them."""
    first = Queue(place)
    first.put([item(f"e{k:02d}") for k in range(60)])
    taken: list[str] = []
    lock = threading.Lock()

    def review(who: str) -> None:
        queue = Queue(place)
        for _ in range(5):
            found = queue.next(who, 10.0)
            assert found is not None
            with lock:
                taken.append(found.id)
            queue.decide(found.id, who, "fine", "", 11.0)
        queue.close()

    threads = [threading.Thread(target=review, args=(f"r{k}",)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 40
    once_each = [number for number in taken if first.find(number)[0].needs == 1]  # type: ignore[index]
    assert len(once_each) == len(set(once_each))
    first.close()


def test_what_was_put_in_is_there_after_a_restart(place: str):
    """Nothing is lost with the process."""
    queue = Queue(place)
    queue.put([item("a")])
    queue.close()
    again = Queue(place)
    assert again.counts() == {ASKED: 1}
    again.close()


def test_agreement_beyond_chance():
    """Kappa by hand: of those that would agree by chance alone nothing counts."""
    assert agreement([("a", "a")] * 3 + [("b", "b")] * 3).kappa == 1.0
    assert agreement([("a", "b"), ("b", "a")]).kappa == -1.0
    assert agreement([("a", "a")] * 4).kappa is None
    assert agreement([]).kappa is None


def counted(queue: Queue) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """What the tally should say, from all events and all that was said of them."""
    with queue._whole() as run:
        events = run("SELECT closed, why FROM items")
        said = run("SELECT item, label FROM verdicts WHERE undone = 0 ORDER BY n")
    waits = Counter("done" if closed else why for closed, why in events)
    by: dict[str, list[str]] = {}
    for number, label in said:
        by.setdefault(number, []).append(label)
    return dict(waits), [(each[0], each[1]) for each in by.values() if len(each) > 1]


@pytest.mark.parametrize("seed", range(4))
def test_the_tally_is_what_counting_gives(place: str, seed: int):
    """Whatever is put in, said, taken back, skipped and redacted, in whatever order."""
    queue, chance = Queue(place), random.Random(seed)
    for turn in range(120):
        who = chance.choice(["ann", "bob", "cy", "dan"])
        match chance.randrange(8):
            case 0:
                why = chance.choice([ASKED, AUDIT, APPEAL])
                queue.put([item(f"{chance.randrange(40)}", why=why, needs=chance.choice([1, 2]))])
            case 1:
                queue.undo(who, float(turn))
            case 2 if turn % 3 == 0:
                redact_queue(queue, 1.5, ["text"])
            case _ if (found := queue.next(who, float(turn))) is not None:
                queue.decide(found.id, who, chance.choice(["bad", "fine"]), "", float(turn))
        waits, pairs = counted(queue)
        assert queue.counts() == waits
        assert queue.agreement() == agreement(pairs)
    assert pairs
    queue.close()


def test_a_queue_that_knew_no_tally_is_counted_once(place: str):
    """One that an older program made is gone on with."""
    queue = Queue(place)
    queue.put([item(f"e{k}", needs=2) for k in range(3)])
    for who, label in (("ann", "bad"), ("bob", "fine"), ("cy", "bad")):
        queue.decide("e0", who, label, "", 1.0)
    with queue._whole() as run:
        run("DROP TABLE tally")
    queue.close()
    again = Queue(place)
    assert again.counts() == {"done": 1, ASKED: 2}
    assert (again.agreement().pairs, again.agreement().agree) == (1, 0)
    again.close()


def test_the_page_looks_through_nothing(tmp_path: Path):
    """Over 100,000 verdicts and as many events that wait: SQLite finds by an index what each question of the page asks."""
    queue = Queue(tmp_path / "q.db")
    many = 100_000
    with queue._whole() as run:
        told = ", ".join(["'{}'"] * 2)
        run(f"""WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {2 * many})
            INSERT INTO items (id, at, why, chance, priority, needs, event, decision, closed)
            SELECT 'e' || n, n, 'asked', 1.0, n % 97, 1, {told}, n <= {many} FROM k""")
        run(f"""WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {many})
            INSERT INTO verdicts (item, reviewer, label, note, at) SELECT 'e' || n, 'ann', 'bad', '', n FROM k""")
        run("ANALYZE")
    steps = [0]

    def step() -> None:
        steps[0] += 1

    queue._connection.set_progress_handler(step, 100)  # called after so many steps of SQLite's own machine
    asked = {
        "counts": queue.counts,
        "agreement": queue.agreement,
        "next": lambda: queue.next("ann", 1.0),
        "next of another": lambda: queue.next("new", 1.0),
        "nothing to undo": lambda: queue.undo("new", 1.0),
        "decide": lambda: queue.decide("e150000", "new", "bad", "", 1.0),
        "skip": lambda: queue.skip(queue.next("ann", 1.0).id, "ann"),  # type: ignore[union-attr]
        "undo": lambda: queue.undo("new", 2.0),
    }
    for name, ask in asked.items():
        steps[0] = 0
        ask()
        assert steps[0] * 100 < 5_000, f"{name} looks through events or verdicts"
    steps[0] = 0
    with queue._whole() as run:
        run("SELECT COUNT(*) FROM verdicts WHERE label = 'none'")
    assert steps[0] * 100 > 100_000  # or the count of steps would show nothing
    queue.close()


def test_a_queue_that_cannot_be_is_told(tmp_path: Path):
    """A folder in its place, a server that is not there."""
    (tmp_path / "q").mkdir()
    with pytest.raises(UserError, match="cannot be the queue"):
        Queue(tmp_path / "q")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(UserError, match="cannot be reached"):
        Queue("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1")
