"""Words on the command line → calls. Every heavy import stands inside its command, so that help is instant."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from plimsoll import statement
from plimsoll.clock import started
from plimsoll.ending import ended, leave
from plimsoll.errors import UserError
from plimsoll.flags import parser
from plimsoll.progress import Progress, rewritten

if TYPE_CHECKING:
    from plimsoll.serve.house import Orders

_ENDING = 0.6  # seconds that a command takes once its run has ended: what it prints, and the end of its processes
_LEAST, _MOST = 40, 100  # columns of what is told of a run
_WIDE = 140  # of a plan, where the width is not known


def _fit(args: argparse.Namespace) -> int:
    words = statement.words(vars(args))
    args.out = out = statement.place(words, args.resume)
    from plimsoll import solve

    asked = {name: value for name, value in words.items() if name not in ("data", "out")}
    asked.setdefault("limits", [])
    progress = Progress(sys.stderr, quiet=args.quiet)
    try:
        run = solve.fit(words["data"], **asked, out=out, resume=args.resume, progress=progress, spent=args.spent)
    finally:
        progress.close()
    if args.json:
        print(json.dumps(run.record))
    else:
        _tell(run.record)
    if not args.quiet:
        sys.stdout.flush()  # so that the two streams stay in order where they go to one place
        print(f"The bundle is in {out / 'bundle'}, and the report in {out / 'report.html'}.", file=sys.stderr)
    return 0


def _plan(args: argparse.Namespace) -> int:
    words = statement.words({**vars(args), "out": None})
    from plimsoll import preview, preview_text

    words.pop("out", None)
    progress = Progress(sys.stderr, quiet=args.quiet)
    try:
        made = preview.plan(words.pop("data"), **words, goal=args.goal, on_machine=args.on_machine, progress=progress)
    finally:
        progress.close()
    shown = rewritten(sys.stdout)
    width = max(_LEAST, shutil.get_terminal_size().columns) if shown else _WIDE
    print(json.dumps(made.as_json()) if args.json else "\n".join(preview_text.lines(made, width)))
    return 0


def _compare(args: argparse.Namespace) -> int:
    from plimsoll import compare_command

    return compare_command.compare(args)


def _tell(record: Mapping[str, Any]) -> None:
    from plimsoll.report.terminal import terminal

    shown = rewritten(sys.stdout)
    width = max(_LEAST, min(_MOST, shutil.get_terminal_size().columns)) if shown else _MOST
    print(terminal(dict(record), width, color=shown and not os.environ.get("NO_COLOR")))


def _predict(args: argparse.Namespace) -> int:
    from plimsoll import bundle
    from plimsoll.predict import predict

    progress = Progress(sys.stderr, quiet=args.quiet)
    try:
        odd: list[str] = []
        rows = predict(bundle.of(args.bundle), args.rows, args.out, args.batch, progress, odd.append, args.lists)
    finally:
        progress.close()
    for line in odd:
        print(line, file=sys.stderr)
    print(f"{rows:,} rows answered in {args.out}", file=sys.stderr)
    return 0


def _serve(args: argparse.Namespace) -> int:
    from plimsoll.serve import threads

    threads.one()  # before numpy, which starts its threads as it is imported
    from plimsoll.serve.server import run

    run(_orders(args), host=args.host, port=args.port)
    return 0


def _orders(args: argparse.Namespace) -> Orders:
    """What is to be served, from the words on the command line."""
    from plimsoll import units
    from plimsoll.serve.house import Orders
    from plimsoll.serve.routes import Keys
    from plimsoll.serve.version import Origin

    # A token on the command line can be read by every user of the machine; one in the environment cannot.
    keys = Keys(args.token or os.environ.get("PLIMSOLL_TOKEN"), os.environ.get("PLIMSOLL_ADMIN_TOKEN"))
    try:
        patience = units.parse(args.p99, units.TIME) if args.p99 is not None else None
    except ValueError as fault:
        raise UserError(f"--p99: {fault}") from None
    origin = Origin(args.bundle, args.policy, args.rates, args.lists, args.later)
    return Orders(
        origin,
        args.records,
        args.queue,
        keys,
        patience=patience,
        workers=args.workers,
        folders=tuple(args.swap_from),
        log=args.log,
        log_requests=args.log_requests,
        watch=args.watch,
    )


def _admin(args: argparse.Namespace) -> int:
    from plimsoll import admin_command

    return admin_command.admin(args)


def _policy(args: argparse.Namespace) -> int:
    from plimsoll import policy_command

    return policy_command.policy(args)


def _lists(args: argparse.Namespace) -> int:
    from plimsoll import list_command

    return list_command.lists(args)


def _search(args: argparse.Namespace) -> int:
    from plimsoll import search_command

    return search_command.search(args)


def _documents(args: argparse.Namespace) -> int:
    from plimsoll import search_command

    return search_command.documents(args)


def _refit(args: argparse.Namespace) -> int:
    from plimsoll import challenge_command

    return challenge_command.refit(args)


def _watch(args: argparse.Namespace) -> int:
    from plimsoll import watch_command

    return watch_command.watch(args)


def _personalise(args: argparse.Namespace) -> int:
    from plimsoll import personalise_command

    return personalise_command.personalise(args)


def _stream(args: argparse.Namespace) -> int:
    from plimsoll.serve import threads

    threads.one()  # before numpy, as a server does
    from plimsoll import stream_command

    return stream_command.stream(args)


def _report(args: argparse.Namespace) -> int:
    from plimsoll.report import page
    from plimsoll.run import Run

    run = Run.open(args.run)
    place = run.folder / "report.html"
    page.write(dict(run.record), place)
    print(place)
    return 0


def _recipes(args: argparse.Namespace) -> int:
    from plimsoll import catalogue

    spaces = {name: catalogue.find(name).space for name in catalogue.names()}
    if args.json:
        listed = [
            {"name": name, "does": catalogue.describe(name), "knobs": dict(space.options)}
            for name, space in spaces.items()
        ]
        print(json.dumps(listed))
        return 0
    for name, space in spaces.items():
        print(catalogue.describe(name))
        for knob, options in space.options.items():
            print(f"    {knob:<16} {' '.join(map(str, options))}")
    return 0


def _machine(args: argparse.Namespace) -> int:
    from plimsoll import card

    out = statement.file(args.out) if args.out is not None else None
    progress = Progress(sys.stderr)
    try:
        measured = card.measure(lambda what: progress(what, None))
    finally:
        progress.close()
    text = json.dumps(measured.as_json(), indent=1)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
        print(f"The card is in {out}.", file=sys.stderr)
    if kept := card.keep(measured):
        print(f"Runs on this machine find it in {kept}.", file=sys.stderr)
    print(text if args.json else "\n".join(card.lines(measured)))
    return 0


def _ledger(args: argparse.Namespace) -> int:
    from plimsoll import ledger_command

    return ledger_command.ledger(args)


def _pack(args: argparse.Namespace) -> int:
    from plimsoll import bundle

    out = statement.file(args.out)
    bundle.pack(bundle.of(args.bundle), out)
    print(out)
    return 0


def _demo(args: argparse.Namespace) -> int:
    from plimsoll import demo

    demo.demo(args.out)
    return 0


_COMMANDS = {
    "fit": _fit,
    "plan": _plan,
    "compare": _compare,
    "predict": _predict,
    "serve": _serve,
    "admin": _admin,
    "policy": _policy,
    "lists": _lists,
    "search": _search,
    "documents": _documents,
    "refit": _refit,
    "watch": _watch,
    "stream": _stream,
    "personalise": _personalise,
    "report": _report,
    "recipes": _recipes,
    "machine": _machine,
    "ledger": _ledger,
    "pack": _pack,
    "demo": _demo,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code of the design comes back."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no "µ" shows a mark in its place
    args = parser().parse_args(argv)
    # A command's start and its end are part of its window; a program that calls this has been running for longer.
    args.spent = time.time() - started() + _ENDING if argv is None else 0.0
    return ended(args, _called)


def run() -> NoReturn:
    """``main`` as a process of its own."""
    leave(main())


def _called(args: argparse.Namespace) -> int:
    if args.version:
        from importlib.metadata import version

        print(f"plimsoll {version('plimsoll')}")
    elif args.command is None:
        parser().print_help()
    else:
        return _COMMANDS[args.command](args)
    return 0


if __name__ == "__main__":
    run()
