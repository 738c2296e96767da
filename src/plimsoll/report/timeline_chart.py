"""The time line of a run: a lane for each core, a bar for each thing that it did, and the end of the training window."""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll import units
from plimsoll.report.hues import key, recipe_keys
from plimsoll.report.load_line import STATUS, Record, Run
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.scales import Scale, clock_ticks
from plimsoll.report.tables import reason
from plimsoll.report.timeline import KINDS, Stretch, ended, stretches

_LEFT, _RIGHT, _TOP = 58, 756, 26
_LETTER = 6.6  # the width of one, at the size of the names in the bars
_COLOURED = ("trial", "probe", "run-off")  # what is done for one recipe has its colour


def timeline_chart(run: Run) -> Markup | None:
    """An SVG with its keys and the line that the mouse and the keyboard fill, or None where nothing was trained."""
    found = [stretch for stretch in stretches(run) if stretch.kind != "idle"]
    if not found:
        return None
    lanes = sorted({stretch.lane for stretch in found})
    step = 36 if len(lanes) <= 6 else 22 if len(lanes) <= 16 else 12
    end = ended(run, found)
    bound = _window(run, end)
    x, foot = Scale(0, max(end, bound or 0.0) * 1.005 or 1.0, _LEFT, _RIGHT), _TOP + step * len(lanes) + 4
    tops = {lane: _TOP + 4 + step * row for row, lane in enumerate(lanes)}
    drawn = tag(
        "svg",
        _ticks(x, foot),
        *(_lane(lane, top, step) for lane, top in tops.items()),
        *(_bar(stretch, run, x, tops[stretch.lane], step) for stretch in found),
        None if bound is None else _load_line(x(bound), bound, foot),
        viewBox=f"0 0 770 {foot + 24}",
        class_="chart timeline",
        role="group",
        aria_label=f"What {len(lanes)} {'core' if len(lanes) == 1 else 'cores'} did over {units.show(end, units.TIME)}",
    )
    frame = tag("div", drawn, class_="frame walk", tabindex=0, role="region", aria_label="Time line")
    return join(frame, _keys(found, run), tag("p", class_="told", aria_hidden="true"))


def _window(run: Run, end: float) -> float | None:
    """The end of the training window, where it is near enough to be drawn without squeezing the bars."""
    bound = next((float(each["bound"]) for each in run.get("limits") or () if each["name"] == "train"), None)
    return bound if bound is not None and bound <= end * 2 else None


def _load_line(place: float, bound: float, foot: float) -> Markup:
    words = f"train < {units.show(bound, units.TIME)}"
    return join(
        tag("line", x1=place, x2=place, y1=18, y2=foot, class_="load"),
        tag("text", words, x=place, y=12, class_="load-label end"),
    )


def _ticks(x: Scale, foot: float) -> Markup:
    ticks = clock_ticks(x.high)
    shown = (units.show(tick, units.TIME) if tick else "0" for tick in ticks)
    return join(
        *(tag("line", x1=x(tick), x2=x(tick), y1=_TOP, y2=foot, class_="grid") for tick in ticks),
        *(
            tag("text", words, x=x(tick), y=foot + 17, class_="tick middle")
            for tick, words in zip(ticks, shown, strict=True)
        ),
    )


def _lane(lane: int, top: float, step: int) -> Markup:
    return tag("text", f"core {lane + 1}", x=_LEFT - 9, y=top + step * 0.42 + 4, class_="tick end")


def _bar(stretch: Stretch, run: Run, x: Scale, top: float, step: int) -> Markup:
    start, width, height = x(stretch.begin), max(x(stretch.end) - x(stretch.begin), 1.5), step * 0.84
    words = _spoken(stretch, run)
    # A dashed line as broad as the bar is a hatching that needs no pattern.
    middle = top + height / 2
    hatch = (
        tag("line", x1=start, x2=start + width, y1=middle, y2=middle, stroke_width=height, class_="hatch")
        if stretch.kind == "probe"
        else None
    )
    name = _name(stretch, width) if step > 12 else ""
    return tag(
        "g",
        tag("rect", tag("title", words), x=start, y=top, width=width, height=height, rx=1.5),
        hatch,
        tag("text", name, x=start + width / 2, y=middle + 4, class_="middle") if name else None,
        class_=f"span {_look(stretch, run)}",
        data_trial=stretch.trial["id"] if stretch.trial else None,
        data_at=stretch.begin,
        tabindex=0,
        role="img",
        aria_label=words,
    )


def _look(stretch: Stretch, run: Run) -> str:
    """Which colour and which filling."""
    trial = stretch.trial
    if trial is None or stretch.kind not in _COLOURED:
        return "other hue-rest"
    if stretch.kind == "probe":
        return f"probe {trial['hue']}"
    chosen = trial["id"] == run.get("chosen")
    return f"{'chosen' if chosen else 'whole' if trial['status'] == 'fits' else 'hollow'} {trial['hue']}"


def _name(stretch: Stretch, width: float) -> str:
    """The longest name that a bar has room for; none in a hatched one, where it could not be read."""
    if stretch.kind == "probe":
        return ""
    trial = stretch.trial
    word = "reading" if stretch.kind == "read" else "scoring" if stretch.kind == "score" else stretch.kind
    names = [f"{trial['recipe']} {trial['id']}", str(trial["id"])] if trial and stretch.kind == "trial" else [word]
    return next((name for name in names if _LETTER * len(name) < width - 6), "")


def _spoken(stretch: Stretch, run: Run) -> str:
    seconds, begin = (units.show(part, units.TIME) for part in (stretch.end - stretch.begin, stretch.begin))
    when = f"{seconds} from {begin if stretch.begin else 'the start'}"
    if stretch.trial is None or stretch.kind not in ("trial", "probe"):
        return f"{stretch.what or KINDS.get(stretch.kind, stretch.kind)}: {when}"
    return f"{_called(stretch.trial, run)}: {when}{_why(stretch.trial)}"


def _called(trial: Record, run: Run) -> str:
    status = "chosen" if trial["id"] == run.get("chosen") else STATUS.get(trial["status"], trial["status"])
    return ", ".join(str(words) for words in (f"{trial['recipe']} {trial['id']}", trial.get("stage"), status) if words)


def _why(trial: Record) -> str:
    said = reason(trial)
    return f" · {said}" if said else ""


def _keys(found: Sequence[Stretch], run: Run) -> Markup:
    """The colours of the recipes, then the fillings that occur."""
    coloured = [stretch.trial for stretch in found if stretch.trial and stretch.kind in _COLOURED]
    looks = {_look(stretch, run).split(" ")[0] for stretch in found}
    fillings = [("probe", "probe"), ("hollow", "does not fit"), ("other", "not a trial")]
    items = [key(_swatch(look), f"span {look} hue-rest", words) for look, words in fillings if look in looks]
    return tag("ul", *recipe_keys(coloured), *items, class_="legend", aria_label="Legend")


def _swatch(look: str) -> Markup:
    hatch = tag("line", x1=4, x2=22, y1=10, y2=10, stroke_width=12, class_="hatch") if look == "probe" else None
    return join(tag("rect", x=4, y=4, width=18, height=12, rx=1.5), hatch)
