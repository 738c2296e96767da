"""The contenders: what each needs, and how it is fitted and asked in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKERS = Path(__file__).parent
_PLAIN = ("lightgbm==4.7.0", "scikit-learn==1.9.1", "pandas==3.1.1")
_FOR_FITTING = ("train", "target", "task", "metric", "classes", "texts", "types", "categories")
_FOR_FITTING += ("seed", "seconds", "cores", "artefact")


class CannotRun(Exception):
    """Why a contender has no figures."""


class Overran(CannotRun):
    """It was ended, because it did not end by itself."""


@dataclass(frozen=True)
class System:
    """``worker`` is its file here; ``home`` names its environment, "" for the one that runs this; ``needs`` goes into it.
    One that is ``timed`` is told the window; another takes what it takes."""

    name: str
    what: str
    worker: str
    home: str = ""
    needs: tuple[str, ...] = ()
    timed: bool = True


SYSTEMS = {
    each.name: each
    for each in (
        System("plimsoll", "Plimsoll", "plimsoll_peer"),
        # This release of torch is the one that is to be had without CUDA; the newest brings gigabytes of it.
        System(
            "autogluon",
            "AutoGluon medium",
            "autogluon_peer",
            "autogluon",
            ("torch==2.13.0", "autogluon.tabular[all]==1.6.3"),
        ),
        System("flaml", "FLAML", "flaml_peer", "flaml", ("flaml[automl]==2.7.0",)),
        System("lightgbm", "plain LightGBM", "lightgbm_peer", "plain", _PLAIN, timed=False),
        System("logistic", "plain logistic or ridge", "linear_peer", "plain", _PLAIN, timed=False),
    )
}


def install(system: System, peers: Path) -> Path:
    """The Python that runs a contender; its environment is made where there is none, or where it was made for other needs.

    Raises CannotRun.
    """
    if not system.home:
        return Path(sys.executable)
    place, needs = peers / system.home, "\n".join(system.needs)
    python, done = place / "bin" / "python", place / "needs.txt"
    if not done.exists() or done.read_text() != needs:
        print(f"Installing {', '.join(system.needs)} into {place}", file=sys.stderr)
        call([sys.executable, "-m", "venv", str(place)], 600)
        call([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *system.needs], 3_600)
        done.write_text(needs)
    return python


@dataclass(frozen=True)
class Spent:
    """Wall and CPU seconds of a process, and the share of all cores that others used meanwhile; None where not known."""

    wall: float
    cpu: float
    others: float | None


def clocks() -> tuple[float, float | None, float]:
    """(wall seconds, core-seconds in use by anybody, core-seconds of our processes that have ended)"""
    own = os.times()
    try:
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        ticks = []
    busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK") if ticks else None
    return time.perf_counter(), busy, own.children_user + own.children_system


def spent(before: tuple[float, float | None, float], after: tuple[float, float | None, float]) -> Spent:
    """What lies between two looks at the clocks.

    >>> spent((0.0, 10.0, 5.0), (8.0, 16.0, 11.0))
    Spent(wall=8.0, cpu=6.0, others=0.0)
    """
    wall, cpu = after[0] - before[0], after[2] - before[2]
    if before[1] is None or after[1] is None:
        return Spent(wall, cpu, None)
    others = (after[1] - before[1]) - cpu
    return Spent(wall, cpu, max(0.0, others / wall / (os.cpu_count() or 1)))


def call(command: Sequence[str], seconds: float) -> Spent:
    """Runs a command from its start to its end. Raises CannotRun with its last words, and Overran when time is up."""
    begun = clocks()
    env = {**os.environ, "BENCH_STARTED": repr(time.time())}
    process = subprocess.Popen(
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        end(process)
        raise Overran(f"it had not ended after {seconds:.0f} s") from None
    except BaseException:
        end(process)  # it is in a session of its own, so an interrupt does not reach it
        raise
    if process.returncode:
        raise CannotRun(f"exit code {process.returncode}: {last_words(said)}")
    return spent(begun, clocks())


def end(process: subprocess.Popen[str]) -> None:
    """Ends a process and what it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def last_words(text: str) -> str:
    """The last line, without the place of somebody's home.

    >>> last_words("Traceback:\\nValueError: too short\\n")
    'ValueError: too short'
    """
    return (text.strip().splitlines() or ["no reason given"])[-1].replace(str(Path.home()), "~")[:300]


def fit(system: System, python: Path, task: Mapping[str, Any], seconds: float) -> tuple[Spent, dict[str, Any]]:
    """What a fit took, and what it made. A contender is told nothing of the test rows. Raises CannotRun."""
    if system.name == "plimsoll":
        return _fit_plimsoll(task, seconds)
    return _work(python, "fit", system, task, [name for name in task if name in _FOR_FITTING], seconds)


def answer(system: System, python: Path, task: Mapping[str, Any], seconds: float) -> tuple[Spent, dict[str, Any]]:
    """What answering the test rows took, and what was measured meanwhile; the answers are in a file. Raises CannotRun."""
    return _work(python, "answer", system, task, list(task), seconds)


def _work(
    python: Path, what: str, system: System, task: Mapping[str, Any], names: Sequence[str], seconds: float
) -> tuple[Spent, dict[str, Any]]:
    folder = Path(task["folder"])
    told, out = folder / f"{what}.json", folder / f"{what}-found.json"
    told.write_text(json.dumps({name: task[name] for name in names}))
    took = call([str(python), str(WORKERS / "worker.py"), what, system.worker, str(told), str(out)], seconds)
    return took, json.loads(out.read_text())


def _fit_plimsoll(task: Mapping[str, Any], seconds: float) -> tuple[Spent, dict[str, Any]]:
    """By its command line; its bundle is the artefact. A few training rows stand where it takes test rows."""
    run = Path(task["folder"]) / "run"
    flags = {
        "--test": task["stand_in"],
        "--predict": task["target"],
        "--metric": task["metric"],
        "--limit": f"{task['limit']}, train < {task['seconds']:g} s",
        "--choose": task["choose"],
        "--seed": str(task["seed"]),
        "--out": str(run),
    }
    words = [word for pair in flags.items() for word in pair]
    took = call([sys.executable, "-m", "plimsoll", "fit", task["train"], *words, "--quiet"], seconds)
    (run / "bundle").rename(task["artefact"])
    return took, _chosen(json.loads((run / "run.json").read_text()))


def _chosen(run: Mapping[str, Any]) -> dict[str, Any]:
    """What was chosen, and the costs that Plimsoll measured itself: one request in its server, from bytes to bytes."""
    chosen = next(trial for trial in run["trials"] if trial["id"] == run["chosen"])
    knobs = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in chosen["knobs"].items()
    )
    inside = {f"{name}_ms": _middle(run["measured"][name]) * 1e3 for name in ("p50", "p99")}
    model = f"{chosen['recipe']}{f' ({knobs})' if knobs else ''}, {len(run['trials'])} trials"
    return {"model": model, "bytes_to_bytes": {**inside, "memory": _middle(run["measured"]["memory"])}}


def _middle(value: float | Sequence[float]) -> float:
    """A figure, or the middle of its interval."""
    return value if isinstance(value, (int, float)) else value[len(value) // 2]
