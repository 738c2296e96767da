"""From a request's bytes to an answer's bytes: the one path, whoever asks.

The server, the meter, the command line and the tests all go through here, so what is measured is what is served.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.bundle import Bundle
from plimsoll.errors import RequestError
from plimsoll.hearing import hearing, made_ready, rows_ready
from plimsoll.recipe import together
from plimsoll.rows import Rows, Value
from plimsoll.serve.request import MOST_ROWS, Reader, Values

if TYPE_CHECKING:
    from plimsoll.list_choice import ListRules
    from plimsoll.serve.session import Session


@dataclass(frozen=True)
class Decided:
    """Answers for a batch: for classes, ``probabilities`` (rows, classes) and ``labels`` (rows,) as places in the
    schema's classes; for a number, ``values``, ``low`` and ``high``, each (rows,)."""

    probabilities: NDArray[np.float64] | None = None
    labels: NDArray[np.int64] | None = None
    values: NDArray[np.float64] | None = None
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None


class Answerer:
    """A loaded bundle that answers.

    ``answerer.answer(b'{"age": 39}')`` gives ``b'{"prediction":"no","probabilities":{"no":0.9,"yes":0.1}}'``, and for
    a number ``b'{"prediction":3.5,"low":2.9,"high":4.1}'``. A list of rows, bare or as ``{"rows": […]}``, gives a list.
    """

    rules: ListRules | None = None  # inside a list, of bundles whose answers are lists
    changes = False  # whether what it answers by may change while it answers: documents that come later
    usual = b"{}"  # a request that takes the path of most

    def __init__(self, bundle: Bundle, most_rows: int = MOST_ROWS) -> None:
        self.bundle = bundle
        self.schema = bundle.schema
        self._reader: Any = self._reads(bundle, most_rows)
        self.model = bundle.model()
        self._model = hearing(self.model, bundle.job, bundle.schema)
        self._calibration = bundle.calibration
        self._shifted = any(bundle.calibration.offsets)
        self._classes = bundle.schema.classes
        self._says = [bundle.schema.class_value(index) for index in range(len(self._classes))]
        self._encode = msgspec.json.Encoder().encode

    def _reads(self, bundle: Bundle, most_rows: int) -> Any:
        return Reader(bundle.schema, most_rows)

    def answer(self, body: bytes) -> bytes:
        """The answer to one request. Raises RequestError with the place of the fault."""
        return self.answer_counted(body)[0]

    def answer_counted(self, body: bytes) -> tuple[bytes, int]:
        """The answer, and how many rows it is for."""
        rows, many = self._reader.read(body)
        if many:
            return self._encode(self._answer_many(rows)), len(rows)
        return self._encode(self._decided(self._model.answer(rows[0]))), 1

    def answer_all(self, bodies: Sequence[bytes]) -> list[tuple[bytes, int] | RequestError]:
        """Each request's answer and how many rows it is for, or what is wrong with it; single rows are asked together."""
        found: list[tuple[bytes, int] | RequestError] = []
        places, single = [], []
        for place, body in enumerate(bodies):
            try:
                rows, many = self._reader.read(body)
                found.append((self._encode(self._answer_many(rows)) if many else b"", len(rows)))
                if not many:
                    places.append(place)
                    single.append(rows[0])
            except RequestError as fault:
                found.append(fault)
        for place, raw in zip(places, together(self._model, single), strict=True):
            try:
                found[place] = self._encode(self._decided(raw)), 1
            except RequestError as fault:
                found[place] = fault
        return found

    def session(self, person: str | int | None = None) -> Session:
        """A stream from its start, of whoever wears the sensor. Raises JobError where the bundle does not decode."""
        from plimsoll.serve.session import Session  # most bundles are asked row by row

        return Session(self.bundle, self.model, person)

    def cells(self, body: bytes) -> list[Values]:
        """The rows that a request asks about, as the model sees them. Raises RequestError."""
        rows: list[Values] = self._reader.read(body)[0]
        if self._model is self.model:
            return rows
        return [tuple(made_ready(values, self.bundle.job, self.schema)) for values in rows]

    def quiet(self) -> Answerer:
        """The same: nothing that it answers is recorded."""
        return self

    def scores(self, values: Sequence[Value]) -> list[float]:
        """What a policy holds against its thresholds: the calibrated probability of each class, or the number."""
        return self._scored(self._model.answer(values))

    def scores_all(self, rows: Sequence[Sequence[Value]]) -> list[list[float]]:
        """The same for several rows, asked together."""
        return [self._scored(raw) for raw in together(self._model, rows)]

    def _scored(self, raw: Sequence[float]) -> list[float]:
        if not math.isfinite(sum(raw)):
            raise _not_finite(0)
        return self._calibration.apply_one(raw) if self._classes else [float(raw[0])]

    def ready(self, rows: Rows) -> Rows:
        """Rows whose signals are as a sensor gives them, as the model knows them."""
        return rows if self._model is self.model else rows_ready(rows, self.bundle.job, self.schema)

    def decide(self, rows: Rows) -> Decided:
        """Calibrated answers for a batch of rows: what ``answer`` gives, as arrays."""
        raw = self._model.predict(rows)
        if not np.isfinite(raw).all():
            raise _not_finite(int(np.argmin(np.isfinite(raw).reshape(len(raw), -1).all(axis=1))))
        if not self._classes:
            radius = self._calibration.radius
            return Decided(values=raw, low=raw - radius, high=raw + radius)
        probabilities = self._calibration.apply(raw)
        return Decided(probabilities, self._calibration.labels(probabilities))

    def _decided(self, raw: Sequence[float]) -> dict[str, Any]:
        """A model's answer for one row as the caller gets it: calibrated, and decided."""
        if not self._classes:
            value, radius = float(raw[0]), self._calibration.radius
            if not math.isfinite(value):
                raise _not_finite(0)
            return {"prediction": value, "low": value - radius, "high": value + radius}
        # Calibration takes the log of what is above a tiny number, which would turn a nan into a small probability.
        if not math.isfinite(sum(raw)):
            raise _not_finite(0)
        probabilities = self._calibration.apply_one(raw)
        # Without offsets the decision is the most probable class, and no logs are needed to find it.
        place = self._calibration.label_one(probabilities) if self._shifted else probabilities.index(max(probabilities))
        label = self._says[place]
        return {"prediction": label, "probabilities": dict(zip(self._classes, probabilities, strict=True))}

    def _answer_many(self, rows: list[Values]) -> list[dict[str, Any]]:
        if not rows:
            return []
        decided = self.decide(self.ready(Rows.of_values(self.schema, rows)))
        if decided.probabilities is None or decided.labels is None:
            radius = self._calibration.radius
            numbers = [] if decided.values is None else decided.values.tolist()
            return [{"prediction": value, "low": value - radius, "high": value + radius} for value in numbers]
        answers = zip(decided.labels.tolist(), decided.probabilities.tolist(), strict=True)
        return [
            {"prediction": self._says[label], "probabilities": dict(zip(self._classes, probabilities, strict=True))}
            for label, probabilities in answers
        ]


def _not_finite(index: int) -> RequestError:
    return RequestError("$", f"the model has no finite answer for row {index}", 500)
