"""The lines of a comparison as a page to read, and as JSON with all that was made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from peers_automl import compare, standings
from peers_automl.lines import Line, contenders, entered, results, windows
from peers_automl.sets import HELD, SETS, STAND_IN
from peers_automl.standings import table
from peers_automl.systems import SYSTEMS

from plimsoll import machine, units

LATE = 1.1  # of its window: what a fit may take before it is marked
_TOLD = [
    "set",
    "seconds",
    "contender",
    "seed",
    "metric",
    "status",
    "score",
    "score_low",
    "score_high",
    "constant",
    "wall",
    "cpu",
    "size",
    "reason",
]
_METRICS = {"roc_auc": "AUC", "rmse": "RMSE", "macro_f1": "macro-F1"}
_NOTES = f"""\
## How to read this

- **Given**: every contender has the same file of training rows, the same target and metric, and no test row. Sets that come in one file were split once, by a seed, {1 - HELD:.0%} to {HELD:.0%}, stratified by class; copies of a row may lie on both sides. Columns that tell the answer, or only which row it is, are given to nobody. `plimsoll fit` takes test rows to report on: it was given {STAND_IN} of the training rows in their place.
- **Scored**: the answers that each wrote for the test rows, by the same code outside of all of them. AUC and macro-F1: more is better; RMSE: less is. In brackets the rank on that set; those alike share the mean of their ranks. With several seeds, scores are medians and ranks means.
- **Failed**: shown with why, and read against the contender: the last rank, and the loss of a model that has learned nothing (for an AUC 0.5, for a number the mean). A fit that had not ended after twice its window and 120 s was ended, and counts as failed. A fit of Plimsoll that breaks a limit fails too.
- **–**: the contender is not for that set (plain LightGBM takes no texts); it has no rank there, and pairs are compared over the sets that both have.
- **‡**: the process took more than {LATE:.0%} of the window; its score counts. Plain LightGBM and the plain linear model know no window and take what they take. **†**: other work took more than {machine.BUSY:.0%} of the cores just before the fit or in it.
- **Intervals**: a paired bootstrap over sets, {compare.DRAWS:,} draws with a fixed seed: what to expect of another set like these. Loss is 1 − AUC, 1 − macro-F1 or RMSE; its ratio is the geometric mean over sets of Plimsoll's loss over theirs, where a loss below half a test row counts as half a row. Below 1, and a difference of ranks below 0, Plimsoll is the better one.
- Only Plimsoll was held to limits beside the window. Where it chooses the cheapest, that is the cheapest model not measurably worse than its best: it gives away score for speed, on small sets the most. FLAML cannot take texts: it has the one of three ways to make them numbers that scored best on the test rows of clothing_reviews and hate_offensive_tweets.
- **In view**: the test scores of {", ".join(name for name, each in SETS.items() if each.seen)} were in view while Plimsoll was built, so expect those to be somewhat kind to it. The test scores of the other sets were not used to choose a contender's settings, though training rows and test rows of theirs are among those that taught Plimsoll's model of costs (`benchmarks/prior.py`)."""


def save(found: Sequence[Line], file: Path) -> None:
    """Writes automl.md and automl.json beside automl.jsonl."""
    file.with_suffix(".md").write_text(page(found))
    file.with_suffix(".json").write_text(json.dumps(record(found), indent=1, ensure_ascii=False) + "\n")


def page(found: Sequence[Line]) -> str:
    parts = ["# AutoML, side by side", where(found)]
    for seconds, here in windows(found).items():
        parts += [f"## {seconds:g} s to train", scores(here), *remarks(here), spent(here)]
    return "\n\n".join([*parts, "## Summary", *standings.summary(found), _NOTES, made(found)]) + "\n"


def where(found: Sequence[Line]) -> str:
    cards = {json.dumps([line["machine"], line["cores"]]): line for line in found}
    machines = [
        f"{line['cores']} {'core' if line['cores'] == 1 else 'cores'} of an {line['machine']['processor']}, {units.show(line['machine']['memory'], units.BYTES)}, {line['machine']['platform']}"
        for line in cards.values()
    ]
    days = sorted({line["when"][:10] for line in found})
    ours = dict.fromkeys((line["limit"], line["choose"]) for line in found if "limit" in line)
    told = [f"Plimsoll keeps `{limit}, train < window`, and chooses the {choose}" for limit, choose in ours]
    span = " to ".join(dict.fromkeys((days[0], days[-1])))
    return "; ".join([*machines, span, *told, "`python benchmarks/automl.py`"]) + "."


def scores(found: Sequence[Line]) -> str:
    """A row for each set, with each contender's score and rank; the best in bold."""
    names = contenders(found)
    placed = compare.set_ranks(results(entered(found)))
    head = ["set", "metric", "rows", *(SYSTEMS[name].what for name in names)]
    rows = []
    for each in dict.fromkeys(line["set"] for line in found):
        here = [line for line in found if line["set"] == each]
        ranks = placed.get(each, {})
        cells = [cell([line for line in here if line["contender"] == name], ranks.get(name), ranks) for name in names]
        rows.append([each, _METRICS[here[0]["metric"]], " + ".join(f"{n:,}" for n in here[0]["rows"]), *cells])
    return table(head, rows)


def cell(lines: Sequence[Line], rank: float | None, ranks: dict[str, float]) -> str:
    """One contender on one set, over its seeds; nothing where it has not run."""
    if not lines or lines[0]["status"] == "not for it":
        return "–" if lines else ""
    scored = [line["score"] for line in lines if line["status"] == "measured"]
    text = figure(median(scored), lines[0]["metric"]) if len(scored) == len(lines) else "failed"
    marks = "‡" * any(map(late, lines)) + "†" * any(map(disturbed, lines))
    shown = text + (f" ({rank:.3g})" if rank is not None else "") + (f" {marks}" if marks else "")
    return f"**{shown}**" if rank is not None and rank == min(ranks.values()) else shown


def figure(score: float, metric: str) -> str:
    """
    >>> figure(44951.2, "rmse"), figure(4.20391, "rmse"), figure(0.92867, "roc_auc")
    ('44,951', '4.204', '0.9287')
    """
    if metric != "rmse":
        return f"{score:.4f}"
    return f"{score:,.0f}" if score >= 1_000 else f"{score:.4g}"


def late(line: Line) -> bool:
    return line["status"] == "overran" or line["wall"] > LATE * line["seconds"]


def disturbed(line: Line) -> bool:
    return any((line.get(name) or 0.0) > machine.BUSY for name in ("busy_before", "others_during_fit"))


def remarks(found: Sequence[Line]) -> list[str]:
    """Why contenders failed, and which sets wait for one."""
    lines = [
        f"- {line['set']}, {SYSTEMS[line['contender']].what}, seed {line['seed']}: {line['status']}: {line['reason'].replace('|', '/')}"
        for line in found
        if line["status"] in ("failed", "overran")
    ]
    compared = {line["set"] for line in entered(found)}
    if waiting := [name for name in dict.fromkeys(line["set"] for line in found) if name not in compared]:
        lines.append(f"- not ranked, as a contender has still to run: {', '.join(waiting)}")
    return ["\n".join(lines)] if lines else []


def spent(found: Sequence[Line]) -> str:
    """What each contender took in a window: medians over the sets."""
    head = [
        "contender",
        "fit, median (most)",
        "CPU, median",
        "over the window",
        "failed",
        "artefact, median (most)",
        "p50, one row",
    ]
    rows = []
    for name in contenders(found):
        here = [line for line in found if line["contender"] == name and line["status"] != "not for it"]
        fitted = [line for line in here if line["status"] == "measured"]
        rows.append(
            [
                SYSTEMS[name].what,
                most([line["wall"] for line in fitted], units.TIME),
                middle([line["cpu"] for line in fitted], units.TIME),
                f"{sum(map(late, here))} of {len(here)}",
                str(len(here) - len(fitted)),
                most([line["size"] for line in fitted], units.BYTES),
                middle(
                    [next(iter(line["doors"].values()))["p50_ms"] / 1e3 for line in fitted if "doors" in line],
                    units.TIME,
                ),
            ]
        )
    return table(head, rows)


def middle(values: Sequence[float], dimension: str) -> str:
    return units.show(median(values), dimension) if values else "–"


def most(values: Sequence[float], dimension: str) -> str:
    return f"{middle(values, dimension)} ({units.show(max(values), dimension)})" if values else "–"


def made(found: Sequence[Line]) -> str:
    """The versions that each contender was measured with."""
    lines = []
    for name in contenders(found):
        for line in found:
            if line["contender"] == name and "versions" in line:
                text = ", ".join(f"{package} {version}" for package, version in line["versions"].items())
                lines.append(f"- {SYSTEMS[name].what}: {text}")
    return "\n".join(["## Versions", "", *dict.fromkeys(lines)])


def record(found: Sequence[Line]) -> dict[str, Any]:
    """What the page says, as numbers; all else is in the lines."""
    machines = list({json.dumps(line["machine"]): line["machine"] for line in found}.values())
    scored = [{name: line[name] for name in _TOLD if name in line} for line in found]
    return {"machines": machines, "standings": standings.numbers(found), "scores": scored}
