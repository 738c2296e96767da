"""Policies as they are told in a terminal: faults, a backtest, solved thresholds, one event, two versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plimsoll.policy.backtest import Backtest, Change, Share
from plimsoll.policy.harm import LOAD, Harm
from plimsoll.policy.hygiene import Fault
from plimsoll.policy.rules import Policy
from plimsoll.policy.thresholds import Held, Solved
from plimsoll.printed import columns

_MOST = 12  # lines of a table
_MARKS = {True: "✓", False: "✗", None: "?"}


def checked(policy: Policy, faults: Sequence[Fault]) -> list[str]:
    """How a policy stands, and each fault in a line."""
    counted = [f"{len(policy.rules)} rules", f"{len(policy.outcomes)} outcomes"]
    counted += [f"{len(each)} {what}" for what, each in (("lists", policy.lists), ("counters", policy.made)) if each]
    head = (
        f"{policy.name}{f', {policy.version}' if policy.version else ''}: {', '.join(counted)} · {policy.digest[:12]}"
    )
    return [head, *(f"! {fault.kind}: {fault.what}: {fault.why}" for fault in faults)]


def backtested(policy: Policy, found: Backtest, against: Path | None) -> list[str]:
    """Outcomes, rules, limits, the worst groups, and what another version decides otherwise."""
    span = f" over {found.days:,.1f} days" if found.days else ""
    told = [f"{policy.name} on {found.events:,} events{span}", ""]
    rows = [["outcome", "events", "share", "a day", "right", "caught", "wrongly"]]
    for each in found.outcomes:
        daily = f"{each.daily:,.1f}" if each.daily is not None else ""
        shares = [_share(part) for part in (each.precision, each.recall, each.wrong)]
        rows.append([each.name, f"{each.events.hits:,}", _percent(each.events.value), daily, *shares])
    told += columns(rows)
    rows = [["rule", "then", "fires", "share", "alone", "right"]]
    for rule in sorted(found.rules, key=lambda rule: -rule.events.hits)[:_MOST]:
        shares = [_percent(rule.events.value), f"{rule.alone:,}", _share(rule.precision)]
        rows.append([rule.name, rule.then or "–", f"{rule.events.hits:,}", *shares])
    told += ["", *columns(rows)]
    told += ["", *map(_held, found.held)] if found.held else []
    told += ["", *_groups(found)] if found.groups else []
    told += ["", *_changes(found.changes, against)] if found.changes is not None else []
    return told


def _groups(found: Backtest) -> list[str]:
    rows = [["worst groups", "outcome", "wrongly"]]
    rows += [[f"{each.column} = {each.value}", each.outcome, _share(each.wrong)] for each in found.groups[:_MOST]]
    return columns(rows)


def _changes(changes: Sequence[Change], against: Path | None) -> list[str]:
    if not changes:
        return [f"{against} decides every event alike."]
    total = sum(each.events for each in changes)
    rows = [[f"{each.before} → {each.after}", f"{each.events:,}"] for each in changes[:_MOST]]
    return [f"{total:,} events are decided otherwise than by {against}:", *columns(rows)]


def solved(policy: Policy, found: Solved, written: Path | None) -> list[str]:
    """Where the thresholds stand, and each limit with its bound."""
    told = [
        f"{name} = {value:g}" + _moved(policy.thresholds.get(name), value) for name, value in found.thresholds.items()
    ]
    told += ["", *map(_held, found.held)]
    return [*told, "", f"The thresholds are in {written}."] if written is not None else told


def _moved(before: float | None, now: float) -> str:
    return "" if before is None or before == now else f"  (was {before:g})"


def _held(each: Held) -> str:
    """A limit in a line: what was counted, what bound follows, and how many labels are missing."""
    mark, where = _MARKS[each.kept], f" {each.limit.column}={each.group}" if each.group else ""
    if not each.many:
        return f"{mark} {each.limit}{where}: no event with a label tells. {_needs(each)}".rstrip()
    of = f"{each.errors:,} of {each.many:,}" if each.limit.what != LOAD else f"{each.errors:,} events"
    return f"{mark} {each.limit}{where}: {of}, so {_side(each.limit)} {_bound(each)}. {_needs(each)}".rstrip()


def _side(limit: Harm) -> str:
    return "at most" if limit.upper else "at least"


def _bound(each: Held) -> str:
    return f"{each.bound:,.1f} a day" if each.limit.what == LOAD else f"{100 * each.bound:.2f} %"


def _needs(each: Held) -> str:
    if each.kept or not each.missing:
        return ""
    return f"{each.missing:,} more labels with no more mistakes would do."


def explained(found: Mapping[str, Any]) -> list[str]:
    """The outcome, and every rule with its parts."""
    by = f", by {', '.join(found['by'])}" if found["by"] else ", for no rule asks for anything else"
    told = [f"{found['outcome']}{by}"]
    for rule in found["rules"]:
        told.append(f"{_MARKS[rule['fires']]} {rule['name']} → {rule['then']}")
        told += [f"    {_MARKS[part['is']]} {part['part']}" for part in rule["parts"]]
    event = ", ".join(f"{name} {_value(value)}" for name, value in found["event"].items())
    return [*told, f"of: {event}"]


def _value(value: Any) -> str:
    return "missing" if value is None else f"{value:g}" if isinstance(value, float) else repr(value)[:60]


def differences(before: Policy, after: Policy) -> list[str]:
    """What differs between two versions, a line each."""
    told = [f"{what}: {one} → {other}" for what, one, other in _plain(before, after) if one != other]
    old, new = ({rule.name: rule for rule in policy.rules} for policy in (before, after))
    told += [f"- rule {name}: {rule.text} → {rule.then or rule.label}" for name, rule in old.items() if name not in new]
    for name, rule in new.items():
        was = old.get(name)
        if was is None:
            told.append(f"+ rule {name}: {rule.text} → {rule.then or rule.label}")
            continue
        for what in ("text", "then", "label", "because"):
            if getattr(was, what) != getattr(rule, what):
                word = "when" if what == "text" else what
                told.append(f"~ rule {name}: {word}: {getattr(was, what)!r} → {getattr(rule, what)!r}")
    return told


def _plain(before: Policy, after: Policy) -> Iterable[tuple[str, Any, Any]]:
    for what in ("name", "version", "outcomes", "time", "id", "breaker", "limits", "counters", "copies", "truth"):
        one, other = getattr(before, what), getattr(after, what)
        shown = [", ".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in (one, other)]
        yield what, shown[0], shown[1]
    for what in ("fields", "thresholds"):
        yield from _named(what, getattr(before, what), getattr(after, what))
    for name in {**before.lists, **after.lists}:
        one, other = set(before.lists.get(name, ())), set(after.lists.get(name, ()))
        if one != other:
            yield (
                f"lists.{name}",
                f"{len(one)} values",
                f"{len(other)} values, {len(other - one)} new, {len(one - other)} gone",
            )


def _named(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    for name in {**before, **after}:
        yield f"{what}.{name}", before.get(name, "none"), after.get(name, "none")


def as_json(found: Backtest) -> dict[str, Any]:
    """A backtest as JSON, its shares with their intervals."""
    return {
        "events": found.events,
        "days": found.days,
        "outcomes": [_record(each) for each in found.outcomes],
        "rules": [_record(each) for each in found.rules],
        "limits": [{**asdict(each), "limit": str(each.limit)} for each in found.held],
        "groups": [_record(each) for each in found.groups],
        "changes": None if found.changes is None else [asdict(each) for each in found.changes],
        "rates": dict(found.rates),
    }


def _record(each: Any) -> dict[str, Any]:
    return {name: value.as_json() if isinstance(value, Share) else value for name, value in vars(each).items()}


def _share(found: Share | None) -> str:
    if found is None or found.value is None:
        return ""
    low, high = found.interval
    return f"{100 * found.value:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f} %"
