"""time_domain_lda: time-domain features of the last window (Hudgins and others 1993), and linear discriminants with shrinkage."""

from __future__ import annotations

from plimsoll import time_domain, window_lda
from plimsoll.knobs import Knobs, Space

SPACE = Space(
    {
        "window": (0.25, 0.15, 0.4, 0.6),
        "covariance": (True, False),  # log-covariances beside
        "roll": (0, 1),  # places by which a ring is also turned to learn from: robuster, and worse where nothing turns
        "person": window_lda.PERSON,
    },
    portfolio=({"covariance": False},),
)


def kind(knobs: Knobs) -> str:
    return "both" if knobs.get("covariance") else "time"


def width(channels: int, knobs: Knobs) -> float:
    beside = channels * (channels + 1) / 2 if knobs.get("covariance") else 0.0
    return time_domain.FIGURES * channels + beside


RECIPE = window_lda.recipe("time_domain_lda", SPACE, kind, width)
