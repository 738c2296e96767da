"""``plimsoll watch``: a file of rows, a running server, or what one has saved, held against what a bundle says of its training."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import numpy as np

from plimsoll import alarms, bundle, statement, watch_text
from plimsoll.alarms import Told
from plimsoll.errors import DataError, UserError
from plimsoll.progress import Progress
from plimsoll.watching import Reference, Watch

_PAIRS = 50_000  # of a file, which is looked at once
_BATCH = 20_000
_MOST = 50_000_000  # bytes of what a server says, or of a saved state
_PATIENCE = 30.0  # seconds


def watch(args: argparse.Namespace) -> int:
    """0: calm. 3: an alarm stands."""
    found = _told(args)
    if args.out is not None:
        from plimsoll.report.watched import render

        statement.file(args.out).write_text(render(found), encoding="utf-8")
        print(f"The page is in {args.out}.", file=sys.stderr)
    print(json.dumps(found.as_json()) if args.json else "\n".join(watch_text.lines(found)))
    return 3 if found.alarms else 0


def _told(args: argparse.Namespace) -> Told:
    if str(args.bundle).startswith(("http://", "https://")):
        if args.rows is not None or args.labels is not None:
            raise UserError("A server knows its rows and labels: write plimsoll watch URL alone.")
        return asked(str(args.bundle), os.environ.get("PLIMSOLL_TOKEN"))
    if args.rows is None:
        raise UserError("What is to be watched? Write plimsoll watch BUNDLE ROWS, or plimsoll watch URL.")
    if args.rows.endswith(".json"):
        return saved(Path(args.bundle), Path(args.rows))
    progress = Progress(sys.stderr, quiet=args.quiet)
    try:
        return looked(Path(args.bundle), args.rows, args.labels, progress)
    finally:
        progress.close()


def looked(place: Path, rows: str, labels: str | None = None, say: Callable[[str], None] | None = None) -> Told:
    """The rows of a file, a batch at a time; ``labels`` is the column of what turned out true. Raises UserError."""
    from plimsoll import sources
    from plimsoll.serve.answering import answering

    model = answering(bundle.read(bundle.of(place)))
    if model.schema.lists:
        raise UserError(
            "This bundle answers with lists, and a file holds no requests. Watch its server: plimsoll watch URL."
        )
    reference = Reference.of(model.bundle)
    held = Watch(reference, _PAIRS, blocks=0)
    for frame, cells in sources.batches(rows, model.bundle.job, model.schema, _BATCH, labels is not None):
        decided = model.decide(cells)
        answers = np.asarray(decided.values)[:, None] if decided.probabilities is None else decided.probabilities
        held.add(cells, answers)
        if labels is not None:
            _label(held, frame, answers, labels, model)
        if say is not None:
            say(f"{held.rows:,} rows looked at")
    if not held.rows:
        raise DataError(f"{rows} holds no rows to watch.")
    return alarms.told(held.view())


def _label(held: Watch, frame: Any, answers: Any, labels: str, model: Any) -> None:
    """Rows without a label are rows all the same."""
    from plimsoll import infer
    from plimsoll.errors import nearest

    if labels not in frame.columns:
        raise DataError(f'--labels: there is no column "{labels}". {nearest(labels, frame.columns)}')
    named = frame.select(frame[labels].alias(model.schema.target))
    known = named[model.schema.target].is_not_null().to_numpy()
    truth = infer.to_target(named.filter(known), model.bundle.job, model.schema)
    held.label(truth, answers[known])


def saved(place: Path, file: Path) -> Told:
    """What a server wrote with --watch FILE. Raises UserError."""
    reference = Reference.of(bundle.read(bundle.of(place)))
    try:
        with file.open("rb") as source:
            state = json.loads(source.read(_MOST))
        return alarms.told(Watch.of(reference, state, _PAIRS).view())
    except (OSError, ValueError, RecursionError, DataError) as fault:
        told = fault.strerror if isinstance(fault, OSError) else fault
        raise DataError(f"{file}: is not what plimsoll serve --watch wrote of this bundle: {told}.") from None


def asked(url: str, token: str | None = None) -> Told:
    """What a running server says at /watch. Raises UserError."""
    place = url.rstrip("/") if url.rstrip("/").endswith("/watch") else f"{url.rstrip('/')}/watch"
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    try:
        with urlopen(Request(place, headers=headers), timeout=_PATIENCE) as reply:  # noqa: S310  # http or https
            return alarms.read(reply.read(_MOST + 1), place)
    except HTTPError as fault:
        with fault:
            raise DataError(f"{place}: {_refusal(fault)}") from None
    except (URLError, OSError, ValueError) as fault:
        raise DataError(f"{place}: no server answers there: {getattr(fault, 'reason', fault)}.") from None


def _refusal(fault: HTTPError) -> str:
    if fault.code == 401:
        return "asks for a token. Set PLIMSOLL_TOKEN to the server's."
    try:
        return str(json.loads(fault.read(10_000))["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"answers with {fault.code}. Is it plimsoll serve?"
