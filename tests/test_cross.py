"""A network that reads query and document together puts the first twenty into order, and leaves the others behind them."""

from __future__ import annotations

import numpy as np
import pytest

from found_toys import WORDS, index, study, texts
from plimsoll import cross, encoder_files, fused, lsa
from plimsoll.cross import READ, Cross
from plimsoll.testing import folder_toys

ASKED = "heat1 heat2 heat3"


@pytest.fixture(scope="module")
def model() -> Cross:
    """Its network counts the words that a document shares with the query."""
    _, folder = folder_toys.folders(sorted(word for words in WORDS for word in words))
    parts = fused.fit(study(), lsa.fit(index(), 5))
    return Cross(parts, cross.kept(texts()), *encoder_files.pairs(folder, 32))


def shared(document: int) -> int:
    held = texts()
    words = f"{held['title'][document]} {held['text'][document]}".split()
    return len(set(words) & set(ASKED.split()))


def test_documents_come_in_the_order_of_the_network(model: Cross):
    found = model.best(ASKED, 8)["item"].tolist()
    assert [shared(item) for item in found] == sorted(map(shared, found), reverse=True)
    assert found != model.parts.best(ASKED, 8)["item"].tolist()


def test_what_was_not_read_stands_behind(model: Cross, monkeypatch: pytest.MonkeyPatch):
    """A list of more begins as one of fewer does, and goes on as it would without the network."""
    monkeypatch.setattr(cross, "FIRST", 3)
    whole, without = model.best(ASKED, 8), model.parts.best(ASKED, 8)
    assert (whole["item"] >= 0).all()
    assert whole["item"][3:].tolist() == without["item"][3:].tolist()
    assert whole["score"][2] >= 1 > whole["score"][3]
    assert np.array_equal(whole[:2], model.best(ASKED, 2))


def test_only_what_may_be_listed_is_read(model: Cross):
    among = np.arange(40) < 10
    assert set(model.best(ASKED, 40, among)["item"].tolist()) <= {-1, *range(10)}


def test_a_score_has_one_part(model: Cross):
    """The same that the list has."""
    item, score = model.best(ASKED, 1).tolist()[0]
    assert model.because(ASKED, item) == [(READ, pytest.approx(score))]


def test_later_documents_are_read_as_the_earlier_ones(model: Cross):
    later = model.beside({name: cells[:6] for name, cells in texts().items()})
    assert later.because(ASKED, 1) == model.because(ASKED, 1)


@pytest.mark.parametrize("name", ["ends", "text"])
def test_texts_of_something_else_are_refused(model: Cross, name: str):
    arrays = model.arrays()
    again = cross.of(arrays, model.index, model.graphs)
    assert np.array_equal(again.best(ASKED, 9), model.best(ASKED, 9))
    for wrong in (
        arrays[name][:-1],
        arrays[name].astype(np.float32),
        arrays[name][::-1].copy() if name == "ends" else arrays[name][:, None],
    ):
        with pytest.raises(ValueError, match="texts that are not"):
            cross.of(arrays | {name: wrong}, model.index, model.graphs)
