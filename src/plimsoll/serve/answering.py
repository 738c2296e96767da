"""Who answers for a bundle: by rows, or with lists of items."""

from __future__ import annotations

from pathlib import Path

from plimsoll.bundle import Bundle
from plimsoll.errors import JobError
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.request import MOST_ROWS


def answering(bundle: Bundle, most_rows: int = MOST_ROWS, lists: Path | None = None) -> Answerer:
    """The one that is made for its kind of answer; ``lists`` is a file of rules inside a list.

    Raises BundleError where the bundle cannot answer, PolicyError for rules that cannot be understood, and JobError for rules
    of a bundle without lists.
    """
    if not bundle.schema.lists:
        if lists is not None:
            raise JobError("--lists is of bundles whose answers are lists. Decide on rows with --policy.")
        return Answerer(bundle, most_rows)
    if bundle.job.search is not None:
        from plimsoll.serve.searcher import Searcher

        return Searcher(bundle, most_rows)
    from plimsoll.serve.lister import Lister  # most bundles are asked for rows

    return Lister(bundle, most_rows, lists)
