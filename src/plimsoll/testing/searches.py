"""What a family promises about the documents that it finds: it lists those alone that may be listed, and a longer list begins as
a shorter one does."""

from __future__ import annotations

from typing import Any

import numpy as np

from plimsoll import ranking
from plimsoll.finding import QUERY, Finding
from plimsoll.recipe import Recipe
from plimsoll.testing.toys import Toy
from plimsoll.testing.tryout import accepted, caught, expect, fitted

_FEW = 5
_SHORT = 12  # queries that are asked


def _searched(recipe: Recipe) -> list[tuple[Toy, Finding, list[str]]]:
    toys = [toy for toy in accepted(recipe) if toy.job.search is not None]
    return [
        (toy, made, [text or "" for text in toy.test.texts(QUERY).texts()][:_SHORT])
        for toy in toys
        if isinstance(made := fitted(recipe, toy), Finding)
    ]


def lists_what_it_may(recipe: Recipe) -> None:
    """Of documents among which it is to look, those alone are listed, in the order that they have in the whole list; and a query
    of nothing finds nothing."""
    for toy, made, queries in _searched(recipe):
        among = np.arange(toy.schema.lists) % 3 != 0
        for text in queries:
            some = _listed(recipe, made, toy, text, among)
            odd = some[(some >= 0) & ~among[some]]
            expect(not len(odd), recipe, f"lists document {odd[:1]} of {toy.name}, which may not be listed.")
        for text in ("", " \t", "\x00", "!?"):
            found = _listed(recipe, made, toy, text, None)
            expect(not (found >= 0).any(), recipe, f"finds documents of {toy.name} for {text!r}.")


def longer_lists_go_on(recipe: Recipe) -> None:
    """The first places of a list do not depend on how many are asked for."""
    for toy, made, queries in _searched(recipe):
        for text in queries:
            whole = _listed(recipe, made, toy, text, None)
            short = _listed(recipe, made, toy, text, None, _FEW)
            said = f'begins the list of "{text}" on {toy.name} with {whole[:_FEW].tolist()}, and with {short.tolist()}'
            expect(np.array_equal(whole[:_FEW], short), recipe, f"{said} where {_FEW} are asked for.")


def says_why(recipe: Recipe) -> None:
    """Each document of a list has parts of its score, with names, the largest first and all of them finite."""
    for toy, made, queries in _searched(recipe):
        for text in queries[:3]:
            for document in _listed(recipe, made, toy, text, None, _FEW):
                if document < 0:
                    continue
                with caught(recipe, "because", toy):
                    parts = made.finder.because(text, int(document))
                sizes = [abs(part) for _, part in parts]
                named = all(isinstance(name, str) and name for name, _ in parts)
                sound = bool(parts) and named and bool(np.isfinite(sizes).all())
                expect(sound, recipe, f"does not say why document {document} of {toy.name} is listed: {parts}.")
                expect(sizes == sorted(sizes, reverse=True), recipe, f"says why in no order on {toy.name}: {parts}.")


def knows_later_documents(recipe: Recipe) -> None:
    """Documents that come later are answered beside the ones that were learned from: a copy of a document scores as it does,
    as far as the family looks at the document alone."""
    for toy, made, queries in _searched(recipe):
        assert toy.fold.collection is not None
        names = made.finder.index.fields
        texts = {name: toy.fold.collection.rows.texts(name).texts()[:_FEW] for name in names}
        with caught(recipe, "beside", toy):
            later = made.finder.beside(texts)
        expect(later.index.many == _FEW, recipe, f"knows {later.index.many} later documents where {_FEW} are there.")
        for text in queries:
            with caught(recipe, "best", toy):
                found = ranking.checked(later.best(text, ranking.DEPTH)[None], 1, _FEW)
            expect(found.shape == (1, ranking.DEPTH), recipe, f"lists {found.shape} of later documents.")


def _listed(
    recipe: Recipe, made: Finding, toy: Toy, text: str, among: Any, depth: int = ranking.DEPTH
) -> np.ndarray[Any, Any]:
    with caught(recipe, "best", toy):
        found = ranking.checked(made.finder.best(text, depth, among)[None], 1, toy.schema.lists)
    return np.asarray(found["item"][0])
