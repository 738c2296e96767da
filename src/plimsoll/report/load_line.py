"""What both the page and the terminal read out of a run: its trials, its limits, and how deep a model sits against them."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plimsoll import units
from plimsoll.limits import COSTS, Limit, Limits, Measured, dimension
from plimsoll.metrics import QUALITIES

Run = Mapping[str, Any]
Record = Mapping[str, Any]  # one trial, as Trial.as_json writes it

COSTS_SHOWN = ("p50", "p99", "memory", "size", "train")
STATUS = {"fits": "fits", "breaches": "breaches", "failed": "failed", "killed": "killed", "ruled_out": "ruled out"}


@dataclass(frozen=True)
class Depth:
    """One limit, the figure held against it, and how much of the room the figure uses: 1 is at the line."""

    limit: Limit
    text: str
    found: float | None
    shown: str
    kept: bool

    @property
    def share(self) -> float | None:
        if self.found is None:
            return None
        part, whole = (self.found, self.limit.bound) if self.limit.upper else (self.limit.bound, self.found)
        return max(part / whole, 0.0) if whole > 0 else (0.0 if self.kept else math.inf)

    @property
    def room(self) -> str:
        """What is left before the line, in words.

        >>> Depth(Limit("p99", True, 0.002), "p99 < 2 ms", 0.0015, "1.5 ms", True).room
        '25 % room left'
        """
        if self.found is None:
            return "not measured"
        if not self.kept:
            return f"over the line by {self._apart()}"
        if not self.limit.upper:
            return f"{self._apart()} above the floor"
        return f"{self._apart()} {'below the limit' if self.limit.dimension == units.SHARE else 'room left'}"

    def _apart(self) -> str:
        gap = abs((self.found or 0.0) - self.limit.bound)
        if not self.limit.bound or self.limit.dimension == units.SHARE:
            return units.show(float(f"{gap:.3g}"), self.limit.dimension)
        return f"{gap / abs(self.limit.bound):.0%}".replace("%", " %")


def settled(run: Run) -> Run:
    """The run with every score either whole or absent: a score that is no number is no score, and one without an
    interval is its own interval."""
    trials = [{**trial, "score": _settled_score(trial.get("score"))} for trial in run["trials"]]
    return {**run, "trials": trials, "test": _settled_score(run.get("test"))}


def _settled_score(score: Record | None) -> Record | None:
    if not score or not _finite(score.get("value")):
        return None
    sides = {side: score[side] if _finite(score.get(side)) else score["value"] for side in ("low", "high")}
    return {**score, **sides}


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def depths(run: Run, trial: Record | None) -> list[Depth]:
    """Every limit of the run with the trial's figure; ``train`` is the whole run's, and the test score is the figure of its metric."""
    measured = figures(run, trial)
    return [_depth(limit, str(text), measured) for limit, text in _limits(run)]


def _limits(run: Run) -> list[tuple[Limit, str]]:
    return [(Limit(each["name"], each["side"] == "<", each["bound"]), each["text"]) for each in run.get("limits") or ()]


def _depth(limit: Limit, text: str, measured: Measured) -> Depth:
    figure = measured.figures.get(limit.key)
    found = None if figure is None else figure[2 if limit.name in COSTS else 1]
    shown = (
        "–"
        if figure is None
        else cost_text(
            limit.name, [figure[0], figure[2]] if figure[0] < figure[2] and limit.name in COSTS else figure[1]
        )
    )
    return Depth(limit, text, found, shown, kept=not Limits((limit,)).judge(measured))


def figures(run: Run, trial: Record | None) -> Measured:
    measured = _measured(trial)
    if trial is not None and trial["id"] == run.get("chosen"):
        if test := run.get("test"):
            measured = measured.joined(Measured({test["metric"]: (test["low"], test["value"], test["high"])}))
        if run.get("elapsed"):
            measured = measured.joined(Measured.exactly(train=run["elapsed"]))
    return measured


def _measured(trial: Record | None) -> Measured:
    found: dict[str, tuple[float, float, float]] = {}
    for name, figure in ((trial or {}).get("measured") or {}).items():
        low, high = (figure[0], figure[-1]) if isinstance(figure, list | tuple) else (figure, figure)
        found[name] = (low, (low + high) / 2, high)
    if score := (trial or {}).get("score"):
        found.setdefault(score["metric"], (score["low"], score["value"], score["high"]))
    return Measured(found)


def shown_trial(run: Run) -> Record | None:
    """The chosen trial or, where nothing fits, the one that is nearest to fitting."""
    if chosen := next((trial for trial in run["trials"] if trial["id"] == run.get("chosen")), None):
        return dict(chosen)
    limits = Limits(tuple(limit for limit, _ in _limits(run)))
    over = [
        (_worst(limits, trial), index) for index, trial in enumerate(run["trials"]) if trial["status"] == "breaches"
    ]
    return run["trials"][min(over)[1]] if over else None


def _worst(limits: Limits, trial: Record) -> float:
    return max((breach.ratio for breach in limits.judge(_measured(trial))), default=0.0)


def metric_of(run: Run) -> str:
    scores = [trial["score"] for trial in run["trials"] if trial.get("score")]
    return str(
        (run.get("test") or (scores[0] if scores else {})).get(
            "metric", (run.get("job") or {}).get("metric") or "score"
        )
    )


def higher_is_better(metric: str) -> bool:
    return QUALITIES[metric].higher_is_better if metric in QUALITIES else True


def cost_of(trial: Record, name: str, *, predicted: bool = False) -> float | None:
    """The middle of a trial's cost, above zero and finite, or None."""
    figure = (trial.get("measured") or {}).get(name)
    if figure is None and predicted:
        figure = (trial.get("predicted") or {}).get(name)
    if isinstance(figure, list | tuple):
        figure = figure[len(figure) // 2] if len(figure) % 2 else sum(figure) / len(figure)
    return float(figure) if figure is not None and math.isfinite(figure) and figure > 0 else None


def frontier(trials: Sequence[Record], cost: str, higher: bool) -> list[Record]:
    """The trials that fit, saw every row, and that no cheaper one equals in score; cheapest first."""
    fitting = [trial for trial in trials if _whole(trial) and cost_of(trial, cost) is not None]
    sign = 1 if higher else -1
    best, kept = -math.inf, []
    for trial in sorted(fitting, key=lambda trial: (cost_of(trial, cost) or 0.0, -sign * trial["score"]["value"])):
        if sign * trial["score"]["value"] > best:
            best = sign * trial["score"]["value"]
            kept.append(trial)
    return kept


def ahead(run: Run) -> list[Record]:
    """What is on the frontier for any cost, and the chosen one, the best score first."""
    higher = higher_is_better(metric_of(run))
    found = {trial["id"] for cost in COSTS_SHOWN for trial in frontier(run["trials"], cost, higher)}
    rows = [trial for trial in run["trials"] if trial["id"] in found | {run.get("chosen")} and trial.get("score")]
    return sorted(rows, key=lambda trial: trial["score"]["value"], reverse=higher)


def _whole(trial: Record) -> bool:
    return bool(trial["status"] == "fits" and trial.get("score") and trial.get("share", 1.0) >= 1.0)


def cost_text(name: str, figure: object) -> str:
    """
    >>> cost_text("p99", 0.0012), cost_text("energy", [12.0, 31.0]), cost_text("p99", None)
    ('1.2 ms', '12 J to 31 J', '–')
    """
    if isinstance(figure, list | tuple):
        return f"{cost_text(name, figure[0])} to {cost_text(name, figure[-1])}"
    return units.show(figure, dimension(name)) if isinstance(figure, int | float) and math.isfinite(figure) else "–"


def score_text(score: Record | None) -> tuple[str, str]:
    """The value and its interval, to the digits that the interval can carry.

    >>> score_text({"value": 0.91234, "low": 0.9051, "high": 0.9203})
    ('0.912', '0.905–0.920')
    """
    if not score:
        return "–", ""
    low, value, high = score["low"], score["value"], score["high"]
    if high <= low:
        return f"{value:.4g}", ""
    digits = min(max(1 - math.floor(math.log10(high - low)), 0), 6)
    return f"{value:,.{digits}f}", f"{low:,.{digits}f}–{high:,.{digits}f}"


def knobs_text(trial: Record) -> str:
    """A trial's knobs in a line. Models that a blend is made of, or that a student was chosen from, are counted by family.

    >>> knobs_text({"knobs": {"rate": 0.1, "parts": '[{"recipe": "trees"}, {"recipe": "trees"}, {"recipe": "linear"}]'}})
    'rate 0.1, parts: 2 trees, 1 linear'
    """
    return ", ".join(_knob(name, value) for name, value in (trial.get("knobs") or {}).items())


def _knob(name: str, value: object) -> str:
    if isinstance(value, float):
        return f"{name} {value:g}"
    try:
        made = json.loads(value) if isinstance(value, str) and value.startswith("[{") else None
        counted = Counter(str(part["recipe"]) for part in made) if made else {}
    except (ValueError, TypeError, KeyError):
        counted = {}
    families = ", ".join(f"{many} {family}" for family, many in counted.items())
    return f"{name}: {families}" if families else f"{name} {value}"
