"""Who answers for a bundle: by rows, or with lists of items."""

from __future__ import annotations

from plimsoll.bundle import Bundle
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.request import MOST_ROWS


def answering(bundle: Bundle, most_rows: int = MOST_ROWS) -> Answerer:
    """The one that is made for its kind of answer. Raises BundleError where the bundle cannot answer."""
    if not bundle.schema.lists:
        return Answerer(bundle, most_rows)
    from plimsoll.serve.lister import Lister  # most bundles are asked for rows

    return Lister(bundle, most_rows)
