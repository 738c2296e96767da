"""Words on the command line → calls. Every heavy import stands inside its command, so that help is instant."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from plimsoll.errors import JobError, MissingExtra, NothingFits, PlimsollError, UserError, nearest

# The words of a job, as they stand in a job.toml; a flag of the same name wins.
_WORDS = ("data", "predict", "test", "split", "limits", "metric", "ignore", "kinds", "recipes", "seed", "choose", "out")
_ALIASES = {"limit": "limits", "kind": "kinds"}
_EXTRAS = {
    "polars": "fit",
    "sklearn": "fit",
    "scipy": "fit",
    "lightgbm": "fit",
    "uvicorn": "serve",
    "httptools": "serve",
    "onnxruntime": "serve",
    "onnx": "serve",
    "torch": "torch",
}
_FIT_EXAMPLES = """\
limits:
  costs     p50 p99 cold_start train < 25 ms · memory size train_memory < 150 MB
            energy < 40 kJ · carbon < 5 g
  quality   accuracy > 90 % · rmse < 0.9 · accuracy[sex=Female] > 0.8

examples:
  plimsoll fit reviews.csv --predict rating --limit "p99 < 2 ms, memory < 150 MB, train < 5 min"
  plimsoll fit sales.parquet --predict units --split time:day --limit "rmse < 12"
  plimsoll fit visits.csv.gz --predict returned --split group:person --ignore visit_id
  plimsoll fit train.csv --test test.csv --predict income --kind zip=category --out runs/income
  plimsoll fit --job job.toml --limit "train < 10 min"

exit codes: 0 done · 2 something to change, in one line · 3 nothing fits · 130 stopped
"""


class Progress:
    """One line about what was done last and the time left: rewritten on a terminal, one after another elsewhere."""

    def __init__(self, stream: TextIO, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._open = False
        self._held: str | None = ""  # None once the first line is out

    def __call__(self, done: str, left: float | None = None) -> None:
        if self._quiet:
            return
        line = done if left is None else f"{done} · {_spell(left)} left"
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{line[:110]}")
            self._open = True
        elif self._held == "":
            # The first line waits for the second, so that a mistake found while reading stands alone.
            self._held = f"{line}\n"
        else:
            self._stream.write(f"{self._held or ''}{line}\n")
            self._held = None
        self._stream.flush()

    def close(self) -> None:
        """Clear the line, so that what follows begins on its own."""
        if self._open:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._open = False


def _spell(seconds: float) -> str:
    """
    >>> _spell(75), _spell(4.2)
    ('1 min 15 s', '4 s')
    """
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from ([^)]*)\)", message)
        if wrong:
            message = f'there is no "{wrong[1]}". {nearest(wrong[1], re.findall(r"[a-z]+", wrong[2]))}'
        stop = "" if message.endswith(("?", ".")) else "."
        self.exit(2, f"{self.prog}: {message}{stop} See {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="plimsoll",
        description="State the job and the limits; get the best model that fits them, measured, packaged and served.",
    )
    top.add_argument("--version", action="store_true", help="print the version")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_fit(commands)

    one = commands.add_parser("predict", help="answer the rows of a file with a bundle")
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle, or the folder of a run")
    one.add_argument("rows", metavar="ROWS", help="a file, a folder or a glob, as fit takes it")
    one.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where to write: .csv .tsv .parquet .jsonl (.gz)"
    )
    one.add_argument("--batch", type=int, default=20_000, metavar="N", help="rows held in memory at a time (20000)")
    one.add_argument("--quiet", action="store_true", help="no progress on standard error")
    one.set_defaults(call=_predict)

    one = commands.add_parser("serve", help="serve a bundle over HTTP")
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle, or the folder of a run")
    one.add_argument("--port", type=int, default=8000, metavar="N", help="(8000); 0 takes a free one")
    one.add_argument("--host", default="127.0.0.1", metavar="HOST", help="(127.0.0.1: this machine only)")
    one.add_argument(
        "--token",
        default=None,
        metavar="TEXT",
        help="ask for it in every request (Authorization: Bearer TEXT); or PLIMSOLL_TOKEN",
    )
    one.set_defaults(call=_serve)

    one = commands.add_parser("report", help="write the report of a run again")
    one.add_argument("run", metavar="RUN", type=Path, help="the folder of a run")
    one.set_defaults(call=_report)

    one = commands.add_parser("recipes", help="list the model families and their knobs")
    one.add_argument("--json", action="store_true", help="as JSON")
    one.set_defaults(call=_recipes)

    one = commands.add_parser("pack", help="put a bundle into one file")
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle's folder, or the folder of a run")
    one.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the file to write, such as model.plimsoll"
    )
    one.set_defaults(call=_pack)

    one = commands.add_parser("demo", help="the whole road on three small sets, in under three minutes")
    one.add_argument("--out", type=Path, default=Path("demo-run"), metavar="DIR", help="(demo-run)")
    one.set_defaults(call=_demo)
    return top


def _add_fit(commands: Any) -> None:
    one = commands.add_parser(
        "fit",
        help="find the best model that keeps the limits",
        description="Find the best model that keeps the limits, and write it as a bundle with the evidence.",
        epilog=_FIT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument(
        "data", metavar="DATA", nargs="?", help="CSV, TSV, Parquet, JSON lines, Arrow (.gz); a folder or a glob of them"
    )
    one.add_argument("--predict", metavar="COL", help="the column to answer with")
    one.add_argument("--test", metavar="FILE", help="test rows of its own; never used to choose")
    one.add_argument("--split", metavar="S", help="random, time:COL, group:COL[,COL] or column:COL")
    one.add_argument(
        "--limit",
        dest="limits",
        metavar="TEXT",
        action="append",
        help='such as "p99 < 2 ms, train < 5 min"; may be repeated',
    )
    one.add_argument("--metric", metavar="M", help="what to score by (roc_auc, macro_f1 or rmse, by the job)")
    one.add_argument("--ignore", metavar="A,B", type=_listed, help="columns to leave out")
    one.add_argument(
        "--kind",
        dest="kinds",
        metavar="COL=KIND",
        action="append",
        help="number category boolean text time id; may be repeated",
    )
    one.add_argument("--recipes", metavar="A,B", type=_listed, help="model families to try (all that apply)")
    one.add_argument("--seed", metavar="N", type=int, help="(0)")
    one.add_argument("--choose", metavar="HOW", help="cheapest (of those not measurably worse than the best) or best")
    one.add_argument("--job", metavar="FILE", type=Path, help="a job.toml with the same words; flags win")
    one.add_argument("--out", metavar="RUN", type=Path, help="the folder to write (runs/DATA-DATE-TIME)")
    one.add_argument("--resume", action="store_true", help="go on with the run in --out")
    one.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else")
    one.add_argument("--quiet", action="store_true", help="no progress on standard error")
    one.set_defaults(call=_fit)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def job_words(args: argparse.Namespace) -> dict[str, Any]:
    """The words of the job: those of the job.toml, with the flags over them."""
    words = _read_job(args.job) if args.job else {}
    given = {name: getattr(args, name) for name in _WORDS if getattr(args, name) is not None}
    if "kinds" in given:
        given["kinds"] = dict(_kind(word) for word in given["kinds"])
    words.update(given)
    for name, example in (("data", "plimsoll fit rows.csv --predict COL"), ("predict", "--predict COL")):
        if not words.get(name):
            raise JobError(f"{name} is missing. Write {example}.")
    return words


def _kind(word: str) -> tuple[str, str]:
    column, equals, kind = word.rpartition("=")
    if not equals or not column or not kind:
        raise JobError(f'--kind "{word}" is not a kind. Write COL=KIND, such as "zip=category".')
    return column, kind


def _read_job(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise JobError(f"--job {path} cannot be read: {fault.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise JobError(f"--job {path} is not TOML: {fault}.") from None
    words: dict[str, Any] = {}
    for name, value in found.items():
        word = _ALIASES.get(name, name)
        if word not in _WORDS:
            raise JobError(f'{path}: there is no "{name}" in a job. {nearest(name, _WORDS)}')
        words[word] = _listed(value) if word in ("ignore", "recipes") and isinstance(value, str) else value
    return words


def _out(words: Mapping[str, Any], resume: bool) -> Path:
    """The run's folder: the one that was named, or a new one under runs/."""
    if "out" not in words:
        if resume:
            raise JobError("--resume needs the run to go on with. Write --out RUN.")
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", Path(str(words["data"])).name.split(".")[0]).strip("-") or "data"
        return Path("runs") / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    out = Path(words["out"])
    if out.exists() and not out.is_dir():
        raise JobError(f"--out {out} is a file. Name a folder.")
    holds = any((out / name).exists() for name in ("run.json", "ledger.jsonl"))
    if holds and not resume:
        raise JobError(f"--out {out} holds a run already. Add --resume to go on with it, or name another folder.")
    if resume and not holds:
        raise JobError(f"--out {out} holds no run to go on with. Leave --resume out to begin one.")
    return out


def _fit(args: argparse.Namespace) -> int:
    words = job_words(args)
    args.out = out = _out(words, args.resume)
    from plimsoll import solve

    asked = {name: value for name, value in words.items() if name not in ("data", "out")}
    asked.setdefault("limits", [])
    progress = Progress(sys.stderr, quiet=args.quiet)
    try:
        run = solve.fit(words["data"], **asked, out=out, resume=args.resume, progress=progress)
    finally:
        progress.close()
    if args.json:
        print(json.dumps(run.record))
        return 0
    from plimsoll.report.terminal import terminal

    print(terminal(run.record))
    return 0


def bundle_of(place: Path) -> Path:
    """The bundle that is meant: the place itself, or the bundle of the run that it is."""
    inner = place / "bundle"
    return inner if inner.is_dir() and not (place / "bundle.json").exists() else place


def _predict(args: argparse.Namespace) -> int:
    from plimsoll.predict import predict

    progress = Progress(sys.stderr, quiet=args.quiet)
    try:
        rows = predict(bundle_of(args.bundle), args.rows, args.out, args.batch, progress)
    finally:
        progress.close()
    print(f"{rows:,} rows answered in {args.out}", file=sys.stderr)
    return 0


def _serve(args: argparse.Namespace) -> int:
    from plimsoll.serve import threads

    threads.one()  # before numpy, which starts its threads as it is imported
    from plimsoll.serve import app

    # A token on the command line can be read by every user of the machine; one in the environment cannot.
    token = args.token or os.environ.get("PLIMSOLL_TOKEN")
    app.run(bundle_of(args.bundle), host=args.host, port=args.port, token=token)
    return 0


def _report(args: argparse.Namespace) -> int:
    from plimsoll.report import page

    record = args.run / "run.json"
    if not record.is_file():
        raise JobError(f"{args.run} holds no run.json. Name the folder of a run, such as runs/reviews-20250101-120000.")
    place = args.run / "report.html"
    page.write(json.loads(record.read_text(encoding="utf-8")), place)
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


def _pack(args: argparse.Namespace) -> int:
    from plimsoll import bundle

    bundle.pack(bundle_of(args.bundle), args.out)
    print(args.out)
    return 0


def _demo(args: argparse.Namespace) -> int:
    from plimsoll import demo

    demo.demo(args.out)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code of the design comes back."""
    top = parser()
    args = top.parse_args(argv)
    if args.version:
        from importlib.metadata import version

        print(f"plimsoll {version('plimsoll')}")
        return 0
    if args.command is None:
        top.print_help()
        return 0
    call: Callable[[argparse.Namespace], int] = args.call
    try:
        return call(args)
    except NothingFits as fault:
        _say_nothing_fits(args, fault)
        return 3
    except PlimsollError as fault:
        return _complain(str(fault), 2 if isinstance(fault, UserError) else 1)
    except ImportError as fault:
        extra = _EXTRAS.get((fault.name or "").split(".")[0])
        if extra is None:
            return _unforeseen(args)
        return _complain(str(MissingExtra(f"{fault.name} is not installed. Write: pip install 'plimsoll[{extra}]'")), 2)
    except KeyboardInterrupt:
        return _complain(_after_stop(args), 130)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has gone, and so has the need to say so
        return 1
    except Exception:
        return _unforeseen(args)


def _complain(sentence: str, code: int) -> int:
    print(" ".join(sentence.split()), file=sys.stderr)
    return code


def _say_nothing_fits(args: argparse.Namespace, fault: NothingFits) -> None:
    record = Path(args.out) / "run.json" if getattr(args, "out", None) else None
    if getattr(args, "json", False) and record is not None and record.is_file():
        print(record.read_text(encoding="utf-8").strip())
    print(fault, file=sys.stderr)


def _after_stop(args: argparse.Namespace) -> str:
    """What Ctrl-C leaves behind."""
    out = getattr(args, "out", None)
    if args.command != "fit" or out is None:
        return "Stopped."
    if (Path(out) / "bundle" / "bundle.json").is_file():
        return f"Stopped. {out} is a usable run, with the best model so far in {out}/bundle. Go on with --out {out} --resume."
    if (Path(out) / "ledger.jsonl").is_file():
        return f"Stopped before a model was ready. Go on with --out {out} --resume."
    return "Stopped before the first trial; nothing was written."


def _unforeseen(args: argparse.Namespace) -> int:
    """A fault of ours: one line, and the traceback in a file."""
    out = getattr(args, "out", None)
    folder = Path(out) if out and Path(out).is_dir() else Path(tempfile.mkdtemp(prefix="plimsoll-"))
    place = folder / "traceback.txt"
    place.write_text(traceback.format_exc(), encoding="utf-8")
    kind, fault, _ = sys.exc_info()
    return _complain(
        f"Plimsoll stumbled over a fault of its own ({kind.__name__ if kind else ''}: {fault}). The traceback is in {place}.",
        1,
    )


if __name__ == "__main__":
    sys.exit(main())
