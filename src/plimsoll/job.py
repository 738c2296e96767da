"""What is asked: the job statement, the same from the command line, from Python and from a job.toml."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plimsoll.errors import JobError, nearest
from plimsoll.limits import Limits, parse
from plimsoll.metrics import METRICS
from plimsoll.schema import Kind


class Task(enum.StrEnum):
    """The kind of answer that a job wants."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"

    @property
    def classifies(self) -> bool:
        return self is not Task.REGRESSION

    @property
    def metric(self) -> str:
        """The score when the user names none."""
        return {Task.BINARY: "roc_auc", Task.MULTICLASS: "macro_f1", Task.REGRESSION: "rmse"}[self]


@dataclass(frozen=True)
class Split:
    """How test rows, and valid rows, are set apart: ``random``, ``time:COL``, ``group:COL[,COL]`` or ``column:COL``."""

    how: str = "random"
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.how if not self.columns else f"{self.how}:{','.join(self.columns)}"

    @staticmethod
    def parse(text: str) -> Split:
        """
        >>> Split.parse("group:person,session")
        Split(how='group', columns=('person', 'session'))
        """
        how, _, names = text.partition(":")
        columns = tuple(name.strip() for name in names.split(",") if name.strip())
        if how == "random" and not columns:
            return Split()
        if how == "group" and columns:
            return Split(how, columns)
        if how in ("time", "column") and len(columns) == 1:
            return Split(how, columns)
        raise JobError(
            f'--split "{text}" is not a split. Write "random", "time:COL", "group:COL[,COL]" or "column:COL".'
        )


@dataclass(frozen=True)
class Job:
    """A job statement. ``task`` is settled once the target has been seen.

    >>> Job(predict="income", limits=parse("p99 < 2 ms")).limits.get("p99")
    0.002
    """

    predict: str
    limits: Limits = field(default_factory=Limits)
    metric: str = ""  # empty: the task's own
    split: Split = field(default_factory=Split)
    ignore: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)  # kinds that the user has stated
    recipes: tuple[str, ...] = ()  # empty: all that apply
    seed: int = 0
    choose: str = "cheapest"  # or "best"
    task: Task = Task.BINARY
    coverage: float = 0.9  # of a regression's intervals

    def __post_init__(self) -> None:
        if self.metric and self.metric not in METRICS:
            raise JobError(f'--metric "{self.metric}" is not known. {nearest(self.metric, METRICS)}')
        if self.choose not in ("cheapest", "best"):
            raise JobError(f'--choose "{self.choose}" is not known. Write "cheapest" or "best".')
        if self.seed < 0:
            raise JobError(f"--seed {self.seed} is below 0. Write a whole number such as 0.")
        if not 0.5 <= self.coverage < 1.0:
            raise JobError(f"--coverage {self.coverage} is outside 0.5 to 1. Write a share such as 0.9.")

    @property
    def score(self) -> str:
        """The metric that chooses."""
        return self.metric or self.task.metric

    def as_json(self) -> dict[str, Any]:
        return {
            "predict": self.predict,
            "task": self.task.value,
            "metric": self.score,
            "limits": [str(limit) for limit in self.limits],
            "split": str(self.split),
            "ignore": list(self.ignore),
            "kinds": {name: kind.value for name, kind in self.kinds.items()},
            "recipes": list(self.recipes),
            "seed": self.seed,
            "choose": self.choose,
            "coverage": self.coverage,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Job:
        """The job that ``as_json`` wrote, or a job.toml holds. Raises JobError on a wrong word."""
        known = Job("x").as_json()
        for name in value:
            if name not in known:
                raise JobError(f'job: there is no "{name}". {nearest(name, known)}')
        try:
            limits = value.get("limits", "")
            return Job(
                predict=str(value["predict"]),
                limits=parse(limits),
                metric=str(value.get("metric", "")),
                split=Split.parse(str(value.get("split", "random"))),
                ignore=tuple(str(name) for name in value.get("ignore", ())),
                kinds={str(name): Kind(kind) for name, kind in dict(value.get("kinds", {})).items()},
                recipes=tuple(str(name) for name in value.get("recipes", ())),
                seed=int(value.get("seed", 0)),
                choose=str(value.get("choose", "cheapest")),
                task=Task(value.get("task", "binary")),
                coverage=float(value.get("coverage", 0.9)),
            )
        except (KeyError, TypeError, ValueError) as fault:
            raise JobError(f"job: {fault} is missing or not of the right type.") from None
