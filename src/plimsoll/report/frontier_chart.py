"""The frontier: each trial's score, with its interval, against one cost on a logarithmic axis, and the limit as the load line."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from plimsoll.limits import COSTS
from plimsoll.report.load_line import (
    STATUS,
    Record,
    Run,
    cost_of,
    cost_text,
    frontier,
    higher_is_better,
    metric_of,
    score_text,
)
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.scales import Scale, linear_ticks, log_around, log_ticks

WIDTH, HEIGHT = 640, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 620, 34, 336
_STRIP = 366  # where trials without a score stand, under the plot

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Plot:
    cost: str
    metric: str
    x: Scale
    y: Scale
    bound: float | None


def frontier_chart(run: Run, cost: str) -> Markup | None:
    """An SVG, or None where no trial has both a score and this cost."""
    scored = [trial for trial in run["trials"] if trial.get("score") and cost_of(trial, cost) is not None]
    unscored = [
        trial for trial in run["trials"] if not trial.get("score") and cost_of(trial, cost, predicted=True) is not None
    ]
    if not scored:
        return None
    plot = _plot(run, cost, scored, unscored)
    edge = frontier(scored, cost, higher_is_better(plot.metric))
    ahead = {trial["id"] for trial in edge} | {run.get("chosen")}
    ordered = sorted(scored, key=lambda trial: (trial["id"] == run.get("chosen"), trial["status"] == "fits"))
    return tag(
        "svg",
        _beyond(plot),
        _axes(plot),
        _load_line(plot),
        _stairs(plot, edge),
        _strip(plot, unscored),
        *(_point(plot, trial, run, trial["id"] in ahead) for trial in ordered),
        _labels(plot, run, edge),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="group",
        aria_label=f"{plot.metric} against {cost}: {len(scored)} trials, {len(edge)} on the frontier",
        class_="chart frontier",
    )


def _plot(run: Run, cost: str, scored: Sequence[Record], unscored: Sequence[Record]) -> Plot:
    metric = metric_of(run)
    bound = next((float(limit["bound"]) for limit in run.get("limits") or () if limit["name"] == cost), None)
    costs = [found for trial in [*scored, *unscored] if (found := cost_of(trial, cost, predicted=True))]
    x = Scale(*log_around([*costs, *([bound] if bound else [])]), _LEFT, _RIGHT, log=True)
    low, high = _span(
        [trial["score"]["value"] for trial in scored if trial["id"] != run.get("reference")]
        or [scored[0]["score"]["value"]],
        metric,
    )
    # Better is always up, so that the good corner is the same for every metric.
    y = Scale(low, high, _BOTTOM, _TOP) if higher_is_better(metric) else Scale(low, high, _TOP, _BOTTOM)
    return Plot(cost, metric, x, y, bound)


def _span(values: Sequence[float], metric: str) -> tuple[float, float]:
    """All values but those so poor that they would flatten the rest; those are drawn at the edge."""
    sign = 1 if higher_is_better(metric) else -1
    best, middle = max(sign * value for value in values), statistics.median(sign * value for value in values)
    reach = max(4 * (best - middle), 0.02 * abs(best), 1e-9)
    near = [value for value in values if sign * value >= best - reach]
    room = 0.14 * (max(near) - min(near)) or 0.05 * abs(best) or 1.0
    return min(near) - room, max(near) + room


def _axes(plot: Plot) -> Markup:
    rows = linear_ticks(plot.y.low, plot.y.high)
    columns = log_ticks(plot.x.low, plot.x.high, COSTS[plot.cost])
    better = "" if higher_is_better(plot.metric) else ", lower is better"
    return join(
        *(tag("line", x1=_LEFT, x2=_RIGHT, y1=plot.y(tick), y2=plot.y(tick), class_="grid") for tick in rows),
        *(tag("text", f"{tick:g}", x=_LEFT - 9, y=plot.y(tick) + 4, class_="tick end") for tick in rows),
        *(tag("line", x1=plot.x(tick), x2=plot.x(tick), y1=_BOTTOM, y2=_BOTTOM + 5, class_="axis") for tick in columns),
        *(
            tag("text", cost_text(plot.cost, tick), x=plot.x(tick), y=HEIGHT - 24, class_="tick middle")
            for tick in columns
        ),
        tag("line", x1=_LEFT, x2=_RIGHT, y1=_BOTTOM, y2=_BOTTOM, class_="axis"),
        tag("text", f"{plot.metric}{better}", x=_LEFT - 52, y=14, class_="title"),
        tag("text", f"{plot.cost} →", x=_RIGHT, y=HEIGHT - 4, class_="title end"),
    )


def _beyond(plot: Plot) -> Markup | None:
    """What lies past the limit is shaded, under everything else."""
    if plot.bound is None:
        return None
    place = plot.x(plot.bound)
    return tag("rect", x=place, y=_TOP, width=max(_RIGHT - place, 0.0), height=_BOTTOM - _TOP, class_="beyond")


def _load_line(plot: Plot) -> Markup:
    """The limit, with the mark that a ship carries."""
    if plot.bound is None:
        return join()
    place = plot.x(plot.bound)
    words = f"{'whole run' if plot.cost == 'train' else plot.cost} < {cost_text(plot.cost, plot.bound)}"
    return join(
        tag("line", x1=place, x2=place, y1=_TOP - 4, y2=_BOTTOM, class_="load"),
        tag("circle", cx=place, cy=_TOP - 11, r=6, class_="load"),
        tag("line", x1=place - 11, x2=place + 11, y1=_TOP - 11, y2=_TOP - 11, class_="load"),
        tag("text", words, x=place - 16, y=_TOP - 7, class_="load-label end")
        if place > 330
        else tag("text", words, x=place + 16, y=_TOP - 7, class_="load-label"),
    )


def _stairs(plot: Plot, edge: Sequence[Record]) -> Markup:
    """For every cost, the best score to be had at that cost or less."""
    if len(edge) < 2:
        return join()
    places = [_place(plot, trial) for trial in edge]
    steps = "".join(f"H{x:.1f}V{y:.1f}" for x, y in places[1:])
    return tag("path", d=f"M{places[0][0]:.1f} {places[0][1]:.1f}{steps}", class_="stairs")


def _place(plot: Plot, trial: Record) -> tuple[float, float]:
    return plot.x.pinned(cost_of(trial, plot.cost) or plot.x.low), plot.y.pinned(trial["score"]["value"])


def _point(plot: Plot, trial: Record, run: Run, ahead: bool) -> Markup:
    x, y = _place(plot, trial)
    score = trial["score"]
    kind = "chosen" if trial["id"] == run.get("chosen") else "ahead" if ahead else "plain"
    top, bottom = plot.y.pinned(score["high"]), plot.y.pinned(score["low"])
    inside = plot.y.holds(score["value"])
    radius = 7.5 if kind == "chosen" else 5.5 if ahead else 4.5
    return tag(
        "g",
        tag("line", x1=x, x2=x, y1=top, y2=bottom, class_="interval")
        if inside
        else tag("path", d=f"M{x - 4:.1f} {y + 9:.1f}h8l-4 6z", class_="off"),
        tag("circle", cx=x, cy=y, r=14, class_="reach"),
        tag("circle", cx=x, cy=y, r=radius, class_="dot"),
        tag("line", x1=x - 12, x2=x + 12, y1=y, y2=y, class_="dash") if kind == "chosen" else None,
        class_=f"point {kind} {'whole' if trial['status'] == 'fits' else 'hollow'}",
        data_trial=trial["id"],
        tabindex=0,
        role="img",
        aria_label=_spoken(trial, plot.cost, kind == "chosen"),
    )


def _spoken(trial: Record, cost: str, chosen: bool) -> str:
    value, interval = score_text(trial.get("score"))
    scored = f", {trial['score']['metric']} {value}{f' ({interval})' if interval else ''}" if trial.get("score") else ""
    found = cost_of(trial, cost, predicted=True)
    return f"{trial['recipe']} {trial['id']}{', chosen' if chosen else ''}: {STATUS.get(trial['status'], trial['status'])}{scored}, {cost} {cost_text(cost, found)}"


def _strip(plot: Plot, unscored: Sequence[Record]) -> Markup | None:
    """Trials that never got a score stand under the axis, at what they cost or were expected to cost."""
    if not unscored:
        return None
    crosses = []
    for trial in unscored:
        x = plot.x.pinned(cost_of(trial, plot.cost, predicted=True) or plot.x.low)
        inside = (
            tag("circle", cx=x, cy=_STRIP, r=10, class_="reach"),
            tag("path", d=f"M{x - 4:.1f} {_STRIP - 4}l8 8m0 -8l-8 8", class_="cross"),
        )
        crosses.append(
            tag(
                "g",
                *inside,
                class_="point hollow",
                data_trial=trial["id"],
                tabindex=0,
                role="img",
                aria_label=_spoken(trial, plot.cost, False),
            )
        )
    return join(tag("text", "no score", x=0, y=_STRIP + 4, class_="tick"), *crosses)


def _labels(plot: Plot, run: Run, edge: Sequence[Record]) -> Markup:
    """Names for the chosen trial, then the frontier, where there is room for them."""
    drawn = [trial for trial in run["trials"] if trial.get("score") and cost_of(trial, plot.cost)]
    taken = [box for trial in drawn for box in _boxes(plot, trial)]
    if plot.bound is not None:
        taken.append((plot.x(plot.bound) - 3, 0.0, plot.x(plot.bound) + 3, _BOTTOM))
    first = [trial for trial in drawn if trial["id"] in (run.get("chosen"), run.get("reference"))]
    words: list[Markup] = []
    named: set[str] = set()
    for trial in [*first, *reversed(edge)]:
        spot = None if trial["recipe"] in named else _spot(*_place(plot, trial), 6.8 * len(trial["recipe"]), taken)
        if spot is not None:
            box, anchor = spot
            taken.append(box)
            named.add(trial["recipe"])
            kind = f"name{' end' if anchor == 'end' else ''}{' strong' if trial['id'] == run.get('chosen') else ''}"
            place = box[2] if anchor == "end" else box[0]
            words.append(tag("text", trial["recipe"], x=place, y=box[3] - 3, class_=kind))
    return join(*words)


def _boxes(plot: Plot, trial: Record) -> tuple[Box, Box]:
    """What a mark covers, and its interval."""
    x, y = _place(plot, trial)
    top, bottom = sorted((plot.y.pinned(trial["score"]["high"]), plot.y.pinned(trial["score"]["low"])))
    return (x - 11, y - 7, x + 11, y + 7), (x - 2, top, x + 2, bottom)


def _spot(x: float, y: float, width: float, taken: Sequence[Box]) -> tuple[Box, str] | None:
    """The first free place for a name beside a mark: near before far, to the left before the right."""
    for down in (-8, 4, 18, -22, 32, -36):
        for anchor, left in (("end", x - 15 - width), ("start", x + 15)):
            box = (left, y + down - 11, left + width, y + down + 3)
            inside = box[0] > _LEFT and box[2] < WIDTH - 4 and box[1] > _TOP and box[3] < _BOTTOM
            if inside and not any(_meets(box, other) for other in taken):
                return box, anchor
    return None


def _meets(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
