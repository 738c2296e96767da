"""``plimsoll policy``: policies checked, backtested, solved and explained; what they decided, verified and replayed."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import tomllib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import bundle, data, policy_text, statement
from plimsoll.errors import PolicyError, UserError
from plimsoll.infer import to_rows
from plimsoll.policy import hygiene, notice, records, redaction
from plimsoll.policy.past import Past, past
from plimsoll.policy.queue import Queue
from plimsoll.policy.reading import read, seconds
from plimsoll.policy.replaying import replay
from plimsoll.policy.rules import Policy, joint
from plimsoll.printed import printable
from plimsoll.schema import Schema
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.answering import answering

_BATCH = 20_000
_MOST = 12  # lines of what differs
_FAULTY = ("dead", "contradictory")  # what must be changed before a policy is served


def policy(args: argparse.Namespace) -> int:
    """Carries out what is asked of policies and of what they decided. Raises UserError."""
    return _WAYS[args.what](args)


def _model(args: argparse.Namespace) -> Answerer | None:
    return answering(bundle.read(bundle.of(args.bundle))) if args.bundle is not None else None


def _schema(model: Answerer | None) -> Schema | None:
    return model.schema if model is not None else None


def _check(args: argparse.Namespace) -> int:
    found = read(args.policy, _schema(_model(args)))
    faults = hygiene.faults(found)
    if args.json:
        print(json.dumps({"policy": found.name, "digest": found.digest, "faults": [vars(each) for each in faults]}))
    else:
        _tell(policy_text.checked(found, faults))
    return 2 if any(fault.kind in _FAULTY for fault in faults) else 0


@dataclass(frozen=True)
class _History:
    """The events of a file with the model's scores of them, whichever policy they are held against."""

    frame: pl.DataFrame
    schema: Schema | None
    scores: NDArray[Any] | None
    days: float | None

    def past(self, told: Policy) -> Past:
        seen = past(told, self.frame, self.schema, self.scores)
        return seen if self.days is None else replace(seen, days=self.days)


def _history(args: argparse.Namespace, model: Answerer | None) -> _History:
    frame = data.read(args.history)
    scores: NDArray[Any] | None = None
    if model is not None:
        rows = to_rows(frame, model.schema)
        decided = [model.decide(chunk) for chunk in rows.chunks(_BATCH)]
        parts = [each.probabilities if each.probabilities is not None else each.values for each in decided]
        scores = np.concatenate([part for part in parts if part is not None])
    return _History(frame, _schema(model), scores, args.days)


def _backtest(args: argparse.Namespace) -> int:
    from plimsoll.policy.backtest import backtest

    model = _model(args)
    told = read(args.policy, _schema(model))
    history, other = _history(args, model), None
    if args.against is not None:
        before = read(args.against, _schema(model))
        other = before, history.past(before)
    found = backtest(told, history.past(told), args.by or (), other)
    record = {"policy": told.name, "version": told.version, "digest": told.digest, **policy_text.as_json(found)}
    if args.out is not None:
        args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if args.json:
        print(json.dumps(record))
    else:
        _tell(policy_text.backtested(told, found, args.against))
    return 0


def _solve(args: argparse.Namespace) -> int:
    from plimsoll.policy.thresholds import solve

    model = _model(args)
    told = read(args.policy, _schema(model))
    if not told.thresholds or not told.limits:
        raise PolicyError(f"{args.policy}: there is nothing to solve. It needs [thresholds] and limits.")
    found = solve(told, _history(args, model).past(told))
    if args.write:
        _put(args.policy, found.thresholds)
    if args.json:
        held = [{**vars(each), "limit": str(each.limit)} for each in found.held]
        print(json.dumps({"thresholds": found.thresholds, "kept": found.kept, "held": held}))
    else:
        _tell(policy_text.solved(told, found, args.policy if args.write else None))
    return 0 if found.kept else 3


def _put(path: Path, thresholds: Mapping[str, float]) -> None:
    """Puts thresholds into a policy's file, and changes not a letter else."""
    text = path.read_text(encoding="utf-8")
    changed = text
    for name, value in thresholds.items():
        line = re.compile(rf"^(\s*{re.escape(name)}\s*=\s*)[-+0-9._eE]+", re.MULTILINE)
        head, found, rest = changed.partition("[thresholds]")
        inside, after = re.match(r"(?s)(.*?)(^\[.*|\Z)", rest, re.MULTILINE).groups()  # type: ignore[union-attr]
        changed = head + found + line.sub(lambda match, at=value: f"{match[1]}{at!r}", inside, count=1) + after
    before, now = tomllib.loads(text), tomllib.loads(changed)
    if now != {**before, "thresholds": {**before["thresholds"], **thresholds}}:
        raise PolicyError(f"{path}: its thresholds are written in a way that cannot be put anew. Write one a line.")
    path.write_text(changed, encoding="utf-8")


def _explain(args: argparse.Namespace) -> int:
    from plimsoll.policy.explain import explained
    from plimsoll.serve.request import Reader

    model = _model(args)
    told = read(args.policy, _schema(model))
    text = sys.stdin.buffer.read() if str(args.event) == "-" else _bytes(args.event)
    rows, many = Reader(joint(told, _schema(model))).read(text)
    if many:
        raise UserError(f"{args.event}: holds several events. Write one, as an object.")
    found = explained(told, model, rows[0])
    print(msgspec.json.encode(found).decode()) if args.json else _tell(policy_text.explained(found))
    return 0


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise UserError(f"{path}: cannot be read: {fault.strerror}.") from None


def _diff(args: argparse.Namespace) -> int:
    schema = _schema(_model(args))
    before, after = read(args.before, schema), read(args.after, schema)
    changes = policy_text.differences(before, after)
    print(json.dumps(changes)) if args.json else _tell(changes or ["They say the same."])
    return 0


def _verify(args: argparse.Namespace) -> int:
    count, redacted = records.verify(_folder(args))
    more = f", {redacted:,} of them redacted" if redacted else ""
    _tell([f"{count:,} decisions{more}: the chain holds."])
    return 0


def _folder(args: argparse.Namespace) -> Path:
    """The folder of records that is meant. Raises UserError where it holds none."""
    folder: Path = args.records
    if not records.files(folder):
        raise UserError(f"{folder}: holds no decision records. plimsoll serve --records writes them.")
    return folder


def _redact(args: argparse.Namespace) -> int:
    moment, fields = time.time() - seconds(args.older_than, "--older-than"), args.fields or ()
    if args.records is None and args.queue is None:
        raise UserError("redact: what? Name the folder of the records, or --queue PLACE, or both.")
    if args.records is not None:
        folder = _folder(args)
        records.verify(folder)
        gone = redaction.redact(folder, moment, fields)
        count, _ = records.verify(folder)
        _tell([f"{gone:,} values are gone; the chain of {count:,} decisions holds."])
    if args.queue is not None:
        with closing(_queue(args.queue)) as queue:
            _tell([f"Values of the queue's events that are gone: {redaction.redact_queue(queue, moment, fields):,}."])
    return 0


def _queue(place: str) -> Queue:
    """The queue at a place. Raises UserError where there is none: a mistyped path makes no new one."""
    if "://" not in place and not Path(place).is_file():
        raise UserError(f"{place}: is no queue. Name the file, or the postgresql://…, of plimsoll serve --queue.")
    return Queue(place)


def _replay(args: argparse.Namespace) -> int:
    model = _model(args)
    told = read(args.policy, _schema(model))
    digest = str(model.bundle.facts.get("digest", "")) if model is not None else ""
    found = replay((line for _, line in records.lines(_folder(args))), told, model, digest)
    lines = [f"{found.same:,} decisions come out the same, {len(found.differing):,} do not."]
    lines += [f"{found.closed:,} are redacted, or of another policy or model."] if found.closed else []
    lines += [f"! decision {number}: another {what}" for number, what in found.differing[:_MOST]]
    _tell(lines)
    return 1 if found.differing else 0


def _notice(args: argparse.Namespace) -> int:
    each = (line for _, line in records.lines(_folder(args)))
    line = next((line for line in each if args.number in (str(line["n"]), records.number_of(line))), None)
    if line is None:
        raise UserError(f"{args.records}: there is no decision {args.number}.")
    review = None
    if args.queue is not None:
        with closing(_queue(args.queue)) as queue:
            review = notice.reviewed(queue, records.number_of(line))
    _tell(notice.statement(read(args.policy, _schema(_model(args))), line, review).splitlines())
    return 0


def _labels(args: argparse.Namespace) -> int:
    out = statement.file(args.out)
    with closing(_queue(args.queue)) as queue:
        told, agreed = list(queue.labels()), queue.agreement()
    named = [{args.target if name == "label" else name: value for name, value in each.items()} for each in told]
    out.write_text("".join(f"{json.dumps(each)}\n" for each in named), encoding="utf-8")
    said = f" {agreed}" if agreed.pairs else ""
    _tell([f"{len(told):,} labelled events are in {out}.{said}"])
    return 0


_WAYS = {
    "check": _check,
    "backtest": _backtest,
    "solve": _solve,
    "explain": _explain,
    "diff": _diff,
    "verify": _verify,
    "redact": _redact,
    "replay": _replay,
    "notice": _notice,
    "labels": _labels,
}


def _tell(lines: list[str]) -> None:
    for line in lines:
        print(printable(line))
