"""plimsoll watch: a file held against a bundle, with the exit code that a script asks for."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from plimsoll import cli
from plimsoll.bundle import write
from serving_toys import find
from watched_toys import events, sketched


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("plimsoll.catalogue.find", find)
    monkeypatch.setenv("no_proxy", "*")
    write(tmp_path / "bundle", sketched())
    return str(tmp_path / "bundle")


def table(place: Path, rows: list[dict[str, Any]], **more: Any) -> str:
    with place.open("w", newline="", encoding="utf-8") as file:
        names = [*rows[0], "seen", *more] if rows else ["age", "hours per week", "job", "member", "note", "seen"]
        out = csv.DictWriter(file, names)
        out.writeheader()
        out.writerows({**row, "seen": "", **more} for row in rows)
    return str(place)


def test_a_calm_file_ends_with_0_and_another_with_3(bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The verdict first, the alarm with its evidence, and a table."""
    assert cli.main(["watch", bundle, table(tmp_path / "calm.csv", events(1, 700)), "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("Calm: 700 rows looked at, 0 labels.\n")
    assert cli.main(["watch", bundle, table(tmp_path / "moved.csv", events(1, 700, moved=True)), "--quiet"]) == 3
    said = capsys.readouterr().out
    assert "  ! age: median 5" in said
    assert "! age" in said.split("PSI  chance")[1]


def test_batches_come_to_the_same_as_the_whole(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """A file larger than memory is watched as a small one is."""
    rows = table(tmp_path / "rows.csv", events(1, 500, moved=True))
    found = []
    for size in (7, 20_000):
        monkeypatch.setattr("plimsoll.watch_command._BATCH", size)
        cli.main(["watch", bundle, rows, "--json"])
        found.append({**json.loads(capsys.readouterr().out), "since": None})
    assert found[0] == found[1]


def test_labels_are_held_against_the_test_score(bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Rows without a label are rows all the same; a class that is not known is a mistake."""
    rows = events(1, 300)
    given = table(tmp_path / "rows.csv", rows, truth="no")
    cli.main(["watch", bundle, given, "--labels", "truth", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["labels"], found["score"]["rows"]) == (300, 300)
    (tmp_path / "half.csv").write_text(
        Path(given).read_text().replace(",no\n", ",\n", 200).replace(",no\r\n", ",\r\n", 200)
    )
    cli.main(["watch", bundle, str(tmp_path / "half.csv"), "--labels", "truth", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["labels"]) == (300, 100)
    assert cli.main(["watch", bundle, table(tmp_path / "odd.csv", rows, truth="perhaps"), "--labels", "truth"]) == 2
    assert "perhaps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["BUNDLE"], "What is to be watched?"),
        (["BUNDLE", "EMPTY"], "holds no rows"),
        (["BUNDLE", "nowhere.csv"], "nowhere.csv"),
        (["BUNDLE", "ROWS", "--labels", "truht"], 'there is no column "truht"'),
        (["BUNDLE", "ROWS", "--out", "nowhere/page.html"], "cannot be written"),
        (["BUNDLE", "TORN"], "is not what plimsoll serve --watch wrote"),
        (["BUNDLE", "nowhere.json"], "is not what plimsoll serve --watch wrote"),
        (["nowhere", "ROWS"], "nowhere"),
        (["http://127.0.0.1:9"], "no server answers there"),
        (["http://"], "no server answers there"),
        (["http://127.0.0.1:9", "ROWS"], "write plimsoll watch URL alone"),
    ],
)
def test_a_mistake_is_one_line(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
):
    """With the place, and never a traceback."""
    (tmp_path / "torn.json").write_text('{"digest": "d1", "ro')
    places = {
        "BUNDLE": bundle,
        "EMPTY": table(tmp_path / "empty.csv", []),
        "ROWS": table(tmp_path / "rows.csv", events(1, 3)),
        "TORN": str(tmp_path / "torn.json"),
    }
    assert cli.main(["watch", *(places.get(word, word) for word in words), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_a_bundle_with_hostile_sketches_is_one_line(bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What a stranger put into its facts is not believed."""
    write(tmp_path / "hostile", sketched(sketches={"age": {"missing": 0.0, "quantiles": [3.0, 1.0]}}))
    assert cli.main(["watch", str(tmp_path / "hostile"), table(tmp_path / "rows.csv", events(1, 3)), "--quiet"]) == 2
    assert capsys.readouterr().err == 'facts: the sketch of "age" has quantiles or shares that are not in order.\n'


@pytest.fixture
def stranger() -> Iterator[tuple[str, list[bytes]]]:
    """A server that is not ours, and what it says."""
    says: list[bytes] = [b"<html>"]

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if says[0] != b"no" else 404)
            self.end_headers()
            self.wfile.write(says[0])

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", says
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("says", [b"<html>", b"{}", b"", b"no"])
def test_a_server_that_is_none_of_ours_is_one_line(
    stranger: tuple[str, list[bytes]], bundle: str, says: bytes, capsys: pytest.CaptureFixture[str]
):
    """Whatever it says."""
    url, said = stranger
    said[0] = says
    assert cli.main(["watch", url]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"{url}/watch: ")
    assert err.count("\n") == 1


def test_what_a_terminal_would_obey_is_not_printed(bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A value from somebody's file could hold an escape sequence; none comes through."""
    write(tmp_path / "odd", sketched(sketches={"job": {"missing": 0.0, "rows": 900, "values": {"\x1b[2Jcook": 1.0}}}))
    cli.main(["watch", str(tmp_path / "odd"), table(tmp_path / "rows.csv", events(1, 300)), "--quiet"])
    said = capsys.readouterr().out
    assert "[2Jcook" in said
    assert "\x1b" not in said
