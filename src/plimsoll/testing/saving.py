"""What a recipe promises about the model that it saves: plain bytes, the same every time, that give the same answers."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import numpy as np

from plimsoll.recipe import Model, Recipe
from plimsoll.testing.toys import Toy
from plimsoll.testing.tryout import answered, answered_one, caught, expect, fitted, one_each

ENDINGS = (".json", ".safetensors", ".onnx", ".arrow")


def saved_equals_loaded(recipe: Recipe) -> None:
    """A model loaded from its members gives the same answers to the last bit, and has the same members."""
    for toy in one_each(recipe):
        model = fitted(recipe, toy)
        members = dict(model.members())
        loaded = _loaded(recipe, toy, members)
        same = np.array_equal(answered(recipe, model, toy, toy.test), answered(recipe, loaded, toy, toy.test))
        expect(same, recipe, f"answers {toy.name} differently once it has been saved and loaded.")
        values = toy.test.values(toy.schema)[0]
        expect(
            answered_one(recipe, model, toy, values) == answered_one(recipe, loaded, toy, values),
            recipe,
            f"answers one row of {toy.name} differently once it has been saved and loaded.",
        )
        expect(
            dict(loaded.members()) == members,
            recipe,
            f"has other members on {toy.name} once it has been saved and loaded.",
        )


def loads_from_bytes_alone(recipe: Recipe) -> None:
    """Loading opens no file: what was hashed is what is loaded."""
    for toy in one_each(recipe):
        members = {name: bytes(content) for name, content in fitted(recipe, toy).members().items()}
        with _no_files(recipe):
            answered(recipe, _loaded(recipe, toy, members), toy, toy.test)


def _loaded(recipe: Recipe, toy: Toy, members: Mapping[str, bytes]) -> Model:
    with caught(recipe, "load", toy):
        return recipe.load(toy.job, toy.schema, members)


@contextmanager
def _no_files(recipe: Recipe) -> Iterator[None]:
    kept = builtins.open
    opened: list[object] = []

    def refuse(file: object, *_: object, **__: object) -> NoReturn:
        opened.append(file)
        raise PermissionError(f"{file} may not be opened")

    builtins.open = refuse
    try:
        yield
    finally:
        builtins.open = kept
        said = f"opens {''.join(map(str, opened[:1]))} while it is loaded. A model is loaded from its members alone."
        expect(not opened, recipe, said)


def members_are_plain_data(recipe: Recipe) -> None:
    """Members are bytes named in one plain word with an allowed ending, and none of them is a pickle."""
    for toy in one_each(recipe):
        members = fitted(recipe, toy).members()
        for name, content in members.items():
            expect(
                isinstance(content, bytes), recipe, f"has a member {name} that is {type(content).__name__}, not bytes."
            )
            plain = name.endswith(ENDINGS) and "/" not in name and "\\" not in name and not name.startswith(".")
            expect(
                plain, recipe, f'has a member "{name}". A name is one plain word that ends in {" or ".join(ENDINGS)}.'
            )
            # A pickle of protocol 2 or later opens with 0x80 and its protocol, and ends with a full stop.
            pickled = (
                content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and content[-1:] == b"."
            )
            expect(not pickled, recipe, f"has a pickle in its member {name}. Save arrays and JSON.")
            if name.endswith(".json"):
                expect(_is_json(content), recipe, f"has a member {name} that is not JSON.")


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def same_seed_same_bytes(recipe: Recipe) -> None:
    """The same rows, knobs and seed give the same members, byte for byte."""
    for toy in one_each(recipe):
        one, other = (dict(fitted(recipe, toy).members()) for _ in range(2))
        changed = [name for name in one if one[name] != other.get(name)]
        expect(
            one == other,
            recipe,
            f"gives other members on {toy.name} the second time with the same seed: {', '.join(changed)}.",
        )
