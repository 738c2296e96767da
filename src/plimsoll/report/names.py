"""Names beside the marks of the frontier chart, where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from plimsoll.report.load_line import Record, Run, cost_of, score_text
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.plot import BOTTOM, LEFT, TOP, WIDTH, Plot

Box = tuple[float, float, float, float]  # left, top, right, bottom
_LONGEST = 28  # letters, before a name is cut short


def names(plot: Plot, run: Run, edge: Sequence[Record]) -> Markup:
    """The chosen trial and the reference first, then the frontier; each recipe once."""
    drawn = [trial for trial in run["trials"] if trial.get("score") and cost_of(trial, plot.cost)]
    taken = [box for trial in drawn for box in _boxes(plot, trial)]
    taken += _steps(plot, edge)
    if plot.bound is not None:
        taken.append((plot.x(plot.bound) - 3, 0.0, plot.x(plot.bound) + 3, BOTTOM))
    first = [trial for trial in drawn if trial["id"] == run.get("chosen")]
    first += [trial for trial in drawn if trial["id"] == run.get("reference")]
    words: list[Markup] = []
    named: set[str] = set()
    for trial in [*first, *reversed(edge)]:
        said = _said(plot, trial)
        spot = None if trial["recipe"] in named else _spot(*plot.place(trial), 6.8 * len(said), taken)
        if spot is not None:
            box, anchor = spot
            taken.append(box)
            named.add(trial["recipe"])
            kind = f"name{' end' if anchor == 'end' else ''}{' strong' if trial['id'] == run.get('chosen') else ''}"
            place = box[2] if anchor == "end" else box[0]
            words.append(tag("text", said, x=place, y=box[3] - 3, class_=kind))
    return join(*words)


def _said(plot: Plot, trial: Record) -> str:
    """The recipe; with its score, where the mark stands off the scale."""
    name = str(trial["recipe"])
    short = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    return short if plot.holds(trial) else f"{short} {score_text(trial['score'])[0]}"


def _boxes(plot: Plot, trial: Record) -> tuple[Box, Box]:
    """What a mark covers, and its interval."""
    x, y = plot.place(trial)
    top, bottom = plot.reach(trial)
    return (x - 11, y - 7, x + 11, y + 7), (x - 3, top, x + 3, bottom)


def _steps(plot: Plot, edge: Sequence[Record]) -> list[Box]:
    """What the level parts of the line along the frontier cover."""
    places = [plot.place(trial) for trial in edge]
    return [(one[0], one[1] - 2, other[0], one[1] + 2) for one, other in pairwise(places)]


def _spot(x: float, y: float, width: float, taken: Sequence[Box]) -> tuple[Box, str] | None:
    """The first free place for a name beside a mark: near before far, to the left before the right."""
    for down in (4, -10, 18, -24, 32, -38):
        for anchor, left in (("end", x - 20 - width), ("start", x + 20)):
            box = (left, y + down - 11, left + width, y + down + 3)
            inside = box[0] > LEFT and box[2] < WIDTH - 4 and box[1] > TOP and box[3] < BOTTOM
            if inside and not any(_meets(box, other) for other in taken):
                return box, anchor
    return None


def _meets(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
