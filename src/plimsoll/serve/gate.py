"""From an event's bytes to its decision's bytes: the model's scores, the policy's rules, and what is kept of it.

A gate is asked as an answerer is, so that the desk, the meter and the tests know no difference.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from plimsoll.errors import RequestError
from plimsoll.policy.breaker import Breaker
from plimsoll.policy.decision import Decider, Decision
from plimsoll.policy.memory import Memory
from plimsoll.policy.rules import Policy, joint, names, scored
from plimsoll.rows import Value
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.keeper import Keeper, grounds
from plimsoll.serve.request import MOST_ROWS, Reader

_encode = msgspec.json.Encoder().encode
_log = logging.getLogger("plimsoll.serve")


class Gate:
    """A policy before a model, or alone.

    ``gate.answer(b'{"text": "…"}')`` gives ``{"outcome":"block","by":["hateful"],"labels":[],"because":["…"],"scores":
    {"hate":0.97,…},"id":"1"}``; a list of events gives a list, decided in its order.
    """

    def __init__(
        self,
        policy: Policy,
        answerer: Answerer | None = None,
        rates: Mapping[str, float] | None = None,
        keeper: Keeper | None = None,
        most_rows: int = MOST_ROWS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy
        self.schema = joint(policy, answerer.schema if answerer else None)
        self.breaker = Breaker(policy, rates or {})
        self._answerer = answerer
        self._width = len(answerer.schema.columns) if answerer else 0
        self._classes = scored(answerer.schema if answerer else None)
        self._reader = Reader(self.schema, most_rows)
        self._decider = Decider(policy, names(policy, answerer.schema if answerer else None))
        self._memory = Memory(policy, self.schema.names) if policy.made else None
        self._moment = self.schema.names.index(policy.time) if policy.time else -1
        self._keeper = keeper
        self._grounds = grounds(policy, answerer)
        self._clock = clock
        self._said = lru_cache(maxsize=4_096)(_said)

    def answer(self, body: bytes) -> bytes:
        """The decision of one request. Raises RequestError with the place of the fault."""
        return self.answer_counted(body)[0]

    def answer_counted(self, body: bytes) -> tuple[bytes, int]:
        """The decision, and how many events it is of."""
        rows, many = self._reader.read(body)
        if many:
            return b"[" + b",".join([self._one(values) for values in rows]) + b"]", len(rows)
        return self._one(rows[0]), 1

    def answer_all(self, bodies: Sequence[bytes]) -> list[tuple[bytes, int] | RequestError]:
        """Each request's decision, or what is wrong with it, in their order: a counter sees one after the other."""
        found: list[tuple[bytes, int] | RequestError] = []
        for body in bodies:
            try:
                found.append(self.answer_counted(body))
            except RequestError as fault:
                found.append(fault)
            except Exception:  # no event may be decided twice, so none is asked again
                _log.exception("An event failed inside the model.")
                found.append(RequestError("$", "the model failed on this request.", 500))
        return found

    def cells(self, body: bytes) -> list[tuple[Value, ...]]:
        """The events that a request asks about, as far as the model sees them. Raises RequestError."""
        return [tuple(values[: self._width]) for values in self._reader.read(body)[0]]

    def decide(self, values: Sequence[Value]) -> tuple[Decision, list[float], str]:
        """The decision of an event, its scores, and the number under which it is kept."""
        scores = self._answerer.scores(values[: self._width]) if self._answerer is not None else []
        now = self._now(values)
        reckoned = self._memory.tell(values, now) if self._memory is not None else []
        event = (*values, *reckoned, *scores)
        hits = self._decider.fires(event)
        self.breaker.saw(hits)
        decision = self._decider.of(hits, self.breaker.held)
        number = (
            self._keeper.keep(self._grounds, now, values, reckoned, scores, decision)
            if self._keeper is not None
            else ""
        )
        return decision, scores, number

    def quiet(self) -> Gate:
        """The same, with the same counters, but nothing that it decides is recorded or reviewed."""
        one = copy.copy(self)
        one._keeper = None
        return one

    def inherit(self, other: Gate) -> None:
        """Goes on counting where another left off, with the counters that both define alike."""
        if self._memory is not None and other._memory is not None and self._memory is not other._memory:
            self._memory.inherit(other._memory)

    def _now(self, values: Sequence[Value]) -> float:
        """When the event happened, where it says so; else when it came."""
        said: Any = values[self._moment] if self._moment >= 0 else None
        return said if said is not None and said == said else self._clock()

    def _one(self, values: Sequence[Value]) -> bytes:
        decision, scores, number = self.decide(values)
        told: dict[str, Any] = {"scores": dict(zip(self._classes, scores, strict=True))}
        if number:
            told["id"] = number
        return self._said(decision) + _encode(told)[1:]


def _said(decision: Decision) -> bytes:
    """The part of an answer that is the same for all events that the same rules decide, with a comma behind it."""
    told = {"outcome": decision.outcome, "by": decision.by, "labels": decision.labels, "because": decision.because}
    return _encode(told)[:-1] + b","
