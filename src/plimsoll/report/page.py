"""The report as one HTML file that needs no network, reads without scripts, and prints."""

from __future__ import annotations

import base64
import hashlib
import string
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from plimsoll import units
from plimsoll.report.charts import loads, mark, unbroken
from plimsoll.report.decoding import decoding
from plimsoll.report.forecast import verdict_text
from plimsoll.report.forecast_chart import forecasts
from plimsoll.report.found import found
from plimsoll.report.found_words import rows_word
from plimsoll.report.frontier_chart import TITLES, frontier_chart
from plimsoll.report.hues import legend, painted
from plimsoll.report.listed import listed
from plimsoll.report.load_line import (
    COSTS_SHOWN,
    Record,
    Run,
    cost_text,
    depths,
    metric_of,
    score_text,
    settled,
    shown_trial,
)
from plimsoll.report.markup import Markup, embedded, escape, join, tag
from plimsoll.report.quality import quality
from plimsoll.report.ruled_out import ruled_out
from plimsoll.report.tables import facts, trial_card, trials_table
from plimsoll.report.timeline import spent_text
from plimsoll.report.timeline_chart import timeline_chart


def write(run: Run, path: Path) -> None:
    """Writes the page that ``render`` makes."""
    path.write_text(render(run), encoding="utf-8")


def render(run: Run) -> str:
    """One HTML file for a run, as run.json holds it, with its ``evidence``.

    Any part of the evidence may be absent. Names that came from the data are text, never markup; the page's policy
    allows its own script and its own style by their hashes, and nothing else.
    """
    run = painted(settled(run))
    style, script = _own("page.css"), _own("page.js")
    trial = shown_trial(run)
    sections = (
        _headline(run, trial),
        _frontier(run, trial),
        _trials(run),
        _decoding(run),
        _lists(run),
        _found(run),
        _quality(run),
        _forecast(run),
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
    verbs = {"moments": "decode", "lists": "recommend", "documents": "search by"}
    verb = next((said for part, said in verbs.items() if job.get(part)), "predict")
    words = [f"{verb} {job['predict']}"] if job.get("predict") else []
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
    kicker = f"Chosen · {trial['id']}" if trial and chosen else "Outcome"
    title = tag("p", kicker, class_="kicker"), tag("h1", name)
    words = tag("div", *title, *lines, tag("p", run["why"], class_="why") if run.get("why") else None)
    gauges = loads(depths(run, trial)) if trial and run.get("limits") else None
    return tag("section", words, gauges, _contents(run), id="headline", class_="headline", aria_label="The choice")


def _score(run: Run, trial: Record) -> Markup:
    score = run.get("test") or trial.get("score")
    value, interval = score_text(score)
    test = run.get("test") or {}
    where = (
        f"on {test['rows']:,} {rows_word(run)}"
        if test.get("rows")
        else ""
        if test
        else "on validation rows, not on a test"
    )
    rest = " ".join(words for words in (metric_of(run), f"({interval})" if interval else "", where) if words)
    return tag("p", tag("strong", value), " ", rest, class_="score")


def _contents(run: Run) -> Markup:
    """The way to each section, with what is in it."""
    trials, warnings = len(run["trials"]), len(run.get("warnings") or ())
    places = [
        ("trials", f"{trials} trial{'s' * (trials != 1)}"),
        ("decoding", "As a decoder" if decoding(run) else ""),
        ("lists", "Its lists" if listed(run) else ""),
        ("found", "What it finds" if found(run) else ""),
        ("evidence", "Evidence" if quality(run) else ""),
        ("forecast", "Predicted and measured" if forecasts(run) else ""),
        ("timeline", f"Time {units.show(run['elapsed'], units.TIME)}" if run.get("elapsed") else ""),
        ("warnings", f"{warnings} warning{'s' * (warnings != 1)}" if warnings else ""),
        ("reproduce", "How to reproduce" if run.get("reproduce") else ""),
    ]
    links = (tag("a", words, href=f"#{place}") for place, words in places if words)
    return tag("nav", *links, class_="contents", aria_label="On this page")


def _frontier(run: Run, trial: Record | None) -> Markup:
    """The charts of all costs, of which radio buttons show one: no script is needed to change it."""
    charts = {cost: chart for cost in COSTS_SHOWN if (chart := frontier_chart(run, cost)) is not None}
    if not charts:
        nothing = "No trial was scored and measured, so there is no frontier to draw."
        return _section("frontier", "The frontier", tag("p", nothing, class_="empty"))
    limited = [limit["name"] for limit in run.get("limits") or () if limit["name"] in charts]
    first = "p99" if "p99" in limited else (limited or list(charts))[0]
    figures = tag(
        "div",
        *(tag("figure", chart, id=f"chart-{cost}", class_="walk") for cost, chart in charts.items()),
        legend(run),
        class_="figures",
    )
    card = trial_card(run, trial or run["trials"][0])
    panel = tag(
        "div", *_card(card), class_=f"card {card['hue']}", id="card", data_trial=(trial or run["trials"][0])["id"]
    )
    picker = tag(
        "fieldset",
        tag("legend", f"{metric_of(run)} against", class_="unseen"),
        *(_choice(cost, cost == first) for cost in charts),
        tag("div", *(tag("label", cost, for_=f"cost-{cost}", title=TITLES[cost]) for cost in charts), class_="buttons"),
        figures,
        tag("aside", panel, class_="side", aria_label="The trial pointed at"),
        class_="picker",
    )
    lead = (
        "Up and to the left is better. The line joins the best score to be had at each cost; bars are 95 % intervals."
    )
    return _section("frontier", "The frontier", picker, lead=lead)


def _choice(cost: str, checked: bool) -> Markup:
    return tag("input", type="radio", name="cost", id=f"cost-{cost}", checked="" if checked else None, class_="unseen")


def _card(card: Mapping[str, Any]) -> list[Markup]:
    rows = facts((name, value) for name, value in card["rows"])
    words = [(card["note"], "note"), (card["why"], "reason")]
    said = [tag("p", text, class_=kind) for text, kind in words]
    return [tag("h3", card["recipe"]), *said, rows, tag("p", card["knobs"], class_="knobs")]


def _trials(run: Run) -> Markup:
    total = len(run["trials"])
    if not total:
        return _section("trials", "Trials", tag("p", "No trial was run.", class_="empty"))
    out = sum(trial["status"] == "ruled_out" for trial in run["trials"])
    fit = sum(trial["status"] == "fits" for trial in run["trials"])
    counts = [(fit, "fit"), (total - fit - out, "ran and did not"), (out, "ruled out before training")]
    said = ", ".join(f"{count} {words}" for count, words in counts if count)
    guess = " A figure after ~ is predicted." if any(trial.get("predicted") for trial in run["trials"]) else ""
    table = trials_table(run) if total > out else None
    lead = f"{total} in all: {said}. The best that fit come first.{guess}"
    return _section("trials", "Trials", table, ruled_out(run), lead=lead)


def _quality(run: Run) -> Markup | None:
    found = quality(run)
    lead = "On test rows, which were never used to choose."
    return None if found is None else _section("evidence", "Evidence", found, lead=lead)


def _decoding(run: Run) -> Markup | None:
    found = decoding(run)
    lead = "What depends on who is held out, and what a stream of answers comes to as events."
    return None if found is None else _section("decoding", "As a decoder", found, lead=lead)


def _lists(run: Run) -> Markup | None:
    found = listed(run)
    lead = "What users of the test were shown, held against what they came to next."
    return None if found is None else _section("lists", "Its lists", found, lead=lead)


def _found(run: Run) -> Markup | None:
    shown = found(run)
    lead = "Queries of the test, which were never used to choose, held against what people judged to be relevant."
    made = "Queries of the test, which were never used to choose, held against the documents that they were made of."
    told = (run.get("evidence") or {}).get("found") or {}
    return None if shown is None else _section("found", "What it finds", shown, lead=made if told.get("made") else lead)


def _forecast(run: Run) -> Markup | None:
    found = forecasts(run)
    lead = "Each bar is the interval that was printed before; where it crosses the diagonal, the forecast held."
    said = f"{verdict_text(run)} {lead}".lstrip()
    return None if found is None else _section("forecast", "Predicted and measured", found, lead=unbroken(said))


def _timeline(run: Run) -> Markup:
    drawn = timeline_chart(run)
    parts = f": {spent_text(run)}" if drawn else ""
    elapsed = f"The run took {units.show(run['elapsed'], units.TIME)}{parts}." if run.get("elapsed") else None
    nothing = None if drawn else tag("p", "No trial was trained.", class_="empty")
    return _section("timeline", "Where the time went", drawn, nothing, lead=elapsed and unbroken(elapsed))


def _warnings(run: Run) -> Markup:
    warnings = run.get("warnings") or []
    inside = (
        tag("ul", *(tag("li", str(warning)) for warning in warnings), class_="warnings")
        if warnings
        else tag("p", "Nothing to warn of.", class_="empty")
    )
    return _section("warnings", "What the data's checks said", inside)


def _reproduce(run: Run) -> Markup | None:
    lines = run.get("reproduce") or []
    text = lines if isinstance(lines, str) else "\n".join(str(line) for line in lines)
    machine = [(str(name), _of_machine(str(name), value)) for name, value in (run.get("machine") or {}).items()]
    code = tag("pre", tag("code", text), tabindex=0, aria_label="Commands and versions") if text else None
    if not text and not machine:
        return None
    return _section("reproduce", "How to reproduce", code, facts(machine) if machine else None)


def _of_machine(name: str, value: object) -> str:
    return cost_text("memory", value) if name == "memory" and isinstance(value, int | float) else str(value)
