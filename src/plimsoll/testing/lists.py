"""What a family promises about its lists: the best first, as long as there is anything to list, and nothing that was seen."""

from __future__ import annotations

import numpy as np

from plimsoll.ranking import DEPTH
from plimsoll.recipe import Recipe
from plimsoll.testing.tryout import accepted, answered, expect, expect_answers, fitted


def lists_are_lists(recipe: Recipe) -> None:
    """Each list has the best first and no item twice, is as long as a list is while there are items, and holds none that its
    history holds; also where nothing is known of who asks."""
    for toy in [toy for toy in accepted(recipe) if toy.job.lists is not None]:
        model = fitted(recipe, toy)
        for rows in (toy.test, toy.holed):
            lists = answered(recipe, model, toy, rows)
            expect_answers(recipe, toy, lists, len(rows))
            told = rows.histories(toy.schema.columns[0].name)
            for row, items in enumerate(lists["item"]):
                seen = np.unique(told.cell(row))
                shown = items[items >= 0]
                due = min(DEPTH, toy.schema.lists - len(seen))
                expect(len(shown) == due, recipe, f"lists {len(shown)} items on {toy.name} where {due} are due.")
                known = np.intersect1d(shown, seen)
                expect(not len(known), recipe, f"lists item {known[:1]} on {toy.name}, which its history holds.")
