"""What is personal is kept as long as the policy says, and no longer: in records, in the queue, beside a server that goes on."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plimsoll.cli import main
from plimsoll.errors import RequestError, UserError
from plimsoll.policy import records, redaction
from plimsoll.policy.decision import Decision
from plimsoll.policy.queue import APPEAL, ASKED, Item, Queue
from plimsoll.policy.records import Made, Recorder, files, lines, verify
from plimsoll.policy.redaction import redact, redact_queue
from plimsoll.serve.keeper import Keeper, flushed
from plimsoll.serve.retention import forgetting
from plimsoll.serve.review import Review
from plimsoll.shared_file import held
from test_queue import place, postgres

__all__ = ["place", "postgres"]  # fixtures
MADE = Made("p", "b", ("text",))


def add(recorder: Recorder, at: float, text: str) -> None:
    recorder.next()
    recorder.add(MADE, at, {"text": text, "age": at}, {}, [0.5], Decision("allow"))


def recorded(folder: Path, count: int) -> Recorder:
    """Decisions of the first seconds of 1970, the text of each its own."""
    recorder = Recorder(folder)
    for k in range(count):
        add(recorder, float(k), f"secret {k};")
    recorder.flush()
    return recorder


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


# Records.


def test_what_comes_meanwhile_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The recorder appends while its last file is written anew: every line is in the new one, and the chain holds."""
    monkeypatch.setattr(redaction, "AT_ONCE", 10)
    recorder, turns = recorded(tmp_path, 100), []

    def rest() -> None:
        turns.append(None)
        add(recorder, 50.0 if len(turns) % 2 else 2e9, f"meanwhile {len(turns)};")
        recorder.flush()

    gone = redact(tmp_path, 1e9, rest=rest)
    assert len(turns) >= 10
    assert gone == 100 + (len(turns) + 1) // 2
    assert verify(tmp_path) == (100 + len(turns), gone)
    add(recorder, 1e9, "later;")
    recorder.flush()
    assert verify(tmp_path)[0] == 101 + len(turns)
    assert b"secret" not in on_disk(tmp_path)
    assert b"meanwhile 2;" in on_disk(tmp_path)
    assert b"meanwhile 1;" not in on_disk(tmp_path)


def test_a_server_records_and_redacts_at_the_same_time(tmp_path: Path):
    """In two threads, a flush every millisecond: nothing is lost, and nothing is there twice."""
    recorder, stop = recorded(tmp_path, 200), threading.Event()

    def record() -> None:
        while not stop.is_set():
            for _ in range(5):
                add(recorder, 1.0, "again;")
            recorder.flush()
            stop.wait(0.001)

    thread = threading.Thread(target=record)
    thread.start()
    try:
        for _ in range(15):
            redact(tmp_path, 1e9)
    finally:
        stop.set()
        thread.join()
    count, redacted = verify(tmp_path)
    assert count == int(recorder.next().partition("-")[0]) - 1
    assert redacted >= 200


@pytest.mark.parametrize("at", ["copy", "replace"])
def test_a_crash_leaves_the_old_file_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str):
    """Whole; and what a crash left lying about is gone with the next redaction, for personal values are in it."""
    recorded(tmp_path, 500)
    before = files(tmp_path)[0].read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os if at == "replace" else redaction.shutil, "replace" if at == "replace" else "copymode", crash)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # a process that is killed tidies nothing up
        with pytest.raises(KeyboardInterrupt):
            redact(tmp_path, 400.0)
    assert files(tmp_path)[0].read_bytes() == before
    assert list(tmp_path.glob("*.fresh"))
    assert redact(tmp_path, 1e9) == 500
    assert b"secret" not in on_disk(tmp_path)
    assert not list(tmp_path.glob("*.fresh"))
    assert verify(tmp_path) == (500, 500)


def test_what_need_not_be_written_anew_is_not(tmp_path: Path):
    """A file of which nothing is due stays the file that it was, and what is not due keeps its very bytes."""
    recorded(tmp_path, 20)
    (path,) = files(tmp_path)
    told = os.stat(path).st_ino, path.read_bytes()
    assert redact(tmp_path, 0.0) == 0
    assert redact(tmp_path, 1e9, ["age"]) == 0
    assert (os.stat(path).st_ino, path.read_bytes()) == told
    assert redact(tmp_path, 10.0) == 10
    assert path.read_bytes().splitlines()[10:] == told[1].splitlines()[10:]


def test_two_do_not_redact_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The second says so, and changes nothing."""
    recorded(tmp_path, 5)
    monkeypatch.setattr("plimsoll.shared_file._PATIENCE", 0.05)
    with held(tmp_path / "redaction"), pytest.raises(UserError, match="another redaction is at it"):
        redact(tmp_path, 1e9)
    assert verify(tmp_path) == (5, 0)


def test_half_of_a_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk breaks no chain: what could not be written is written the next time, once."""
    recorder = recorded(tmp_path, 3)
    add(recorder, 3.0, "late;")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(records.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            recorder.flush()
    assert verify(tmp_path) == (3, 0)
    recorder.flush()
    assert verify(tmp_path) == (4, 0)


def test_records_that_cannot_be_gone_on_with_are_refused(tmp_path: Path):
    """A last line that is no record, a file in the folder's place: one line that says where."""
    recorded(tmp_path / "r", 2)
    with files(tmp_path / "r")[0].open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(UserError, match="not a decision record"):
        Recorder(tmp_path / "r")
    (tmp_path / "f").write_text("x")
    with pytest.raises(UserError, match="cannot keep records"):
        Recorder(tmp_path / "f")


# The queue.


def item(number: str, at: float, why: str = ASKED, note: str = "", personal: tuple[str, ...] = ("text",)) -> Item:
    told = {"outcome": "review", "personal": list(personal)}
    return Item(number, at, why, {"text": f"secret {number};", "age": at}, told, note=note)


def test_the_queue_loses_what_is_personal_and_keeps_the_rest(place: str, monkeypatch: pytest.MonkeyPatch):
    """Of what is older, by what the policy called personal then; what is newer waits as before."""
    monkeypatch.setattr(redaction, "AT_ONCE", 3)
    queue = Queue(place)
    queue.put([item(f"e{k}", float(k)) for k in range(10)])
    assert redact_queue(queue, 7.0) == 7
    found = queue.find("e3")
    assert found is not None
    assert (found[0].event, found[0].closed) == ({"text": None, "age": 3.0}, True)
    assert queue.find("e7")[0].event == {"text": "secret e7;", "age": 7.0}  # type: ignore[index]
    assert queue.counts() == {"done": 7, ASKED: 3}
    assert redact_queue(queue, 7.0) == 0
    assert redact_queue(queue, 1e9, ["age"]) == 10
    queue.close()


def test_nothing_is_learned_from_what_is_not_there(place: str):
    """A label whose event was redacted is not given out; the others are."""
    queue = Queue(place)
    queue.put([item("a", 1.0), item("b", 5.0)])
    for number in ("a", "b"):
        for who in ("ann", "bob"):
            if not queue.find(number)[0].closed:  # type: ignore[index]
                queue.decide(number, who, "bad", "", 9.0)
    assert redact_queue(queue, 3.0) == 1
    assert [label["text"] for label in queue.labels()] == ["secret b;"]
    queue.close()


def test_an_appeal_keeps_what_it_is_about_until_it_is_decided(place: str):
    """Then its words go too."""
    queue = Queue(place)
    queue.put([item("appeal-a", 1.0, APPEAL, "I am Ann and it was a joke.")])
    assert redact_queue(queue, 1e9) == 0
    for who in ("bob", "cy"):
        if not queue.find("appeal-a")[0].closed:  # type: ignore[index]
            queue.decide("appeal-a", who, "fine", "", 2.0)
    assert redact_queue(queue, 1e9) == 2
    found = queue.find("appeal-a")
    assert found is not None
    assert (found[0].note, found[0].event["text"]) == ("", None)
    queue.close()


def test_nothing_of_it_is_left_on_the_disk(tmp_path: Path):
    """SQLite lets go of a value by forgetting where it stands; here it is overwritten, in its log too."""
    queue = Queue(tmp_path / "q.db")
    queue.put([item(f"e{k}", float(k)) for k in range(300)])
    assert b"secret e7;" in on_disk(tmp_path)
    assert redact_queue(queue, 1e9) == 300
    assert b"secret" not in on_disk(tmp_path)
    queue.close()


def test_what_was_redacted_cannot_be_appealed(tmp_path: Path):
    """Nobody could judge it any more, and that is said."""
    queue = Queue(tmp_path / "q.db")
    queue.put([item("a", 1.0)])
    redact_queue(queue, 1e9)
    with pytest.raises(RequestError, match="no longer kept") as told:
        Review(queue, ("bad", "fine")).appeal("a", "no")
    assert told.value.status == 410
    queue.close()


# The server and the command.


def _waited(done: object) -> bool:
    end = time.monotonic() + 20.0
    while time.monotonic() < end:
        if done():  # type: ignore[operator]
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    queue = Queue(tmp_path / "q.db")
    queue.put([item("a", 1.0)])
    yield Keeper(recorded(tmp_path / "r", 3), queue)
    queue.close()


def test_a_server_forgets_when_it_starts(tmp_path: Path, keeper: Keeper):
    """Records and queue, by what the policy of the moment says; where it says nothing, nothing."""
    with flushed(keeper, lambda: None):
        time.sleep(0.05)
    assert verify(tmp_path / "r") == (3, 0)
    with flushed(keeper, lambda: 86_400.0):
        assert _waited(lambda: keeper.queue.find("a")[0].event["text"] is None)  # type: ignore[union-attr,index]
    assert verify(tmp_path / "r") == (3, 3)


def test_and_again_and_again(tmp_path: Path):
    """What becomes too old while it runs goes too; a fault is said, and it is tried again."""
    recorder, now, keep = recorded(tmp_path, 3), [10.0], [9.0]
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda entry: said.append(entry.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("plimsoll.serve")
    log.addHandler(handler)
    try:
        with forgetting(tmp_path, None, lambda: keep[0], 0.01, lambda: now[0]):
            assert _waited(lambda: verify(tmp_path)[1] == 1)
            with files(tmp_path)[0].open("ab") as file:
                size = file.tell()
                file.write(b"{}\n")
            assert _waited(lambda: any("not a decision record" in line for line in said))
            os.truncate(files(tmp_path)[0], size)
            now[0] = 1e6
            assert _waited(lambda: verify(tmp_path)[1] == 3)
    finally:
        log.removeHandler(handler)
    add(recorder, 3.0, "after;")
    recorder.flush()
    assert verify(tmp_path) == (4, 3)


def test_the_command_covers_records_and_queue(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Either, or both; a queue that is not there is not made."""
    recorded(tmp_path / "r", 3)
    queue = Queue(tmp_path / "q.db")
    queue.put([item("a", 1.0)])
    queue.close()
    folder, place = str(tmp_path / "r"), str(tmp_path / "q.db")
    assert main(["policy", "redact", folder, "--queue", place, "--older-than", "90 days"]) == 0
    out = capsys.readouterr().out
    assert "3 values are gone; the chain of 3 decisions holds." in out
    assert "Values of the queue's events that are gone: 1." in out
    assert main(["policy", "redact", "--queue", place, "--older-than", "90 days"]) == 0
    for wrong in ([], ["--queue", str(tmp_path / "none.db")]):
        assert main(["policy", "redact", "--older-than", "90 days", *wrong]) == 2
    assert not (tmp_path / "none.db").exists()
    assert json.loads(files(tmp_path / "r")[0].read_text().splitlines()[0])["fields"] == {"age": 0.0}
    assert [line["n"] for _, line in lines(tmp_path / "r")] == [1, 2, 3]
