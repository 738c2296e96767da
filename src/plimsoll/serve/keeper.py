"""What is kept of decisions: records in their chain, and the events that wait for a person. Nothing of it holds up an answer."""

from __future__ import annotations

import logging
import math
import random
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from plimsoll.policy.decision import REVIEW, Decision
from plimsoll.policy.explain import Scorer
from plimsoll.policy.queue import ASKED, AUDIT, Item, Queue
from plimsoll.policy.records import Made, Recorder, plain
from plimsoll.policy.rules import Policy, joint
from plimsoll.rows import Value
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.retention import Keep, forgetting

_log = logging.getLogger("plimsoll.serve")
MOST_WAITING = 10_000  # decisions that may wait to be written; then an answer waits for the disk
MOST_MOVED = 5  # fields that are told to have moved a score
_SWITCH = 2e-4  # seconds after which one thread lets another go on: what is kept may not hold up an answer
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Grounds:
    """What stood behind a decision: the policy, the names of an event's fields, and the model.

    ``harm`` are the places of the scores for which the strongest outcome is right: what they come to orders the queue, and
    fields are told that moved it.
    """

    policy: Policy
    names: tuple[str, ...]
    made: Made
    harm: tuple[int, ...] = ()
    model: Scorer | None = None


def grounds(policy: Policy, model: Answerer | None) -> Grounds:
    schema = model.schema if model is not None else None
    right = policy.truth.right.get(policy.outcomes[0], ()) if policy.truth else ()
    harm = tuple(place for place, name in enumerate(schema.classes if schema else ()) if name in right)
    bundle = str(model.bundle.facts.get("digest", "")) if model is not None else ""
    return Grounds(policy, joint(policy, schema).names, Made(policy.digest, bundle, policy.personal), harm, model)


@dataclass(frozen=True)
class _Decided:
    """A decision as it was made."""

    grounds: Grounds
    number: str
    now: float
    values: Sequence[Value]
    reckoned: Sequence[float]
    scores: Sequence[float]
    decision: Decision


class Keeper:
    """Takes note of each decision, whatever version makes it; ``flush`` does the rest, and is called beside the answers."""

    def __init__(self, recorder: Recorder | None, queue: Queue | None) -> None:
        self._recorder = recorder
        self.folder = recorder.folder if recorder is not None else None
        self.queue = queue
        self._draw = random.SystemRandom()
        self._decided: deque[_Decided] = deque()
        self._items: list[Item] = []

    def keep(
        self,
        grounds: Grounds,
        now: float,
        values: Sequence[Value],
        reckoned: Sequence[float],
        scores: Sequence[float],
        decision: Decision,
    ) -> str:
        """The number of the decision."""
        number = self._recorder.next() if self._recorder is not None else f"{self._draw.getrandbits(64):016x}"
        self._decided.append(_Decided(grounds, number, now, values, reckoned, scores, decision))
        if len(self._decided) >= MOST_WAITING:
            self.flush()
        return number

    def flush(self) -> None:
        """Records and queues what was decided. What cannot be written is said in the log, and tried again."""
        with _one_at_a_time:
            for _ in range(len(self._decided)):  # another thread may add to it meanwhile
                each = self._decided.popleft()
                fields = dict(zip(each.grounds.names, each.values, strict=True))
                if self._recorder is not None:
                    reckoned = dict(zip(each.grounds.policy.made, each.reckoned, strict=True))
                    made, moved = each.grounds.made, _moved(each)
                    self._recorder.add(made, each.now, fields, reckoned, each.scores, each.decision, moved)
                if self.queue is not None:
                    self._wait(each, fields)
            self._write()

    def _write(self) -> None:
        try:
            if self._recorder is not None:
                self._recorder.flush()
        except OSError:
            _log.exception("Decisions could not be recorded.")
        try:
            if self.queue is not None and self._items:
                self.queue.put(self._items)
                self._items = []
        except Exception:
            _log.exception("The queue of the review could not be written.")

    def _wait(self, each: _Decided, fields: Mapping[str, Value]) -> None:
        asked, audit = each.decision.outcome == REVIEW, each.grounds.policy.audit
        if not asked and self._draw.random() >= audit:
            return
        event = {name: plain(value) for name, value in fields.items()}
        told: dict[str, Any] = {
            "outcome": each.decision.outcome,
            "by": each.decision.by,
            "because": each.decision.because,
            "scores": list(each.scores),
            "personal": list(each.grounds.made.personal),
        }
        why, chance = (ASKED, 1.0) if asked else (AUDIT, audit)
        self._items.append(Item(each.number, each.now, why, event, told, chance, _risk(each.grounds, each.scores)))


def _risk(grounds: Grounds, scores: Sequence[float]) -> float:
    """How likely the strongest outcome is right; where that is not known, how unsure the model is."""
    return sum(scores[place] for place in grounds.harm) if grounds.harm else 1.0 - max(scores, default=0.0)


def _moved(each: _Decided) -> list[tuple[str, float]]:
    """The fields without which the risk would be another, and by how much: of decisions that befall somebody.

    Each is taken away in turn (occlusion; Zeiler and Fergus 2014), whatever the model.
    """
    model = each.grounds.model
    if model is None or each.decision.outcome == each.grounds.policy.otherwise:
        return []
    width, risk = len(model.schema.columns), _risk(each.grounds, each.scores)
    found = []
    for place in range(width):
        value = each.values[place]
        if value is None or value != value:
            continue
        gone: Value = None if isinstance(value, str) else math.nan
        without = (*each.values[:place], gone, *each.values[place + 1 : width])
        found.append((each.grounds.names[place], risk - _risk(each.grounds, model.scores(without))))
    found.sort(key=lambda told: -abs(told[1]))
    return [told for told in found[:MOST_MOVED] if told[1]]


@contextmanager
def flushed(keeper: Keeper, keep: Keep = lambda: None, every: float = 0.05) -> Iterator[None]:
    """Has a keeper write what waits, again and again beside the answers, and a last time at the end; and once a day take
    out what is personal and older than so many seconds as ``keep`` gives."""
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(every):
            keeper.flush()

    sys.setswitchinterval(_SWITCH)
    thread = threading.Thread(target=write, name="keeper", daemon=True)
    thread.start()
    try:
        with forgetting(keeper.folder, keeper.queue, keep):
            yield
    finally:
        stop.set()
        thread.join()
        keeper.flush()
