"""The file of later documents: what is committed stays, one program writes at a time, and what does not belong is refused."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from box_toys import SCHEMA
from plimsoll.errors import BundleError, RequestError
from plimsoll.later import Change, Later, place


def later(folder: Path, digest: str = "abc", patience: float = 0.1) -> Later:
    return Later(folder / "x.later.db", digest, SCHEMA, patience)


def ids(held: Later) -> list[str]:
    return [change.id for change in held.since(0) if change.cells is not None]


def test_documents_are_added_changed_and_taken_away(tmp_path: Path):
    """The last word on each counts; what changed since a call is all that is told."""
    held = later(tmp_path)
    told = {"id": 7, "title": "Wings", "year": "1958", "open": "yes", "seen": "1970-01-02", "same": 3}
    assert held.add([told, {"id": "a"}]) == 2
    assert held.add([]) == 0
    whole, blank = held.since(0)
    assert whole == Change("7", ("Wings", None, None, 1958.0, 1.0, 86_400.0))
    assert blank.id == "a"
    assert str(blank.cells) == "(None, None, None, nan, nan, nan)"
    assert held.add([{"id": "stays"}]) == 1
    calls = held.calls()
    assert held.add([{"id": 7.0, "title": "Tails"}]) == 1
    assert held.delete(["a", "a", "nobody"]) == 2
    assert [(change.id, change.cells and change.cells[0]) for change in held.since(calls)] == [
        ("7", "Tails"),
        ("a", None),
        ("nobody", None),
    ]
    assert held.calls() == calls + 2
    held.close()
    assert later(tmp_path).calls() == calls + 2
    assert place(tmp_path / "m.plimsoll").name == "m.plimsoll.later.db"


@pytest.mark.parametrize(
    ("row", "path", "why"),
    [
        ({"id": 1, "tilte": "x"}, "$[1].tilte", 'Did you mean "title"'),
        ({"id": 1, "title": 3}, "$[1].title", "expected a text or null, got 3"),
        ({"id": 1, "title": "\ud800"}, "$[1].title", "half of a letter"),
        ({"id": 1, "year": "soon"}, "$[1].year", "expected a number"),
        ({"id": 1, "year": [1]}, "$[1].year", "got a list"),
        ({"id": 1, "year": float("inf")}, "$[1].year", "expected a number"),
        ({"id": 1, "open": 2}, "$[1].open", "expected true"),
        ({"title": "x"}, "$[1].id", "expected the id"),
        ({"id": " "}, "$[1].id", "expected the id"),
        ({"id": {}}, "$[1].id", "expected the id"),
        ("x", "$[1]", "expected a document"),
        ({"id": "ok"}, "$", "several documents"),
    ],
    ids=str,
)
def test_a_document_that_does_not_go_with_the_others_is_refused_with_its_place(
    tmp_path: Path, row: Any, path: str, why: str
):
    """One line, and none of the call is kept."""
    held = later(tmp_path)
    with pytest.raises(RequestError) as fault:
        held.add([{"id": "ok"}, row])
    assert fault.value.path == path
    assert why in fault.value.reason
    assert "\n" not in str(fault.value)
    assert (ids(held), held.calls()) == ([], 0)


def test_a_file_of_another_bundle_is_refused(tmp_path: Path):
    """And so are a file that is no database, one of another make, and a folder."""
    later(tmp_path).close()
    with pytest.raises(BundleError, match="of another bundle"):
        later(tmp_path, "abd")
    with sqlite3.connect(tmp_path / "x.later.db") as connection:
        connection.execute("UPDATE about SET format = 2")
    with pytest.raises(BundleError, match="format 2"):
        later(tmp_path)
    for number, data in enumerate([b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 500]):
        path = tmp_path / f"{number}.db"
        path.write_bytes(data)
        with pytest.raises(BundleError, match="cannot hold later documents"):
            Later(path, "abc", SCHEMA)
    with pytest.raises(BundleError, match="cannot hold"):
        Later(tmp_path, "abc", SCHEMA)


@pytest.mark.parametrize("cells", ["[1]", "{", '["t","x",null,"soon",null,null]', '["t","x",null,1e999,null,null]'])
def test_cells_of_a_file_are_not_believed(tmp_path: Path, cells: str):
    """A row that somebody else wrote is refused in one line."""
    held = later(tmp_path)
    with sqlite3.connect(held.path) as connection:
        connection.execute("INSERT INTO documents VALUES ('x', ?, 1)", (cells,))
    with pytest.raises(BundleError, match='document "x" is none'):
        list(held.since(0))


def test_a_second_writer_waits_and_is_told_when_it_takes_too_long(tmp_path: Path):
    """Whoever reads is not kept waiting, and what is not committed is not seen."""
    held, other = later(tmp_path), later(tmp_path, patience=0.05)
    held.add([{"id": "a"}])
    busy = sqlite3.connect(held.path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    with pytest.raises(RequestError, match=r"another program has been writing to x.later.db") as fault:
        other.add([{"id": "b"}])
    assert fault.value.status == 503
    assert "\n" not in str(fault.value)
    assert ids(later(tmp_path)) == ["a"]
    busy.execute("ROLLBACK")
    assert other.add([{"id": "b"}]) == 1
    busy.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=later(tmp_path, patience=30.0).add, args=([{"id": "c"}],))
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    busy.execute("ROLLBACK")
    waiting.join()
    assert ids(held) == ["a", "b", "c"]
    busy.close()


def test_writers_of_several_threads_and_processes_lose_nothing(tmp_path: Path):
    """Each call is one number higher, and every document is there."""
    held = later(tmp_path, patience=30.0)
    threads = [
        threading.Thread(target=lambda k=k: [held.add([{"id": f"t{k}-{n}"}]) for n in range(5)]) for k in range(3)
    ]
    code = "import sys; from pathlib import Path; from box_toys import SCHEMA; from plimsoll.later import Later\nheld = Later(Path(sys.argv[1]), 'abc', SCHEMA, 30.0)\nfor n in range(5): held.add([{'id': f'p{sys.argv[2]}-{n}'}])"
    env = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"}
    programs = [subprocess.Popen([sys.executable, "-c", code, str(held.path), str(k)], env=env) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [program.wait() for program in programs] == [0, 0]
    assert held.calls() == 25
    assert len(ids(held)) == 25


def test_what_is_interrupted_is_taken_back(tmp_path: Path):
    """Whatever stops a call, nothing of it stays and the next one goes on; and a commit is on the disk before it returns."""
    held = later(tmp_path)
    with contextlib.suppress(KeyboardInterrupt), held._whole(held._opened()) as run:
        run("INSERT INTO documents VALUES ('half', NULL, 1)")
        raise KeyboardInterrupt
    assert held.add([{"id": "a"}]) == 1
    assert [change.id for change in held.since(0)] == ["a"]
    assert held._opened().execute("PRAGMA synchronous").fetchone() == (2,)
    assert held._opened().execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_full_disk_keeps_what_was_committed_and_says_so(tmp_path: Path):
    """The call that does not fit is not there at all, and the file goes on once there is room."""
    held = later(tmp_path)
    held.add([{"id": "a", "title": "Wings"}])
    connection = held._opened()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(RequestError, match=r"nothing more can be written to .* Nothing of this call was kept") as fault:
        held.add([{"id": f"b{k}", "text": "x" * 3_000} for k in range(50)])
    assert fault.value.status == 507
    assert (ids(held), held.calls()) == (["a"], 1)
    connection.execute("PRAGMA max_page_count = 1000000")
    assert held.add([{"id": "b"}]) == 1
    assert ids(later(tmp_path)) == ["a", "b"]


KILLED = """
import sys
from pathlib import Path
from box_toys import SCHEMA
from plimsoll.later import Later
held = Later(Path(sys.argv[1]), "abc", SCHEMA)
for call in range(100_000):
    held.add([{"id": f"{call}-{k}", "text": "x" * 2_000} for k in range(20)])
    print(call, flush=True)
"""


def test_a_program_that_is_killed_in_the_midst_of_writing_leaves_whole_calls(tmp_path: Path):
    """Every call that returned is there, and none is there by half."""
    env = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"}
    path = tmp_path / "x.later.db"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], env=env, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        for _ in range(3):
            program.stdout.readline()
        time.sleep(0.05)
        program.send_signal(signal.SIGKILL)
        said = program.stdout.read().split()
    returned = 3 + len([word for word in said if word.isdigit()])
    held = later(tmp_path)
    assert held.calls() >= returned
    assert len(ids(held)) == 20 * held.calls()
    assert held._opened().execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert held.add([{"id": "on"}]) == 1


def test_a_child_of_a_fork_has_a_connection_of_its_own(tmp_path: Path):
    """What the parent opened is not used behind a fork, and is not closed there."""
    held = later(tmp_path, patience=10.0)
    held.add([{"id": "a"}])
    child = os.fork()
    if not child:
        code = 1
        try:
            before = held._connection
            held.add([{"id": "b"}])
            code = 0 if held._connection is not before and held._left == [before] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    held.add([{"id": "c"}])
    assert ids(held) == ["a", "b", "c"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=9))),
        max_size=12,
    )
)
def test_the_file_is_what_a_table_would_be(steps: list[tuple[str, str | None]]):
    """Whatever is added and taken away in whichever order."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        held, told = later(Path(folder)), dict[str, str | None]()
        for name, text in steps:
            if text is None:
                held.delete([name])
                told.pop(name, None)
            else:
                held.add([{"id": name, "title": text}])
                told[name] = text if text and not text.isspace() else None
        assert {change.id: change.cells[0] for change in held.since(0) if change.cells is not None} == told
        held.close()
