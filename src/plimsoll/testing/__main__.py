"""``python -m plimsoll.testing NAME``: one recipe's promises, one after another, and what it costs on the toys."""

from __future__ import annotations

import sys
import time

from plimsoll import catalogue, units
from plimsoll.clock import Clock
from plimsoll.errors import PlimsollError
from plimsoll.recipe import Recipe
from plimsoll.testing.promises import PROMISES
from plimsoll.testing.toys import Toy
from plimsoll.testing.tryout import TOYS


def main(name: str) -> int:
    """Print each promise with what came of it, then the figures; 1 where a promise was broken."""
    try:
        recipe = catalogue.find(name)
    except PlimsollError as fault:
        print(fault, file=sys.stderr)
        return 2
    broken = 0
    for promise in PROMISES:
        try:
            promise(recipe)
            print(f"  kept    {promise.__name__}")
        except AssertionError as fault:
            broken += 1
            print(f"  BROKEN  {promise.__name__}: {fault}")
    print(f"\n  {'toy':<18} {'fit':>9} {'members':>9} {'one row':>9}")
    for make in TOYS:
        toy = make()
        print(f"  {toy.name:<18} {recipe.refusal(toy.job, toy.schema) or figures(recipe, toy)}")
    return 1 if broken else 0


def figures(recipe: Recipe, toy: Toy) -> str:
    """Seconds of a fit, bytes of its members and the median time of one answer in this process, as a line."""
    started = time.perf_counter()
    model = recipe.fit(toy.job, toy.schema, toy.fold, recipe.space.default, Clock(60.0))
    fitted = time.perf_counter() - started
    size = sum(map(len, model.members().values()))
    spent = []
    for values in toy.test.values(toy.schema) * 3:
        started = time.perf_counter()
        model.answer(values)
        spent.append(time.perf_counter() - started)
    middle = sorted(spent)[len(spent) // 2]
    shown = (units.show(fitted, units.TIME), units.show(size, units.BYTES), units.show(middle, units.TIME))
    return " ".join(f"{figure:>9}" for figure in shown)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("Which recipe? Write: python -m plimsoll.testing NAME", file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
