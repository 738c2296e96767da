"""What is said of a search: figures, whether models can be told apart, every query as a bar, and lists side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.report.charts import unbroken
from plimsoll.report.found_chart import gap, gap_chart
from plimsoll.report.found_sides import sides
from plimsoll.report.found_words import MADE, MADE_OF, counted, many, method, named, signed, verdicts
from plimsoll.report.hues import recipe_keys
from plimsoll.report.list_words import unequal
from plimsoll.report.load_line import Run
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.measures import beside
from plimsoll.report.tables import breakable, facts, number, table

Hues = Mapping[str, str]
Told = Mapping[str, Any]
_PICKS = {"all": "all", "win": "better", "loss": "worse", "tie": "the same"}


def found(run: Run) -> Markup | None:
    """The tables, the chart, the box and the lists; None for a run that has none."""
    told: Told = (run.get("evidence") or {}).get("found") or {}
    models: Mapping[str, Any] = told.get("models") or {}
    if not models:
        return None
    hues = {str(trial["recipe"]): str(trial.get("hue", "hue-rest")) for trial in run["trials"]}
    return tag(
        "div",
        tag("p", MADE_OF, class_="verdict") if told.get("made") else None,
        tag("div", _figures(told, models, hues), _apart(told), class_="pair"),
        _queries(told, list(models), hues),
        sides(told, list(models)[:2], hues),
        id="found-all",
    )


def _title(words: str, told: Told) -> Markup:
    """A head; where queries were made, it says so beside whatever stands beneath."""
    return tag("h3", words, tag("small", MADE) if told.get("made") else None)


def _figures(told: Told, models: Mapping[str, Any], hues: Hues) -> Markup:
    """A row for each measure, a column for each model."""
    held = {name: model.get("figures") or {} for name, model in models.items()}
    names = dict.fromkeys(name for figures in held.values() for name in figures)
    made = tag("small", MADE) if told.get("made") else None
    known, asked = told.get("known", 0), told.get("queries", 0)
    of = "" if known == asked else f" of {asked:,}; of the others nothing relevant is known, and they are in no figure"
    what = (
        "Only what a query was made of is relevant" if told.get("made") else "What nobody judged counts as not relevant"
    )
    lead = f"Over {many(known, told)}{of}, each ranked over all {told.get('documents', 0):,} documents. {what}, and what shares a score takes the last of its places. Below each figure is its 95 % interval over queries."
    meanings = (tag("div", tag("dt", name), tag("dd", said)) for name in names if (said := named(name)))
    return tag(
        "div",
        _title("Found", told),
        tag("p", unbroken(lead), class_="aside"),
        *(tag("p", note, class_="aside") for note in unequal(models, "queries that are no test")),
        tag("div", beside(f"Measures over {many(known, told)}", held, hues, made), class_="group"),
        tag("details", tag("summary", "What these say"), tag("dl", *meanings, class_="meanings"), class_="fold"),
        class_="block",
        id="found-figures",
    )


def _apart(told: Told) -> Markup | None:
    """Whether models can be told apart, and what was odd in the judgements."""
    said, odd = verdicts(told), counted(told)
    if not said and not odd:
        return None
    return tag(
        "div",
        _title("Told apart", told) if said else None,
        *(tag("p", unbroken(words), class_="verdict") for words in said),
        tag("p", unbroken(method(told)), class_="aside") if said else None,
        join(tag("h4", "In the queries and judgements", class_="odd"), facts(odd)) if odd else None,
        class_="block",
        id="found-apart",
    )


def _queries(told: Told, models: Sequence[str], hues: Hues) -> Markup | None:
    """The chart, then the box that looks for words, and a table of which some rows may be picked."""
    shown, measure = told.get("asked") or (), str(told.get("measure", ""))
    if not shown:
        return None
    chart = gap_chart(shown, models[:2], measure, hues)
    keys = recipe_keys([{"recipe": name, "hue": hues.get(name, "hue-rest")} for name in models[:2]])
    part = f"{len(shown):,} of {told.get('queries', 0):,} queries: the extremes, and others by chance. "
    lead = f"{part if len(shown) < told.get('queries', 0) else ''}Each bar is a query; it leads to its lists."
    drawn = chart and tag(
        "div",
        tag("div", chart, class_="frame walk", tabindex=0, role="region", aria_label="Every query as a bar"),
        tag("ul", *keys, class_="legend", aria_label="Legend") if len(models) > 1 else None,
        tag("p", class_="told", aria_hidden="true"),
    )
    return tag(
        "div",
        _title("Query by query", told),
        tag("p", lead, class_="aside") if drawn else None,
        drawn,
        _box(len(shown)),
        _picker(shown, models, measure, hues),
        id="queries",
    )


def _box(shown: int) -> Markup:
    """A box that a script brings into sight, for without one it could find nothing."""
    label = tag("label", "Search the queries and what was found", for_="seek")
    box = tag("input", type="search", id="seek", autocomplete="off", spellcheck="false", aria_describedby="sought")
    return tag("div", label, box, tag("output", id="sought", for_="seek"), class_="seek", hidden="", data_many=shown)


def _picker(shown: Sequence[Told], models: Sequence[str], measure: str, hues: Hues) -> Markup:
    """All queries, or those alone where one model is ahead: radio buttons need no script."""
    heads = [
        ("query", False),
        *(
            (tag("span", join(measure, " ", breakable(name)), class_=f"inked {hues.get(name, '')}"), True)
            for name in models
        ),
        *([("difference", True)] if len(models) > 1 else []),
        ("relevant", True),
    ]
    rows = (_row(place, each, models) for place, each in enumerate(shown))
    counts = {pick: sum(pick in ("all", _kind(each, models)) for each in shown) for pick in _PICKS}
    picks = [pick for pick in _PICKS if counts[pick]] if len(models) > 1 else []
    return tag(
        "fieldset",
        tag("legend", "Which queries", class_="unseen"),
        *(
            tag(
                "input",
                type="radio",
                name="of",
                id=f"of-{pick}",
                checked="" if pick == "all" else None,
                class_="unseen",
            )
            for pick in picks
        ),
        tag(
            "div",
            *(tag("label", f"{_PICKS[pick]} {counts[pick]:,}", for_=f"of-{pick}") for pick in picks),
            class_="buttons",
        ),
        table("Every query", heads, rows, class_="sortable"),
        class_="picked",
    )


def _kind(each: Told, models: Sequence[str]) -> str:
    ahead = gap(each, models) if len(models) > 1 else None
    return "none" if ahead is None else "win" if ahead > 0 else "loss" if ahead < 0 else "tie"


def _row(place: int, each: Told, models: Sequence[str]) -> Markup:
    text = tag("bdi", each["text"])
    ahead = gap(each, models)
    return tag(
        "tr",
        tag("th", tag("a", text, href=f"#query-{place}") if each.get("sides") else text, scope="row"),
        *(_worth(each["values"].get(name)) for name in models),
        number("–" if ahead is None else signed(ahead), ahead) if len(models) > 1 else None,
        number(f"{each['due']:,}", each["due"]),
        class_=f"of-{_kind(each, models)}",
        data_query=place,
    )


def _worth(value: float | None) -> Markup:
    return number("–" if value is None else f"{value:.3f}", value)
