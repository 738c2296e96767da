"""What is said of a run whose answers are lists: what was found and shown, where the places go, the audit, and lists side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.report.charts import unbroken
from plimsoll.report.hues import recipe_keys
from plimsoll.report.list_people import people
from plimsoll.report.list_spread import coverage_chart, spread_chart
from plimsoll.report.list_words import GROUPS, MEASURES, unequal, verdicts
from plimsoll.report.load_line import Run
from plimsoll.report.markup import Markup, tag
from plimsoll.report.measures import beside, figure
from plimsoll.report.tables import breakable, facts, table

Hues = Mapping[str, str]
_COUNTED = {"cold": "users with nothing before the split", "ties": "users whose order at the split is a tie"}
_LEFT_OUT = {
    "repeats": "events with an item that the user had come to before",
    "shortened": "users with more to find than is kept",
    "undrawn": "users who were not drawn",
}


def listed(run: Run) -> Markup | None:
    """The tables, the chart and the lists; None for a run that has none."""
    told = (run.get("evidence") or {}).get("lists") or {}
    models: Mapping[str, Any] = told.get("models") or {}
    if not models:
        return None
    hues = {str(trial["recipe"]): str(trial.get("hue", "hue-rest")) for trial in run["trials"]}
    return tag(
        "div",
        _measures(models, hues),
        tag("div", _spread(told, models, hues), _audit(told.get("audit") or {}, hues), class_="pair"),
        people(told.get("people") or (), list(models), hues),
    )


def _measures(models: Mapping[str, Any], hues: Hues) -> Markup:
    """A table for each group of users: a row for each measure, a column for each model."""
    groups = [group for group in GROUPS if any(_figures(told, group) for told in models.values())]
    everybody = _rows(models, "all")
    tables = [_group(group, models, hues) for group in groups if group == "all" or _rows(models, group) < everybody]
    kinds = dict.fromkeys(
        name.partition("@")[0] for told in models.values() for group in groups for name in _figures(told, group)
    )
    words = tag(
        "details",
        tag("summary", "What these say"),
        tag("dl", *(_meaning(kind) for kind in kinds if kind in MEASURES), class_="meanings"),
        class_="fold",
    )
    lead = "Every item that a user had not come to is ranked, and none is left out to make it easier; what shares a score takes the last of its places. Below each figure is its 95 % interval over users."
    return _block(
        "measures",
        "Found and shown",
        tag("p", unbroken(lead), class_="aside"),
        *(tag("p", note, class_="aside") for note in unequal(models, "events before the test")),
        tag("div", *tables, class_="groups"),
        words,
    )


def _figures(told: Mapping[str, Any], group: str) -> Mapping[str, Sequence[float]]:
    return ((told.get("groups") or {}).get(group) or {}).get("figures") or {}


def _rows(models: Mapping[str, Any], group: str) -> int:
    return max(
        (int(((told.get("groups") or {}).get(group) or {}).get("rows", 0)) for told in models.values()), default=0
    )


def _group(group: str, models: Mapping[str, Any], hues: Hues) -> Markup:
    many = f"{_rows(models, group):,} users"
    held = {name: _figures(told, group) for name, told in models.items()}
    head = tag("h4", GROUPS[group].capitalize(), tag("small", many))
    return tag("div", head, beside(f"Measures of lists: {GROUPS[group]}, {many}", held, hues), class_="group")


def _meaning(kind: str) -> Markup:
    return tag("div", tag("dt", kind), tag("dd", MEASURES[kind]))


def _spread(told: Mapping[str, Any], models: Mapping[str, Any], hues: Hues) -> Markup | None:
    """How much of all items is shown to anybody, and how popular that is."""
    drawn = {name: each["spread"] for name, each in models.items() if each.get("spread")}
    if not drawn:
        return None
    shown = {name: found[1] for name in drawn if (found := _figures(models[name], "all").get("coverage@10"))}
    keys = recipe_keys([{"recipe": name, "hue": hues.get(name, "hue-rest")} for name in drawn])
    many = f"all {told['items']:,} items" if told.get("items") else "all items"
    words = (
        f"How much of {many} is among the first ten of any of these {_rows(models, 'all'):,} users.",
        "Where these places go, by tenths of the items. At the top the items that had the most events.",
    )
    return _block(
        "spread",
        "Shown to anybody",
        tag("p", words[0], class_="aside") if shown else None,
        coverage_chart(shown, hues) if shown else None,
        tag("p", words[1], class_="aside"),
        spread_chart(drawn, hues),
        tag("ul", *keys, class_="legend"),
    )


def _audit(audit: Mapping[str, Any], hues: Hues) -> Markup | None:
    if not audit:
        return None
    test = audit.get("test") or {}
    pairs = [
        (words, f"{test[name]:,} of {test['rows']:,}")
        for name, words in _COUNTED.items()
        if test.get("rows") and name in test
    ]
    if test.get("items"):
        pairs.append(("items to find that nobody had come to before", f"{test['unknown']:,} of {test['items']:,}"))
    pairs += [(words, f"{test[name]:,}") for name, words in _LEFT_OUT.items() if test.get(name)]
    said = [tag("p", unbroken(words), class_="verdict") for words in verdicts(audit)]
    why = tag("p", audit["why"], class_="aside") if audit.get("why") else None
    return _block("audit", "The audit", *said, _elsewhere(audit, hues), why, facts(pairs) if pairs else None)


def _elsewhere(audit: Mapping[str, Any], hues: Hues) -> Markup | None:
    """The best setting of each family on this split and on another."""
    rows = [
        tag(
            "tr",
            tag(
                "th",
                tag("span", breakable(each["recipe"]), class_=f"inked {hues.get(each['recipe'], '')}"),
                scope="row",
            ),
            _score(each["here"]),
            _score(each["there"]),
        )
        for each in audit.get("families") or ()
    ]
    if not rows:
        return None
    heads = [("best of each family", False), (f"split {audit['split']}", True), (f"split {audit['other']}", True)]
    return table("Families on two splits", heads, rows)


def _score(found: Mapping[str, Any] | None) -> Markup:
    return figure([found["low"], found["value"], found["high"]] if found else None)


def _block(name: str, title: str, *inside: object) -> Markup:
    return tag("div", tag("h3", title), *inside, id=name, class_="block")
