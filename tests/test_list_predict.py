"""A file of users answered with lists: each user once, ten places each, in whatever the file or the frame is."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from listed_toys import histories, listed, lister, model
from plimsoll import bundle, cli, list_predict
from plimsoll.errors import DataError
from plimsoll.predict import load
from plimsoll.rows import Past


def test_each_user_is_answered_once_in_the_order_of_the_file(tmp_path: Path):
    """Over batches; empty cells are nobody, and who is not known gets what is popular."""
    rows = pl.DataFrame({"what": [1, 2, 3, 4, 5], "who": [3, None, 7, 3, 999]})
    rows.write_csv(tmp_path / "rows.csv")
    told = pl.concat(list_predict.frames(lister(), tmp_path / "rows.csv", 2))
    assert told.columns == ["who", "place", "film", "score"]
    assert told["who"].unique(maintain_order=True).to_list() == ["3", "7", "999"]
    assert told["place"].to_list() == [*range(1, 11)] * 3
    due = model().answer([histories().past(7)])
    of_seven = told.filter(pl.col("who") == "7")
    assert of_seven["film"].to_list() == due["item"][:10].tolist()
    assert of_seven["score"].to_list() == due["score"][:10].tolist()
    popular = model().answer([Past.of([])])["item"][:10].tolist()
    assert told.filter(pl.col("who") == "999")["film"].to_list() == popular


def test_frames_come_back_as_what_they_were():
    """Of pandas, Polars and Arrow, also where nobody is named."""
    frame = pl.DataFrame({"who": [3, 4]})
    found = list_predict.framed(lister(), frame)
    assert isinstance(found, pl.DataFrame)
    assert found.height == 20
    pandas = list_predict.framed(lister(), frame.to_pandas())
    assert type(pandas).__module__.startswith("pandas")
    assert pandas["film"].tolist() == found["film"].to_list()
    assert list_predict.framed(lister(), frame.to_arrow())["film"].to_pylist() == found["film"].to_list()
    assert list_predict.framed(lister(), frame.clear()).columns == ["who", "place", "film", "score"]


def test_what_cannot_be_answered_is_told_in_a_line():
    """A file without the column, and a bundle that knows nobody."""
    with pytest.raises(DataError, match=r'no column "who".*Did you mean "whom"'):
        list(list_predict.frames(lister(), pl.DataFrame({"whom": [1]}), 10))
    with pytest.raises(DataError, match="keeps nothing of users"):
        list(list_predict.frames(lister(forget=True), pl.DataFrame({"who": [1]}), 10))


def test_the_command_writes_the_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And a file of nobody is refused, without a file of answers."""
    bundle.write(tmp_path / "made", listed())
    (tmp_path / "rows.csv").write_text("who\n3\n4\n3\n")
    (tmp_path / "none.csv").write_text("who\n")
    words = ["predict", str(tmp_path / "made")]
    assert cli.main([*words, str(tmp_path / "rows.csv"), "--out", str(tmp_path / "out.csv")]) == 0
    assert pl.read_csv(tmp_path / "out.csv").height == 20
    assert load(tmp_path / "made").predict(pl.DataFrame({"who": [3, 4]})).height == 20
    assert cli.main([*words, str(tmp_path / "none.csv"), "--out", str(tmp_path / "no.csv")]) == 2
    assert "names nobody" in capsys.readouterr().err
    assert not (tmp_path / "no.csv").exists()
