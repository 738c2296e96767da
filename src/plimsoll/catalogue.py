"""Name → recipe, in the open. A recipe is loaded when it is asked for, and not before."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from plimsoll.errors import JobError, nearest
from plimsoll.job import Job
from plimsoll.knobs import Space
from plimsoll.metrics import SEQUENCES
from plimsoll.recipe import Members, Model, Recipe
from plimsoll.schema import Schema

# Where each recipe lives: "package.module". A new family is one file and one line here.
RECIPES: dict[str, str] = {
    "constant": "plimsoll.recipes.constant",
    "popular": "plimsoll.recipes.popular",
    "linear": "plimsoll.recipes.linear",
    "covariance_lda": "plimsoll.recipes.covariance_lda",
    "adaptive_lda": "plimsoll.recipes.adaptive_lda",
    "time_domain_lda": "plimsoll.recipes.time_domain_lda",
    "minirocket": "plimsoll.recipes.minirocket",
    "signal_windows": "plimsoll.recipes.signal_windows",
    "text_ngrams": "plimsoll.recipes.text_ngrams",
    "trees": "plimsoll.recipes.trees",
    "bm25": "plimsoll.recipes.bm25",
    "lsa": "plimsoll.recipes.lsa",
    "fused": "plimsoll.recipes.fused",
    "reranked": "plimsoll.recipes.reranked",
    "encoder": "plimsoll.recipes.encoder",
    "cross_encoder": "plimsoll.recipes.cross_encoder",
    "transitions": "plimsoll.recipes.transitions",
    "content": "plimsoll.recipes.content",
    "rp3beta": "plimsoll.recipes.rp3beta",
    "item_knn": "plimsoll.recipes.item_knn",
    "ease": "plimsoll.recipes.ease",
    "ease_transitions": "plimsoll.recipes.ease_transitions",
    "ials": "plimsoll.recipes.ials",
    "ranker": "plimsoll.recipes.ranker",
    "sasrec": "plimsoll.recipes.sasrec",
    "conv": "plimsoll.recipes.conv",
    "conv_gru": "plimsoll.recipes.conv_gru",
    "spectral_lstm": "plimsoll.recipes.spectral_lstm",
    "tds_ctc": "plimsoll.recipes.tds_ctc",
}

# What every other is held against, and always tried: the same answer for every row.
FLOORS = ("constant", "popular", "bm25")

# Recipes made of others: named by who proposes them with their parts, and never tried by themselves.
MADE: dict[str, str] = {
    "blend": "plimsoll.blend",
    "distilled": "plimsoll.distil",
}

# Members that need no recipe's file to be served: whose loader is one of the house, whatever made them.
GRAPHS: dict[str, str] = {"net.onnx": "plimsoll.net_model"}

OWN = "PLIMSOLL_RECIPES"  # names modules of the user's own, "package.module", with commas between them


def known() -> Mapping[str, str]:
    """Every recipe's name and module, the user's own and then those made of others last.

    The environment names the user's own, because trials and servers are processes of their own; a module is named for
    its recipe.
    """
    own = [module.strip() for module in os.environ.get(OWN, "").split(",") if module.strip()]
    house = RECIPES | MADE
    return RECIPES | {name: module for module in own if (name := module.rpartition(".")[2]) not in house} | MADE


def names() -> tuple[str, ...]:
    """The recipes that a search may try by themselves, the cheapest to fit first."""
    return tuple(name for name in known() if name not in MADE)


def refusals(job: Job, schema: Schema) -> dict[str, str | None]:
    """Of the recipes that a job may use, the floor always among them: why each does not apply; None where it does."""
    wanted = [name for name in names() if not job.recipes or name in (*job.recipes, *FLOORS)]
    return {name: _refusal(find(name), job, schema) for name in wanted}


def _refusal(recipe: Recipe, job: Job, schema: Schema) -> str | None:
    """Why it is not tried: it cannot do the job, or can and would waste the window of one that asks for something else."""
    if recipe.sequences and recipe.name not in job.recipes and not job.spells:
        return f"its answers are a sequence, and what is asked counts moments; --metric {SEQUENCES[-1]} or --recipes {recipe.name} asks for it"
    return recipe.refusal(job, schema)


def find(name: str) -> Recipe:
    """The recipe of this name. Raises JobError where there is none.

    >>> find("constant").name
    'constant'
    """
    return _module(name).RECIPE  # type: ignore[no-any-return]


def load(name: str, job: Job, schema: Schema, members: Members) -> Model:
    """The model that a recipe's members hold. Raises whatever comes of members that are not its own, JobError where there is
    no such recipe and the members are not ones that need none.
    """
    for member, module in GRAPHS.items():
        if member in members and name not in RECIPES | MADE:
            return importlib.import_module(module).load(job, schema, members)  # type: ignore[no-any-return]
    return find(name).load(job, schema, members)


def space(name: str, job: Job, schema: Schema) -> Space:
    """What a search may choose of a recipe for a job on such columns: settings that come to the same there are one."""
    recipe = find(name)
    return replace(recipe.space, plain=partial(recipe.plain, job, schema)) if recipe.plain else recipe.space


def describe(name: str) -> str:
    """What the recipe says of itself, in a line."""
    return (_module(name).__doc__ or name).strip().splitlines()[0]


def _module(name: str) -> Any:
    if name not in known():
        raise JobError(f'There is no recipe "{name}". {nearest(name, known())}')
    house = RECIPES | MADE
    return importlib.import_module(house[name]) if name in house else _own(name, known()[name])


def _own(name: str, module: str) -> Any:
    try:
        found = importlib.import_module(module)
    except ImportError as fault:
        raise JobError(f"{OWN}: {module} cannot be imported ({fault}). Put its folder on PYTHONPATH.") from None
    if getattr(getattr(found, "RECIPE", None), "name", None) != name:
        raise JobError(f'{OWN}: {module} has no RECIPE named "{name}". A module is named for its recipe.')
    return found
