"""The outcome of a run for the terminal: the frontier, the choice and its reason, and the room left under each limit."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll import units
from plimsoll.metrics import SEQUENCES
from plimsoll.printed import clipped
from plimsoll.report import found_words
from plimsoll.report.forecast import verdict_text
from plimsoll.report.ladder_chart import STEPS
from plimsoll.report.list_words import in_short, verdicts
from plimsoll.report.load_line import (
    COSTS_SHOWN,
    Record,
    Run,
    ahead,
    cost_of,
    cost_text,
    depths,
    metric_of,
    score_text,
    settled,
    shown_trial,
)

_COUNTED = {"fits": "fit", "breaches": "over a limit", "killed": "killed", "failed": "failed", "ruled_out": "ruled out"}
_BOLD, _SOFT, _ACCENT, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"
_EVENTS = {
    "detection_rate": "{:.0%} found",
    "false_activations_per_hour": "{:.3g} false activations an hour at rest",
    "event_error_rate": "error rate {:.3f}",
    "delay_p50": "delay {:.0f} ms",
}
_RUNG = "balanced_accuracy"
_MOST_ROWS, _MOST_LIMITS, _MOST_LINES = 9, 8, 30


def terminal(run: Run, width: int = 100, color: bool = False) -> str:
    """At most 30 lines of at most ``width`` columns, with no control characters but the colours, where those are asked for."""
    run = settled(run)
    trial = shown_trial(run)
    parts = [
        _frontier_lines(run),
        _choice_lines(run, trial, width),
        _decoder_lines(run, width),
        _list_lines(run, width),
        _limit_lines(run, trial),
    ]
    parts.append(_count_lines(run, width))
    lines = [line for part in parts if part for line in (*part, "")][:-1]
    lines = [clipped(line, width) for line in lines[:_MOST_LINES]]
    return "\n".join(_painted(line) if color else line for line in lines)


def _painted(line: str) -> str:
    for start, code in (
        ("▸", _ACCENT + _BOLD),
        ("Chosen", _BOLD),
        ("Nothing fits", _BOLD),
        ("  recipe", _SOFT),
        ("  ✗", _BOLD),
    ):
        if line.startswith(start):
            return f"{code}{line}{_PLAIN}"
    return line


def _frontier_lines(run: Run) -> list[str]:
    rows = _rows(run)
    if not rows:
        return []
    metric = metric_of(run)
    table = [["recipe", "", metric, "95 %", *COSTS_SHOWN]]
    for trial in rows:
        table.append(
            [
                trial["recipe"],
                trial["id"],
                *score_text(trial["score"]),
                *(cost_text(cost, cost_of(trial, cost)) for cost in COSTS_SHOWN),
            ]
        )
    marks = ["  ", *("▸ " if trial["id"] == run.get("chosen") else "  " for trial in rows)]
    return [mark + line for mark, line in zip(marks, _aligned(table, names=2), strict=True)]


def _rows(run: Run) -> list[Record]:
    """The best of the frontier, among them always the chosen one."""
    rows = ahead(run)
    chosen = [trial for trial in rows[_MOST_ROWS:] if trial["id"] == run.get("chosen")]
    return [*rows[: _MOST_ROWS - len(chosen)], *chosen]


def _aligned(table: Sequence[Sequence[str]], names: int = 1) -> list[str]:
    """Columns two spaces apart: names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(widths[i]) if i < names else cell.rjust(widths[i]) for i, cell in enumerate(row))
        for row in table
    ]


def _choice_lines(run: Run, trial: Record | None, width: int) -> list[str]:
    why = textwrap.wrap(str(run.get("why") or ""), width - 2, max_lines=3, placeholder=" …")
    if trial is None:
        return ["Nothing fits.", *("  " + line for line in why)]
    if trial["id"] != run.get("chosen"):
        return [f"Nothing fits. Nearest: {trial['recipe']} {trial['id']}", *("  " + line for line in why)]
    value, interval = score_text(run.get("test") or trial.get("score"))
    rows = f" on {run['test']['rows']:,} {found_words.rows_word(run)}" if (run.get("test") or {}).get("rows") else ""
    chosen = (
        f"Chosen: {trial['recipe']} {trial['id']}, {metric_of(run)} {value}{f' ({interval})' if interval else ''}{rows}"
    )
    return [*textwrap.wrap(chosen, width, subsequent_indent="  "), *("  " + line for line in why)]


def _decoder_lines(run: Run, width: int) -> list[str]:
    """Of a run that decodes: what its events come to, and what it is worth by what is held out."""
    evidence = run.get("evidence") or {}
    figures = (evidence.get("events") or {}).get("figures") or {}
    said = [
        words.format(figures[name]["value"] * (1e3 if name == "delay_p50" else 1.0)).replace("%", " %")
        for name, words in _EVENTS.items()
        if name in figures
    ]
    symbols = ((evidence.get("symbols") or {}).get("figures") or {}).get("character_error_rate")
    rungs = {rung.get("rung"): rung.get("figures") or {} for rung in (evidence.get("ladder") or {}).get("rungs") or ()}
    told = metric_of(run) if metric_of(run) in SEQUENCES else _RUNG
    climbed = [
        f"{words} {rungs[name][told]['value']:.3f}" for name, words in STEPS.items() if told in rungs.get(name, {})
    ]
    lines = [f"Events: {', '.join(said)}"] if said else []
    lines += [f"Symbols: {_spelt(evidence['symbols'], symbols)}"] if symbols else []
    lines += [f"{told}: {', '.join(climbed)}"] if climbed else []
    return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="  ")]


def _spelt(found: Mapping[str, Any], error: Mapping[str, float]) -> str:
    counts, width = found.get("counts") or {}, (found.get("spelling") or {}).get("width")
    many = f"{counts.get('spelt', 0):,.0f} spelt, {counts.get('true', 0):,.0f} true"
    return f"{many}, character error rate {error['value']:.3f}, {'greedy' if width == 1 else f'a beam of {width}'}"


def _list_lines(run: Run, width: int) -> list[str]:
    """Of a run whose answers are lists: what is shown to whom, and what the audit found of the split; of a search, what it
    finds, and whether it can be told from another."""
    evidence = run.get("evidence") or {}
    told, search = evidence.get("lists") or {}, evidence.get("found") or {}
    lines = [in_short(told), *verdicts(told.get("audit") or {})]
    lines += [found_words.in_short(search), *found_words.verdicts(search)]
    return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="  ")]


def _limit_lines(run: Run, trial: Record | None) -> list[str]:
    found = depths(run, trial) if trial else []
    found.sort(key=lambda depth: depth.kept)  # what is over its line comes first, and is never cut off
    table = [[depth.text, depth.shown, depth.room] for depth in found[:_MOST_LIMITS]]
    left = f"  … and {len(found) - _MOST_LIMITS} more limits" if len(found) > _MOST_LIMITS else None
    lines = (
        [f"  {'✓' if depth.kept else '✗'} {line}" for depth, line in zip(found, _aligned(table), strict=False)]
        if table
        else []
    )
    return [*lines, left] if left else lines


def _count_lines(run: Run, width: int) -> list[str]:
    counts = Counter(trial["status"] for trial in run["trials"])
    words = ", ".join(f"{counts[status]} {said}" for status, said in _COUNTED.items() if counts[status]) or "none"
    took = f" in {units.show(run['elapsed'], units.TIME)}" if run.get("elapsed") else ""
    warned = len(run.get("warnings") or ())
    forecast = textwrap.wrap(verdict_text(run), width, subsequent_indent="  ")
    return [f"Trials: {words}{took}. Warnings: {warned}.", *forecast]
