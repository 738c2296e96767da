"""What the benchmark of wrist gestures found, as a table to read."""

from __future__ import annotations

from typing import Any

Entry = dict[str, Any]


def brief(entry: Entry) -> str:
    if "skipped" in entry:
        return f"skipped: {entry['skipped']}"
    return f"macro-F1 {entry['macro_f1']:.3f}, accuracy {entry['accuracy']:.3f}, mean person {entry['person_mean']:.3f}, worst {entry['person_worst']:.3f} ({entry['worst']})"


def row(name: str, entry: Entry) -> str:
    if "skipped" in entry:
        return f"| {name} | skipped: {entry['skipped']} | | | | | | |"
    late = entry.get("latency", {})
    cells = [
        entry.get("recipe") or entry.get("how", ""),
        *(f"{entry[key]:.3f}" for key in ("macro_f1", "accuracy", "person_mean", "person_worst")),
    ]
    cells += [
        f"{entry['seconds']:.1f}" if "seconds" in entry else "",
        f"{late['p50_ms']:.3f} / {late['p99_ms']:.3f}" if late else "",
    ]
    return f"| {name} | {' | '.join(cells)} |"


HEAD = "| | model | macro-F1 | accuracy | mean person | worst person | fit, s | window, ms, p50 / p99 |\n|---|---|---:|---:|---:|---:|---:|---:|"


def told_rocket(part: Entry) -> list[str]:
    if "skipped" in part:
        return [f"Skipped: {part['skipped']}"]
    lines = [
        f"{part['windows']:,} windows of 260 ms, 8 channels, {part['features']:,} features; medians of {part['rounds']} rounds, in turn.",
        "",
        "| | importing, s | first fit, s | warm, s |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {each['importing']:.2f} | {each['first']:.2f} | {each['warm']:.2f} |"
        for name, each in part["sides"].items()
    ]
    lines += ["", *(f"- {name}: {times:.1f} times ours" for name, times in part["times"].items())]
    same = part["equal"]
    return [
        *lines,
        f"- features with aeon's kernels: {same.get('skipped') or 'at most {largest:.1e} apart over {compared:,}'.format(**same)}",
    ]


def told_order(part: Entry) -> list[str]:
    if "skipped" in part:
        return [f"Skipped: {part['skipped']}"]
    rows = [
        f"| {name} | {each['recipe']}, {each['memory']} | {each['macro_f1']:.3f} | {', '.join(f'{one:.3f}' for one in each['shuffled'])} |"
        for name, each in part.items()
    ]
    return ["| | model | as recorded | in three other orders |", "|---|---|---:|---:|", *rows]


def told_events(part: Entry) -> list[str]:
    if "skipped" in part:
        return [f"Skipped: {part['skipped']}"]
    each = part["figures"]
    rows = [
        f"| {name} | {found['value']:.3f} | {found['low']:.3f} to {found['high']:.3f} |" for name, found in each.items()
    ]
    return [
        f"{part['recipe']}, rule {part['rule']}. {part.get('note', '')}".strip(),
        "",
        "| | | 95 % |",
        "|---|---:|---:|",
        *rows,
    ]


def table(record: Entry) -> str:
    card, parts = record["machine"], record["parts"]
    asked_for = ", ".join(f"{name} ({entry['asked']})" for name, entry in parts.items())
    lines = [
        "# Wrist gestures",
        "",
        f"{card['cores']} cores, {card['processor']}, one of them used; `python benchmarks/signals.py`. Parts: {asked_for}.",
        "",
    ]
    scores = [
        *parts.get("fit", {}).get("found", {}).items(),
        *((f"{name}, classic features", each) for name, each in parts.get("classic", {}).get("found", {}).items()),
    ]
    lines += [
        "Macro-F1 over all windows of the test recordings; a person's is over their own.",
        "",
        HEAD,
        *(row(name, each) for name, each in sorted(scores) if isinstance(each, dict)),
        "",
    ]
    for name, title, write in (
        ("rocket", "MiniRocket", told_rocket),
        ("order", "Recordings in another order", told_order),
        ("person", "A new person, calibrated on session 1", told_person),
        ("events", "Events on a new session", told_events),
    ):
        if name in parts:
            lines += [f"## {title}", "", *write(parts[name]["found"]), ""]
    return "\n".join(lines)


def told_person(part: Entry) -> list[str]:
    if "skipped" in part:
        return [f"Skipped: {part['skipped']}"]
    return [
        "Seconds of each gesture; windows of sessions 2 and 3.",
        "",
        HEAD,
        *(row(name, each) for name, each in part.items()),
    ]
