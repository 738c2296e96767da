"""From an event's bytes to its decision's bytes: the model's scores, the policy's rules, and what is kept of it.

A gate is asked as an answerer is, so that the desk, the meter and the tests know no difference.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from plimsoll.errors import RequestError
from plimsoll.policy.breaker import Breaker
from plimsoll.policy.decision import Decider, Decision
from plimsoll.policy.memory import Memory
from plimsoll.policy.rules import Policy, joint, names, scored
from plimsoll.rows import Value
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.journal import failed, tell
from plimsoll.serve.keeper import Keeper, grounds
from plimsoll.serve.request import MOST_ROWS, Reader, Values

_encode = msgspec.json.Encoder().encode


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
            return self._listed(rows, self._scores(rows)), len(rows)
        return self._one(rows[0], self._score(rows[0])), 1

    def answer_all(self, bodies: Sequence[bytes]) -> list[tuple[bytes, int] | RequestError]:
        """Each request's decision, or what is wrong with it.

        Scores hang on an event alone, so the model is asked about all of them together; then one event after the other is
        decided, for a counter sees those before.
        """
        found: list[tuple[bytes, int] | RequestError] = []
        requests = [self._read(body) for body in bodies]
        events = [values for each in requests if not isinstance(each, RequestError) for values in each[0]]
        scores = iter(self._scores(events))
        for each in requests:
            if isinstance(each, RequestError):
                found.append(each)
                continue
            rows, many = each
            mine = list(islice(scores, len(rows)))
            try:
                found.append((self._listed(rows, mine), len(rows)) if many else (self._one(rows[0], mine[0]), 1))
            except RequestError as fault:
                found.append(fault)
            except Exception as fault:  # no event may be decided twice, so none is asked again
                failed("/decide", fault)
                found.append(RequestError("$", "the model failed on this request.", 500))
        return found

    def cells(self, body: bytes) -> list[tuple[Value, ...]]:
        """The events that a request asks about, as far as the model sees them. Raises RequestError."""
        return [tuple(values[: self._width]) for values in self._reader.read(body)[0]]

    def _read(self, body: bytes) -> tuple[list[Values], bool] | RequestError:
        try:
            return self._reader.read(body)
        except RequestError as fault:
            return fault

    def _score(self, values: Sequence[Value]) -> list[float]:
        return self._answerer.scores(values[: self._width]) if self._answerer is not None else []

    def _scores(self, events: Sequence[Sequence[Value]]) -> list[list[float] | Exception]:
        """The scores of each event, or what went wrong; asked one by one where together they are too much for the model."""
        if self._answerer is None or not events:
            return [[] for _ in events]
        try:
            return list(self._answerer.scores_all([values[: self._width] for values in events]))
        except Exception:
            return [self._tried(values) for values in events]

    def _tried(self, values: Sequence[Value]) -> list[float] | Exception:
        try:
            return self._score(values)
        except Exception as fault:
            return fault

    def _listed(self, rows: Sequence[Sequence[Value]], scores: Sequence[list[float] | Exception]) -> bytes:
        """The decisions of a list; where the model fails on one of its events, none of them is decided."""
        for each in scores:
            if isinstance(each, Exception):
                raise each
        return b"[" + b",".join([self._one(values, each) for values, each in zip(rows, scores, strict=True)]) + b"]"

    def decide(self, values: Sequence[Value], scores: list[float] | None = None) -> tuple[Decision, list[float], str]:
        """The decision of an event, its scores (asked for where they are not given), and the number under which it is kept."""
        if scores is None:
            scores = self._score(values)
        now = self._now(values)
        reckoned = self._memory.tell(values, now) if self._memory is not None else []
        event = (*values, *reckoned, *scores)
        hits, held = self._decider.fires(event), self.breaker.held
        self.breaker.saw(hits)
        if self.breaker.held is not held:
            _tripped(self.breaker.names())
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

    def _one(self, values: Sequence[Value], scores: list[float] | Exception) -> bytes:
        if isinstance(scores, Exception):
            raise scores
        decision, scores, number = self.decide(values, scores)
        told: dict[str, Any] = {"scores": dict(zip(self._classes, scores, strict=True))}
        if number:
            told["id"] = number
        return self._said(decision) + _encode(told)[1:]


def _tripped(names: Sequence[str]) -> None:
    sentence = f"Rules that run away are held back, and their events reviewed: {', '.join(names)}."
    tell("tripped", sentence, logging.WARNING, held_back=list(names))


def _said(decision: Decision) -> bytes:
    """The part of an answer that is the same for all events that the same rules decide, with a comma behind it."""
    told = {"outcome": decision.outcome, "by": decision.by, "labels": decision.labels, "because": decision.because}
    return _encode(told)[:-1] + b","
