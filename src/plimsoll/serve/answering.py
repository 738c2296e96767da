"""Who answers for a bundle: by rows, with lists of items, or with documents."""

from __future__ import annotations

from pathlib import Path

from plimsoll.bundle import Bundle
from plimsoll.errors import JobError
from plimsoll.schema import Kind
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.request import MOST_ROWS


def answering(
    bundle: Bundle, most_rows: int = MOST_ROWS, lists: Path | None = None, later: Path | None = None
) -> Answerer:
    """The one that is made for its kind of answer; ``lists`` is a file of rules inside a list, and ``later`` one of documents
    that came after the bundle was made.

    Raises BundleError where the bundle cannot answer, PolicyError for rules that cannot be understood, and JobError for a file
    of another kind of answer.
    """
    recommends, searches = (bool(bundle.schema.of(kind)) for kind in (Kind.HISTORY, Kind.QUERY))
    if lists is not None and not recommends:
        raise JobError("--lists is of bundles whose answers are lists of items. Decide on rows with --policy.")
    if later is not None and not searches:
        raise JobError("--later is of bundles that search: its documents come later.")
    if recommends:
        from plimsoll.serve.lister import Lister  # most bundles are asked for rows

        return Lister(bundle, most_rows, lists)
    if searches:
        from plimsoll.serve.searcher import Searcher

        return Searcher(bundle, most_rows, later)
    return Answerer(bundle, most_rows)
