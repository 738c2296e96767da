"""The candidates that were ruled out before training, folded away and grouped by the reason."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plimsoll.report.charts import unbroken
from plimsoll.report.load_line import Record, Run, knobs_text
from plimsoll.report.markup import Markup, tag

# A number with its unit; the digits of a name such as p99 are none.
_FIGURE = re.compile(r"(?<![\w.])(\d[\d.,]*(?<![.,])(?:e[-+]?\d+)?(?: ?(?:%|[nµm]?s|min|h|[kMG]?B|[kM]?J|k?g)(?!\w))?)")


def ruled_out(run: Run) -> Markup | None:
    """A fold-out that names every candidate which was never run, or None where there is none."""
    out = [trial for trial in run["trials"] if trial["status"] == "ruled_out"]
    if not out:
        return None
    many = f"{len(out)} candidates were" if len(out) > 1 else "1 candidate was"
    groups = sorted(grouped(out), key=len, reverse=True)
    return tag(
        "details",
        tag("summary", f"{many} ruled out before training"),
        *(_group(group) for group in groups),
        id="ruled-out",
        class_="fold",
    )


def grouped(trials: Sequence[Record]) -> list[list[Record]]:
    """Those whose reasons are the same but for the figures in them stand together.

    >>> why = ["needs 2 GB", "reads no text", "needs 3 GB"]
    >>> [len(group) for group in grouped([{"why": words} for words in why])]
    [2, 1]
    """
    groups: dict[tuple[str, ...], list[Record]] = {}
    for trial in trials:
        groups.setdefault(tuple(_FIGURE.split(_why(trial))[::2]), []).append(trial)
    return list(groups.values())


def common(reasons: Sequence[str]) -> tuple[str, list[str]]:
    """The reason that a group shares, with … for every figure in which they differ, and those figures of each.

    >>> common(["needs 2 GB, 1 GB allowed", "needs 900 MB, 1 GB allowed"])
    ('needs …, 1 GB allowed', ['2 GB', '900 MB'])
    """
    parts = [_FIGURE.split(reason) for reason in reasons]
    same = [len(set(each)) == 1 for each in zip(*parts, strict=True)]
    shared = "".join(part if kept else "…" for part, kept in zip(parts[0], same, strict=True))
    own = [", ".join(part for part, kept in zip(each, same, strict=True) if not kept) for each in parts]
    return shared, own


def _why(trial: Record) -> str:
    return str(trial.get("why") or "no reason was kept")


def _group(group: Sequence[Record]) -> Markup:
    shared, own = common([_why(trial) for trial in group])
    count = f" · {len(group)} candidates" if len(group) > 1 else ""
    head = tag("p", tag("b", shared), tag("span", count, class_="hint"), class_="ground")
    items = (_candidate(trial, figures) for trial, figures in zip(group, own, strict=True))
    return tag("div", head, tag("ul", *items, class_="candidates"))


def _candidate(trial: Record, figures: str) -> Markup:
    """The recipe, its knobs, and the figures that stand for … in the reason above it."""
    words = (str(trial["id"]), knobs_text(trial), unbroken(figures))
    return tag("li", str(trial["recipe"]), " ", tag("small", " · ".join(word for word in words if word)))
