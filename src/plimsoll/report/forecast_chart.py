"""Predicted against measured, one small chart for each cost: a forecast that held lies across the diagonal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from plimsoll.limits import COSTS
from plimsoll.report.forecast import FORECAST, Pair, pairs
from plimsoll.report.hues import key, recipe_keys
from plimsoll.report.load_line import Record, Run, cost_text
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.scales import Scale, log_around, log_ticks
from plimsoll.report.tables import number, table

_TITLES = {
    "cpu": "CPU time of the trial",
    "train_memory": "peak memory of the trial",
    "size": "size of the bundle",
    "p50": "p50, one request in the middle",
    "memory": "memory of the serving process",
}
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 300, 24, 268
_MOST_TICKS = 4
_REACH = 4.0  # an interval is shown this many times beyond the outermost figure, and is cut off there
_SAID = {"inside": "inside its interval", "outside": "outside its interval", "open": "stopped before it could tell"}


def forecasts(run: Run) -> Markup | None:
    """A chart for each cost that was both predicted and measured, the keys to them, and the same figures as a table."""
    found = {cost: each for cost in FORECAST if (each := pairs(run, cost))}
    if not found:
        return None
    every = [pair for each in found.values() for pair in each]
    return join(
        tag("div", *(_panel(cost, each) for cost, each in found.items()), class_="panels"),
        _keys(every),
        tag("p", class_="told", aria_hidden="true"),
        tag(
            "details",
            tag("summary", "The same figures as a table: what was measured, and the interval that was predicted"),
            _table(found),
            class_="fold",
        ),
    )


def _panel(cost: str, found: Sequence[Pair]) -> Markup:
    held = sum(pair.verdict == "inside" for pair in found)
    told = sum(pair.verdict != "open" for pair in found)
    title = tag("h3", cost, tag("small", _TITLES[cost]))
    said = tag("p", f"{held} of {told} inside", class_="aside") if told else None
    return tag("div", title, said, _chart(cost, found), class_="panel walk", id=f"forecast-{cost}")


def _chart(cost: str, found: Sequence[Pair]) -> Markup:
    low, high = _span(found)
    x, y = Scale(low, high, _LEFT, _RIGHT, log=True), Scale(low, high, _BOTTOM, _TOP, log=True)
    ordered = sorted(found, key=lambda pair: pair.verdict != "inside")  # what missed is drawn over what held
    return tag(
        "svg",
        _axes(x, y, cost),
        tag("line", x1=x(low), y1=y(low), x2=x(high), y2=y(high), class_="diagonal"),
        *(_mark(x, y, pair) for pair in ordered),
        viewBox="0 0 324 310",
        class_="chart",
        role="group",
        aria_label=f"Predicted against measured {cost} of {len(found)} trials",
    )


def _span(found: Sequence[Pair]) -> tuple[float, float]:
    """One span for both axes, so that the diagonal is where a forecast is exact."""
    figures = [figure for pair in found for figure in (pair.middle, pair.found)]
    low, high = min(figures) / _REACH, max(figures) * _REACH
    ends = [min(max(side, low), high) for pair in found for side in (pair.low, pair.high)]
    return log_around([*figures, *ends])


def _axes(x: Scale, y: Scale, cost: str) -> Markup:
    ticks = _few(log_ticks(x.low, x.high, COSTS[cost]))
    return join(
        *(tag("line", x1=x(tick), x2=x(tick), y1=_TOP, y2=_BOTTOM, class_="grid") for tick in ticks),
        *(tag("line", x1=_LEFT, x2=_RIGHT, y1=y(tick), y2=y(tick), class_="grid") for tick in ticks),
        *(tag("text", cost_text(cost, tick), x=x(tick), y=_BOTTOM + 17, class_="tick middle") for tick in ticks),
        *(tag("text", cost_text(cost, tick), x=_LEFT - 7, y=y(tick) + 4, class_="tick end") for tick in ticks),
        tag("text", "↑ measured", x=2, y=12, class_="title"),
        tag("text", "predicted →", x=_RIGHT, y=_BOTTOM + 38, class_="title end"),
    )


def _few(ticks: Sequence[float]) -> Sequence[float]:
    """As many as a small chart has room for: powers of ten where there are two of them.

    >>> _few([0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]), _few([2.0, 5.0, 10.0, 20.0])
    ([1.0, 10.0], [2.0, 5.0, 10.0, 20.0])
    """
    if len(ticks) <= _MOST_TICKS:
        return ticks
    tens = [tick for tick in ticks if math.log10(tick).is_integer()]
    kept = tens if len(tens) > 1 else ticks
    return kept[:: math.ceil(len(kept) / _MOST_TICKS)]


def _mark(x: Scale, y: Scale, pair: Pair) -> Markup:
    """The interval as a bar, and the figure on it; what the mouse reaches is larger than what is seen."""
    across, up = x(pair.middle), y(pair.found)
    ends = x.pinned(pair.low), x.pinned(pair.high)
    return tag(
        "g",
        tag("circle", tag("title", _spoken(pair)), cx=across, cy=up, r=12, class_="reach"),
        tag("line", x1=ends[0], x2=ends[1], y1=up, y2=up, class_="interval"),
        _shape(across, up, pair),
        class_=f"point whole {pair.verdict} {pair.trial['hue']}",
        data_trial=pair.trial["id"],
        data_at=across,
        tabindex=0,
        role="img",
        aria_label=_spoken(pair),
    )


def _shape(x: float, y: float, pair: Pair) -> Markup:
    """A disc for what held, a diamond for what did not, and an arrow upwards for what was killed on its way."""
    if pair.killed:
        return tag("path", d=f"M{x:.1f} {y:.1f}v-13m-4.5 5l4.5 -5l4.5 5m-9 8h9", class_="cross")
    if pair.verdict == "outside":
        return tag("path", d=f"M{x:.1f} {y - 6.5:.1f}l6.5 6.5l-6.5 6.5l-6.5 -6.5z", class_="missed")
    return tag("circle", cx=x, cy=y, r=4, class_="dot")


def _spoken(pair: Pair) -> str:
    trial = pair.trial
    share = float(trial.get("share", 1.0))
    part = f" on {share:.2g} of the rows" if share < 1 else ""
    return f"{trial['recipe']} {trial['id']}{part}: {pair.cost} {pair.measured}, predicted {pair.told}, {_SAID[pair.verdict]}"


def _keys(found: Sequence[Pair]) -> Markup:
    """The colours of the recipes, then the shapes that occur."""
    verdicts = {"killed" if pair.killed else pair.verdict for pair in found}
    shapes = [
        ("inside", tag("circle", cx=13, cy=10, r=4, class_="dot"), "inside its interval"),
        ("outside", tag("path", d="M13 3.5l6.5 6.5l-6.5 6.5l-6.5 -6.5z", class_="missed"), "outside its interval"),
        ("killed", tag("path", d="M13 16v-13m-4.5 5l4.5 -5l4.5 5m-9 8h9", class_="cross"), "killed: at least this"),
    ]
    items = [key(mark, "", words) for verdict, mark, words in shapes if verdict in verdicts]
    return tag("ul", *recipe_keys(pair.trial for pair in found), *items, class_="legend", aria_label="Legend")


def _table(found: dict[str, list[Pair]]) -> Markup:
    """A row for each trial, a column for each cost."""
    rows: dict[str, dict[str, Pair]] = {}
    for cost, each in found.items():
        for pair in each:
            rows.setdefault(pair.trial["id"], {})[cost] = pair
    heads = [("trial", False), *((cost, True) for cost in found)]
    return table("Predicted and measured", heads, (_row(pairs_of, list(found)) for pairs_of in rows.values()))


def _row(row: dict[str, Pair], costs: Iterable[str]) -> Markup:
    trial: Record = next(iter(row.values())).trial
    cells = (_cell(row.get(cost)) for cost in costs)
    return tag("tr", tag("th", str(trial["recipe"]), tag("small", trial["id"]), scope="row"), *cells)


def _cell(pair: Pair | None) -> Markup:
    if pair is None:
        return number("–")
    missed = None if pair.verdict == "inside" else tag("small", _SAID[pair.verdict])
    return number(join(pair.measured, tag("small", pair.interval), missed), pair.found)
