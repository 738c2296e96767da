"""What is told of a document that was found: what stands in it, with the words that were looked for, and why it was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plimsoll import highlight, typos
from plimsoll.highlight import Marker
from plimsoll.rows import Coded
from plimsoll.schema import Kind
from plimsoll.shelf import Shelf

REASONS = 8  # parts of a score that are told, the biggest
TITLE = 400  # letters of the first of several fields, which is shown whole


@dataclass(frozen=True)
class Teller:
    """Tells the documents of one page. ``searched`` are the fields that were looked through, ``columns`` those that are told beside id and score;
    with a ``marker`` the former come as snippets, without one as they are."""

    text: str
    searched: tuple[str, ...]
    columns: tuple[str, ...]
    marker: Marker | None
    why: bool

    def told(self, shelf: Shelf, number: int, score: float, whole: bool) -> dict[str, Any]:
        """One document; ``whole`` says that ids are numbers wherever they can be."""
        ids = shelf.documents.ids
        said: dict[str, Any] = {"id": ids.value(number) if whole else ids[number], "score": score}
        if self.columns:
            texts = [name for name in self.columns if name in self.searched]
            said["text"] = {name: self._text(shelf, name, number) for name in texts}
            said["about"] = {name: _cell(shelf, name, number) for name in self.columns if name not in self.searched}
        if self.why:
            because = shelf.finder.because(self.text, number)[:REASONS]
            said["why"] = [{"name": name, "part": float(part)} for name, part in because]
            said["matched"] = shelf.fields(self.text, number)
        return said

    def _text(self, shelf: Shelf, name: str, number: int) -> Any:
        text = shelf.text(name, number)
        if self.marker is None:
            return text
        title = len(self.searched) > 1 and name == self.searched[0]
        most = TITLE if title else highlight.LETTERS
        found = self.marker.snippet(text, most)
        return {"text": found.text, "begin": found.begin, "letters": found.letters, "marks": found.marks}


def weights(text: str, shelves: Sequence[Shelf]) -> dict[str, float]:
    """How much each term of a text is worth to a reader: the more, the fewer documents have it."""
    indexes = [shelf.index for shelf in shelves]
    many = sum(index.many for index in indexes)
    terms = dict.fromkeys(indexes[0].analyser.terms(text))
    return {term: math.log1p(many / max(typos.frequency(term, indexes), 1)) for term in terms}


def _cell(shelf: Shelf, name: str, number: int) -> Any:
    """A cell as JSON has it: None where it is missing."""
    cells = shelf.documents.rows.columns[name]
    if isinstance(cells, Coded):
        return shelf.text(name, number) or None
    value = float(shelf.documents.rows.numbers(name)[number])
    if value != value:
        return None
    return bool(value) if shelf.documents.schema[name].kind is Kind.BOOLEAN else value
