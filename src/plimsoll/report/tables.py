"""The tables of the page, complete without a script: trials, classes, slices, knobs of one trial."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plimsoll.report.load_line import (
    COSTS_SHOWN,
    STATUS,
    Record,
    Run,
    cost_of,
    cost_text,
    higher_is_better,
    knobs_text,
    metric_of,
    score_text,
)
from plimsoll.report.markup import Markup, join, tag

_ORDER = {"fits": 0, "breaches": 1, "killed": 2, "failed": 3}


def table(caption: str, heads: Iterable[tuple[str, bool]], rows: Iterable[Markup], **attributes: object) -> Markup:
    """Heads are (words, whether the column holds numbers). It scrolls sideways in a frame that the keyboard reaches."""
    cells = [tag("th", words, scope="col", class_="number" if number else None) for words, number in heads]
    inside = tag("caption", caption, class_="unseen"), tag("thead", tag("tr", *cells)), tag("tbody", *rows)
    return tag(
        "div", tag("table", *inside, **attributes), class_="frame", tabindex=0, role="region", aria_label=caption
    )


def number(words: object, sort: float | None = None) -> Markup:
    """A cell to the right, with the figure that it is sorted by."""
    return tag("td", words, class_="number", data_sort="" if sort is None else float(sort))


def trials_table(run: Run) -> Markup:
    """Every trial that ran or was stopped; the best of those that fit come first."""
    higher = higher_is_better(metric_of(run))
    ran = [trial for trial in run["trials"] if trial["status"] != "ruled_out"]
    rows = sorted(ran, key=lambda trial: (_ORDER.get(trial["status"], 9), _worse(trial, higher)))
    heads = [
        ("recipe", False),
        ("status", False),
        (metric_of(run), True),
        *((cost, True) for cost in COSTS_SHOWN),
    ]
    return table("All trials", heads, (_trial(trial, run) for trial in rows), class_="sortable")


def _worse(trial: Record, higher: bool) -> float:
    score = trial.get("score")
    return math.inf if not score else -score["value"] if higher else score["value"]


def _trial(trial: Record, run: Run) -> Markup:
    chosen = trial["id"] == run.get("chosen")
    value, interval = score_text(trial.get("score"))
    knobs = knobs_text(trial)
    return tag(
        "tr",
        tag(
            "th",
            breakable(str(trial["recipe"])),
            tag("span", " chosen", class_="flag") if chosen else None,
            tag(
                "small",
                " · ".join(words for words in (str(trial["id"]), str(trial.get("stage") or ""), knobs) if words),
            ),
            scope="row",
        ),
        tag(
            "td",
            tag("span", STATUS.get(trial["status"], trial["status"]), class_=f"status {trial['status']}"),
            tag("small", reason(trial)),
            data_sort=_ORDER.get(trial["status"], 9),
        ),
        number(join(value, tag("small", interval)), (trial.get("score") or {}).get("value")),
        *(_cost(trial, cost) for cost in COSTS_SHOWN),
        class_=f"{'chosen' if chosen else trial['status']} {trial['hue']}",
        data_trial=trial["id"],
    )


def breakable(name: str) -> Markup:
    """A name that a narrow column breaks after an underscore rather than in the middle of a word.

    >>> breakable("a_b")
    'a_<wbr>b'
    """
    first, *rest = name.split("_")
    return join(first, *(join("_", tag("wbr"), part) for part in rest))


def _cost(trial: Record, cost: str) -> Markup:
    """What was measured, or else what was predicted, with a mark that says so."""
    if (found := cost_of(trial, cost)) is not None:
        return number(cost_text(cost, found), found)
    guess = cost_of(trial, cost, predicted=True)
    return number(
        "–" if guess is None else tag("i", f"~ {cost_text(cost, guess)}", title="predicted, not measured"), guess
    )


def reason(trial: Record) -> str:
    """Why a trial ended as it did, what part of the rows it saw, and its notes."""
    why = trial.get("why") or "; ".join(trial.get("breaches") or ())
    share = trial.get("share", 1.0)
    part = f"saw {share:.0%} of the rows".replace("%", " %") if share < 1 else ""
    return " · ".join(words for words in (why, part, *(trial.get("notes") or ())) if words)


def classes_table(rows: Sequence[Mapping[str, Any]]) -> Markup:
    heads = [("class", False), ("precision", True), ("recall", True), ("F1", True), ("rows", True)]
    return table("Each class on the test rows", heads, (_class(row) for row in rows), class_="sortable")


def _class(row: Mapping[str, Any]) -> Markup:
    shares = [_share(row.get(name)) for name in ("precision", "recall", "f1")]
    return tag("tr", tag("th", str(row["class"]), scope="row"), *shares, number(f"{row['support']:,}", row["support"]))


def _share(value: float | None) -> Markup:
    """A figure with a bar under it, so that a weak class is seen before it is read."""
    if value is None:
        return number("–")
    return number(join(f"{value:.3f}", _bar(value)), value)


def _bar(value: float) -> Markup:
    width = 60 * min(max(value, 0.0), 1.0)
    inside = tag("rect", width=60, height=3, class_="rest"), tag("rect", width=float(width), height=3, class_="part")
    return tag("svg", *inside, viewBox="0 0 60 3", class_="spark", aria_hidden="true")


def slices_table(rows: Sequence[Mapping[str, Any]], metric: str) -> Markup:
    heads = [("slice", False), (metric, True), ("against all", True), ("rows", True)]
    return table("The weakest slices of the test rows", heads, (_slice(row) for row in rows), class_="sortable")


def _slice(row: Mapping[str, Any]) -> Markup:
    gap, digits = row["score"] - row["overall"], _digits(row["overall"])
    return tag(
        "tr",
        tag("th", str(row["column"]), " = ", str(row["value"]), scope="row"),
        number(f"{row['score']:,.{digits}f}", row["score"]),
        number(f"{gap:+,.{digits}f}".replace("-", "−"), gap),
        number(f"{row['rows']:,}", row["rows"]),
    )


def _digits(value: float) -> int:
    """Decimals that show three figures of a number, so that a column of such numbers stays in line."""
    return min(max(2 - math.floor(math.log10(abs(value))), 0), 6) if value else 3


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """Names and values side by side."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")


def trial_card(run: Run, trial: Record) -> dict[str, Any]:
    """All that the panel beside the chart says of one trial, as text."""
    value, interval = score_text(trial.get("score"))
    names = [
        *COSTS_SHOWN,
        *(
            name
            for name in ("cold_start", "train_memory", "cpu", "energy", "carbon")
            if name in (trial.get("measured") or {})
        ),
    ]
    return {
        "recipe": trial["recipe"],
        "note": f"{trial['id']} · {'chosen' if trial['id'] == run.get('chosen') else STATUS.get(trial['status'], trial['status'])}",
        "why": reason(trial),
        "rows": [
            [metric_of(run), f"{value}  ({interval})" if interval else value],
            *([name, _card_cost(trial, name)] for name in names),
        ],
        "knobs": knobs_text(trial),
        "hue": trial["hue"],
    }


def _card_cost(trial: Record, name: str) -> str:
    figure = (trial.get("measured") or {}).get(name)
    if figure is not None:
        return cost_text(name, figure)
    guess = cost_of(trial, name, predicted=True)
    return "–" if guess is None else f"~ {cost_text(name, guess)} predicted"
