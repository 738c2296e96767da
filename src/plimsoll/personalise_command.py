"""``plimsoll personalise``: a bundle for one person, and what it is worth to them, as lines, as JSON and as a page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plimsoll import bundle, personal, statement, units
from plimsoll.errors import UserError
from plimsoll.limits import dimension
from plimsoll.personal import Personal
from plimsoll.printed import columns, printable
from plimsoll.progress import Progress

_COSTS = ("p50", "p99", "memory", "size")


def personalise(args: argparse.Namespace) -> int:
    """0, with the bundle in place and a page beside it."""
    page = _places(args.bundle, args.out)
    progress = Progress(sys.stderr, quiet=args.quiet)
    try:
        progress("calibrating, and measuring what is served", None)
        found = personal.personalise(args.bundle, args.recordings, args.out, args.person or "", args.seconds)
    finally:
        progress.close()
    from plimsoll.report.personal import render

    page.write_text(render(found.as_json()), encoding="utf-8")
    print(json.dumps(found.as_json()) if args.json else "\n".join(lines(found)))
    if not args.quiet:
        sys.stdout.flush()
        print(f"The bundle is in {args.out}, and the page in {page}.", file=sys.stderr)
    return 0


def _places(source: Path, out: Path) -> Path:
    """Where the page will be. Raises UserError before anything is read where nothing can be written."""
    if out.exists() and bundle.of(source).resolve() == out.resolve():
        raise UserError(f"{out} is the bundle that this one is made of. Name another folder.")
    if out.exists() and not (out / "bundle.json").is_file() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is there already and is not a bundle. Name another folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    return statement.file(out.parent / f"{out.name}.html")


def lines(found: Personal) -> list[str]:
    """What it was made of, what it is worth by the seconds of calibration and by how the sensors sit, and what it costs."""
    held = ", ".join(f"{name} {seconds:g} s" for name, seconds in found.seconds.items())
    told = [f"A model for {found.person or 'one person'} ({found.made.recipe}), of {held}.", "", found.later]
    if found.curve:
        metric = found.curve[0][1].metric
        rows = [["calibration", metric, "95 %"]]
        for seconds, score in found.curve:
            named = f"{seconds:g} s" if seconds else "none (everybody's)"
            rows.append([named, f"{score.value:.3f}", f"{score.low:.3f} to {score.high:.3f}"])
        told += ["", *columns(rows)]
    if found.shifts is not None:
        turned = [["ring turned by", found.shifts.metric]]
        turned += [[f"{places:+d}" if places else "0", f"{score:.3f}"] for places, score in found.shifts.turned.items()]
        turned += [[f"{name} silent", f"{score:.3f}"] for name, score in found.shifts.silent.items()]
        told += ["", *columns(turned)]
    costs = [f"{name} {_shown(found.measured.as_json(), name)}" for name in _COSTS]
    return [printable(line) for line in [*told, "", ", ".join(costs), *found.notes]]


def _shown(measured: Mapping[str, Any], name: str) -> str:
    return units.show(measured[name], dimension(name)) if name in measured else "not measured"
