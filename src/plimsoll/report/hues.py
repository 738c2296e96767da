"""One colour to a recipe, the same in the chart, the table and the timeline; and the legend that says which."""

from __future__ import annotations

from collections.abc import Iterable

from plimsoll.report.load_line import Record, Run
from plimsoll.report.markup import Markup, join, tag

_MOST = 6  # colours that can be told apart, also by the colour-blind; recipes after them share the grey


def painted(run: Run) -> Run:
    """The run with a ``hue`` on every trial: in the order of the first score, and grey for the reference.

    >>> run = {"trials": [{"id": "a", "recipe": "constant"}, {"id": "b", "recipe": "trees"}], "reference": "a"}
    >>> [trial["hue"] for trial in painted(run)["trials"]]
    ['hue-rest', 'hue-0']
    """
    plain = {trial["recipe"] for trial in run["trials"] if trial["id"] == run.get("reference")}
    scored = sorted(run["trials"], key=lambda trial: not trial.get("score"))
    order = [name for name in dict.fromkeys(trial["recipe"] for trial in scored) if name not in plain]
    hues = {name: f"hue-{index}" for index, name in enumerate(order[:_MOST])}
    return {**run, "trials": [{**each, "hue": hues.get(each["recipe"], "hue-rest")} for each in run["trials"]]}


def legend(run: Run) -> Markup:
    """The colours of the recipes, then the shapes."""
    drawn = [trial for trial in run["trials"] if trial.get("score") or trial.get("predicted")]
    items = recipe_keys(drawn)
    if any(trial["id"] == run.get("chosen") for trial in drawn):
        items.append(key(dot(13, 10, 5, True), "whole chosen", "chosen"))
    if any(trial["status"] == "breaches" for trial in drawn):
        items.append(key(dot(13, 10, 5, False), "hollow", "does not fit"))
    if any(not trial.get("score") for trial in drawn):
        items.append(key(tag("path", d="M9 6l8 8m0 -8l-8 8", class_="cross"), "", "no score"))
    return tag("ul", *items, class_="legend", aria_label="Legend")


def recipe_keys(trials: Iterable[Record]) -> list[Markup]:
    """One key to the colour of each recipe, in the order in which they come."""
    hues = {trial["recipe"]: trial["hue"] for trial in trials}
    return [key(dot(13, 10, 5, False), f"whole {hue}", str(recipe)) for recipe, hue in hues.items()]


def key(mark: Markup, kind: str, words: str) -> Markup:
    """A mark on a paper of 26 by 20, and what it stands for."""
    drawn = tag("svg", tag("g", mark, class_=kind or None), viewBox="0 0 26 20", class_="key", aria_hidden="true")
    return tag("li", drawn, tag("span", words))


def dot(x: float, y: float, radius: float, chosen: bool) -> Markup:
    """The mark of a trial; the chosen one carries the line that a ship carries."""
    around = tag("circle", cx=x, cy=y, r=radius + 3.5, class_="ring") if chosen else None
    line = tag("line", x1=x - radius - 8, x2=x + radius + 8, y1=y, y2=y, class_="dash") if chosen else None
    return join(around, line, tag("circle", cx=x, cy=y, r=radius, class_="dot"))
