"""What is kept of decisions: records in their chain, and the events that wait for a person. Nothing of it holds up an answer."""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from plimsoll.policy.decision import REVIEW, Decision
from plimsoll.policy.queue import ASKED, AUDIT, Item, Queue
from plimsoll.policy.records import Recorder
from plimsoll.policy.rules import Policy
from plimsoll.rows import Value

_log = logging.getLogger("plimsoll.serve")
MOST_WAITING = 10_000  # decisions that may wait to be written; then an answer waits for the disk


class Keeper:
    """Takes note of each decision; ``flush`` writes what waits, and is called beside the answers.

    ``harm`` are the places of the scores for which the strongest outcome is right: what they come to orders the queue.
    """

    def __init__(
        self,
        policy: Policy,
        names: Sequence[str],
        recorder: Recorder | None,
        queue: Queue | None,
        harm: Sequence[int] = (),
    ) -> None:
        self._policy = policy
        self._names = tuple(names)
        self._recorder = recorder
        self._queue = queue
        self._harm = tuple(harm)
        self._draw = random.SystemRandom()
        self._items: deque[Item] = deque()
        self._count = 0

    def keep(
        self,
        now: float,
        values: Sequence[Value],
        reckoned: Sequence[float],
        scores: Sequence[float],
        decision: Decision,
    ) -> str:
        """The number of the decision; empty where nothing is kept."""
        if self._recorder is None and self._queue is None:
            return ""
        fields = dict(zip(self._names, values, strict=True))
        if self._recorder is not None:
            made = dict(zip(self._policy.made, reckoned, strict=True))
            number = self._recorder.add(now, fields, made, scores, decision)
        else:
            number = f"{self._draw.getrandbits(64):016x}"  # several servers may share one queue
        self._count += 1
        if self._queue is not None:
            self._wait(number, now, fields, scores, decision)
        if self._count % MOST_WAITING == 0:
            self.flush()
        return number

    def _wait(
        self, number: str, now: float, fields: Mapping[str, Value], scores: Sequence[float], decision: Decision
    ) -> None:
        asked = decision.outcome == REVIEW
        if not asked and self._draw.random() >= self._policy.audit:
            return
        event = {name: None if value != value else value for name, value in fields.items()}
        told: dict[str, Any] = {"outcome": decision.outcome, "by": decision.by, "because": decision.because}
        why, chance = (ASKED, 1.0) if asked else (AUDIT, self._policy.audit)
        harm = sum(scores[place] for place in self._harm) if self._harm else 1.0 - max(scores, default=0.0)
        self._items.append(Item(number, now, why, event, {**told, "scores": list(scores)}, chance, harm))

    def flush(self) -> None:
        """Writes what waits. What cannot be written is said in the log, and tried again."""
        items = [self._items.popleft() for _ in range(len(self._items))]  # another thread may add to it meanwhile
        try:
            if self._queue is not None and items:
                self._queue.put(items)
        except Exception:
            self._items.extendleft(reversed(items))
            _log.exception("The queue of the review could not be written.")
        try:
            if self._recorder is not None:
                self._recorder.flush()
        except OSError:
            _log.exception("Decisions could not be recorded.")


@contextmanager
def flushed(keeper: Keeper, every: float = 0.05) -> Iterator[None]:
    """Has a keeper write what waits, again and again beside the answers, and a last time at the end."""
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(every):
            keeper.flush()

    thread = threading.Thread(target=write, name="keeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        keeper.flush()
