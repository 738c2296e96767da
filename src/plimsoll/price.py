"""What limits cost: the candidates that each keeps out, the score that would be won, and when serving overtakes training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plimsoll import units
from plimsoll.limits import COSTS, Limit, Limits, Measured
from plimsoll.metrics import lacking
from plimsoll.outlook import DOES_NOT, Step
from plimsoll.scoring import trial_limits

_REQUEST = 1.1  # what reading a request adds to its answer, in core-seconds of the answer
_NEAR = ("size", "p50", "p99", "memory", "train_memory")  # limits of which it is worth saying that nothing is near them


@dataclass(frozen=True)
class Verdict:
    """One candidate: "fits", "may" or "does not", why, and with how many rows it would fit where it does not."""

    step: Step
    verdict: str
    reasons: tuple[str, ...]
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        told = {name: list(figure) for name, figure in self.step.predicted.figures.items()}
        return {
            "recipe": self.step.recipe,
            "knobs": dict(self.step.knobs),
            "stage": self.step.stage,
            "verdict": self.verdict,
            "why": list(self.reasons),
            "predicted": told,
            "rows_that_fit": self.rows,
        }


def prices(limits: Limits, found: Sequence[Verdict], expected: Mapping[str, Measured]) -> list[str]:
    """For each limit on a cost what more of it would let in, and what score that promises.

    ``expected`` holds the score that each recipe's default is expected to have.
    """
    lines = []
    for limit in limits:
        if limit.name not in COSTS:
            continue
        free = _kept_out(limits, limit, found)
        if free:
            ends = sorted(each.step.predicted.figures[limit.key][2] for each in free)
            least, most = (units.show(end, limit.dimension) for end in (ends[0], ends[-1]))
            many = f"{len(free)} of {len(found)} candidates"
            line = f"{limit} keeps out or in doubt {many}: {least} would let the first in for sure, {most} all"
            lines.append(f"{line}; {_won(free, found, expected)}.")
        elif limit.name in _NEAR:
            lines.append(f"{limit} costs nothing: no candidate is near it.")
    return lines


def _kept_out(limits: Limits, limit: Limit, found: Sequence[Verdict]) -> list[Verdict]:
    """The candidates that this limit shuts out, and that no other does."""
    others = trial_limits(Limits(tuple(each for each in limits if each is not limit)))
    shut = [each for each in found if any(reason.startswith(limit.key) for reason in each.reasons)]
    return [
        each
        for each in shut
        if not others.only(each.step.predicted.figures).judge(each.step.predicted)
        and limit.key in each.step.predicted.figures
    ]


def _won(free: Sequence[Verdict], found: Sequence[Verdict], expected: Mapping[str, Measured]) -> str:
    """What letting these in would win: their recipe's expected score beside that of what fits."""
    inside = [each for each in found if each.verdict != DOES_NOT and each not in free]
    outer, inner = _best(free, expected), _best(inside, expected)
    if outer is None:
        return "what score that would bring is not known, for no probe of them came to one"
    if inner is None or inner[0] == outer[0]:
        return f"they are expected at {outer[1]}" if inner is None else "how much better they score only trying tells"
    lead = "" if outer[2] < inner[2] else "they promise no better score: "
    return f"{lead}{outer[0]} is expected at {outer[1]}, and {inner[0]}, which fits, at {inner[1]}"


def _best(some: Sequence[Verdict], expected: Mapping[str, Measured]) -> tuple[str, str, float] | None:
    """(recipe, its expected score in words, what that lacks) of the one that promises most."""
    told = []
    for recipe in {each.step.recipe for each in some} & expected.keys():
        ((metric, (low, middle, high)),) = expected[recipe].figures.items()
        ends = [units.show(float(f"{part:.3g}"), units.SHARE) for part in (low, middle, high)]
        told.append((lacking(metric, middle), recipe, f"{metric} {ends[1]} ({ends[0]} to {ends[2]})"))
    if not told:
        return None
    lack, recipe, words = min(told)
    return recipe, words, lack


def even(run: Measured, found: Sequence[Verdict]) -> str:
    """After how many answers serving has taken as much energy as the run: both by core-seconds, whose watts cancel out."""
    answers = [each.step.predicted.figures["p50"] for each in found if "p50" in each.step.predicted.figures]
    answers = [each for each in answers if each[0] > 0]
    cpu = run.figures.get("cpu")
    if not answers or cpu is None:
        return ""
    most = cpu[2] / (_REQUEST * min(each[0] for each in answers))
    least = cpu[0] / (_REQUEST * max(each[2] for each in answers))
    return f"Serving overtakes the energy of training after {_rounded(least)} to {_rounded(most)} answers."


def _rounded(count: float) -> str:
    for factor, word in ((1e9, " billion"), (1e6, " million"), (1e3, ",000")):
        if count >= factor:
            return f"{count / factor:.2g}{word}" if word[0] == " " else f"{count / factor:.0f}{word}"
    return f"{count:.0f}"
