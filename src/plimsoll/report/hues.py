"""One colour to a recipe, the same in the chart, the table and the timeline; and the legend that says which."""

from __future__ import annotations

from plimsoll.report.load_line import Run
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
    hues = {trial["recipe"]: trial["hue"] for trial in drawn}
    shapes = [("", "whole chosen", "chosen")] if any(trial["id"] == run.get("chosen") for trial in drawn) else []
    shapes += [("", "hollow", "does not fit")] if any(trial["status"] == "breaches" for trial in drawn) else []
    crosses = [("cross", "", "no score")] if any(not trial.get("score") for trial in drawn) else []
    items = [("", f"whole {hue}", str(recipe)) for recipe, hue in hues.items()]
    return tag("ul", *(_item(*each) for each in (*items, *shapes, *crosses)), class_="legend", aria_label="Legend")


def _item(shape: str, kind: str, words: str) -> Markup:
    mark = tag("path", d="M9 6l8 8m0 -8l-8 8", class_="cross") if shape else dot(13, 10, 5, "chosen" in kind)
    key = tag("svg", tag("g", mark, class_=kind or None), viewBox="0 0 26 20", class_="key", aria_hidden="true")
    return tag("li", key, tag("span", words))


def dot(x: float, y: float, radius: float, chosen: bool) -> Markup:
    """The mark of a trial; the chosen one carries the line that a ship carries."""
    around = tag("circle", cx=x, cy=y, r=radius + 3.5, class_="ring") if chosen else None
    line = tag("line", x1=x - radius - 8, x2=x + radius + 8, y1=y, y2=y, class_="dash") if chosen else None
    return join(around, line, tag("circle", cx=x, cy=y, r=radius, class_="dot"))
