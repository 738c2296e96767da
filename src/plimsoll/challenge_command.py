"""``plimsoll refit``: a challenger from what people said since, and whether it is better."""

from __future__ import annotations

import argparse
import json
import sys

from plimsoll import challenge, statement
from plimsoll.challenge import Challenge
from plimsoll.progress import Progress


def refit(args: argparse.Namespace) -> int:
    """0: the challenger is measurably better. 3: it is not, and the champion should stay."""
    statement.place({"out": args.out, "data": args.data}, False)
    progress = Progress(sys.stderr, quiet=args.quiet)
    try:
        found = challenge.challenge(args.run, args.data, args.labels, args.out, args.seed, progress, args.spent)
    finally:
        progress.close()
    print(json.dumps(found.as_json()) if args.json else "\n".join(lines(found)))
    return 0 if found.better else 3


def lines(found: Challenge) -> list[str]:
    """The two scores, the gain, and what follows."""
    low, high = found.gain
    told = [
        f"On {found.rows:,} labels that neither had seen: {found.metric} {found.challenger:.4f}, where the champion has {found.champion:.4f}.",
        f"Better by {low:+.4f} to {high:+.4f} (95 %).",
    ]
    follows = (
        f"Serve {found.run.bundle} in its place."
        if found.better
        else "That is not measurably better: the champion stays."
    )
    return [*told, follows]
