"""How a command ends: the exit code of the design, and the one line that says why where it is not 0."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from plimsoll.errors import MissingExtra, NothingFits, PlimsollError, UserError
from plimsoll.printed import printable

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
    "h5py": "signals",
    "opentelemetry": "otel",
}
# What a disk or a pipe may refuse without a fault of ours.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a disk, a quota, or the most that a file may hold
_REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, *_FULL, errno.ENOTDIR, errno.ENAMETOOLONG)


UNHEEDED = "unheeded"  # the name of a thread whose work is of no use once a command has ended


def leave(code: int) -> NoReturn:
    """Ends the process. A thread that nobody waits for would be stopped in the midst of native code when the interpreter goes,
    and that aborts the process: it goes at once then."""
    if any(thread.name == UNHEEDED for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def ended(args: argparse.Namespace, call: Callable[[argparse.Namespace], int]) -> int:
    """Carries a command out: 0 done, 2 something to change, 3 nothing fits, 130 stopped, 1 a fault of ours."""
    try:
        code = _ended(args, call)
        sys.stdout.flush()  # here, for at the interpreter's end it would be too late to say what went wrong
        return code
    except BrokenPipeError:
        return _let_go()  # whoever read the output has gone, and so has the need to say so
    except OSError as fault:
        _let_go()
        return _refused(args, fault)


def _ended(args: argparse.Namespace, call: Callable[[argparse.Namespace], int]) -> int:
    try:
        return call(args)
    except NothingFits as fault:
        return _nothing_fits(args, fault)
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
        raise
    except OSError as fault:
        return _refused(args, fault) if fault.errno in _REFUSALS else _unforeseen(args)
    except Exception:
        return _unforeseen(args)


def _let_go() -> int:
    """Point standard output at nothing, so that the interpreter does not try to write what is left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1


def _refused(args: argparse.Namespace, fault: OSError) -> int:
    what = f"{fault.filename} cannot be used" if fault.filename else "The output cannot be written"
    out = getattr(args, "out", None)
    begun = fault.errno in _FULL and args.command == "fit" and out is not None and _left(Path(out))
    then = f" What was written stays; make room, and go on with --out {out} --resume." if begun else ""
    return _complain(f"{what}: {fault.strerror}.{then}", 2)


def _complain(sentence: str, code: int) -> int:
    line = " ".join(sentence.split())
    print(printable(line), file=sys.stderr)
    return code


def _nothing_fits(args: argparse.Namespace, fault: NothingFits) -> int:
    out = getattr(args, "out", None)
    record = Path(out) / "run.json" if out else None
    if record is None or not record.is_file():
        return _complain(str(fault), 3)
    if getattr(args, "json", False):
        print(record.read_text(encoding="utf-8").strip())
    page = record.with_name("report.html")
    return _complain(str(fault) if str(page) in str(fault) else f"{str(fault).rstrip(' .')}. See {page}.", 3)


def _after_stop(args: argparse.Namespace) -> str:
    """What Ctrl-C leaves behind."""
    out = getattr(args, "out", None)
    if args.command != "fit" or out is None:
        return "Stopped."
    if (Path(out) / "bundle" / "bundle.json").is_file():
        return f"Stopped. {out} is a usable run, with the best model so far in {out}/bundle. Go on with --out {out} --resume."
    if _left(Path(out)):
        return f"Stopped before a model was ready. Go on with --out {out} --resume."
    return "Stopped before the first trial; nothing was written."


def _left(out: Path) -> bool:
    """Whether a run can go on from what lies in its folder: its trials, or its rows as they were read."""
    return (out / "ledger.jsonl").is_file() or (out / "work").is_dir()


def _unforeseen(args: argparse.Namespace) -> int:
    """A fault of ours: one line, and the traceback in a file: beside the ledger, where a run has begun."""
    out = Path(getattr(args, "out", None) or "")
    folder = out if (out / "ledger.jsonl").is_file() else Path(tempfile.mkdtemp(prefix="plimsoll-"))
    place = folder / "traceback.txt"
    place.write_text(traceback.format_exc(), encoding="utf-8")
    kind, fault, _ = sys.exc_info()
    return _complain(
        f"Plimsoll stumbled over a fault of its own ({kind.__name__ if kind else ''}: {fault}). The traceback is in {place}.",
        1,
    )
