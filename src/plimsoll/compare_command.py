"""``plimsoll compare``: approaches on one job, as a table, a page and a record."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plimsoll import catalogue, statement
from plimsoll.errors import JobError
from plimsoll.progress import Progress, rewritten

_WIDE = 120  # columns, where the width is not known
_FIT = ("recipes", "choose")  # words of a job.toml that say what a fit looks for


def compare(args: argparse.Namespace) -> int:
    """0: done, or stopped with something to show."""
    if args.data is None and args.job is None:
        raise JobError(
            "data is missing. Write plimsoll compare trees linear --data rows.csv --predict COL, or --job job.toml."
        )
    words = {name: value for name, value in statement.words(vars(args)).items() if name not in _FIT}
    if "lists" in words or "documents" in words:
        raise JobError(
            "Approaches to lists are compared by plimsoll fit: name them with --recipes; its report holds them side by side."
        )
    args.out = out = statement.place(words, args.resume)
    from plimsoll import comparison

    given = {name: value for name, value in words.items() if name not in ("data", "out")}
    how: dict[str, Any] = {name: getattr(args, name) for name in ("budget", "seeds", "folds", "unit")}
    line = command(args.approaches, words, how)
    progress = Progress(sys.stderr, quiet=args.quiet)
    try:
        found = comparison.compare(
            words["data"], args.approaches, **given, **how, out=out, resume=args.resume, command=line, progress=progress
        )
    finally:
        progress.close()
    _tell(found.record, args.json)
    if not args.quiet:
        sys.stdout.flush()
        print(f"The page is {out / comparison.PAGE}, and every score is in {out / comparison.RECORD}.", file=sys.stderr)
    return 0


def _tell(record: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(record))
        return
    from plimsoll import compare_text

    width = max(60, shutil.get_terminal_size().columns) if rewritten(sys.stdout) else _WIDE
    print("\n".join(compare_text.lines(record, width)))


def command(approaches: Sequence[str], words: Mapping[str, Any], how: Mapping[str, Any]) -> str:
    """The line that comes to the same comparison, whatever job.toml its words stood in.

    >>> command(["trees", "linear"], {"data": "a.csv", "predict": "y", "split": "group:who"}, {"seeds": 3, "unit": ""})
    'plimsoll compare trees linear --data a.csv --predict y --split group:who --seeds 3'
    """
    written = ["plimsoll", "compare", *approaches]
    for name, value in {**_flags(words), **how}.items():
        if value is True:
            written.append(f"--{name}")
        elif value not in ("", None, False):
            for each in value if isinstance(value, list) else [value]:
                written += [f"--{name}", str(each)]
    own = os.environ.get(catalogue.OWN, "")
    used = any(text.partition(":")[0] not in catalogue.RECIPES for text in approaches)
    return (f"{catalogue.OWN}={shlex.quote(own)} " if own and used else "") + shlex.join(written)


def _flags(words: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a job as flags; those of moments and signals are flags of their own."""
    moments = words.get("moments")
    found = {"data": words["data"], "predict" if moments is None else "decode": words["predict"]}
    for name in ("test", "split", "metric", "seed", "coverage"):
        found[name] = words.get(name)
    found["limit"] = list(limits) if isinstance(limits := words.get("limits") or [], list) else [limits]
    found["ignore"] = ",".join(words.get("ignore") or ())
    found["kind"] = [f"{name}={kind}" for name, kind in (words.get("kinds") or {}).items()]
    names = {part: flag.replace("_", "-") for flag, part in statement.PARTS.items()}
    for word in ("moments", "signals"):
        for part, value in (words.get(word) or {}).items():
            flag = names.get((word, part), part)
            found["signals" if flag == "signal-file" else flag] = value
    return {name: str(value) if isinstance(value, Path) else value for name, value in found.items()}
