"""Where trials are fitted: a process that has the libraries ready and forks a child for each trial.

``python -m plimsoll.workbench`` reads the path of a specification from each line of standard input, forks, and
writes ``pid N`` and then ``exit STATUS``. A child that crashes, hangs or outgrows its memory is the parent's to
kill, and takes nothing with it. The fork is safe because this process has never started a thread.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import catalogue, machine, ranking
from plimsoll.clock import Clock
from plimsoll.collection import ABOUT, ARRAYS, Collection
from plimsoll.errors import TrialError
from plimsoll.job import Job
from plimsoll.pace import Pacer
from plimsoll.recipe import Fold, Model
from plimsoll.rows import Cells, Coded, Histories, Rows, Signals
from plimsoll.schema import Schema

Array = NDArray[Any]
_POINTS = 8  # of a training curve
_BELIEVED = "believed.npy"
# Folders of what is learned from, where it is not what is judged: in a fold, and at last.
TAUGHT = ("taught", "taught-whole")
OTHER, OTHER_TAUGHT = "rows-other", "taught-other"  # the same on another split, for the audit
_EVENTS = ("items", "times", "weights")
_ANSWERED = 40  # rows that a model answers one at a time, for a first idea of its p50


Laid = dict[int, Path]  # by the identity of an array, where it lies on disk


def store(folder: Path, rows: Rows, target: Array, believed: Array | None = None, laid: Laid | None = None) -> None:
    """Rows on disk as plain arrays, so that every trial maps the same pages and none copies them. Rows that are not
    ``believed`` are answered as any, and no model learns from them. Events that are ``laid`` already lie there once."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for k, (name, cells) in enumerate(rows.columns.items()):
        listed.append({"name": name, "held": _stored(folder, k, cells, {} if laid is None else laid)})
    np.save(folder / "target.npy", target)
    if believed is not None and not believed.all():
        np.save(folder / _BELIEVED, believed)
    (folder / "rows.json").write_text(json.dumps({"count": len(rows), "columns": listed}), encoding="utf-8")


def store_collection(folder: Path, collection: Collection) -> None:
    """What may be listed, on disk as a bundle has it."""
    for name, content in collection.members().items():
        (folder / name).write_bytes(content)


def _collection(folder: Path) -> Collection | None:
    if not (folder / ABOUT).exists():
        return None
    return Collection.read({name: (folder / name).read_bytes() for name in (ARRAYS, ABOUT)})


def store_folds(file: Path, folds: Iterable[tuple[Array, Array]]) -> None:
    """Folds on disk, as trials are told of them: of each the rows to learn from and the rows that are not seen."""
    named: dict[str, Any] = {}
    for k, (learn, unseen) in enumerate(folds):
        named |= {f"learn{k}": learn, f"unseen{k}": unseen}
    np.savez(file, **named)


def _stored(folder: Path, place: int, cells: Cells, laid: Laid) -> str:
    """Writes one column; how it is held comes back."""
    if isinstance(cells, Signals):
        np.save(folder / f"{place}.npy", np.stack([cells.starts, cells.ends]))
        np.save(folder / f"{place}-samples.npy", cells.samples)
        return "signal"
    if isinstance(cells, Histories):
        _store_events(folder, place, cells, laid)
        return "history"
    np.save(folder / f"{place}.npy", cells.codes if isinstance(cells, Coded) else cells)
    if isinstance(cells, Coded):
        (folder / f"{place}.json").write_text(json.dumps(list(cells.values)), encoding="utf-8")
        return "coded"
    return "plain"


def _store_events(folder: Path, place: int, cells: Histories, laid: Laid) -> None:
    """Where rows begin and end, and all events; those of rows that were stored before are linked, and not written again."""
    np.save(folder / f"{place}.npy", np.stack([cells.starts, cells.ends, np.full(len(cells), cells.many)]))
    for name in _EVENTS:
        held, file = getattr(cells, name), folder / f"{place}-{name}.npy"
        if before := laid.get(id(held)):
            os.link(before, file)
        else:
            np.save(file, held)
            laid[id(held)] = file


def fetch(folder: Path) -> tuple[Rows, Array]:
    """What ``store`` wrote, mapped."""
    value = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    columns: dict[str, Cells] = {
        column["name"]: _fetched(folder, k, column["held"]) for k, column in enumerate(value["columns"])
    }
    return Rows(value["count"], columns), np.load(folder / "target.npy", mmap_mode="r")


def _fetched(folder: Path, place: int, held: str) -> Cells:
    cells: Array = np.load(folder / f"{place}.npy", mmap_mode="r")
    if held == "coded":
        return Coded(cells, tuple(json.loads((folder / f"{place}.json").read_text(encoding="utf-8"))))
    if held == "signal":
        return Signals(np.load(folder / f"{place}-samples.npy", mmap_mode="r"), cells[0], cells[1])
    if held == "history":
        items, times, weights = (np.load(folder / f"{place}-{name}.npy", mmap_mode="r") for name in _EVENTS)
        return Histories(items, times, weights, cells[0], cells[1], int(cells[2, 0]) if cells.size else 0)
    return cells


def carry_out(spec: Mapping[str, Any], out: Path) -> None:
    """Fits one trial: a model a fold, the answers on rows that it has not seen, the last fold's model to measure."""
    job, schema = Job.from_json(spec["job"]), Schema.from_json(spec["schema"])
    rows, target = fetch(Path(spec["rows"]))
    # Where answers are lists, other rows are learned from than are judged.
    taught = fetch(Path(spec["taught"])) if spec.get("taught") else (rows, target)
    collection = _collection(Path(spec["rows"]))
    clock = Clock(float(spec["seconds"]))
    folds = _folds(spec, len(taught[0]), job.seed)
    if not folds:
        raise TrialError("there was no fold to fit")
    fitted: list[_Fitted] = []
    started = time.monotonic()
    with Pacer() as fitting:
        for k, fold in enumerate(folds):  # of the models only the last is kept
            own = Clock(clock.left / (len(folds) - k), kept=_kept(spec, k))
            given = replace(_fold(taught, (rows, target), *fold), collection=collection)
            model, done = _fitted(job, schema, spec, given, own)
            fitted.append(done)
    wall = time.monotonic() - started
    unseen = [index for _, index in folds if len(index)]
    if unseen:
        answers = [each.answers for each in fitted if each.answers is not None]
        np.savez(out / "answers.npz", index=np.concatenate(unseen), answers=np.concatenate(answers))
    members = model.members()
    for name, content in members.items():
        (out / "members" / name).write_bytes(content)
    with Pacer() as answering:
        answer = _one_row(model, rows.take(folds[-1][1][:_ANSWERED]), schema)
    told = {
        "wall": wall,
        "rate": sum(each.answering for each in fitted) / max(1, sum(map(len, unseen))),
        "cut": clock.up,
        "size": sum(map(len, members.values())),
        "answer": answer,
        "curve": fitted[-1].curve,
        "paces": {"cpu": fitting.pace, "answer": answering.pace},
        "notes": list(getattr(model, "notes", ())),
    }
    _report(out, [each.settled for each in fitted], fitting.spent + answering.spent, told)


def _kept(spec: Mapping[str, Any], place: int) -> Path | None:
    """Where a fit may leave what it needs to go on, should this trial be cut off: by what is fitted, and on which rows."""
    if not spec.get("kept"):
        return None
    told = [spec["recipe"], spec["knobs"], spec["share"], spec["only"], spec["folds"] is None, place]
    return Path(spec["kept"]) / hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Fitted:
    """What a fit came to beside its model: the answers on the rows that it had not seen, and the seconds that these took."""

    settled: Mapping[str, Any]
    answers: Array | None
    answering: float
    curve: list[tuple[float, float]]


def _fold(taught: tuple[Rows, Array], judged: tuple[Rows, Array], learn: Array, unseen: Array) -> Fold:
    rows, target = judged
    valid = (rows.take(unseen), target[unseen]) if len(unseen) else (None, None)
    return Fold(taught[0].take(learn), np.asarray(taught[1][learn]), *valid)


def _fitted(job: Job, schema: Schema, spec: Mapping[str, Any], fold: Fold, clock: Clock) -> tuple[Model, _Fitted]:
    # Rows that are held out blind are answered all the same, and never shown to the fit.
    shown = replace(fold, valid=None, valid_target=None) if spec.get("blind") else fold
    model = catalogue.find(spec["recipe"]).fit(job, schema, shown, spec["knobs"], clock)
    begun = time.monotonic()
    answers = None if fold.valid is None else _checked(model.predict(fold.valid), len(fold.valid), schema)
    return model, _Fitted(model.settled, answers, time.monotonic() - begun, _thinned(clock.told))


def _one_row(model: Model, rows: Rows, schema: Schema) -> float:
    """The median of the seconds that rows take one at a time, warm; 0 without rows."""
    values = rows.values(schema)
    taken = []
    for row in [*values, *values]:
        begun = time.perf_counter()
        model.answer(row)
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken[len(values) :])) if values else 0.0


def _folds(spec: Mapping[str, Any], count: int, seed: int) -> list[tuple[Array, Array]]:
    believed = _believed(Path(spec["rows"]), count)
    if spec["folds"] is None:
        return [(np.flatnonzero(believed), np.arange(0))]
    with np.load(spec["folds"], allow_pickle=False) as file:
        parted = [(file[f"learn{k}"], file[f"unseen{k}"]) for k in spec["only"]]
    folds = [(learn[believed[learn]], unseen) for learn, unseen in parted]
    share = float(spec["share"])
    if share >= 1.0:
        return folds
    random = np.random.default_rng(seed)
    learn, unseen = folds[0]  # one fold is enough to tell which settings go on
    return [(np.sort(random.choice(learn, max(1, int(len(learn) * share)), replace=False)), unseen)]


def _believed(folder: Path, count: int) -> Array:
    place = folder / _BELIEVED
    return np.load(place) if place.exists() else np.ones(count, dtype=bool)


def _checked(answers: Array, count: int, schema: Schema) -> Array:
    """Answers of the right shape, finite, and summing to one where they are probabilities; or lists of items that there are."""
    if schema.lists:
        return ranking.checked(answers, count, schema.lists)
    shape = (count, len(schema.classes)) if schema.classes else (count,)
    if answers.shape != shape:
        raise TrialError(f"answers of shape {answers.shape} where {shape} was due")
    if not np.isfinite(answers).all():
        raise TrialError("an answer is not a finite number")
    if schema.classes and (abs(answers.sum(axis=1) - 1.0) > 1e-6).any():
        raise TrialError("probabilities do not sum to one")
    return answers


def _thinned(told: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Some of what was told, ever farther apart, the last among them.

    >>> [size for size, _ in _thinned([(float(k), 0.0) for k in range(1, 101)])]
    [1.0, 2.0, 4.0, 7.0, 14.0, 27.0, 52.0, 100.0]
    """
    if not told:
        return []
    places = np.geomspace(1, len(told), min(_POINTS, len(told))).round().astype(int) - 1
    return [told[place] for place in np.unique(places)]


def _report(out: Path, settled: Sequence[Mapping[str, Any]], looking: float, told: Mapping[str, Any]) -> None:
    """Writes what it came to; its core-seconds are less those that looking at the pace took."""
    merged = {name: round(float(np.mean([each[name] for each in settled]))) for name in settled[0]}
    use = resource.getrusage(resource.RUSAGE_SELF)
    cpu, memory = max(1e-6, use.ru_utime + use.ru_stime - looking), peak_memory(os.getpid())
    (out / "result.json").write_text(json.dumps({"cpu": cpu, "memory": memory, "settled": merged, **told}))


def peak_memory(pid: int, key: str = "VmHWM") -> int:
    """The most bytes that a process has held, or holds now with ``VmRSS``; 0 where it cannot be known."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), 0)


def _child(path: str) -> None:
    spec = json.loads(Path(path).read_text(encoding="utf-8"))
    out = Path(spec["out"])
    if spec.get("cores"):
        machine.pin(spec["cores"])
    os.environ["CUDA_VISIBLE_DEVICES"] = spec.get("device", "")
    (out / "members").mkdir(parents=True, exist_ok=True)
    sys.stdout = sys.stderr = (out / "log.txt").open("w", encoding="utf-8")
    for name, text in (("oom_score_adj", "1000"), ("clear_refs", "5")):
        try:
            Path(f"/proc/self/{name}").write_text(text)
        except OSError:
            continue
    try:
        carry_out(spec, out)
    except MemoryError:
        (out / "fault.txt").write_text("out of memory")
    except Exception as fault:  # a recipe may raise anything, and the run must go on
        traceback.print_exc()
        (out / "fault.txt").write_text(f"{type(fault).__name__}: {fault}".splitlines()[0])


def _ready() -> None:
    """Imports what trials will need, once for all of them. None of these starts a thread when it is imported."""
    import importlib

    for name in ("scipy.sparse", "scipy.optimize", "sklearn.linear_model", "lightgbm", "onnx", "onnxruntime"):
        try:
            importlib.import_module(name)
        except ImportError:
            continue


def _mortal() -> None:
    """Ends this process when the one that started it ends, where the kernel can do that (Linux: PR_SET_PDEATHSIG)."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        return


def main() -> None:
    _mortal()
    _ready()
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            _mortal()
            try:
                _child(line.strip())
            finally:
                sys.stderr.flush()
                os._exit(0)
        print(f"pid {pid}", flush=True)
        print(f"exit {os.waitpid(pid, 0)[1]}", flush=True)


if __name__ == "__main__":
    main()
