"""The report as one HTML file that needs no network, reads without scripts, and prints."""

from __future__ import annotations

import base64
import hashlib
import re
import string
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from plimsoll import units
from plimsoll.report.charts import gauge, histogram, mark, reliability, timeline
from plimsoll.report.frontier_chart import frontier_chart
from plimsoll.report.load_line import Depth, Record, Run, depths, metric_of, score_text, settled, shown_trial
from plimsoll.report.markup import Markup, embedded, escape, join, tag
from plimsoll.report.tables import COSTS_SHOWN, classes_table, facts, slices_table, trial_card, trials_table


def write(run: Run, path: Path) -> None:
    """Writes the page that ``render`` makes."""
    path.write_text(render(run), encoding="utf-8")


def render(run: Run) -> str:
    """One HTML file for a run, as run.json holds it, with its ``evidence``.

    Any part of the evidence may be absent. Names that came from the data are text, never markup; the page's policy
    allows its own script and its own style by their hashes, and nothing else.
    """
    run = settled(run)
    style, script = _own("page.css"), _own("page.js")
    trial = shown_trial(run)
    sections = (
        _headline(run, trial),
        _frontier(run, trial),
        _trials(run),
        _quality(run),
        _timeline(run),
        _warnings(run),
        _reproduce(run),
    )
    return string.Template(_own("page.html")).substitute(
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
        title=escape(f"{(run.get('job') or {}).get('predict', 'run')} · Plimsoll"),
        style=style,
        script=script,
        mark=mark(),
        job=_job(run),
        sections=join(*sections),
        cards=embedded({each["id"]: trial_card(run, each) for each in run["trials"]}),
    )


def _own(name: str) -> str:
    return resources.files("plimsoll.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _section(name: str, title: str, *inside: object, lead: object = None) -> Markup:
    head = tag("h2", title, id=f"{name}-title")
    return tag(
        "section",
        head,
        tag("p", lead, class_="lead") if lead else None,
        *inside,
        id=name,
        aria_labelledby=f"{name}-title",
    )


def _job(run: Run) -> Markup:
    job = run.get("job") or {}
    words = [f"predict {job['predict']}"] if job.get("predict") else []
    words += [str(job[key]) for key in ("task",) if job.get(key)]
    words += [f"split {job['split']}"] if job.get("split") else []
    return join(" · ".join(words))


def _headline(run: Run, trial: Record | None) -> Markup:
    """What was chosen, how good it is, and how deep it sits."""
    chosen = trial is not None and trial["id"] == run.get("chosen")
    name = trial["recipe"] if trial and chosen else "Nothing fits"
    lines = (
        [_score(run, trial)]
        if trial and chosen
        else [tag("p", f"Nearest: {trial['recipe']} {trial['id']}", class_="score")]
        if trial
        else []
    )
    title = tag("p", "Chosen" if chosen else "Outcome", class_="kicker"), tag("h1", name)
    words = tag("div", *title, *lines, tag("p", run["why"], class_="why") if run.get("why") else None)
    gauges = (
        tag("ul", *(_gauge(depth) for depth in depths(run, trial)), class_="gauges")
        if trial and run.get("limits")
        else None
    )
    return tag("section", words, gauges, id="headline", class_="headline", aria_label="The choice")


def _score(run: Run, trial: Record) -> Markup:
    score = run.get("test") or trial.get("score")
    value, interval = score_text(score)
    where = f"on {run['test']['rows']:,} test rows" if (run.get("test") or {}).get("rows") else ""
    rest = " ".join(words for words in (metric_of(run), f"({interval})" if interval else "", where) if words)
    return tag("p", tag("strong", value), " ", rest, class_="score")


def _gauge(depth: Depth) -> Markup:
    words = (
        tag("span", depth.text, class_="limit"),
        tag("b", _unbroken(depth.shown)),
        tag("span", _unbroken(depth.room), class_="room"),
    )
    return tag("li", gauge(depth), tag("div", *words), class_="kept" if depth.kept else "over")


def _unbroken(words: str) -> str:
    """A number and its unit stay on one line."""
    return re.sub(r"(?<=\d) (?=%|\w{1,3}\b(?<!to))", "\u00a0", words)


def _frontier(run: Run, trial: Record | None) -> Markup:
    """The charts of all costs, of which radio buttons show one: no script is needed to change it."""
    charts = [(cost, chart) for cost in COSTS_SHOWN if (chart := frontier_chart(run, cost)) is not None]
    if not charts:
        return _section(
            "frontier", "The frontier", lead="No trial was scored and measured, so there is no frontier to draw."
        )
    limited = [cost for cost, _ in charts if any(limit["name"] == cost for limit in run.get("limits") or ())]
    first = next((cost for cost in ("p99", *limited) if cost in limited), charts[0][0])
    choices = [
        tag(
            "input",
            type="radio",
            name="cost",
            id=f"cost-{cost}",
            checked="" if cost == first else None,
            class_="unseen",
        )
        for cost, _ in charts
    ]
    buttons = tag("div", *(tag("label", cost, for_=f"cost-{cost}") for cost, _ in charts), class_="buttons")
    figures = tag("div", *(tag("figure", chart, id=f"chart-{cost}") for cost, chart in charts), class_="figures")
    shown = trial or run["trials"][0]
    card = tag(
        "aside", _card(trial_card(run, shown)), class_="card", id="card", aria_live="polite", data_trial=shown["id"]
    )
    picker = tag(
        "fieldset",
        tag("legend", f"{metric_of(run)} against", class_="unseen"),
        *choices,
        buttons,
        figures,
        card,
        class_="picker",
    )
    lead = (
        "Up and to the left is better. The line joins the best score to be had at each cost; hollow marks do not fit."
    )
    return _section("frontier", "The frontier", picker, lead=lead)


def _card(card: Mapping[str, Any]) -> Markup:
    rows = facts((name, value) for name, value in card["rows"])
    return join(
        tag("h3", card["recipe"]), tag("p", card["note"], class_="note"), tag("p", card["why"], class_="reason"), rows
    )


def _trials(run: Run) -> Markup:
    total = len(run["trials"])
    out = sum(trial["status"] == "ruled_out" for trial in run["trials"])
    fit = sum(trial["status"] == "fits" for trial in run["trials"])
    lead = f"{total} in all: {fit} fit, {total - fit - out} ran and did not, {out} were ruled out before training. A figure after ~ is predicted."
    return _section("trials", "Trials", trials_table(run), lead=lead)


def _quality(run: Run) -> Markup:
    """Whatever evidence there is of how the chosen model answers."""
    evidence = run.get("evidence") or {}
    parts = [
        _block("classes", "Each class", classes_table(evidence["per_class"])) if evidence.get("per_class") else None,
        _block("slices", "Weakest slices", slices_table(evidence["slices"], metric_of(run)))
        if evidence.get("slices")
        else None,
        _calibration(evidence) if evidence.get("calibration") else None,
        _coverage(evidence) if evidence.get("coverage") or evidence.get("residuals") else None,
    ]
    if not any(parts):
        return join()
    return _section(
        "evidence", "Evidence", tag("div", *parts, class_="pair"), lead="On test rows, which were never used to choose."
    )


def _block(name: str, title: str, *inside: object) -> Markup:
    return tag("div", tag("h3", title), *inside, id=name, class_="block")


def _calibration(evidence: Mapping[str, Any]) -> Markup:
    error = evidence.get("calibration_error")
    words = "On the diagonal, a probability means what it says. The larger a point, the more rows."
    measured = f"Expected calibration error {error:.3f}. " if error is not None else ""
    return _block(
        "calibration", "Calibration", tag("p", measured, words, class_="aside"), reliability(evidence["calibration"])
    )


def _coverage(evidence: Mapping[str, Any]) -> Markup:
    coverage, residuals = evidence.get("coverage") or {}, evidence.get("residuals") or {}
    parts: list[object] = []
    if coverage:
        stated, held = (f"{100 * coverage[name]:.3g} %" for name in ("stated", "observed"))
        reach = f" They reach {coverage['radius']:.4g} to either side." if coverage.get("radius") is not None else ""
        words = f"Intervals that promise to hold {stated} of the answers held {held} on test rows.{reach}"
        parts.append(tag("p", words, class_="aside"))
    if residuals.get("counts") and len(residuals.get("edges") or ()) > 1:
        parts.append(histogram(residuals["edges"], residuals["counts"], coverage.get("radius")))
    return _block("coverage", "Coverage of the intervals", *parts)


def _timeline(run: Run) -> Markup:
    elapsed = f"The run took {units.show(run['elapsed'], units.TIME)}. " if run.get("elapsed") else ""
    drawn = timeline(run)
    chart = tag("div", drawn, class_="frame", tabindex=0, role="region", aria_label="Timeline") if drawn else None
    return _section("timeline", "Where the time went", chart, lead=elapsed + ("" if chart else "No trial was trained."))


def _warnings(run: Run) -> Markup:
    warnings = run.get("warnings") or []
    inside = (
        tag("ul", *(tag("li", str(warning)) for warning in warnings), class_="warnings")
        if warnings
        else tag("p", "Nothing to warn of.")
    )
    return _section("warnings", "What the data's checks said", inside)


def _reproduce(run: Run) -> Markup:
    lines = run.get("reproduce") or []
    text = lines if isinstance(lines, str) else "\n".join(str(line) for line in lines)
    machine = facts((str(name), str(value)) for name, value in (run.get("machine") or {}).items())
    return _section(
        "reproduce",
        "How to reproduce",
        tag("pre", tag("code", text), tabindex=0, aria_label="Commands and versions") if text else None,
        machine,
    )
