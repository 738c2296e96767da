"""The frontier: each trial's score, with its interval, against one cost on a logarithmic axis, and the limit as the load line."""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.limits import COSTS
from plimsoll.report.hues import dot
from plimsoll.report.load_line import (
    STATUS,
    Record,
    Run,
    cost_of,
    cost_text,
    frontier,
    higher_is_better,
    score_text,
)
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.names import names
from plimsoll.report.plot import BOTTOM, LEFT, RIGHT, STRIP, TOP, WIDTH, Plot, plot
from plimsoll.report.scales import linear_ticks, log_ticks, tick_texts

TITLES = {
    "p50": "p50, one request in the middle",
    "p99": "p99, the slowest of a hundred requests",
    "memory": "memory of the serving process",
    "size": "size of the bundle",
    "train": "training time of the trial",
}


def frontier_chart(run: Run, cost: str) -> Markup | None:
    """An SVG, or None where no trial has both a score and this cost."""
    scored = [trial for trial in run["trials"] if trial.get("score") and cost_of(trial, cost) is not None]
    unscored = [
        trial for trial in run["trials"] if not trial.get("score") and cost_of(trial, cost, predicted=True) is not None
    ]
    if not scored:
        return None
    paper = plot(run, cost, scored, unscored)
    edge = frontier(scored, cost, higher_is_better(paper.metric))
    ahead = {trial["id"] for trial in edge}
    ordered = sorted(scored, key=lambda trial: (trial["id"] == run.get("chosen"), trial["id"] in ahead))
    return tag(
        "svg",
        _beyond(paper),
        _axes(paper),
        _load_line(paper),
        _stairs(paper, edge),
        *(_cross(paper, trial) for trial in unscored),
        *(_point(paper, trial, run, trial["id"] in ahead) for trial in ordered),
        names(paper, run, edge),
        viewBox=f"0 0 {WIDTH} {paper.foot + 50:g}",
        role="group",
        aria_label=f"{paper.metric} against {cost}: {len(scored)} trials, {len(edge)} on the frontier",
        class_="chart frontier",
    )


def _axes(plot: Plot) -> Markup:
    rows = linear_ticks(plot.y.low, plot.y.high)
    columns = log_ticks(plot.x.low, plot.x.high, COSTS[plot.cost])
    better = "↑ higher" if higher_is_better(plot.metric) else "↑ lower"
    strip = (
        tag("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="grid"),
        tag("text", "no score", x=LEFT - 9, y=BOTTOM + STRIP / 2 + 4, class_="tick end roomy"),
    )
    return join(
        *(tag("line", x1=LEFT, x2=RIGHT, y1=plot.y(tick), y2=plot.y(tick), class_="grid") for tick in rows),
        *(
            tag("text", words, x=LEFT - 9, y=plot.y(tick) + 4, class_="tick end")
            for tick, words in zip(rows, tick_texts(rows), strict=True)
        ),
        *(strip if plot.foot > BOTTOM else ()),
        *(_column(plot, tick, minor=len(columns) > 4 and index % 2 > 0) for index, tick in enumerate(columns)),
        tag("line", x1=LEFT, x2=RIGHT, y1=plot.foot, y2=plot.foot, class_="axis"),
        tag("text", f"{plot.metric}  ", tag("tspan", f"{better} is better", class_="hint"), x=10, y=14, class_="title"),
        tag("text", f"{TITLES[plot.cost]} →", x=RIGHT, y=plot.foot + 44, class_="title end"),
    )


def _column(plot: Plot, tick: float, minor: bool) -> Markup:
    """A tick of the cost, with its unit; every second one leaves where the page is narrow."""
    x = plot.x(tick)
    words = tag("text", cost_text(plot.cost, tick), x=x, y=plot.foot + 20, class_="tick middle")
    line = tag("line", x1=x, x2=x, y1=plot.foot, y2=plot.foot + 5, class_="axis")
    return tag("g", line, words, class_="minor" if minor else None)


def _beyond(plot: Plot) -> Markup | None:
    """What lies past the limit is shaded, under everything else."""
    if plot.bound is None:
        return None
    place = plot.x(plot.bound)
    return tag("rect", x=place, y=TOP, width=max(RIGHT - place, 0.0), height=plot.foot - TOP, class_="beyond")


def _load_line(plot: Plot) -> Markup:
    """The limit, with the mark that a ship carries."""
    if plot.bound is None:
        return join()
    place = plot.x(plot.bound)
    words = f"{'whole run' if plot.cost == 'train' else plot.cost} < {cost_text(plot.cost, plot.bound)}"
    return join(
        tag("line", x1=place, x2=place, y1=TOP - 4, y2=plot.foot, class_="load"),
        tag("circle", cx=place, cy=TOP - 11, r=6, class_="load"),
        tag("line", x1=place - 11, x2=place + 11, y1=TOP - 11, y2=TOP - 11, class_="load"),
        tag("text", words, x=place - 16, y=TOP - 7, class_="load-label end")
        if place > 330
        else tag("text", words, x=place + 16, y=TOP - 7, class_="load-label"),
    )


def _stairs(plot: Plot, edge: Sequence[Record]) -> Markup:
    """For every cost, the best score to be had at that cost or less."""
    if len(edge) < 2:
        return join()
    places = [plot.place(trial) for trial in edge]
    steps = "".join(f"H{x:.1f}V{y:.1f}" for x, y in places[1:])
    return tag("path", d=f"M{places[0][0]:.1f} {places[0][1]:.1f}{steps}", class_="stairs")


def _point(plot: Plot, trial: Record, run: Run, ahead: bool) -> Markup:
    x, y = plot.place(trial)
    chosen = trial["id"] == run.get("chosen")
    kind = "chosen" if chosen else "ahead" if ahead else "plain"
    inside = (
        _interval(plot, trial, x) if plot.holds(trial) else tag("path", d=f"M{x - 4:.1f} {y + 8:.1f}h8l-4 5z"),
        dot(x, y, 6.0 if ahead or chosen else 4.5, chosen),
    )
    return _mark(plot, trial, x, y, f"{kind} {'whole' if trial['status'] == 'fits' else 'hollow'}", *inside)


def _interval(plot: Plot, trial: Record, x: float) -> Markup:
    """A line over the interval, with a bar at each end that is in sight."""
    top, bottom = plot.reach(trial)
    ends = [y for y in (top, bottom) if TOP < y < BOTTOM] if bottom - top > 4 else []
    bars = "".join(f"M{x - 3:.1f} {y:.1f}h6" for y in ends)
    return tag("path", d=f"M{x:.1f} {top:.1f}V{bottom:.1f}{bars}", class_="interval")


def _cross(plot: Plot, trial: Record) -> Markup:
    """A trial that never got a score, at what it cost or was expected to cost."""
    x, y = plot.place(trial)
    return _mark(plot, trial, x, y, "hollow", tag("path", d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", class_="cross"))


def _mark(plot: Plot, trial: Record, x: float, y: float, kind: str, *inside: object) -> Markup:
    """What the mouse and the keyboard reach; the circle around it is larger than what is seen."""
    return tag(
        "g",
        tag("circle", cx=x, cy=y, r=14, class_="reach"),
        *inside,
        class_=f"point {kind} {trial['hue']}",
        data_trial=trial["id"],
        data_at=x,
        tabindex=0,
        role="img",
        aria_label=_spoken(trial, plot.cost, "chosen" in kind),
    )


def _spoken(trial: Record, cost: str, chosen: bool) -> str:
    value, interval = score_text(trial.get("score"))
    scored = f", {trial['score']['metric']} {value}{f' ({interval})' if interval else ''}" if trial.get("score") else ""
    found = cost_of(trial, cost, predicted=True)
    return f"{trial['recipe']} {trial['id']}{', chosen' if chosen else ''}: {STATUS.get(trial['status'], trial['status'])}{scored}, {cost} {cost_text(cost, found)}"
