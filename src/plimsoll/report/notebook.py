"""What a notebook shows of a run: the choice in a line, and the frontier as a small table in the notebook's own colours."""

from __future__ import annotations

from plimsoll import units
from plimsoll.report.load_line import (
    COSTS_SHOWN,
    Record,
    Run,
    ahead,
    cost_of,
    cost_text,
    depths,
    metric_of,
    score_text,
    settled,
    shown_trial,
)
from plimsoll.report.markup import Markup, tag

_MOST = 12  # rows

# Colours are mixed from that of the notebook's text, so that light and dark themes of any maker are kept to.
_STYLE = """
.plimsoll-run { max-width: 56rem; line-height: 1.45; } .plimsoll-run p { margin: .2em 0 .5em; }
.plimsoll-run table { border-collapse: collapse; border: 0; font-variant-numeric: tabular-nums; margin: .4em 0; }
.plimsoll-run :is(th, td) { padding: .25em .9em .25em 0; text-align: right; white-space: nowrap; background: none; border: 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); font-weight: 400; }
.plimsoll-run :is(th, td):first-child { text-align: left; padding-left: .6em; white-space: normal; overflow-wrap: anywhere; }
.plimsoll-run tr.chosen :is(th, td) { background: color-mix(in srgb, currentColor 9%, transparent); font-weight: 600; }
.plimsoll-run small { opacity: .75; font-weight: 400; }
"""


def html(run: Run) -> str:
    """An HTML fragment for a run, as run.json holds it; names that came from the data are text, never markup."""
    run = settled(run)
    trial = shown_trial(run)
    rows = ahead(run)[:_MOST]
    heads = ("recipe", metric_of(run), *COSTS_SHOWN)
    table = tag(
        "table",
        tag("thead", tag("tr", *(tag("th", words, scope="col") for words in heads))),
        tag("tbody", *(_row(each, run) for each in rows)),
    )
    return tag(
        "div",
        tag("style", Markup(_STYLE)),
        tag("p", *_choice(run, trial)),
        table if rows else None,
        tag("p", tag("small", _counts(run))),
        class_="plimsoll-run",
    )


def _choice(run: Run, trial: Record | None) -> list[object]:
    room = "; ".join(f"{depth.text}: {depth.shown}, {depth.room}" for depth in depths(run, trial)) if trial else ""
    line = [tag("br"), tag("small", room)] if room else []
    if trial is None or trial["id"] != run.get("chosen"):
        nearest = f". Nearest: {trial['recipe']} {trial['id']}" if trial else ""
        return [tag("b", "Nothing fits"), nearest, *line]
    value, interval = score_text(run.get("test") or trial.get("score"))
    rows = f" on {run['test']['rows']:,} test rows" if (run.get("test") or {}).get("rows") else ""
    within = f" ({interval})" if interval else ""
    return [tag("b", trial["recipe"]), f" {trial['id']}, {metric_of(run)} {value}{within}{rows}", *line]


def _row(trial: Record, run: Run) -> Markup:
    chosen = trial["id"] == run.get("chosen")
    value, interval = score_text(trial["score"])
    name = tag("th", "▸ " if chosen else "", trial["recipe"], " ", tag("small", trial["id"]), scope="row")
    costs = (tag("td", cost_text(cost, cost_of(trial, cost))) for cost in COSTS_SHOWN)
    return tag("tr", name, tag("td", value, " ", tag("small", interval)), *costs, class_="chosen" if chosen else None)


def _counts(run: Run) -> str:
    took = f" in {units.show(run['elapsed'], units.TIME)}" if run.get("elapsed") else ""
    trials, warnings = len(run["trials"]), len(run.get("warnings") or ())
    return f"{trials} trial{'s' * (trials != 1)}{took}, {warnings} warning{'s' * (warnings != 1)}."
