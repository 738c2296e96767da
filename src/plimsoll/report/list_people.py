"""Some users with what they did, what two models list for them, and what they came to next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.report.markup import Markup, join, tag

Hues = Mapping[str, str]
Person = Mapping[str, Any]


def people(shown: Sequence[Person], models: Sequence[str], hues: Hues) -> Markup | None:
    """A fold for each of them, the first one open; None where there is nobody."""
    if not shown:
        return None
    lead = "Users of the test, drawn by chance. A tick marks what they did come to next; a dot beside that has the hue of each model whose list has it."
    folds = (_one(each, models, hues, place == 0) for place, each in enumerate(shown))
    return tag(
        "div",
        tag("h3", "Lists side by side"),
        tag("p", lead, class_="aside"),
        *folds,
        id="people",
    )


def _one(user: Person, models: Sequence[str], hues: Hues, opened: bool) -> Markup:
    lists = {model: user["lists"].get(model) or () for model in models}
    before, due = user.get("events", len(user["before"])), user.get("due", len(user["next"]))
    columns = [
        _column(
            "Before, the newest first", [tag("li", _name(item)) for item in user["before"]], before, "Nothing: new."
        ),
        *(
            _column(model, [_placed(each) for each in found], None, "An empty list.", hues.get(model, ""))
            for model, found in lists.items()
        ),
        _column("Came to next", [_due(each, hues) for each in user["next"]], due, "Nothing."),
    ]
    counts = [f"{before:,} event{'s' * (before != 1)} before" if before else "new"]
    counts += [
        f"{model} found {sum(each['found'] for each in found)} of {len(found)}" for model, found in lists.items()
    ]
    head = tag("summary", "User ", tag("bdi", user["user"]), tag("small", " · ".join(counts)))
    return tag("details", head, tag("div", *columns, class_="sides"), class_="fold", open="" if opened else None)


def _column(title: str, items: Sequence[Markup], many: int | None, empty: str, hue: str | None = None) -> Markup:
    """A list under its head; ``many`` are there where only some are shown."""
    head = tag("h4", title, class_=None if hue is None else f"inked {hue}")
    if not items:
        return tag("div", head, tag("p", empty, class_="aside"))
    more = tag("p", f"and {many - len(items):,} more", class_="aside") if many and many > len(items) else None
    return tag("div", head, tag("ol", *items), more)


def _placed(each: Mapping[str, Any]) -> Markup:
    if not each["found"]:
        return tag("li", _name(each["item"]))
    return tag(
        "li",
        _name(each["item"]),
        tag("span", "\u00a0✓", aria_hidden="true"),
        tag("span", ", found", class_="unseen"),
        class_="hit",
    )


def _due(each: Mapping[str, Any], hues: Hues) -> Markup:
    dots = [
        tag(
            "span",
            "\u00a0●",
            tag("span", f" {model}", class_="unseen"),
            class_=f"inked {hues.get(model, '')}",
            title=f"on the list of {model}",
        )
        for model in each.get("by") or ()
    ]
    return tag("li", join(_name(each["item"]), *dots))


def _name(item: object) -> Markup:
    """A name, which may be written from right to left."""
    return tag("bdi", item)
