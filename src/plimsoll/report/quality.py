"""What the test rows say of the chosen model: each class, the weakest slices, calibration, coverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plimsoll.report.charts import histogram, reliability
from plimsoll.report.load_line import Run, metric_of
from plimsoll.report.markup import Markup, tag
from plimsoll.report.tables import classes_table, slices_table


def quality(run: Run) -> Markup | None:
    """Whatever evidence there is of how the chosen model answers, or None where there is none."""
    evidence = run.get("evidence") or {}
    parts = [
        _block("classes", "Each class", classes_table(evidence["per_class"])) if evidence.get("per_class") else None,
        _block("slices", "Weakest slices", slices_table(evidence["slices"], metric_of(run)))
        if evidence.get("slices")
        else None,
        _calibration(evidence, run) if evidence.get("calibration") else None,
        _coverage(evidence) if evidence.get("coverage") or evidence.get("residuals") else None,
    ]
    return tag("div", *parts, class_="pair") if any(parts) else None


def _block(name: str, title: str, *inside: object) -> Markup:
    return tag("div", tag("h3", title), *inside, id=name, class_="block")


def _calibration(evidence: Mapping[str, Any], run: Run) -> Markup:
    error = evidence.get("calibration_error")
    measured = f"Expected calibration error {error:.3f}. " if error is not None else ""
    of = "Of the likeliest class. " if (run.get("job") or {}).get("task") == "multiclass" else ""
    words = f"{measured}{of}On the diagonal, a probability means what it says. The larger a point, the more rows."
    return _block("calibration", "Calibration", tag("p", words, class_="aside"), reliability(evidence["calibration"]))


def _coverage(evidence: Mapping[str, Any]) -> Markup:
    coverage, residuals = evidence.get("coverage") or {}, evidence.get("residuals") or {}
    parts: list[object] = []
    if coverage:
        stated, held = (f"{100 * coverage[name]:.3g} %" for name in ("stated", "observed"))
        reach = f" They reach {coverage['radius']:.4g} to either side." if coverage.get("radius") is not None else ""
        words = f"Intervals that promise to hold {stated} of the answers held {held} on test rows.{reach}"
        parts.append(tag("p", words, class_="aside"))
    if residuals.get("counts") and len(residuals.get("edges") or ()) > 1:
        parts.append(histogram(residuals["edges"], residuals["counts"], coverage.get("radius")))
    return _block("coverage", "Coverage of the intervals", *parts)
