"""A version that may take over, beside the one that answers: asked about the same requests, and compared.

As a shadow it answers nobody; as a canary it answers a share of the requests, chosen by their bytes, so that the same
request gets the same version. Whichever answers, the other is asked afterwards, off the way of the answer, and what it
would have said is counted and thrown away: nothing of a request is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from zlib import crc32

import msgspec

from plimsoll.errors import RequestError
from plimsoll.serve.desk import Way
from plimsoll.serve.times import Times

_MOST_WAITING = 2_000  # requests that may wait to be compared; more are not compared, and counted
_SLICE = 5e-4  # seconds of comparing between two looks at who asks
_PAUSE = 1e-3
_MOST_CHANGES = 100  # kinds of change that are told apart
_COUNTS = ("compared", "same", "passed_over", "failed", "apart")
_log = logging.getLogger("plimsoll.serve")


@dataclass
class Comparison:
    """What is counted of two versions: how often they say the same, what changes into what, how far numbers lie apart."""

    compared: int = 0
    same: int = 0
    passed_over: int = 0
    failed: int = 0
    apart: float = 0.0
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    now: Times = field(default_factory=Times)
    rival: Times = field(default_factory=Times)

    def saw(self, answers: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> None:
        """Takes note of the answers to one request: of the version that answers now, and of the other."""
        for one, other in zip(answers, others, strict=True):
            before, after = (each.get("outcome", each.get("prediction")) for each in (one, other))
            self.compared += 1
            self.same += before == after
            if isinstance(before, float) and isinstance(after, float):
                self.apart += abs(after - before)
            elif before != after and (len(self.changes) < _MOST_CHANGES or (str(before), str(after)) in self.changes):
                self.changes[str(before), str(after)] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in _COUNTS},
            "changes": [{"before": b, "after": a, "count": count} for (b, a), count in self.changes.most_common()],
            "seconds": {"now": self.now.as_json(), "rival": self.rival.as_json()},
        }

    def add(self, told: Mapping[str, Any]) -> None:
        """Adds what another worker counted, from its ``as_json``."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + told[name])
        for each in told["changes"]:
            self.changes[each["before"], each["after"]] += each["count"]
        for name, times in (("now", self.now), ("rival", self.rival)):
            times.join(told["seconds"][name])


def summed(each: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What several workers counted of the same two versions."""
    whole = Comparison()
    for told in each:
        whole.add(told)
    return whole.as_json()


class Side:
    """How one path is asked while there is a rival."""

    def __init__(self, now: Way, rival: Way, share: float, told: Comparison) -> None:
        self._now, self._rival = now, rival
        self._quiet_now, self._quiet_rival = now.quiet(), rival.quiet()
        self._below = int(share * 2**32)
        self.told = told
        self._waiting: deque[tuple[bytes, bytes, float, bool]] = deque()
        self._due = False

    def answer_counted(self, body: bytes) -> tuple[bytes, int]:
        chosen = crc32(body) < self._below
        begun = perf_counter()
        found = (self._rival if chosen else self._now).answer_counted(body)
        self._note(body, found[0], perf_counter() - begun, chosen)
        return found

    def answer_all(self, bodies: Sequence[bytes]) -> Sequence[tuple[bytes, int] | RequestError]:
        """One by one, so that each goes its own way and is timed as it would be alone."""
        found: list[tuple[bytes, int] | RequestError] = []
        for body in bodies:
            try:
                found.append(self.answer_counted(body))
            except RequestError as fault:
                found.append(fault)
            except Exception:
                _log.exception("A request failed inside the model.")
                found.append(RequestError("$", "the model failed on this request.", 500))
        return found

    def _note(self, body: bytes, answer: bytes, seconds: float, chosen: bool) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self.told.passed_over += 1
            return
        self._waiting.append((body, answer, seconds, chosen))
        if not self._due:
            try:
                asyncio.get_running_loop().call_later(_PAUSE, self._compare)
                self._due = True
            except RuntimeError:  # nobody serves: who asked calls compare()
                pass

    def _compare(self) -> None:
        """Some of what waits; then those who ask have their turn."""
        self._due = False
        end = perf_counter() + _SLICE
        while self._waiting and perf_counter() < end:
            self._compare_one()
        if self._waiting:
            asyncio.get_running_loop().call_later(_PAUSE, self._compare)
            self._due = True

    def compare(self) -> None:
        """All that waits."""
        while self._waiting:
            self._compare_one()

    def _compare_one(self) -> None:
        body, answer, seconds, chosen = self._waiting.popleft()
        begun = perf_counter()
        try:
            other = (self._quiet_now if chosen else self._quiet_rival).answer_counted(body)[0]
        except Exception as fault:  # what the rival cannot answer is what one wants to know of it
            self.told.failed += 1
            _log.debug("The version beside failed: %r", fault)
            return
        took = perf_counter() - begun
        (self.told.rival if chosen else self.told.now).add(seconds)
        (self.told.now if chosen else self.told.rival).add(took)
        first, second = _many(answer), _many(other)
        self.told.saw(*((second, first) if chosen else (first, second)))


def _many(answer: bytes) -> list[dict[str, Any]]:
    told = msgspec.json.decode(answer)
    return told if isinstance(told, list) else [told]
