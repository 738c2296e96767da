"""Documents out of tables and out of folders: their ids, their texts, and what is said of those that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import documents, html_text, python_docs
from plimsoll.collection import Collection
from plimsoll.errors import DataError, JobError
from plimsoll.packed_texts import PackedTexts
from plimsoll.schema import Kind

PAPERS = pl.DataFrame(
    {
        "DocNo": ["10", "9", "2"],
        "title": ["Of wings", "Of heat", None],
        "abstract": ["They lift a body.", "It flows into slabs.", "What is said of plates, then."],
        "kind": ["note", "note", "book"],
        "year": [1958, 1961, 1949],
    }
)


def told(found: documents.Read, name: str) -> list[str | None]:
    return found.collection.rows.texts(name).texts()


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "arrow", "frame"])
def test_a_table_is_the_same_documents_however_it_is_written(tmp_path: Path, ending: str):
    """Ids are numbers and stand in their order, and texts and other columns go with them."""
    path = tmp_path / f"papers.{ending}"
    if ending in ("csv", "tsv"):
        PAPERS.write_csv(path, separator="\t" if ending == "tsv" else ",")
    elif ending != "frame":
        {"jsonl": PAPERS.write_ndjson, "parquet": PAPERS.write_parquet, "arrow": PAPERS.write_ipc}[ending](path)
    found = documents.read(PAPERS if ending == "frame" else path)
    assert found.collection.ids.names(range(3)) == ["2", "9", "10"]
    assert found.fields == ("title", "abstract")
    assert told(found, "title") == [None, "Of heat", "Of wings"]
    assert told(found, "abstract") == ["What is said of plates, then.", "It flows into slabs.", "They lift a body."]
    assert told(found, "kind") == ["book", "note", "note"]
    assert found.collection.rows.numbers("year").tolist() == [1949, 1961, 1958]
    assert found.collection.schema.names == ("title", "abstract", "kind", "year")
    assert not found.warnings


def test_texts_are_read_in_batches_and_laid_out_once(monkeypatch: pytest.MonkeyPatch):
    """A batch of two rows gives the same documents as one of all, and no text is a string before it is asked for."""
    whole = documents.read(PAPERS)
    monkeypatch.setattr(documents, "SIZE", 2)
    found = documents.read(PAPERS)
    assert isinstance(found.collection.rows.texts("abstract").values, PackedTexts)
    assert told(found, "abstract") == told(whole, "abstract")
    assert found.collection.schema == whole.collection.schema


def test_documents_come_back_from_a_bundle_where_they_lie():
    """Texts out of members are views of their bytes, and say the same."""
    held = documents.read(PAPERS).collection
    members = held.members()
    read = Collection.read(members)
    values = read.rows.texts("title").values
    assert isinstance(values, PackedTexts)
    assert not values.text.flags.owndata
    assert read.rows.texts("title").texts() == [None, "Of heat", "Of wings"]
    assert read.members() == members


def test_fields_that_are_named_are_searched_in_their_order():
    """A column is a text because it is named, also where it would be a category."""
    found = documents.read(PAPERS, fields=("kind", "title"))
    assert found.fields == ("kind", "title")
    assert found.collection.schema["kind"].kind is Kind.TEXT
    assert told(found, "kind") == ["book", "note", "note"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"id": "docno"}, '--id "docno" is not a column of the documents. Did you mean "DocNo"?'),
        ({"fields": ("abstrct",)}, '--text "abstrct" is not a column of the documents. Did you mean "abstract"?'),
        ({"fields": ("title",), "unread": ("title",)}, '--text "title" is also ignored.'),
        ({"fields": ("DocNo",), "id": "DocNo"}, '--text "DocNo" is also the id.'),
        ({"kinds": {"yer": Kind.NUMBER}}, '--kind "yer" is not a column'),
    ],
)
def test_a_name_that_is_no_column_is_said(asked: dict, said: str):
    """With the flag that named it, and the name that is nearest."""
    with pytest.raises(JobError) as fault:
        documents.read(PAPERS, **asked)
    assert str(fault.value).startswith(said)


def test_an_id_that_is_there_twice_is_named_with_its_rows():
    """Nothing is merged and nothing is lost: the user says which one stays."""
    twice = pl.DataFrame({"id": ["a", "b", "a", "a "], "text": ["one thing", "two things", "three things", "four"]})
    with pytest.raises(
        DataError,
        match=r'"a" is the "id" of the documents in rows 1 and 3 and others; ids that are there more than once: 1',
    ):
        documents.read(twice)
    with pytest.raises(DataError, match=r'1 documents have no "id", the first in row 2'):
        documents.read(pl.DataFrame({"id": ["a", None], "text": ["one thing", "two things"]}))


def test_the_first_usual_name_whose_cells_are_distinct_is_the_id():
    """A column called id that repeats is no id where a url is one."""
    found = documents.read(pl.DataFrame({"id": [1, 1], "url": ["x/a", "x/b"], "text": ["one thing", "two things"]}))
    assert found.collection.ids.names(range(2)) == ["x/a", "x/b"]


def test_documents_without_ids_are_called_by_their_rows():
    """From one on, and it is said."""
    found = documents.read(pl.DataFrame({"words": ["one thing and more of it", "two things and more of it"]}))
    assert found.collection.ids.names(range(2)) == ["1", "2"]
    assert "the number of its row" in found.warnings[0]


def test_one_document_is_a_collection():
    """Where nothing can repeat, a text is told by its name."""
    assert documents.read(pl.DataFrame({"id": [5], "text": ["Of wings"]})).fields == ("text",)


def test_empty_documents_are_kept_and_counted():
    """They can be asked for by their id, and no query finds them."""
    found = documents.read(pl.DataFrame({"id": [1, 2, 3], "text": ["Of wings", " ", None]}))
    assert len(found.collection) == 3
    assert found.warnings == ('2 of 3 documents have no text, such as "2": they are kept, and no query finds them.',)
    with pytest.raises(DataError, match="No document has a text in text"):
        documents.read(pl.DataFrame({"id": [1], "text": [""]}), fields=("text",))


def test_a_table_without_texts_says_what_to_write():
    """Numbers are not searched."""
    with pytest.raises(DataError, match="as in --text title,text"):
        documents.read(pl.DataFrame({"id": [1, 2], "year": [1958, 1961]}))
    with pytest.raises(DataError, match="There are no documents"):
        documents.read(pl.DataFrame({"id": [], "text": []}))


def shelf(folder: Path) -> Path:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / ".git" / "hidden.txt").write_text("not a document")
    (folder / "plain.txt").write_text("First line.\nMore of it.")
    (folder / "empty.txt").write_text("")
    (folder / "deep" / "notes.md").write_text("Before.\n\n## Of wings ##\n\nThey lift.")
    (folder / "deep" / "er" / "page.html").write_text(
        "<title>Heat &amp; flow</title><p>It <b>fl</b>ows.<script>x</script>"
    )
    (folder / "latin.txt").write_bytes("Flügel".encode("latin-1"))
    (folder / "wide.txt").write_text("Flügel, wide", encoding="utf-16")
    (folder / "page.htm").write_bytes(b'<meta charset="koi8-r"><p>' + "Крыло".encode("koi8-r"))
    (folder / "binary.txt").write_bytes(b"\0\1\2")
    (folder / "picture.png").write_bytes(b"png")
    return folder


def test_a_folder_is_documents_by_the_paths_of_its_files(tmp_path: Path):
    """Titles come of the page, the heading or the first line; what is no text is counted and left out."""
    found = documents.read(shelf(tmp_path))
    ids = found.collection.ids.names(range(len(found.collection)))
    assert ids == ["deep/er/page.html", "deep/notes.md", "empty.txt", "latin.txt", "page.htm", "plain.txt", "wide.txt"]
    titles = dict(zip(ids, told(found, "title"), strict=True))
    texts = dict(zip(ids, told(found, "text"), strict=True))
    assert (titles["deep/er/page.html"], texts["deep/er/page.html"]) == ("Heat & flow", "It flows.")
    assert titles["deep/notes.md"] == "Of wings"
    assert titles["plain.txt"] == "First line."
    assert titles["empty.txt"] == "empty"
    assert texts["empty.txt"] is None
    assert (texts["latin.txt"], texts["wide.txt"], texts["page.htm"]) == ("Flügel", "Flügel, wide", "Крыло")
    assert told(found, "folder") == ["deep/er", "deep", None, None, None, None, None]
    assert found.fields == ("title", "text")
    said = "\n".join(found.warnings)
    assert "1 file is left out: no text, such as binary.txt." in said
    assert "1 file is left out for the ending (.png 1)" in said
    assert "2 files are not UTF-8, such as latin.txt" in said


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is hidden from the superuser")
def test_a_file_that_cannot_be_opened_is_left_out_and_said(tmp_path: Path):
    """The others are read."""
    (tmp_path / "a.txt").write_text("Of wings")
    (tmp_path / "b.txt").write_text("Of heat")
    (tmp_path / "b.txt").chmod(0)
    found = documents.read(tmp_path)
    assert len(found.collection) == 1
    assert "cannot be read (Permission denied), such as b.txt" in found.warnings[0]


def test_a_link_that_leads_nowhere_is_left_out_and_said(tmp_path: Path):
    """As any file that cannot be opened is."""
    (tmp_path / "a.txt").write_text("Of wings")
    (tmp_path / "b.txt").symlink_to(tmp_path / "gone.txt")
    found = documents.read(tmp_path)
    assert len(found.collection) == 1
    assert "such as b.txt" in found.warnings[0]


def test_texts_beside_tables_are_not_guessed_about(tmp_path: Path):
    """A readme beside a corpus is no collection of one document; a pattern says what is meant."""
    (tmp_path / "README.md").write_text("# About")
    PAPERS.write_ndjson(tmp_path / "corpus.jsonl")
    with pytest.raises(DataError, match=r"holds tables \(corpus.jsonl\) and texts \(README.md\)"):
        documents.read(tmp_path)
    assert len(documents.read(f"{tmp_path}/**/*.md").collection) == 1
    assert len(documents.read(tmp_path / "corpus.jsonl").collection) == 3


def test_a_folder_of_neither_is_refused(tmp_path: Path):
    """With the endings that are read."""
    (tmp_path / "picture.png").write_bytes(b"png")
    with pytest.raises(DataError, match="the folder holds no documents"):
        documents.read(tmp_path)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<p>one\n  two</p>three", "one two\nthree"),
        ("<nav>menu</nav><style>p {}</style>seen<!-- not -->", "seen"),
        ("<head><meta name=x><body>seen", "seen"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("&eacute;&#233;&#xe9; &lt;p&gt;", "ééé <p>"),
        ("<p>un<em>broken</em> words", "unbroken words"),
        ("<script>if (a < b) {</script>after", "after"),
        ("<p title='a > b'>kept", "kept"),
        ("<head><title>x</title><p>seen", "seen"),
        ("<nav>menu<p>never closed<script>x</script>", "menu\nnever closed"),
        ("a < b and c", "a < b and c"),
    ],
)
def test_a_page_reads_as_it_is_seen(page: str, text: str):
    """Blocks part lines, inline elements do not part words, and what is hidden is not there."""
    assert html_text.read(page)[1] == text


@given(st.text(max_size=200))
def test_any_page_is_read(page: str):
    """However broken it is."""
    title, text = html_text.read(page)
    assert isinstance(title, str)
    assert isinstance(text, str)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=9), max_size=40))
def test_packed_texts_are_those_that_were_packed(texts: list[str]):
    """One by one, in order, in slices, and behind the end there is none."""
    held = PackedTexts.of(texts)
    assert list(held) == texts
    assert [held[k] for k in range(len(texts))] == texts
    assert list(held[1:3]) == texts[1:3]
    assert list(held[::-2]) == texts[::-2]
    assert list(held[5:2]) == texts[5:2]
    with pytest.raises(IndexError):
        held[len(texts)]


def test_the_standard_library_is_documents(tmp_path: Path):
    """Functions, classes, methods and modules by their names, each once and none that is private."""
    (tmp_path / "pack" / "tests").mkdir(parents=True)
    says = "It says so in eight words or in more."
    (tmp_path / "pack" / "__init__.py").write_text(f'"""The pack. {says}"""\n')
    (tmp_path / "pack" / "inner.py").write_text(
        f'class Box:\n    """A box. {says}"""\n    def open(self):\n        """Opens. {says}"""\n'
        f'if True:\n    async def wait():\n        """Waits. {says}"""\n        def within():\n            """Within. {says}"""\n'
        f'def _own():\n    """Own. {says}"""\ndef short():\n    """Short."""\n'
    )
    (tmp_path / "pack" / "broken.py").write_text("def (")
    (tmp_path / "pack" / "tests" / "some.py").write_text(f'"""Tests. {says}"""')
    found = list(python_docs.documents(tmp_path))
    assert [(each["id"], each["kind"], each["package"]) for each in found] == [
        ("pack", "module", "pack"),
        ("pack.inner.Box", "class", "pack"),
        ("pack.inner.Box.open", "method", "pack"),
        ("pack.inner.wait", "function", "pack"),
    ]
    read = documents.read(python_docs.write(tmp_path, tmp_path))
    assert read.collection.find("pack.inner.wait") == 3
    assert read.fields == ("title", "text")


def test_many_documents_are_numbered_as_their_ids_are():
    """Codes of texts follow the order of ids, wherever the rows stand."""
    random = np.random.default_rng(0)
    numbers = random.permutation(5_000)
    table = pl.DataFrame({"id": [f"d{k:05}" for k in numbers], "text": [f"this is the text of {k}" for k in numbers]})
    found = documents.read(table)
    assert told(found, "text") == [f"this is the text of {k}" for k in range(5_000)]
