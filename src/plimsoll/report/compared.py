"""A comparison as one HTML page that needs no network and no script: the table, who is told apart, and every unit."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from plimsoll import units
from plimsoll.compare_text import bounds, figure, head, p_text, verdict
from plimsoll.report.charts import mark
from plimsoll.report.compared_charts import diagram, drawn_units, unit_chart, versus
from plimsoll.report.hues import dot, key
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.tables import facts

Record = Mapping[str, Any]
_HUES = 6  # colours that can be told apart
_COSTS = {"p50": units.TIME, "p99": units.TIME, "memory": units.BYTES, "size": units.BYTES}


def render(record: Record) -> str:
    """The page of a comparison, as compare.json holds it. Names from the data are text, never markup."""
    names = [row["name"] for row in record["table"]]
    hues = {name: f"hue-{k}" if k < _HUES else "hue-rest" for k, name in enumerate(names)}
    predicted = record["job"]["predict"]
    meta = (
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{predicted}, compared · Plimsoll"),
        tag("style", _style()),
    )
    header = tag("header", mark(), tag("span", "Plimsoll", class_="house"), tag("span", _job(record), class_="job"))
    sections = (
        _headline(record),
        _ranks(record, hues),
        _table(record, hues),
        _pairs(record),
        _units(record, hues),
        _settings(record),
        _notes(record),
        _reproduce(record),
    )
    body = tag("body", header, tag("main", *sections))
    return str(Markup("<!doctype html>") + tag("html", tag("head", *meta), body, lang="en"))


@cache
def _style() -> Markup:
    place = resources.files("plimsoll.report")
    return Markup("".join(place.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "compared.css")))


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _section(name: str, title: str, *inside: object, lead: object = None) -> Markup:
    head_ = tag("h2", title, id=f"{name}-title")
    said = tag("p", lead, class_="lead") if lead else None
    return tag("section", head_, said, *inside, id=name, aria_labelledby=f"{name}-title")


def _job(record: Record) -> str:
    job = record["job"]
    return f"{'decode' if 'moments' in job else 'predict'} {job['predict']} · {job['task']} · split {job['split']}"


def _headline(record: Record) -> Markup:
    first = record["table"][0]
    kicker = "Best mean rank so far" if record["stopped"] else "Best mean rank"
    score = tag(
        "p",
        tag("strong", figure(first["mean"], record["metric"])),
        f" mean {record['metric']}, worst {figure(first['worst']['score'], record['metric'])} ({first['worst']['unit']})",
        class_="score",
    )
    said = tag("p", verdict(record), class_="why"), tag("p", head(record), class_="why soft-why")
    words = tag("p", kicker, class_="kicker"), tag("h1", first["name"]), score, *said
    return tag("section", *words, id="headline", class_="headline", aria_label="What it comes to")


def _ranks(record: Record, hues: Mapping[str, str]) -> Markup:
    found = record["contest"]["friedman"]
    over_all = f" Friedman's test that all rank alike: p {p_text(found['p'])}." if found else ""
    lead = (
        f"Mean rank over {len(record['compared'])} units; 1 is the best. A bar joins approaches that are not told apart: "
        f"signed ranks of every pair, corrected by Holm, at 5 %.{over_all}"
    )
    return _section("ranks", "Who is told apart", tag("div", diagram(record, hues), class_="frame"), lead=lead)


def _table(record: Record, hues: Mapping[str, str]) -> Markup:
    metric = record["metric"]
    heads = ["approach", "rank", f"{metric}, mean", "worst", "± seeds", *_COSTS, "tuning", "trials", "last fit"]
    rows = [_row(row, hues[row["name"]], metric) for row in record["table"]]
    rows += [_lost(name, why, len(heads)) for name, why in record["failed"].items()]
    lead = (
        "The mean over units of each unit's mean over seeds; the worst unit; how far the mean moves from seed to seed "
        "(standard deviation). p50, p99, memory and size are measured on one model as it would be served; times are of one tuning."
    )
    return _section("table", "Scores and costs", _framed(heads, rows), lead=lead)


def _framed(heads: Sequence[str], rows: Sequence[Markup]) -> Markup:
    cells = (tag("th", name, scope="col", class_="number" if place else None) for place, name in enumerate(heads))
    return tag("div", tag("table", tag("thead", tag("tr", *cells)), tag("tbody", *rows)), class_="frame", tabindex=0)


def _row(row: Record, hue: str, metric: str) -> Markup:
    worst = join(figure(row["worst"]["score"], metric), tag("small", row["worst"]["unit"]))
    scores = f"{row['rank']:.2f}", figure(row["mean"], metric), worst, figure(row["spread"], metric)
    costs = [_cost(row, name) for name in _COSTS]
    spent = units.show(row["tuning"], units.TIME), f"{row['tried']:.3g}", units.show(row["refit"], units.TIME)
    name = tag("th", tag("span", class_=f"swatch {hue}"), _name(row["name"]), scope="row")
    return tag("tr", name, *(tag("td", cell, class_="number") for cell in (*scores, *costs, *spent)))


def _name(name: str) -> Markup:
    """An approach's name, with what is fixed of it on a line of its own."""
    recipe, _, fixed = name.partition(":")
    return join(recipe, tag("small", fixed.replace(",", ", ")) if fixed else None)


def _cost(row: Record, name: str) -> object:
    found = row["measured"].get(name)
    if found is None:
        return "–"
    over = next((breach for breach in row["breaches"] if breach.startswith(f"{name} ")), None)
    return join(units.show(found, _COSTS[name]), tag("small", f"over {over.partition(':')[0]}") if over else None)


def _lost(name: str, why: str, wide: int) -> Markup:
    return tag(
        "tr", tag("th", name, scope="row"), tag("td", f"In no test: it {why}.", colspan=wide - 1), class_="failed"
    )


def _pairs(record: Record) -> Markup:
    pairs, metric = record["contest"]["pairs"], record["metric"]
    reach = max([abs(v) for p in pairs for v in (p["difference"], p["low"], p["high"]) if v is not None]) or 1.0
    heads = ["pair", "better by", "", "won–lost", "p", "p, Holm", "r", "d_z", "at 5 %"]
    lead = (
        "Differences are of paired units, in favour of the first, with bounds at 95 %. Those are of typical values (Hartigan 1969), p of Wilcoxon's "
        "signed ranks, r their rank-biserial correlation, d_z the mean in standard deviations of the differences."
    )
    rows = [_pair(pair, reach, metric) for pair in pairs]
    return _section("pairs", "Pair by pair", _framed(heads, rows), lead=lead)


def _pair(pair: Record, reach: float, metric: str) -> Markup:
    size = "–" if pair["d_z"] is None else f"{pair['d_z']:.2f}"
    told = tag("span", "told apart", class_="told-apart") if pair["apart"] else tag("span", "not told apart", class_="not-apart")  # fmt: skip
    cells = (
        join(figure(pair["difference"], metric, True), tag("small", bounds(pair, metric))),
        versus(pair, reach, metric),
        join(f"{pair['wins']}–{pair['losses']}", tag("small", f"{pair['ties']} tied") if pair["ties"] else None),
        p_text(pair["p"]),
        p_text(pair["adjusted"]),
        f"{pair['rank_biserial']:.2f}",
        size,
        told,
    )
    name = tag("th", pair["one"], tag("small", f"over {pair['other']}"), scope="row")
    return tag("tr", name, *(tag("td", cell, class_="number") for cell in cells))


def _units(record: Record, hues: Mapping[str, str]) -> Markup:
    keys = tag(
        "ul", *(key(dot(13, 10, 5, False), f"whole {hue}", name) for name, hue in hues.items()), class_="legend", aria_label="Legend"
    )  # fmt: skip
    left = drawn_units(record)
    more = f" The last {left} are not drawn." if left else ""
    lead = f"One line for each unit ({record['unit']}), by the score of {record['table'][0]['name']}; a dot is the mean over seeds, and the stroke through it spans them.{more}"
    return _section("units", "Unit by unit", keys, tag("div", unit_chart(record, hues), class_="frame"), lead=lead)


def _settings(record: Record) -> Markup:
    blocks = (_block(record, row["name"]) for row in record["table"])
    rounds = len(record["rounds"])
    lead = f"What each tuning chose, over {rounds} round{'s' * (rounds != 1)}: {record['budget']['text']} for each, on rows to learn from alone."
    return _section("settings", "Settings that were chosen", tag("div", *blocks, class_="settings"), lead=lead)


def _block(record: Record, name: str) -> Markup:
    """How often each value of each knob was chosen."""
    chosen = [bout["chosen"]["knobs"] for bout in record["bouts"] if bout["approach"] == name and bout["chosen"]]
    fixed = next(each["fixed"] for each in record["approaches"] if each["name"] == name)
    knobs = {knob: Counter(str(setting[knob]) for setting in chosen) for knob in (chosen[0] if chosen else {})}
    rows = [(knob, f"{fixed[knob]}, fixed" if knob in fixed else _counted(values)) for knob, values in knobs.items()]
    inside = facts(rows) if rows else tag("p", "It has no knobs.", class_="empty")
    return tag("div", tag("h3", name), inside)


def _counted(values: Counter[str]) -> str:
    if len(values) == 1:
        return next(iter(values))
    return ", ".join(f"{value} ×{count}" for value, count in values.most_common())


def _notes(record: Record) -> Markup:
    said = [*record["notes"], *record["warnings"]]
    none = tag("p", "Nothing to warn of.", class_="empty")
    return _section("notes", "What to keep in mind", tag("ul", *(tag("li", each) for each in said), class_="notes") if said else none)  # fmt: skip


def _reproduce(record: Record) -> Markup:
    data, versions = record["data"], record["versions"]
    seeds = ", ".join(map(str, record["seeds"]))
    files = [f"{name}: sha256 {digest}" for name, digest in data["files"].items()]
    lines = [
        *([record["command"]] if record["command"] else []),
        f"seeds {seeds}; {data['rows']:,} rows; rows and job: sha256 {data['sha256']}",
        *files,
        ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    machine = [(str(name), units.show(value, units.BYTES) if name == "memory" else str(value)) for name, value in record["machine"].items()]  # fmt: skip
    took = f"It took {units.show(record['elapsed'], units.TIME)}. Every score, setting and trial is in compare.json."
    code = tag("pre", tag("code", "\n".join(lines)), tabindex=0, aria_label="Commands and versions")
    return _section("reproduce", "How to reproduce", code, facts(machine), lead=took)
