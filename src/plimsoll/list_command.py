"""``plimsoll lists``: rules inside the lists of a bundle, checked, and what they cost."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from plimsoll import audience, bundle
from plimsoll.errors import DataError
from plimsoll.list_cost import MEASURE, Cost, cost
from plimsoll.list_rules import ListRules
from plimsoll.printed import columns, printable
from plimsoll.serve.answering import answering


def lists(args: argparse.Namespace) -> int:
    """Says of how many items each rule speaks, and with ``--cost`` what they cost together. Raises UserError."""
    lister: Any = answering(bundle.read(bundle.of(args.bundle)), lists=args.rules)
    found = _cost(lister, args.cost) if args.cost is not None else None
    if args.json:
        print(json.dumps(_as_json(lister.rules, found)))
        return 0
    for line in told(lister.rules, found):
        print(printable(line))
    return 0


def _cost(lister: Any, events: str) -> Cost:
    """Of the rows that the job's own split holds out of these events, which the bundle has not learned from where they are
    those that it was fitted on."""
    job = lister.bundle.job
    asked = audience.of(job, events, job.seed)
    known, here = lister.collection.ids.arrays(), asked.collection.ids.arrays()
    if known.keys() != here.keys() or not all(np.array_equal(known[name], each) for name, each in here.items()):
        raise DataError(f"{events} has other items than the bundle. Give the table that it was fitted on.")
    return cost(
        lister.rules, lister.listing, asked.test.rows.histories(job.lists.to), asked.test.truth.target, job.seed
    )


def told(rules: ListRules, found: Cost | None) -> Iterator[str]:
    """The lines that are printed."""
    many, sound = len(rules.forbidden), _sound(rules)
    yield from columns([[f"{each.kind:8}  {each.text}", f"{each.items:,} items"] for each in rules.said])
    yield f"Of {many:,} items {sound:,} are all that they must be and nothing that they must not."
    if found is None:
        return
    low, mean, high = found.change
    yield (
        f"{MEASURE} of {found.rows:,} test rows: {found.without:.3f} without the rules, {found.kept:.3f} with them; "
        f"{mean:+.3f} ({low:+.3f} to {high:+.3f} at 95 %, paired)."
    )
    if found.filled:
        yield f"In {found.filled:.1%} of the lists of ten something breaks a rule, for nothing else was left."


def _sound(rules: ListRules) -> int:
    return int((~rules.forbidden & (rules.fails == 0)).sum())


def _as_json(rules: ListRules, found: Cost | None) -> dict[str, Any]:
    said = {"digest": rules.digest, "items": len(rules.forbidden), "sound": _sound(rules)}
    return {**said, "rules": [asdict(each) for each in rules.said], "cost": asdict(found) if found else None}
