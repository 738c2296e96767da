"""What is said of a run that decodes: the ladder of splits, people and sessions, decision rules, events and their delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll import units
from plimsoll.report.delay_chart import delay_chart
from plimsoll.report.ladder_chart import ladder_chart
from plimsoll.report.load_line import Run, cost_text
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.people_chart import people_chart
from plimsoll.report.rules_chart import rule_text, rules_chart
from plimsoll.report.tables import facts, number, table

_FIGURES = {
    "detection_rate": "found (detection rate)",
    "false_activations_per_hour": "false activations an hour at rest",
    "unmatched_per_hour": "decisions without an event, an hour",
    "wrong_class_share": "taken for another class",
    "event_error_rate": "event error rate",
    "delay_p50": "delay, in the middle",
    "delay_p99": "delay, of the slowest in a hundred",
}


def decoding(run: Run) -> Markup | None:
    """The charts and figures of a decoder, or None for a run that has none."""
    evidence = run.get("evidence") or {}
    events, ladder, groups = (evidence.get(name) or {} for name in ("events", "ladder", "groups"))
    parts = [
        _ladder(ladder) if ladder else None,
        _people(groups.get("person") or {}, "person", "Each person"),
        _rules(run),
        _events(events) if events.get("figures") else None,
        _sessions(groups.get("session") or {}),
        _delay(events),
        _symbols(evidence),
    ]
    return tag("div", *parts, class_="pair") if any(parts) else None


def _block(name: str, title: str, *inside: object) -> Markup:
    return tag("div", tag("h3", title), *inside, id=name, class_="block")


def _ladder(ladder: Mapping[str, Any]) -> Markup | None:
    drawn = ladder_chart(ladder.get("rungs") or ())
    words = f"{ladder.get('recipe', '')} {ladder.get('trial', '')}, fitted once on each rung, of training rows alone. Bars are 95 % intervals over people, or streams where people are few."
    return None if drawn is None else _block("ladder", "What is held out", tag("p", words, class_="aside"), drawn)


def _people(group: Mapping[str, Any], name: str, title: str) -> Markup | None:
    drawn = people_chart(group)
    words = f"{group.get('metric', '')} on test rows."
    return None if drawn is None else _block(name, title, tag("p", words, class_="aside"), drawn)


def _sessions(group: Mapping[str, Any]) -> Markup | None:
    """One session alone says what all rows say."""
    return _people(group, "session", "Each session") if len(group.get("each") or ()) > 1 else None


def _rules(run: Run) -> Markup | None:
    drawn = rules_chart(run)
    words = "Of training moments that no model had learned from. No other rule has more found, fewer false activations or less delay; small points are there for their delay."
    return None if drawn is None else _block("rules", "Decision rules", tag("p", words, class_="aside"), drawn)


def _events(events: Mapping[str, Any]) -> Markup:
    counts = events.get("counts") or {}
    pairs = [
        (words, _figure(name, events["figures"][name])) for name, words in _FIGURES.items() if name in events["figures"]
    ]
    if counts:
        seen = f"{counts.get('found', 0):,.0f} of {counts.get('events', 0):,.0f} in {counts.get('hours', 0):.2f} h, {counts.get('rest_hours', 0):.2f} h of them rest"
        pairs += [("events found", seen), ("edits to what happened", _edits(counts))]
    rule = f"An event is {rule_text(events['rule'])}." if events.get("rule") else ""
    words = f"{rule} On test rows; in brackets 95 % intervals over {events.get('over', 'streams')}."
    return _block("events", "Events", tag("p", words.strip(), class_="aside"), facts(pairs))


def _edits(counts: Mapping[str, float]) -> str:
    names = ("substitutions", "insertions", "deletions")
    return ", ".join(f"{counts[name]:,.0f} {name}" for name in names if name in counts)


def _symbols(evidence: Mapping[str, Any]) -> Markup | None:
    """What was spelt of the test rows, and what each width would have given and cost."""
    found, tried = evidence.get("symbols") or {}, evidence.get("spellings") or ()
    if not found.get("figures"):
        return None
    counts = found.get("counts") or {}
    many = f"{counts.get('spelt', 0):,.0f} for {counts.get('true', 0):,.0f} that were true"
    error = _figure("character_error_rate", found["figures"]["character_error_rate"])
    pairs = [("character error rate", error), ("symbols spelt", many), ("edits to what happened", _edits(counts))]
    words = f"Answers read by connectionist temporal classification, rest being the blank. On test rows; in brackets 95 % intervals over {found.get('over', 'streams')}."
    return _block("symbols", "Symbols", tag("p", words, class_="aside"), facts(pairs), _widths(tried))


def _widths(tried: Sequence[Mapping[str, Any]]) -> Markup | None:
    """The spellings that were tried, on training moments that no model had learned from."""
    rows = [_width(each, point) for each in tried for point in each.get("points") or ()]
    heads = [
        ("model", False),
        ("read by", False),
        ("character error rate", True),
        ("a moment", True),
        ("settled", True),
    ]
    words = "On training moments that no model had learned from. A wider beam is tried while the one before it errs less; what is settled later than it begins waits for that long in a stream."
    return join(table("Spellings", heads, rows), tag("p", words, class_="aside")) if rows else None


def _width(each: Mapping[str, Any], point: Mapping[str, Any]) -> Markup:
    how = "the likeliest class" if point["width"] == 1 else f"a beam of {point['width']}"
    error = point.get("character_error_rate")
    return tag(
        "tr",
        tag("td", f"{each['recipe']} {each['trial']}"),
        tag("td", f"{how}{', chosen' if point.get('chosen') else ''}"),
        number(_figure("character_error_rate", error) if error else "–"),
        number(_time(point["seconds"])),
        number(f"{_time(point['later'])} later" if point["later"] else "at once"),
    )


def _time(seconds: float) -> str:
    return units.show(float(f"{seconds:.2g}"), units.TIME)


def _figure(name: str, figure: Mapping[str, float]) -> str:
    """
    >>> _figure("delay_p50", {"low": 0.21, "value": 0.25, "high": 0.3})
    '250 ms (210 ms–300 ms)'
    """
    low, value, high = (_shown(name, figure[side]) for side in ("low", "value", "high"))
    return f"{value} ({low}–{high})" if low != high else value


def _shown(name: str, value: float) -> str:
    return cost_text(name, float(f"{value:.3g}"))


def _delay(events: Mapping[str, Any]) -> Markup | None:
    drawn = delay_chart(events)
    words = "Mean of the events found, from onset to decision. The window fills with the event, and with the time that people take to move; nothing looks ahead."
    return (
        None if drawn is None else _block("delay", "Where the delay comes from", tag("p", words, class_="aside"), drawn)
    )
