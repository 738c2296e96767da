"""``plimsoll ledger``: what the user's own ledger holds, and the ways in and out of it."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plimsoll import logbook
from plimsoll.errors import UserError, nearest
from plimsoll.logline import Entry
from plimsoll.printed import columns, printable

_WIDTH = 80
_MOST_LINES = 5  # beside a label
_MOST_NAME = 24  # letters of a name in the table
_KEPT = "\N{NO-BREAK SPACE}"  # where no line may end
_MOST_TOLD = 5  # refused lines that are told one by one
_HEADS = ("recipe", "trials", "data sets", "machines", "first", "last")
_OFF = "Nothing is kept: PLIMSOLL_HOME is off."


def ledger(args: argparse.Namespace) -> int:
    """Carries out one of: show, export, import, forget. Raises UserError."""
    {"export": _export, "import": _import, "forget": _forget, None: _show}[args.what](args)
    return 0


def _show(args: argparse.Namespace) -> None:
    place = logbook.place()
    found, complaints = logbook.entries()
    if args.json:
        print(json.dumps({"place": place and str(place), **summary(found), "complaints": complaints}))
        return
    print(*(printable(line) for line in lines(str(place) if place else None, found)), sep="\n")
    _complain(complaints)


def _export(args: argparse.Namespace) -> None:
    count = logbook.export(args.file)
    print(f"{_trials(count)} written to {args.file}. They tell of shapes, knobs and costs, and of no row.")


def _import(args: argparse.Namespace) -> None:
    added, there, refused = logbook.merge(args.file)
    print(f"{_trials(added)} added, {there:,} there already.")
    more = [f"and {len(refused) - _MOST_TOLD:,} more lines"] if len(refused) > _MOST_TOLD else []
    _complain(f"Refused: {line}." for line in [*refused[:_MOST_TOLD], *more])


def _forget(args: argparse.Namespace) -> None:
    found, _ = logbook.entries()
    for word, named, known in (
        ("recipe", args.recipe, {entry.case.known.recipe for entry in found}),
        ("group", args.group, {entry.case.group for entry in found}),
    ):
        if named is not None and named not in known:
            hint = nearest(named, known) if known else "The ledger is empty."
            raise UserError(f'There is no trial of the {word} "{named}" to forget. {hint}')
    print(f"{_trials(logbook.forget(recipe=args.recipe, group=args.group, everything=args.all))} forgotten.")


def _complain(sentences: Iterable[str]) -> None:
    sys.stdout.flush()  # so that the two streams stay in order where they go to one place
    for sentence in sentences:
        print(printable(sentence), file=sys.stderr)


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count:,} trials"


def summary(entries: Sequence[Entry]) -> dict[str, Any]:
    """What the trials come from: in all, by recipe, and how many there are of each data set (``groups``).

    >>> summary([])
    {'trials': 0, 'recipes': [], 'groups': {}}
    """
    names = sorted({entry.case.known.recipe for entry in entries})
    by_recipe = {name: [entry for entry in entries if entry.case.known.recipe == name] for name in names}
    return {
        "trials": len(entries),
        "recipes": [{"recipe": name, **_share(mine)} for name, mine in by_recipe.items()],
        "groups": dict(Counter(entry.case.group for entry in entries).most_common()),
    }


def _share(entries: Sequence[Entry]) -> dict[str, Any]:
    days = sorted(entry.at[:10] for entry in entries if entry.at)
    versions: dict[str, list[str]] = {}
    for name, version in sorted({pair for entry in entries for pair in entry.case.versions.items()}):
        versions.setdefault(name, []).append(version)
    return {
        "trials": len(entries),
        "data_sets": len({entry.case.group for entry in entries}),
        "machines": len({entry.case.machine for entry in entries}),
        "first": days[0] if days else None,
        "last": days[-1] if days else None,
        "versions": versions,
    }


def lines(place: str | None, entries: Sequence[Entry]) -> list[str]:
    """The ledger for the terminal, in 80 columns.

    >>> lines(None, [])
    ['Nothing is kept: PLIMSOLL_HOME is off.']
    """
    if place is None:
        return [_OFF]
    if not entries:
        return [
            f"{place} holds no trial yet.",
            "Every plimsoll fit adds its own; plimsoll ledger import FILE adds others.",
        ]
    told = summary(entries)
    rows = [[str(share["recipe"])[:_MOST_NAME], *map(_cell, list(share.values())[1:6])] for share in told["recipes"]]
    groups = [f"{name} {count:,}" for name, count in told["groups"].items()]
    return [
        f"{place} holds {_trials(told['trials'])}.",
        "",
        *columns([_HEADS, *rows]),
        "",
        *_labelled({**_libraries(told["recipes"]), "data sets": groups}),
    ]


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _libraries(recipes: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """With what the trials ran: once for all recipes, and by recipe where they differ."""
    said = {
        share["recipe"]: [f"{name} {', '.join(versions)}" for name, versions in share["versions"].items()]
        for share in recipes
    }
    first = next(iter(said.values()))
    return {"libraries": first} if all(parts == first for parts in said.values()) else said


def _labelled(listed: Mapping[str, Sequence[str]]) -> list[str]:
    """Parts beside their label, on a few lines of which none ends within a part."""
    names = [label[:_MOST_NAME] for label in listed]
    width = max(map(len, names))
    told = []
    for name, parts in zip(names, listed.values(), strict=True):
        text = f"{_KEPT}· ".join(part.replace(" ", _KEPT) for part in parts) or "not told"
        told += textwrap.wrap(
            f"{name:<{width}}  {text}",
            _WIDTH,
            subsequent_indent=" " * (width + 2),
            max_lines=_MOST_LINES,
            placeholder=" …",
            break_on_hyphens=False,
        )
    return [line.replace(_KEPT, " ") for line in told]
