"""What a server answers with: a bundle and the policy before it, loaded and warm; and which of them answers now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from plimsoll.bundle import of, read
from plimsoll.errors import PolicyError, RequestError, UserError
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.answering import answering
from plimsoll.serve.desk import Way
from plimsoll.serve.request import MOST_ROWS

if TYPE_CHECKING:  # a server without a policy need not know what one is
    from plimsoll.policy.rules import Policy
    from plimsoll.serve.gate import Gate
    from plimsoll.serve.keeper import Keeper

PREDICT, DECIDE = b"/predict", b"/decide"
_WARM = 50  # requests that a version answers before anybody asks it


@dataclass(frozen=True)
class Origin:
    """Where a version comes from: a bundle, a policy file, the backtest that says how often its rules fire, the rules of its
    lists, and the file of documents that came later."""

    bundle: Path
    policy: Path | None = None
    rates: Path | None = None
    lists: Path | None = None
    later: Path | None = None

    def as_json(self) -> dict[str, str | None]:
        return {name: None if value is None else str(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Version:
    """A bundle that answers, and the policy before it."""

    answerer: Answerer
    gate: Gate | None = None
    origin: Origin | None = None

    @property
    def ways(self) -> Mapping[bytes, Way]:
        return {PREDICT: self.answerer, **({DECIDE: self.gate} if self.gate is not None else {})}

    def as_json(self) -> dict[str, Any]:
        """What it is, for those who look after it."""
        told: dict[str, Any] = self.origin.as_json() if self.origin is not None else {}
        told["digest"] = self.answerer.bundle.facts.get("digest", "")
        if self.answerer.rules is not None:
            told["lists_digest"] = self.answerer.rules.digest
        if self.gate is not None:
            policy = self.gate.policy
            told["policy_name"], told["policy_version"], told["policy_digest"] = (
                policy.name,
                policy.version,
                policy.digest,
            )
            told["held_back"] = self.gate.breaker.names()
        return told


def load(origin: Origin, keeper: Keeper | None = None, most_rows: int = MOST_ROWS) -> Version:
    """Raises UserError where the bundle or the policy is not what it should be, or cannot answer."""
    answerer = answering(read(of(origin.bundle)), most_rows, origin.lists, origin.later)
    gate = None
    if origin.policy is not None:
        from plimsoll.policy import reading
        from plimsoll.serve.gate import Gate

        policy = reading.read(origin.policy, answerer.schema)
        rates = _rates(origin.rates, policy) if origin.rates is not None else {}
        gate = Gate(policy, answerer, rates, keeper, most_rows)
    return _warm(Version(answerer, gate, origin))


def _warm(version: Version) -> Version:
    """The version, once it has answered: what cannot should not be served. No event is decided for it."""
    try:
        for _ in range(_WARM):
            version.answerer.answer(version.answerer.usual)
    except RequestError as fault:
        raise UserError(f"The bundle does not answer: {fault.reason}") from None
    return version


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
