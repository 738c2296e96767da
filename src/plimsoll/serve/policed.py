"""A server with a policy: the gate before the model, what it keeps, and the pages of the review, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec

from plimsoll.errors import PolicyError
from plimsoll.policy.queue import Queue
from plimsoll.policy.reading import read
from plimsoll.policy.records import Made, Recorder
from plimsoll.policy.rules import Policy, joint
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.gate import Gate
from plimsoll.serve.keeper import Keeper, flushed
from plimsoll.serve.review import Review


@dataclass(frozen=True)
class Orders:
    """Where the parts of a policy are: its file, the folder of its records, the queue of its review, and the backtest that
    says how often its rules fire."""

    policy: Path
    records: Path | None = None
    queue: str | None = None
    rates: Path | None = None


@dataclass(frozen=True)
class Policed:
    """All that a policy adds to a server."""

    gate: Gate
    review: Review | None
    keeper: Keeper | None

    def keeping(self) -> AbstractContextManager[None]:
        """Writes what is kept for as long as it lasts."""
        return flushed(self.keeper) if self.keeper is not None else nullcontext()


def policed(orders: Orders, answerer: Answerer, token: str | None, most_rows: int) -> Policed:
    """Raises PolicyError, and UserError where something cannot be kept where it should be."""
    policy = read(orders.policy, answerer.schema)
    rates = _rates(orders.rates, policy) if orders.rates is not None else {}
    queue = Queue(orders.queue) if orders.queue is not None else None
    recorder = None
    if orders.records is not None:
        made = Made(policy.digest, policy.name, str(answerer.bundle.facts.get("digest", "")))
        recorder = Recorder(orders.records, made, policy.personal)
    keeper = None
    if recorder is not None or queue is not None:
        named, harm = joint(policy, answerer.schema).names, _harm(policy, answerer.schema.classes)
        keeper = Keeper(policy, named, recorder, queue, harm, answerer)
    gate = Gate(policy, answerer, rates, keeper, most_rows)
    review = Review(queue, choices(policy, answerer.schema.classes), token) if queue is not None else None
    return Policed(gate, review, keeper)


def choices(policy: Policy, classes: Sequence[str]) -> tuple[str, ...]:
    """What may be said of an event: what the model learns to say, where the policy's truth is told so; else an outcome."""
    told = [value for values in (policy.truth.right if policy.truth else {}).values() for value in values]
    return tuple(classes) if told and set(told) <= set(classes) else tuple(o for o in policy.outcomes if o != "review")


def _harm(policy: Policy, classes: Sequence[str]) -> tuple[int, ...]:
    """The places of the classes for which the strongest outcome is right."""
    right = policy.truth.right.get(policy.outcomes[0], ()) if policy.truth else ()
    return tuple(place for place, name in enumerate(classes) if name in right)


def _rates(path: Path, policy: Policy) -> Mapping[str, float]:
    """How often each rule fired in a backtest of this very policy."""
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict)
        rates = msgspec.convert(told["rates"], dict[str, float])
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, KeyError) as fault:
        raise PolicyError(f"{path}: is not what plimsoll policy backtest --out writes: {fault}.") from None
    if told.get("digest") != policy.digest:
        raise PolicyError(f"{path}: is the backtest of another version of the policy. Backtest this one, with --out.")
    return rates
