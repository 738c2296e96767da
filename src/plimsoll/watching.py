"""What is watched of a bundle's rows, answers and labels: counts in blocks that age out, and nothing of any row.

A block ends when it holds a thousand rows and five minutes are over; the last twelve are looked at. So a busy server looks at
the last hour, and a calm one at the last ten thousand rows. Of answers, the last two thousand vectors of probabilities are held,
and as many with their truths.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import metrics
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration
from plimsoll.errors import BundleError, DataError
from plimsoll.labelled import Ring
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Schema
from plimsoll.sketch import Sketch, answered, counted, sketches, sureness
from plimsoll.trial import Score

Array = NDArray[Any]
FORMAT = 1
BLOCKS, BLOCK_ROWS, BLOCK_SECONDS = 12, 1_000, 300.0
OLD = 30 * 86_400.0  # seconds after which a block counts no more
PAIRS = 2_000
_FIGURES = 100_000  # of a ring, where there are many classes
_MOST_FIGURES = 20_000_000  # of a state that is read


@dataclass(frozen=True)
class Reference:
    """What a bundle says of how things were: its sketches, its test score, and how its answers are read."""

    digest: str
    schema: Schema
    calibration: Calibration
    test: Score | None
    columns: tuple[Sketch, ...]
    answers: tuple[Sketch, ...]

    @staticmethod
    def of(bundle: Bundle) -> Reference:
        """Raises BundleError where what the bundle says of itself cannot be."""
        facts = bundle.facts
        columns = sketches(facts.get("sketches", {}), bundle.schema)
        # How long a list is says what its caller wanted, and nothing of the model.
        outputs = [] if bundle.schema.lists else answered(facts.get("answers", {}), bundle.schema)
        digest = str(facts.get("digest", ""))
        return Reference(
            digest, bundle.schema, bundle.calibration, _test(facts, bundle), tuple(columns), tuple(outputs)
        )

    @property
    def width(self) -> int:
        """Figures of an answer: a probability for each class, or a number."""
        return len(self.schema.classes) or 1

    @property
    def cells(self) -> int:
        return sum(sketch.width for sketch in (*self.columns, *self.answers))

    def counts(self, rows: Rows, answers: Array) -> Array:
        """The rows counted, and after them the answers, of shape (rows, width)."""
        return np.concatenate([counted(self.columns, rows), counted(self.answers, self._as_rows(answers))])

    def labels(self, answers: Array) -> Array:
        """What was decided, as metrics take it."""
        return self.calibration.labels(answers) if self.schema.classes else answers[:, 0]

    def _as_rows(self, answers: Array) -> Rows:
        if not self.schema.classes:
            return Rows(len(answers), {"prediction": answers[:, 0]})
        decided = Coded(self.labels(answers).astype(np.int32), self.schema.classes)
        return Rows(len(answers), {"prediction": decided, "probability": sureness(answers)})


class _Test(msgspec.Struct):
    metric: str
    value: float
    low: float
    high: float
    rows: int = 0


def _test(facts: Mapping[str, Any], bundle: Bundle) -> Score | None:
    """The score on the test rows; None where the bundle says none."""
    if not facts.get("metrics"):
        return None
    try:
        told = msgspec.convert(facts["metrics"], list[_Test])[0]
    except (msgspec.ValidationError, IndexError) as fault:
        raise BundleError(f"facts.metrics: {fault}.") from None
    if told.metric in metrics.LISTS and bundle.schema.lists:
        return None  # what a list found is known only of who came back
    if told.metric in metrics.SEQUENCES and bundle.job.decode is not None:
        return None  # labels of rows, one by one, say nothing of what happens in a stream
    metric = metrics.METRICS.get(told.metric)
    if metric is None or bundle.job.task.value not in metric.tasks:
        raise BundleError(f'facts.metrics: "{told.metric[:40]}" is no metric of such a job.')
    if not np.isfinite([told.value, told.low, told.high]).all():
        raise BundleError("facts.metrics: a score is not finite.")
    return Score(told.metric, told.value, told.low, told.high, told.rows)


@dataclass
class Block:
    """Rows that were counted together, and when the first came (seconds since 1970)."""

    begun: float
    rows: int
    counts: Array


class _Block(msgspec.Struct, forbid_unknown_fields=True):
    begun: float
    rows: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    counts: list[Annotated[int, msgspec.Meta(ge=0, le=2**53)]]


class State(msgspec.Struct, forbid_unknown_fields=True):
    """All that is held, as JSON values: what a restart goes on from, and what several workers add up."""

    digest: str
    rows: Annotated[int, msgspec.Meta(ge=0)]
    passed_over: Annotated[int, msgspec.Meta(ge=0)]
    labels: Annotated[int, msgspec.Meta(ge=0)]
    blocks: list[_Block]
    seen: list[list[float]]
    pairs: list[list[float]]
    format: int = FORMAT


@dataclass(frozen=True)
class View:
    """What is looked at: the rows of the blocks and since when they came, their counts, and the answers that are held."""

    reference: Reference
    rows: int
    since: float | None
    counts: Array
    seen: Array
    pairs: Array
    all_rows: int
    passed_over: int
    labels: int


class Watch:
    """Counts of one bundle. ``add`` and ``label`` take arrays; ``state`` is all of it, and ``Watch.of`` is its inverse.

    ``blocks`` of zero: one block that never ends, as for a file.
    """

    def __init__(
        self, reference: Reference, pairs: int = PAIRS, blocks: int = BLOCKS, clock: Callable[[], float] = time.time
    ) -> None:
        self.reference = reference
        self.rows = 0
        self.passed_over = 0
        self.blocks: list[Block] = []
        most = max(200, min(pairs, _FIGURES * max(1, pairs // PAIRS) // reference.width))
        self.seen = Ring(most, reference.width)
        self.pairs = Ring(most, reference.width + 1)
        self._most, self._clock = blocks, clock

    def add(self, rows: Rows, answers: Array) -> None:
        """Counts rows with the answers to them, shape (rows, width); of shape (0, width) where those are another's."""
        many = len(rows)
        block = self._block()
        block.counts += self.reference.counts(rows, answers)
        block.rows += many
        self.rows += many
        self.seen.add(answers)

    def label(self, truth: Array, answers: Array) -> None:
        """Takes what was true, shape (rows,), of answers, shape (rows, width)."""
        self.pairs.add(np.column_stack([truth, answers]))

    def _block(self) -> Block:
        now = self._clock()
        last = self.blocks[-1] if self.blocks else None
        if last is None or (self._most and last.rows >= BLOCK_ROWS and now - last.begun >= BLOCK_SECONDS):
            self.blocks.append(Block(now, 0, np.zeros(self.reference.cells, np.int64)))
        if self._most:
            self.blocks = [each for each in self.blocks[-self._most :] if now - each.begun < OLD]
        return self.blocks[-1]

    def view(self) -> View:
        """What there is to see now, and will not change."""
        counts = sum((each.counts for each in self.blocks), np.zeros(self.reference.cells, np.int64))
        rows, since = sum(each.rows for each in self.blocks), min((each.begun for each in self.blocks), default=None)
        told = (self.rows, self.passed_over, self.pairs.count)
        return View(self.reference, rows, since, counts, self.seen.rows(), self.pairs.rows(), *told)

    def state(self) -> dict[str, Any]:
        blocks = [{"begun": each.begun, "rows": each.rows, "counts": each.counts.tolist()} for each in self.blocks]
        return {
            "format": FORMAT,
            "digest": self.reference.digest,
            "rows": self.rows,
            "passed_over": self.passed_over,
            "labels": self.pairs.count,
            "blocks": blocks,
            "seen": self.seen.rows().round(6).tolist(),
            "pairs": self.pairs.rows().round(6).tolist(),
        }

    @classmethod
    def of(cls, reference: Reference, told: Any, pairs: int = PAIRS, blocks: int = BLOCKS) -> Watch:
        """Goes on from a state. Raises DataError where it is none of this bundle."""
        found = cls(reference, pairs, blocks)
        state = _checked(reference, told)
        found.rows, found.passed_over = state.rows, state.passed_over
        found.blocks = [Block(each.begun, each.rows, np.array(each.counts, np.int64)) for each in state.blocks]
        for ring, rows in ((found.seen, state.seen), (found.pairs, state.pairs)):
            if rows:
                ring.add(np.array(rows))
        found.pairs.count = max(state.labels, found.pairs.count)
        return found


def _checked(reference: Reference, told: Any) -> State:
    try:
        state = msgspec.convert(told, State)
    except msgspec.ValidationError as fault:
        raise DataError(f"the state is not one that plimsoll serve --watch writes: {fault}") from None
    if state.format != FORMAT or state.digest != reference.digest:
        raise DataError("the state is of another bundle or of another version of Plimsoll")
    cells, wide = reference.cells, ((state.seen, reference.width), (state.pairs, reference.width + 1))
    fair = all(len(block.counts) == cells and np.isfinite(block.begun) for block in state.blocks)
    for rows, width in wide:
        fair = fair and len(rows) * width <= _MOST_FIGURES and all(len(row) == width for row in rows)
        fair = fair and bool(np.isfinite(np.array(rows or [[0.0]])).all())
    if fair and reference.schema.classes:
        fair = all(row[0] in range(reference.width) for row in state.pairs)
    if not fair:
        raise DataError("the state holds figures that do not go with the bundle")
    return state


def summed(states: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What several workers hold of one bundle, as one state; those of another bundle than the first's are left out.

    >>> one = {"digest": "d", "rows": 3, "passed_over": 0, "labels": 1, "blocks": [], "seen": [], "pairs": [[1.0, 0.2, 0.8]]}
    >>> both = summed([one, one])
    >>> both["rows"], both["labels"], len(both["pairs"])
    (6, 2, 2)
    """
    told = list(states)
    alike = [state for state in told if state["digest"] == told[0]["digest"]]
    found: dict[str, Any] = {"format": FORMAT, "digest": told[0]["digest"]}
    for name in ("rows", "passed_over", "labels"):
        found[name] = sum(state[name] for state in alike)
    for name in ("blocks", "seen", "pairs"):
        found[name] = [each for state in alike for each in state[name]]
    return found
