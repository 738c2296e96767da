"""From a request's bytes to a list of items: the one path of bundles whose answers are lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import ranking
from plimsoll.bundle import Bundle
from plimsoll.collection import Collection
from plimsoll.errors import BundleError, RequestError, TrialError
from plimsoll.held import PEOPLE, Held
from plimsoll.listing import Listing
from plimsoll.rows import Past, Rows
from plimsoll.serve.list_answerer import ListAnswerer
from plimsoll.serve.list_request import Ask, ListReader
from plimsoll.serve.request import MOST_ROWS

if TYPE_CHECKING:  # lists without rules need not know what they are
    from plimsoll.list_choice import ListRules

Array = NDArray[Any]
_REASONS = 3  # items of a history that speak most for one of the list


class Lister(ListAnswerer):
    """A loaded bundle that recommends.

    ``lister.answer(b'{"user_id": 12, "k": 2}')`` gives ``b'{"items":[{"id":318,"score":0.93},{"id":50,"score":0.71}],"known":true}'``. With ``rules``, a file of them, every list keeps them (see
    ``list_rules``).
    """

    def __init__(self, bundle: Bundle, most_rows: int = MOST_ROWS, rules: Path | None = None) -> None:
        super().__init__(bundle, most_rows)
        self.rules = self._kept(rules) if rules is not None else None

    def _reads(self, bundle: Bundle, most_rows: int) -> Any:
        self.held = Held.read(bundle.members, len(self.collection))
        self.people = _people(bundle)
        return ListReader(bundle.schema, self.collection, self.held, most_rows, self.people)

    def _kept(self, rules: Path) -> ListRules:
        from plimsoll import list_rules

        return list_rules.read(rules, self.collection)

    def cells(self, body: bytes) -> list[Any]:
        return [(ask.past,) for ask in self._reader.read(body)[0]]

    @property
    def listing(self) -> Listing:
        """The model."""
        return self.model  # type: ignore[return-value]  # of a bundle whose answers are lists

    def listed(self, ask: Ask) -> dict[str, Any]:
        """The list as the caller gets it; ``passed`` says how many ids of the request are not known, and ``filled`` how many items
        at its end break a rule, for there were none left that break none."""
        model = self.listing
        try:
            best, filled = self.best(self._allowed(model, ask), ask.past, ask.k)
        except TrialError as fault:
            raise RequestError("$", str(fault), 500) from None
        items = [self._said(ask, pair, model) for pair in best.tolist() if pair[0] >= 0]
        more = {"passed": ask.unknown, "filled": filled}
        return {"items": items, "known": ask.known, **{name: count for name, count in more.items() if count}}

    def best(self, scores: Array, past: Past, k: int) -> tuple[Array, int]:
        """The list of one row by its scores, which are let go of, ``RANKED`` of shape (k,); and how many at its end break a rule."""
        seen = None if self.listing.again else past.items
        if self.rules is None:
            return ranking.best_one(scores, seen, k), 0
        return self.rules.best(scores, seen, k)

    def _allowed(self, model: Listing, ask: Ask) -> NDArray[np.float32]:
        scores = model.scores(ask.past, ask.about)
        if ask.only is not None:
            kept = scores[ask.only]
            scores = np.full_like(scores, -np.inf)
            scores[ask.only] = kept
        if ask.without is not None:
            scores[ask.without] = -np.inf
        return scores

    def _said(self, ask: Ask, pair: tuple[int, float], model: Listing) -> dict[str, Any]:
        item, score = pair
        said = {"id": self.collection.ids.value(item), "score": score}
        if not ask.why:
            return said
        return {**said, "because": self._because(ask.past, item, model)}

    def _because(self, past: Past, item: int, model: Listing) -> list[dict[str, Any]]:
        """The events of the history that speak most for an item, with their shares of what speaks for it; none where it stands
        there for being popular, or where its family cannot say."""
        told = model.because(past, item)
        if told is None or not len(told) or told.max() <= 0:
            return []
        whole = float(told[told > 0].sum())
        order = [place for place in np.argsort(-told, kind="stable")[:_REASONS].tolist() if told[place] > 0]
        ids = self.collection.ids
        return [{"id": ids.value(int(past.items[place])), "share": float(told[place]) / whole} for place in order]

    def users(self, cells: Sequence[Any]) -> Rows:
        """Rows of users by their ids; who is not known has no history."""
        pasts = [self.held.past(cell) if self.held is not None else None for cell in cells]
        nobody = Past.of([])
        told = zip(cells, pasts, strict=True)
        values = [(nobody if past is None else past, *self._reader.known(cell)) for cell, past in told]
        return Rows.of_values(self.schema, values)


def _people(bundle: Bundle) -> Collection | None:
    """What a bundle holds of users beside what they did. Raises BundleError where it does not go with the schema."""
    if f"{PEOPLE}.json" not in bundle.members:
        return None
    found = Collection.read(bundle.members, PEOPLE)
    if found.schema.columns != bundle.schema.columns[1:]:
        raise BundleError("What is known of users are other columns than the schema has.")
    return found
