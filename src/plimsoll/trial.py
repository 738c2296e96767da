"""A frozen record of one trial: what was tried, what it scored, what it cost, and how it ended."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plimsoll.knobs import Value
from plimsoll.limits import Measured


class Status(enum.StrEnum):
    FITS = "fits"
    BREACHES = "breaches"
    FAILED = "failed"  # it raised, crashed or broke the contract
    KILLED = "killed"  # it outgrew its time or its memory
    RULED_OUT = "ruled_out"  # never run, with the reason


@dataclass(frozen=True)
class Score:
    """A metric on some rows, with a 95 % interval."""

    metric: str
    value: float
    low: float
    high: float
    rows: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"metric": self.metric, "value": self.value, "low": self.low, "high": self.high, "rows": self.rows}


@dataclass(frozen=True)
class Trial:
    """One trial. ``share`` is the part of the training rows that it saw."""

    id: str
    recipe: str
    knobs: Mapping[str, Value]
    status: Status
    why: str = ""
    score: Score | None = None
    measured: Measured = field(default_factory=lambda: Measured({}))
    predicted: Measured = field(default_factory=lambda: Measured({}))
    breaches: tuple[str, ...] = ()
    share: float = 1.0
    started: float = 0.0  # seconds since the run began
    notes: tuple[str, ...] = ()
    stage: str = ""  # what it was for: a probe, the portfolio, a blend …
    lane: int = 0  # which of the trials side by side it was

    @property
    def complete(self) -> bool:
        """It saw every training row and was scored and measured."""
        return self.share >= 1.0 and self.score is not None and "p50" in self.measured.figures

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "recipe": self.recipe,
            "knobs": dict(self.knobs),
            "status": self.status.value,
            "why": self.why,
            "score": self.score.as_json() if self.score else None,
            "measured": self.measured.as_json(),
            "predicted": {name: list(figure) for name, figure in self.predicted.figures.items()},
            "breaches": list(self.breaches),
            "share": self.share,
            "started": self.started,
            "notes": list(self.notes),
            "stage": self.stage,
            "core": self.lane,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Trial:
        """The trial that ``as_json`` wrote."""
        score = value["score"]
        measured = {
            name: (figure[0], (figure[0] + figure[1]) / 2, figure[1]) if isinstance(figure, list) else (figure,) * 3
            for name, figure in value["measured"].items()
        }
        return Trial(
            id=value["id"],
            recipe=value["recipe"],
            knobs=value["knobs"],
            status=Status(value["status"]),
            why=value["why"],
            score=Score(score["metric"], score["value"], score["low"], score["high"], score["rows"]) if score else None,
            measured=Measured(measured),
            predicted=Measured({name: tuple(figure) for name, figure in value["predicted"].items()}),
            breaches=tuple(value["breaches"]),
            share=value["share"],
            started=value["started"],
            notes=tuple(value["notes"]),
            stage=value.get("stage", ""),
            lane=value.get("core", 0),
        )
