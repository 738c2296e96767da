"""covariance_lda: log-covariances of the last window, whole or band by band, and linear discriminants with shrinkage."""

from __future__ import annotations

from plimsoll import window_lda
from plimsoll.covariance import BANDS
from plimsoll.knobs import Knobs, Space

SPACE = Space(
    {
        "window": (0.25, 0.15, 0.4, 0.6),
        "bands": (False, True),
        "roll": (0, 1),  # places by which a ring is also turned to learn from: robuster, and worse where nothing turns
        "person": window_lda.PERSON,
    },
    portfolio=({"bands": True},),
)


def kind(knobs: Knobs) -> str:
    return "bands" if knobs.get("bands") else "covariance"


def width(channels: int, knobs: Knobs) -> float:
    times = len(BANDS) - 1 if knobs.get("bands") else 1
    return times * channels * (channels + 1) / 2


RECIPE = window_lda.recipe("covariance_lda", SPACE, kind, width)
