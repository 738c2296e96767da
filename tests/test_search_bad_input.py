"""What goes wrong where somebody new searches: one clear line each time, the right exit code, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import plimsoll
from plimsoll import bundle, cli
from plimsoll.errors import RequestError
from plimsoll.later import Later
from plimsoll.run import Run
from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.searcher import Searcher

THINGS = [
    "wing",
    "lift",
    "drag",
    "cone",
    "plate",
    "flow",
    "heat",
    "layer",
    "shock",
    "tunnel",
    "speed",
    "mach",
    "nozzle",
    "jet",
    "wake",
    "rotor",
    "blade",
    "panel",
    "skin",
    "flutter",
]
# A word of each script, as it is written there.
SCRIPTS = {
    "Latin": "Ærøskøbing", "Greek": "θάλασσα", "Cyrillic": "граница", "Armenian": "սահման", "Georgian": "საზღვარი",
    "Hebrew": "גבול", "Arabic": "حدود", "Syriac": "ܬܚܘܡܐ", "Thaana": "ސަރަހައްދު", "N'Ko": "ߞߊ߲ߓߍ",
    "Devanagari": "सीमा", "Bengali": "সীমানা", "Gurmukhi": "ਸਰਹੱਦ", "Gujarati": "સરહદ", "Oriya": "ସୀମା",
    "Tamil": "எல்லை", "Telugu": "సరిహద్దు", "Kannada": "ಗಡಿರೇಖೆ", "Malayalam": "അതിർത്തി", "Sinhala": "මායිම",
    "Thai": "เขตแดน", "Lao": "ຊາຍແດນ", "Tibetan": "མཚམས", "Myanmar": "နယ်နိမိတ်", "Khmer": "ព្រំដែន",
    "Mongolian": "ᠬᠢᠯ", "Ethiopic": "ድንበር", "Cherokee": "ᏣᎳᎩ", "Canadian syllabics": "ᐃᓄᒃᑎᑐᑦ", "Hangul": "경계",
    "Hiragana": "さかい", "Katakana": "カタカナ", "Han": "邊界", "Bopomofo": "ㄅㄆㄇ", "Yi": "ꆈꌠꁱꂷ",
    "Tifinagh": "ⵜⵉⴼⵉⵏⴰⵖ", "Vai": "ꕙꔤ", "Gothic": "𐌲𐌿𐍄𐌹𐍃𐌺", "Runic": "ᚱᚢᚾᚨ", "Javanese": "ꦗꦮ",
}  # fmt: skip
MANY = 48
LIMITS = "train < 90 s"


def document(k: int) -> dict[str, Any]:
    held = [THINGS[(k * step + 3) % len(THINGS)] for step in (1, 3, 7, 9)]
    return {
        "id": k,
        "title": f"Of {THINGS[k % 20]} {k}",
        "text": f"The {' and the '.join(held)} of sample{k}.",
        "year": 1950 + k,
    }


def write(folder: Path) -> Path:
    """Documents, one of them in every script, with queries and judgements."""
    rows = [document(k) for k in range(MANY)] + [
        {"id": "all", "title": "Scripts", "text": " ".join(SCRIPTS.values()), "year": 2000}
    ]
    (folder / "docs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    asked = "".join(f"{k},{THINGS[k % 20]} sample{k}\n" for k in range(30))
    (folder / "queries.csv").write_text(f"query_id,text\n{asked}")
    judged = "".join(f"{k},{k if k < 27 else 900 + k},1\n" for k in range(30))  # the last three name what is not there
    (folder / "judgements.csv").write_text(f"query_id,doc_id,relevance\n{judged}")
    return folder


def words(folder: Path, out: str = "run", **others: str) -> list[str]:
    said = {"search": "docs.jsonl", "queries": "queries.csv", "judgements": "judgements.csv", **others}
    flags = [part for name, value in said.items() if value for part in (f"--{name}", str(folder / value))]
    return ["fit", *flags, "--limit", LIMITS, "--recipes", "bm25", "--out", str(folder / out)]


def fitted(folder: Path, out: Path, **more: Any) -> Run:
    """The same job, which is told to finish as soon as it has a model."""

    def enough(said: str, _left: float | None) -> None:
        if "best so far" in said:
            raise KeyboardInterrupt

    beside = {name: str(folder / f"{name}.csv") for name in ("queries", "judgements")}
    return plimsoll.fit(
        str(folder / "docs.jsonl"), documents=beside, limits=LIMITS, recipes=["bm25"], out=out, progress=enough, **more
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that searches, and what it was made of."""
    folder = write(tmp_path_factory.mktemp("searched"))
    assert fitted(folder, folder / "run").record["chosen"]
    return folder


def refused(capsys: pytest.CaptureFixture[str], *said: str | Path, code: int = 2) -> str:
    """What a command complains of, in one line."""
    capsys.readouterr()
    assert cli.main([str(word) for word in said]) == code
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


def found(capsys: pytest.CaptureFixture[str], run: Path, query: str, *more: str) -> dict[str, Any]:
    capsys.readouterr()
    assert cli.main(["search", str(run), query, "--json", *more]) == 0
    page: dict[str, Any] = json.loads(capsys.readouterr().out)
    return page


def apart(*said: str | Path, most: int = 0) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, which may write files of so many bytes."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most})); " if most else ""
    program = f"{limit}import sys; from plimsoll.cli import run; sys.argv[0] = 'plimsoll'; run()"
    command = [sys.executable, "-c", program, *map(str, said)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


# Queries.


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "empty"),
        (" \t ", "empty"),
        ("the of and", "stop words|No document has"),
        ('"', "no word"),
        ("+", "no word"),
        ("qqqqzzzz", 'No document has "qqqqzzzz"'),
        ("zzzz*", 'No word begins with "zzzz"'),
    ],
)
def test_a_query_with_nothing_to_look_for_says_why(
    place: Path, capsys: pytest.CaptureFixture[str], query: str, says: str
):
    """It is no mistake: there is a sentence, no document, and the code is 0."""
    page = found(capsys, place / "run", query)
    assert page["hits"] == [] or query == "the of and"  # where a family keeps stop words they are words
    if not page["hits"]:
        assert any(part in " ".join(page["passed"]) for part in says.split("|"))


def test_signs_that_a_terminal_obeys_part_words_and_are_not_printed(place: Path, capsys: pytest.CaptureFixture[str]):
    """Whatever a query and a document hold, a terminal shows letters."""
    page = found(capsys, place / "run", "wing\x00\x07\x1b[31mlift\x7f")
    assert page["hits"]
    cli.main(["search", str(place / "run"), "\x1b[2Jsample7\x07 \x9bqq"])
    shown = capsys.readouterr().out
    assert "7" in shown
    assert shown.replace("\n", "").isprintable()


def test_a_query_of_ten_megabytes_is_read_at_its_beginning_or_refused(place: Path, capsys: pytest.CaptureFixture[str]):
    """In the terminal its first letters count, and that is said; a server takes no such body; and no fit learns of one."""
    page = found(capsys, place / "run", "sample7 " + "x" * 10_000_000)
    assert page["hits"][0]["id"] == "7"
    assert "Only the beginning of the query was read" in " ".join(page["passed"])
    searcher = Searcher(bundle.read(bundle.of(place / "run")))
    with pytest.raises(RequestError) as refusal:
        searcher.answer(json.dumps({"query": "wing " * 2_000_000}).encode())
    assert refusal.value.status == 413
    (place / "long.csv").write_text("query_id,text\n0," + "wing " * 2_000_000 + "\n")
    said = refused(capsys, *words(place, "long", queries="long.csv"))
    assert "Row 1 of the queries" in said
    assert "letters" in said


def test_a_document_in_forty_scripts_is_found_by_a_word_of_each(place: Path, capsys: pytest.CaptureFixture[str]):
    """Letters of every script are words, with the marks that belong to them; of scripts without blanks their pairs."""
    assert len(SCRIPTS) == 40
    searcher = Searcher(bundle.read(bundle.of(place / "run")))
    for script, word in SCRIPTS.items():
        page = json.loads(searcher.answer(json.dumps({"query": word, "typos": False}).encode()))
        assert [hit["id"] for hit in page["hits"]] == ["all"], script
    assert [hit["id"] for hit in found(capsys, place / "run", "θάλασσα")["hits"]] == ["all"]


# Files.


def test_judgements_of_documents_that_are_not_there_are_counted(place: Path, capsys: pytest.CaptureFixture[str]):
    """Some are left out and said; where all are, the names of both are shown side by side."""
    said = Run.open(place / "run").record["warnings"]
    assert any(line.startswith("3 of 30 judgements are of documents that are not there") for line in said)
    (place / "strange.csv").write_text("query_id,doc_id,relevance\n" + "".join(f"{k},x{k},1\n" for k in range(30)))
    line = refused(capsys, *words(place, "no", judgements="strange.csv"))
    assert '"x0"' in line
    assert "--id" in line


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--id", "idd"], 'Did you mean "id"?'),
        (["--text", "titel"], 'Did you mean "title"?'),
        (["--text", "title,text,titel"], '"titel" is not a column'),
        (["--queries", "queries.csv"], "--queries goes with --judgements"),
        (["--judgements", "judgements.csv"], "--judgements goes with --queries"),
        (["--queries", "nowhere.csv", "--judgements", "judgements.csv"], "nowhere.csv: there is no such file"),
        (["--queries", "queries.csv", "--judgements", "queries.csv"], 'No column of the judgements is called "doc_id"'),
        (["--language", "klingon"], "klingon"),
        (["--split", "time:year"], "random, or column:COL"),
        (["--limit", "coverage@10 > 0.5"], "ndcg@10"),
        (["--predict", "year"], "two jobs"),
        (["docs.jsonl"], "two jobs"),
        (["--encoder", "nowhere"], "nowhere"),
    ],
    ids=lambda part: " ".join(part)[:30] if isinstance(part, list) else "",
)
def test_words_that_do_not_go_together_are_one_line(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, flags: list[str], says: str
):
    """With what to write, the code 2, and no folder left behind."""
    monkeypatch.chdir(place)
    assert says in refused(capsys, "fit", "--search", "docs.jsonl", *flags, "--out", "wrong")
    assert not (place / "wrong").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("twice.jsonl", "".join(json.dumps(document(k % 40)) + "\n" for k in range(42)), '"0" is the "id" of the documents in rows 1 and 41'),
        ("nothing.jsonl", "", "the file is empty"),
        ("header.csv", "id,title,text\n", "There are no documents"),
        ("numbers.csv", "id,size\n" + "".join(f"{k},{k * 3}\n" for k in range(30)), "--text"),
        ("blank.csv", "id,text\n" + "".join(f"{k},\n" for k in range(30)), "--text"),
        ("few.jsonl", "".join(json.dumps(document(k)) + "\n" for k in range(4)), "Queries can be made of"),
    ],
    ids=["the same id twice", "an empty file", "a header", "no texts", "blank texts", "four documents"],
)  # fmt: skip
def test_documents_that_cannot_be_searched_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, says: str
):
    """The place of the fault is in it."""
    (tmp_path / name).write_text(content)
    assert says in refused(capsys, "fit", "--search", tmp_path / name, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_texts_says_what_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The endings of files that are documents."""
    (tmp_path / "pictures" / "more").mkdir(parents=True)
    (tmp_path / "pictures" / "more" / "a.png").write_bytes(b"\x89PNG")
    line = refused(capsys, "fit", "--search", tmp_path / "pictures", "--out", tmp_path / "out")
    assert "holds no documents" in line
    assert ".html" in line


def test_what_nothing_can_keep_ends_with_the_code_three(place: Path, capsys: pytest.CaptureFixture[str]):
    """The nearest model is named, with what it breaches."""
    said = words(place, "tight")
    said[said.index("--limit") + 1] = "p99 < 1 ns, train < 12 s"
    line = refused(capsys, *said, "--quiet", code=3)
    assert "Nothing fits" in line
    assert "tight/report.html" in line


# The disk, other writers, and whoever has waited long enough.


def test_a_full_disk_while_documents_are_indexed_is_one_line(place: Path, tmp_path: Path):
    """What was written stays; with room the run goes on from there."""
    out = tmp_path / "full"
    said = [*words(place), "--quiet", "--out", str(out)]
    end = apart(*said, most=2_000)
    assert (end.returncode, end.stdout) == (2, "")
    assert end.stderr.count("\n") == 1
    assert end.stderr.endswith(f"make room, and go on with --out {out} --resume.\n")
    assert not (out / "bundle").exists()
    assert fitted(place, out, resume=True).record["chosen"]
    assert (out / "bundle" / "bundle.json").is_file()


def _later(place: Path, tmp_path: Path, name: str, many: int = 1, wide: int = 1) -> Path:
    rows = [{"id": f"{name}{k}", "title": name, "text": f"zeppelin {name} " * wide, "year": 1999} for k in range(many)]
    (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path / f"{name}.jsonl"


def test_a_full_disk_loses_no_later_document(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What was kept is found still, and of the file that did not fit there is nothing."""
    kept, run = tmp_path / "kept.db", place / "run"
    first, large = _later(place, tmp_path, "first"), _later(place, tmp_path, "large", wide=20_000)
    assert cli.main(["documents", str(run), "--later", str(kept), "add", str(first)]) == 0
    end = apart("documents", run, "--later", kept, "add", large, most=200_000)
    assert end.returncode == 2
    assert end.stderr.count("\n") == 1
    assert "nothing more can be written" in end.stderr
    page = found(capsys, run, "zeppelin", "--later", str(kept))
    assert [hit["id"] for hit in page["hits"]] == ["first0"]
    assert apart("documents", run, "--later", kept, "add", large).returncode == 0


def test_two_writers_of_one_file_wait_for_each_other(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """All that both bring is there, and one who waits in vain is told so, with nothing lost."""
    kept, run = tmp_path / "kept.db", place / "run"
    files = [_later(place, tmp_path, name, many=200) for name in ("left", "right")]
    with ThreadPoolExecutor() as several:
        ends = list(several.map(lambda file: apart("documents", run, "--later", kept, "add", file), files))
    assert [end.returncode for end in ends] == [0, 0], ends
    assert _many(capsys, run, kept) == 400
    with closing(sqlite3.connect(kept, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        line = refused(capsys, "documents", run, "--later", kept, "add", _later(place, tmp_path, "third"))
    assert line.startswith("another program has been writing to kept.db")
    assert _many(capsys, run, kept) == 400


def _many(capsys: pytest.CaptureFixture[str], run: Path, kept: Path) -> int:
    return int(found(capsys, run, "zeppelin", "--later", str(kept), "--k", "1")["total"])


def test_who_comes_while_the_file_is_made_waits_too(tmp_path: Path):
    """SQLite itself turns the second away at once where both make a new file; here it is asked again."""
    schema = Schema((Column("text", Kind.TEXT),), "id")
    with closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE not_yet (a)")
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
        later = Later(tmp_path / "new.db", "a bundle", schema, patience=30)
    assert later.add([{"id": 1, "text": "wings"}]) == 1
    later.close()


def _stopped(said: Sequence[str], file: Path, holds: str) -> tuple[int, str]:
    """A fit that is told to stop as soon as a file holds these words; its code and what it said."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "plimsoll", *said],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as fit:
        end = time.monotonic() + 60
        while not (file.is_file() and holds in file.read_text()) and fit.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        fit.send_signal(signal.SIGINT)
        return fit.wait(60), fit.stderr.read() if fit.stderr else ""


def test_a_fit_that_is_stopped_says_what_there_is(place: Path, tmp_path: Path):
    """Before a model is ready it can be gone on with; once one is, it is finished with what there is. No traceback."""
    out = tmp_path / "early"
    code, said = _stopped([*words(place), "--quiet", "--out", str(out)], out / "work" / "data.txt", "")
    assert (code, said) == (130, f"Stopped before a model was ready. Go on with --out {out} --resume.\n")
    out = tmp_path / "late"
    code, said = _stopped([*words(place), "--out", str(out)], out / "ledger.jsonl", '"fits"')
    assert code == 0, said
    assert "stopped: finishing with what there is" in said
    assert "Traceback" not in said
    assert (out / "bundle" / "bundle.json").is_file()
