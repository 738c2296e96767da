"""Name → recipe, in the open. A recipe is loaded when it is asked for, and not before."""

from __future__ import annotations

import importlib

from plimsoll.errors import JobError, nearest
from plimsoll.recipe import Recipe

# Where each recipe lives: "package.module". A new family is one file and one line here.
RECIPES: dict[str, str] = {
    "constant": "plimsoll.recipes.constant",
    "linear": "plimsoll.recipes.linear",
    "text_ngrams": "plimsoll.recipes.text_ngrams",
    "trees": "plimsoll.recipes.trees",
}


def names() -> tuple[str, ...]:
    """The recipes there are, the cheapest to fit first."""
    return tuple(RECIPES)


def find(name: str) -> Recipe:
    """The recipe of this name. Raises JobError where there is none.

    >>> find("constant").name
    'constant'
    """
    if name not in RECIPES:
        raise JobError(f'There is no recipe "{name}". {nearest(name, RECIPES)}')
    recipe: Recipe = importlib.import_module(RECIPES[name]).RECIPE
    return recipe


def describe(name: str) -> str:
    """What the recipe says of itself, in a line."""
    return (importlib.import_module(RECIPES[name]).__doc__ or "").strip().splitlines()[0]
